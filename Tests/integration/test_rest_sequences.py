"""What stock clients send, in their order: the load-test tool's preparation and clean-up, the UI's device pages
(rest-api.md 5.1, 5.4)."""
import concurrent.futures
import json
import uuid

import pytest

from people import activate
from rest import Rest


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
    existing = {p["name"] for p in tool.ok("GET", "/api/deviceProfiles?pageSize=1000&page=0")["data"]}
    profiles = []
    for name in [f"SMART_METER {mark}", f"SMART_TRACKER {mark}", f"INDUSTRIAL_PLC {mark}"]:
        assert name not in existing
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
    profile = next(p for p in profiles if p["name"] == "default")
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
