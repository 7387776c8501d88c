"""What stock clients send, in their order: the load-test tool's preparation and clean-up, the UI's device pages
(rest-api.md 5.1, 5.4)."""
import base64
import concurrent.futures
import json
import uuid

import pytest
import requests

from people import activate, customer_with_user
from rest import Rest
from server import eventually
from socket_client import Socket


def salt():
    return uuid.uuid4().hex[:8]


# The load-test tool (5.1). Names are salted, so that the test can be repeated on one server.

ALARM_RULES = [{
    "id": "highTemperatureAlarmID", "alarmType": "High Temperature Alarm",
    "createRules": {"CRITICAL": {
        "condition": {"condition": [{
            "key": {"type": "TIME_SERIES", "key": "temperature"}, "valueType": "NUMERIC", "value": None,
            "predicate": {"type": "NUMERIC", "operation": "GREATER", "value": {
                "defaultValue": 70.0, "userValue": None, "dynamicValue": None}}}],
            "spec": {"type": "SIMPLE"}}, "schedule": None, "alarmDetails": None, "dashboardId": None}},
    "clearRule": None, "propagate": False, "propagateToOwner": False, "propagateToTenant": False,
    "propagateRelationTypes": None}]


@pytest.fixture
def tool(server):
    return Rest(server.url)


def test_the_load_test_tool_prepares_and_cleans_up(server, tool):
    mark = salt()
    tool.ok("GET", "/api/deviceProfiles?pageSize=1000&page=0")
    profiles = []
    for name in [f"SMART_METER {mark}", f"SMART_TRACKER {mark}", f"INDUSTRIAL_PLC {mark}"]:
        profile = tool.ok("POST", "/api/deviceProfile", {
            "name": name, "type": "DEFAULT", "transportType": "MQTT", "provisionType": "DISABLED", "defaultQueueName": "",
            "profileData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {
                "type": "MQTT", "deviceTelemetryTopic": "v1/devices/me/telemetry",
                "deviceAttributesTopic": "v1/devices/me/attributes", "transportPayloadTypeConfiguration": {
                    "transportPayloadType": "JSON"}},
                "provisionConfiguration": {"type": "DISABLED", "provisionDeviceSecret": None}, "alarms": ALARM_RULES}})
        assert profile["profileData"]["alarms"] == ALARM_RULES
        profiles.append(profile)
    large = {"widgets": {str(uuid.uuid4()): {"config": "x" * 1000} for _ in range(100)}}
    for _ in range(2):
        tool.ok("GET", "/api/tenant/dashboards?pageSize=1000&page=0")
    dashboards = [tool.ok("POST", "/api/dashboard", {"title": f"D{i} {mark}", "configuration": large}) for i in range(2)]
    assert tool.ok("GET", "/api/dashboard/" + dashboards[0]["id"]["id"])["configuration"] == large

    customer = tool.ok("POST", "/api/customer", {"title": "Customer " + mark})
    user = tool.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"customer-{mark}@thingsboard.org", "authority": "CUSTOMER_USER", "customerId": customer["id"],
        "additionalInfo": {"defaultDashboardId": dashboards[0]["id"]["id"], "defaultDashboardFullscreen": True}})
    activate(tool, user, "customer")
    Rest(server.url, user["email"], "customer")

    def create(prefix, number, **fields):
        name = f"{prefix}{number:08d}{mark}"
        assert tool.call("GET", "/api/tenant/devices?deviceName=" + name).status_code == 404
        token = name if number % 2 else ""
        return tool.ok("POST", "/api/device?accessToken=" + token, {
            "name": name, "type": "device", "deviceProfileId": profiles[number % 3]["id"], **fields})

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        devices = list(pool.map(lambda number: create("DW", number), range(60)))
    assert [device["type"] for device in devices[:3]] == [profile["name"] for profile in profiles]
    gateways = [create("GW", number, additionalInfo={"gateway": True}) for number in range(3)]
    assert gateways[0]["additionalInfo"] == {"gateway": True}
    token = tool.ok("GET", f"/api/device/{devices[1]['id']['id']}/credentials")["credentialsId"]
    assert token == devices[1]["name"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda one: tool.call("DELETE", "/api/device/" + one["id"]["id"]), devices + gateways))
    assert {answer.status_code for answer in answers} == {200}
    for path, things in [("customer", [customer]), ("dashboard", dashboards), ("deviceProfile", profiles)]:
        for thing in things:
            assert tool.call("DELETE", f"/api/{path}/{thing['id']['id']}").status_code == 200
    assert tool.call("GET", "/api/user/" + user["id"]["id"]).status_code == 404


# The UI's device pages (5.4, rows 7 to 10, 15, 18, 19)

def test_the_device_pages_of_the_user_interface(rest):
    mark = salt()
    customer = rest.ok("POST", "/api/customer", {"title": "Customer " + mark})
    page = "pageSize=10&page=0&sortProperty=createdTime&sortOrder=DESC"
    rest.ok("GET", "/api/tenant/deviceInfos?" + page)
    profiles = rest.ok("GET", "/api/deviceProfileInfos?pageSize=50&page=0&sortProperty=name&sortOrder=ASC")["data"]
    assert [p["name"] for p in profiles] == sorted(p["name"] for p in profiles)
    profile = rest.ok("GET", "/api/deviceProfileInfo/default")
    rest.ok("GET", "/api/customers?pageSize=50&page=0&sortProperty=title&sortOrder=ASC")
    device = rest.ok("POST", "/api/device-with-credentials", {
        "device": {"name": "UI " + mark, "type": "", "label": "", "deviceProfileId": profile["id"], "customerId": None,
                   "additionalInfo": {"gateway": False, "overwriteActivityTime": False, "description": ""}},
        "credentials": {"credentialsType": "ACCESS_TOKEN", "credentialsId": "ui-" + mark, "credentialsValue": None}})
    rest.ok("GET", f"/api/device-connectivity/{device['id']['id']}")
    listed = rest.ok("GET", f"/api/tenant/deviceInfos?{page}&textSearch={mark}&deviceProfileId={profile['id']['id']}&active=false")
    assert [one["name"] for one in listed["data"]] == ["UI " + mark]
    info = rest.ok("GET", "/api/device/info/" + device["id"]["id"])
    assert info == listed["data"][0]
    rest.ok("GET", "/api/deviceProfileInfo/" + info["deviceProfileId"]["id"])
    credentials = rest.ok("GET", f"/api/device/{device['id']['id']}/credentials")
    value = json.dumps({"clientId": "c" + mark, "userName": "u" + mark, "password": "p"})
    changed = rest.ok("POST", "/api/device/credentials", {
        **credentials, "credentialsType": "MQTT_BASIC", "credentialsId": None, "credentialsValue": value})
    assert json.loads(changed["credentialsValue"]) == json.loads(value)
    for end in ["from", "to"]:
        assert rest.ok("GET", f"/api/relations/info?{end}Id={device['id']['id']}&{end}Type=DEVICE") == []
    assigned = rest.ok("POST", f"/api/customer/{customer['id']['id']}/device/{device['id']['id']}")
    assert rest.ok("GET", f"/api/customer/{customer['id']['id']}/shortInfo") == {
        "title": "Customer " + mark, "isPublic": False}
    rest.ok("DELETE", "/api/customer/device/" + device["id"]["id"])
    public = rest.ok("POST", "/api/customer/public/device/" + device["id"]["id"])
    assert public["version"] == assigned["version"] + 2
    saved = rest.ok("POST", "/api/device", {**public, "label": "New"})
    assert saved["customerId"] == public["customerId"]
    # Somebody else's dialog still has the version before.
    answer = rest.call("POST", "/api/device", {**public, "label": "Other"})
    assert (answer.status_code, answer.json()["errorCode"]) == (409, 35)
    assert rest.ok("GET", "/api/device/info/" + device["id"]["id"])["label"] == "New"
    assert rest.call("DELETE", "/api/device/" + device["id"]["id"]).status_code == 200


def test_the_load_test_tool_swaps_the_root_chain_and_back(tool, connect):
    """5.1, rows 11 to 13: what is in the chain need not run here, and what was the root is it again."""
    made = tool.ok("POST", "/api/ruleChain", {"name": "Load " + salt(), "type": "CORE", "debugMode": False})
    with tool.another_root_chain(made):
        package = "org.thingsboard.rule.engine."
        switch = {"type": package + "filter.TbMsgTypeSwitchNode", "name": "Message Type Switch", "configuration": {"version": 0}}
        save = {"type": package + "telemetry.TbMsgTimeseriesNode", "name": "Save", "configuration": {"defaultTTL": 0}}
        kafka = {"type": package + "kafka.TbKafkaNode", "name": "Out", "configuration": {"topicPattern": "t"}}
        saved = tool.ok("POST", "/api/ruleChain/metadata", {
            "ruleChainId": made["id"], "firstNodeIndex": 0, "nodes": [switch, save, kafka],
            "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Post telemetry"},
                            {"fromIndex": 0, "toIndex": 2, "type": "Other"}]})
        assert [node["name"] for node in saved["nodes"]] == ["Message Type Switch", "Save", "Out"]
        device = tool.create_device()
        connection = connect(device.token)

        def is_stored():
            connection.publish("v1/devices/me/telemetry", b'{"swapped":1}')
            return device.latest("swapped").get("swapped") == 1
        eventually(is_stored, what="telemetry by the new root chain")
    tool.ok("DELETE", "/api/ruleChain/" + made["id"]["id"])


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_what_the_java_client_expects(rest):
    """5.2."""
    absent = str(uuid.uuid4())
    for path in [f"/api/device/{absent}", f"/api/asset/{absent}", f"/api/customer/{absent}", f"/api/dashboard/{absent}",
                 f"/api/ruleChain/{absent}", f"/api/deviceProfile/{absent}", "/api/tenant/devices?deviceName=absent",
                 "/api/tenant/assets?assetName=absent", "/api/tenant/customers?customerTitle=absent"]:
        assert rest.call("GET", path).status_code == 404, path
    # Null values of a query are empty strings.
    page = "/api/tenant/deviceInfos?pageSize=1&page=0&type=&deviceProfileId=&active=&textSearch=&sortProperty=&sortOrder="
    assert rest.ok("GET", page)["data"]
    devices = [rest.create_device().id for _ in range(2)]
    assert {one["id"]["id"] for one in rest.ok("GET", "/api/devices?deviceIds=" + ",".join(devices))} == set(devices)
    assert isinstance(claims(rest.token)["exp"], int) and isinstance(claims(rest.token)["iat"], int)
    key = rest.ok("POST", "/api/apiKey", {"description": "Java " + salt(), "enabled": True, "userId": rest.ok(
        "GET", "/api/auth/user")["id"]})
    answer = requests.get(rest.url + "/api/auth/user", headers={"X-Authorization": "ApiKey " + key["value"]}, timeout=60)
    assert answer.status_code == 200, answer.text
    rest.call("DELETE", "/api/apiKey/" + key["id"]["id"])


def test_the_user_interface_from_login_to_logout(server):
    """5.4, rows 1 to 5, 11 to 14, 16, 17, 20 and 21."""
    assert requests.post(server.url + "/api/noauth/oauth2Clients?platform=WEB", timeout=60).json() == []
    assert requests.get(server.url + "/api/noauth/userPasswordPolicy", timeout=60).status_code == 200
    ui = Rest(server.url)
    times = claims(ui.token)
    assert times["exp"] > times["iat"]
    user = ui.ok("GET", "/api/user/" + times["userId"])
    assert ui.ok("GET", "/api/system/params")["maxDebugModeDurationMinutes"] == 15
    home = ui.call("GET", "/api/dashboard/home")
    assert home.status_code == 200
    for kind in ("DOC_LINKS", "QUICK_LINKS", "GETTING_STARTED"):
        assert isinstance(ui.ok("GET", "/api/user/settings/" + kind), dict)
    assert set(ui.ok("GET", "/api/user/dashboards")) == {"last", "starred"}
    assert "maxDevices" in ui.ok("GET", "/api/usage")
    assert ui.ok("GET", "/api/mobile/qr/settings")["qrCodeConfig"]["showOnHomePage"] is False
    device = ui.create_device()
    base = f"/api/plugins/telemetry/DEVICE/{device.id}"
    ui.ok("POST", base + "/SERVER_SCOPE", {"seen": True})
    device.await_attributes("SERVER_SCOPE", {"seen": True})
    ui.ok("DELETE", base + "/SERVER_SCOPE?keys=seen")
    assert "seen" not in device.attributes("SERVER_SCOPE")
    device.save({"t": 1})
    device.await_latest({"t": 1})
    ui.ok("DELETE", base + "/timeseries/delete?keys=t&deleteAllDataForKeys=true")
    newest = "pageSize=10&page=0&sortProperty=createdTime&sortOrder=DESC"
    window = "startTime=0&endTime=4102444800000"
    for path in [f"/api/v2/alarm/DEVICE/{device.id}?{newest}&{window}&statusList=ACTIVE",
                 f"/api/audit/logs/entity/DEVICE/{device.id}?{newest}&{window}",
                 f"/api/DEVICE/{device.id}/calculatedFields?{newest}", f"/api/alarm/rules/DEVICE/{device.id}?{newest}"]:
        assert set(ui.ok("GET", path)) == {"data", "totalPages", "totalElements", "hasNext"}, path
    tenant = user["tenantId"]["id"]
    events = ui.ok("POST", f"/api/events/DEVICE/{device.id}?tenantId={tenant}&{newest}", {"eventType": "LC_EVENT"})
    assert events["data"] == []
    ui.ok("GET", "/api/widgetsBundles?" + newest.replace("createdTime", "title"))
    ui.ok("GET", f"/api/ruleChains?{newest}&type=CORE")
    root = ui.root_chain()["id"]["id"]
    ui.ok("GET", "/api/ruleChain/" + root)
    nodes = ui.ok("GET", f"/api/ruleChain/{root}/metadata")["nodes"]
    groups = "ENRICHMENT,FILTER,TRANSFORMATION,ACTION,EXTERNAL,FLOW"
    offered = {one["clazz"] for one in ui.ok("GET", f"/api/components?componentTypes={groups}&ruleChainType=CORE")}
    assert {node["type"] for node in nodes} <= offered
    ui.ok("DELETE", "/api/device/" + device.id)
    assert ui.call("POST", "/api/auth/logout").status_code == 200
    assert ui.call("GET", "/api/auth/user").status_code == 401


def test_the_user_interface_counts_by_web_socket(rest, device):
    """5.4, row 6: one message with the token and the home page's questions."""
    devices = {"type": "entityType", "resolveMultiple": True, "entityType": "DEVICE"}
    active = [{"key": {"type": "ATTRIBUTE", "key": "active"}, "valueType": "BOOLEAN", "predicate": {
        "type": "BOOLEAN", "operation": "EQUAL", "value": {"defaultValue": True, "dynamicValue": None}}}]
    session = Socket(rest)
    session.send({"authCmd": {"cmdId": 0, "token": rest.token}, "cmds": [
        {"type": "NOTIFICATIONS_COUNT", "cmdId": 1},
        {"type": "ENTITY_COUNT", "cmdId": 2, "query": {"entityFilter": devices}},
        {"type": "ENTITY_COUNT", "cmdId": 3, "query": {"entityFilter": devices, "keyFilters": active}},
        {"type": "ALARM_COUNT", "cmdId": 4, "query": {"statusList": ["ACTIVE"], "searchPropagatedAlarms": True}},
        {"type": "ENTITY_DATA", "cmdId": 5, "query": {
            "entityFilter": {"type": "apiUsageState"}, "pageLink": {"page": 0, "pageSize": 1, "dynamic": True},
            "entityFields": [], "latestValues": [{"type": "TIME_SERIES", "key": "transportMsgCountHourly"}]}}]})
    assert session.answer(1)["totalUnreadCount"] == 0
    assert session.answer(2)["count"] >= 1
    assert session.answer(3)["count"] >= 0
    assert session.answer(4)["cmdUpdateType"] == "ALARM_COUNT_DATA"
    usage = session.answer(5)["data"]["data"]
    assert [one["entityId"]["entityType"] for one in usage] == ["API_USAGE_STATE"]
    session.close()


def page_of(rest, path):
    page = rest.ok("GET", path)
    assert set(page) == {"data", "totalPages", "totalElements", "hasNext"}, path
    return page["data"]


def test_the_user_interface_of_a_system_administrator(server):
    """5.4, rows 4 and 5."""
    ui = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    user = ui.ok("GET", "/api/user/" + claims(ui.token)["userId"])
    assert user["authority"] == "SYS_ADMIN" and ui.ok("GET", "/api/system/params")["maxDebugModeDurationMinutes"] == 0
    assert ui.call("GET", "/api/dashboard/home").content == b""
    newest = "pageSize=10&page=0&sortProperty=createdTime&sortOrder=DESC"
    assert {"tenantProfileName", "title"} <= set(page_of(ui, "/api/tenantInfos?" + newest)[0])
    assert set(ui.ok("GET", "/api/admin/featuresInfo")) == {
        "emailEnabled", "smsEnabled", "notificationEnabled", "oauthEnabled", "twoFaEnabled"}
    machine = ui.ok("GET", "/api/admin/systemInfo")
    assert machine["monolith"] is True and {"serviceId", "cpuUsage", "memoryUsage", "totalMemory"} <= set(machine["systemData"][0])
    assert ui.ok("GET", "/api/admin/updates")["updateAvailable"] is False
    assert "showOnHomePage" in ui.ok("GET", "/api/mobile/qr/settings")["qrCodeConfig"]
    for path in ("tenantProfiles", "tenantProfileInfos", "widgetsBundles", "queues?serviceType=TB_RULE_ENGINE"):
        page_of(ui, f"/api/{path}{'&' if '?' in path else '?'}pageSize=10&page=0")
    for key in ("general", "mail", "connectivity"):
        assert ui.ok("GET", "/api/admin/settings/" + key)["key"] == key


def test_the_user_interface_of_a_customer(rest):
    """5.4, rows 4, 5 and 7b, and the customer's devices as the tenant's administrator sees them."""
    customer, ui = customer_with_user(rest)
    device = rest.create_device(customerId=customer["id"])
    me = ui.ok("GET", "/api/user/" + claims(ui.token)["userId"])
    assert me["customerId"] == customer["id"] and ui.ok("GET", "/api/system/params")["userTokenAccessEnabled"] is False
    assert ui.call("GET", "/api/dashboard/home").content == b""
    assert set(ui.ok("GET", "/api/user/dashboards")) == {"last", "starred"}
    for kind in ("DOC_LINKS", "QUICK_LINKS", "GETTING_STARTED"):
        assert ui.ok("GET", "/api/user/settings/" + kind) == {}
    newest = "pageSize=10&page=0&sortProperty=createdTime&sortOrder=DESC"
    base = f"/api/customer/{customer['id']['id']}"
    for who in (ui, rest):
        assert who.ok("GET", base + "/shortInfo") == {"title": customer["title"], "isPublic": False}
        assert [one["name"] for one in page_of(who, f"{base}/deviceInfos?{newest}")] == [device.entity["name"]]
        page_of(who, f"{base}/dashboards?{newest}")
    info = ui.ok("GET", "/api/device/info/" + device.id)
    assert (info["customerTitle"], info["active"]) == (customer["title"], False)
    assert ui.ok("GET", "/api/deviceProfileInfo/" + info["deviceProfileId"]["id"])["name"] == "default"
    assert ui.ok("GET", f"/api/device/{device.id}/credentials")["credentialsId"] == device.token
    assert page_of(ui, f"/api/v2/alarms?{newest}&startTime=0&endTime=4102444800000&statusList=ACTIVE") == []
    refused = ui.call("GET", "/api/tenant/deviceInfos?" + newest)
    assert (refused.status_code, refused.json()["errorCode"]) == (403, 20)


def test_pages_of_what_there_is_not_open_empty(rest, device):
    """5.4, row 17, and the pages of the tenant's menu: honest lists without anything, and 404 for what is asked by id."""
    page = "pageSize=10&page=0&textSearch=&sortProperty=createdTime&sortOrder=DESC"
    for path in [f"alarm/rules/DEVICE/{device.id}?{page}", f"DEVICE/{device.id}/calculatedFields?{page}",
                 f"calculatedField/DEVICE/{device.id}?{page}", f"notifications?{page}&unreadOnly=true", f"jobs?{page}"]:
        assert page_of(rest, "/api/" + path) == [], path
    absent = str(uuid.uuid4())
    for path in (f"calculatedField/{absent}", f"calculatedField/{absent}/debug", f"alarm/rule/{absent}", f"alarm/rule/{absent}/debug"):
        answer = rest.call("GET", "/api/" + path)
        assert (answer.status_code, answer.json()["message"]) == (404, f"Calculated field with id [{absent}] is not found")
    for kind in ("repositorySettings", "autoCommitSettings"):
        assert rest.ok("GET", f"/api/admin/{kind}/exists") is False
        assert rest.call("GET", "/api/admin/" + kind).status_code == 404
        answer = rest.call("DELETE", "/api/admin/" + kind)
        assert (answer.status_code, answer.content) == (200, b"")
    assert rest.ok("GET", "/api/admin/repositorySettings/info") == {"configured": False, "readOnly": None}


def test_the_load_test_tool_makes_lwm2m_devices(tool):
    """5.1, row 10."""
    name = "LW" + salt()
    value = json.dumps({"client": {"endpoint": name, "securityConfigClientMode": "NO_SEC"}, "bootstrap": {}})
    made = tool.ok("POST", "/api/device-with-credentials", {
        "device": {"name": name, "type": "default"},
        "credentials": {"credentialsType": "LWM2M_CREDENTIALS", "credentialsId": name, "credentialsValue": value}})
    credentials = tool.ok("GET", f"/api/device/{made['id']['id']}/credentials")
    assert (credentials["credentialsType"], credentials["credentialsId"]) == ("LWM2M_CREDENTIALS", name)
    assert json.loads(credentials["credentialsValue"])["client"]["endpoint"] == name
