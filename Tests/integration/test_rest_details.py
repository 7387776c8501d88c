"""Shapes and refusals that clients of the platform rely on, over many endpoints (rest-api.md 2.14, 3, 4)."""
import hashlib
import json
import uuid

import pytest
import requests
import yaml

from people import customer_with_user, make_tenant
from rest import Rest
from server import eventually

NOBODY = "00000000-0000-1000-8000-000000000000"


def salt():
    return uuid.uuid4().hex[:12]


def message(answer, status=400, code=31):
    """The message of a refusal."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert body["status"] == status and body["errorCode"] == code, body
    return body["message"]


def profile_body(transport="DEFAULT", **data):
    return {"name": "Profile " + salt(), "type": "DEFAULT", "transportType": transport, "profileData": {
        "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": transport}, **data}}


# OTA packages


class Packages:
    def __init__(self, rest):
        self.rest = rest

    def make(self, profile, kind="FIRMWARE", **fields):
        return self.rest.ok("POST", "/api/otaPackage", {
            "deviceProfileId": profile["id"], "type": kind, "title": "P " + salt(), "version": "1.0", "tag": "t", **fields})

    def upload(self, package, data=b"0123456789", name="f.bin", kind="application/octet-stream", **query):
        return requests.post(
            f"{self.rest.url}/api/otaPackage/{package['id']['id']}", params={"checksumAlgorithm": "SHA256", **query},
            files={"file": (name, data, kind)}, headers={"X-Authorization": "Bearer " + self.rest.token}, timeout=60)

    def filled(self, profile, kind="FIRMWARE"):
        answer = self.upload(self.make(profile, kind))
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def packages(rest):
    return Packages(rest)


@pytest.fixture(scope="module")
def profile(rest):
    return rest.ok("POST", "/api/deviceProfile", profile_body())


@pytest.fixture(scope="module")
def stranger(rest):
    """A session of the administrator of another tenant."""
    admin = Rest(rest.url, "sysadmin@thingsboard.org", "sysadmin")
    tenant, session = make_tenant(admin)
    yield session
    admin.ok("DELETE", "/api/tenant/" + tenant["id"]["id"])


def test_a_package_must_fit_the_device_that_names_it(rest, packages, profile, stranger):
    def refused(member, package, **fields):
        body = {"name": "Device " + salt(), "deviceProfileId": profile["id"], member: package["id"], **fields}
        return message(rest.call("POST", "/api/device", body))

    empty, full = packages.make(profile), packages.filled(profile)
    theirs = Packages(stranger).filled(stranger.ok("GET", "/api/deviceProfileInfo/default"))
    unknown = {"id": {"entityType": "OTA_PACKAGE", "id": NOBODY}}
    other = rest.ok("GET", "/api/deviceProfileInfo/default")
    assert refused("firmwareId", unknown) == "Can't assign non-existent firmware!"
    assert refused("softwareId", unknown) == "Can't assign non-existent software!"
    assert refused("firmwareId", theirs) == "Can't assign firmware from different tenant!"
    assert refused("softwareId", full) == "Can't assign software with type: FIRMWARE"
    assert refused("firmwareId", empty) == "Can't assign firmware with empty data!"
    assert refused("firmwareId", full, deviceProfileId=other["id"]) == "Can't assign firmware with different deviceProfile!"
    device = rest.ok("POST", "/api/device", {
        "name": "Device " + salt(), "deviceProfileId": profile["id"], "firmwareId": full["id"]})
    assert device["firmwareId"] == full["id"]
    assert message(rest.call("POST", "/api/device", {**device, "firmwareId": theirs["id"]})) \
        == "Can't assign firmware from different tenant!"
    rest.ok("DELETE", "/api/device/" + device["id"]["id"])


def test_a_package_must_fit_the_profile_that_names_it(rest, packages, stranger):
    profile = rest.ok("POST", "/api/deviceProfile", profile_body())
    full, software = packages.filled(profile), packages.filled(profile, "SOFTWARE")
    theirs = Packages(stranger).filled(stranger.ok("GET", "/api/deviceProfileInfo/default"))

    def refused(**fields):
        return message(rest.call("POST", "/api/deviceProfile", {**profile, **fields}))

    assert refused(firmwareId=theirs["id"]) == "Can't assign firmware from different tenant!"
    assert refused(firmwareId=software["id"]) == "Can't assign firmware with type: SOFTWARE"
    assert refused(id=None, name="Other " + salt(), firmwareId=full["id"]) \
        == "Can't assign firmware with different deviceProfile!"
    saved = rest.ok("POST", "/api/deviceProfile", {**profile, "firmwareId": full["id"], "softwareId": software["id"]})
    assert (saved["firmwareId"], saved["softwareId"]) == (full["id"], software["id"])


def test_what_devices_have_seen_of_a_package_does_not_change(rest, packages, profile):
    package = packages.filled(profile)

    def refused(**fields):
        return message(rest.call("POST", "/api/otaPackage", {**package, **fields}))

    assert refused(title="other") == "Updating otaPackage title is prohibited!"
    assert refused(version="2") == "Updating otaPackage version is prohibited!"
    assert refused(tag="other") == "Updating otaPackage tag is prohibited!"
    assert refused(type="SOFTWARE") == "Updating type is prohibited!"
    assert refused(deviceProfileId=rest.ok("GET", "/api/deviceProfileInfo/default")["id"]) \
        == "Updating otaPackage deviceProfile is prohibited!"
    assert refused(fileName=None) == "Updating otaPackage file name is prohibited!"
    changed = rest.ok("POST", "/api/otaPackage", {**package, "additionalInfo": {"description": "new"}})
    assert changed == {**package, "additionalInfo": {"description": "new"}}
    assert message(rest.call("POST", "/api/otaPackage", {
        **{key: package[key] for key in ("deviceProfileId", "type", "title", "version")}})) \
        == "OtaPackage with such title and version already exists!"
    # The very same contents may come again, others may not.
    assert packages.upload(package).json()["checksum"] == hashlib.sha256(b"0123456789").hexdigest()
    assert message(packages.upload(package, name="other.bin")) == "Updating otaPackage file name is prohibited!"
    assert message(packages.upload(package, b"other")) == "Updating otaPackage data is prohibited!"


def test_contents_come_with_their_algorithm(rest, packages, profile):
    package = packages.make(profile)
    assert message(packages.upload(package, checksum="00")) == "Wrong otaPackage file!"
    assert "'checksumAlgorithm'" in message(packages.upload(package, checksumAlgorithm=None), 500, 2)
    assert packages.upload(package, checksumAlgorithm="sha256").status_code == 200
    external = packages.make(profile, url="http://example.com/image", usesUrl=True)
    assert message(packages.upload(external)) == "Updating otaPackage URL is prohibited!"
    assert message(rest.call("POST", "/api/otaPackage", {"type": "FIRMWARE", "title": "a\0b", "version": "1"})) \
        == "OtaPackage title should not contain 0x00 symbol!"


# Device profiles


def test_transport_configuration_is_completed(rest):
    def saved(transport, **configuration):
        body = profile_body(transport)
        body["profileData"]["transportConfiguration"].update(configuration)
        made = rest.ok("POST", "/api/deviceProfile", body)
        assert rest.ok("GET", "/api/deviceProfile/" + made["id"]["id"]) == made
        return made["profileData"]["transportConfiguration"]

    assert saved("MQTT") == {
        "type": "MQTT", "deviceTelemetryTopic": "v1/devices/me/telemetry",
        "deviceAttributesTopic": "v1/devices/me/attributes", "deviceAttributesSubscribeTopic": "v1/devices/me/attributes",
        "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}, "sparkplug": False,
        "sparkplugAttributesMetricNames": None, "sendAckOnValidationException": False}
    assert saved("MQTT", deviceTelemetryTopic="a/+/b", deviceAttributesTopic=" ")["deviceTelemetryTopic"] == "a/+/b"
    assert saved("COAP") == {
        "type": "COAP", "clientSettings": None, "coapDeviceTypeConfiguration": {
            "coapDeviceType": "DEFAULT", "transportPayloadTypeConfiguration": {"transportPayloadType": "JSON"}}}
    assert saved("SNMP", timeoutMs=500, retries=0, communicationConfigs=[])["retries"] == 0
    assert message(rest.call("POST", "/api/deviceProfile", profile_body("SNMP"))) \
        == "SNMP transport configuration is not valid"


def test_protobuf_schemas_are_compiled_when_a_profile_is_saved(rest):
    def body(schema):
        body = profile_body("MQTT")
        body["profileData"]["transportConfiguration"]["transportPayloadTypeConfiguration"] = {
            "transportPayloadType": "PROTOBUF", "deviceTelemetryProtoSchema": schema}
        return body

    made = rest.ok("POST", "/api/deviceProfile", body('syntax = "proto3"; message T { optional int32 a = 1; }'))
    payload = made["profileData"]["transportConfiguration"]["transportPayloadTypeConfiguration"]
    assert payload["deviceTelemetryProtoSchema"].startswith("syntax")
    assert "RpcRequestMsg" in payload["deviceRpcRequestProtoSchema"]
    assert "RpcResponseMsg" in payload["deviceRpcResponseProtoSchema"]
    assert payload["enableCompatibilityWithJsonPayloadFormat"] is False
    wrong = message(rest.call("POST", "/api/deviceProfile", body("nonsense")))
    assert wrong.startswith("[Transport Configuration] failed to parse telemetry proto schema due to: ")


def test_alarm_rules_of_a_profile_are_completed(rest):
    def rules(*alarms):
        return profile_body(alarms=list(alarms))

    key = {"type": "TIME_SERIES", "key": "t"}
    rule = {"condition": {"condition": [{"key": key, "valueType": "NUMERIC", "predicate": {
        "type": "NUMERIC", "operation": "GREATER", "value": {"defaultValue": 50}}}],
        "spec": {"type": "DURATION", "unit": "SECONDS", "predicate": {"defaultValue": 5}}},
        "schedule": {"type": "ANY_TIME"}}
    made = rest.ok("POST", "/api/deviceProfile", rules({"id": "a", "alarmType": "Hot", "createRules": {"MAJOR": rule}}))
    assert made["profileData"]["alarms"] == [{
        "id": "a", "alarmType": "Hot", "clearRule": None, "propagate": False, "propagateToOwner": False,
        "propagateToTenant": False, "propagateRelationTypes": None, "createRules": {"MAJOR": {
            "alarmDetails": None, "dashboardId": None, "schedule": {"type": "ANY_TIME", "dynamicValue": None},
            "condition": {
                "condition": [{"key": key, "valueType": "NUMERIC", "value": None, "predicate": {
                    "type": "NUMERIC", "operation": "GREATER",
                    "value": {"defaultValue": 50, "userValue": None, "dynamicValue": None}}}],
                "spec": {"type": "DURATION", "unit": "SECONDS",
                         "predicate": {"defaultValue": 5, "userValue": None, "dynamicValue": None}}}}}}]
    assert message(rest.call("POST", "/api/deviceProfile", rules({"id": "a", "createRules": {}}))) \
        == "Alarm rule type should be specified!"
    assert rest.call("POST", "/api/deviceProfile", rules({"alarmType": "x", "createRules": {"HUGE": rule}})).status_code == 500


# Alarms


def alarm(rest, originator, **fields):
    return rest.ok("POST", "/api/alarm", {"type": "Alarm " + salt(), "severity": "MINOR", "originator": originator, **fields})


def test_assigning_tells_who_has_the_alarm(rest, device):
    raised = alarm(rest, device.entity["id"])
    me = rest.ok("GET", "/api/auth/user")
    path = f"/api/alarm/{raised['id']['id']}/assign"
    assigned = rest.ok("POST", f"{path}/{me['id']['id']}")
    assert assigned["assignee"] == {key: me[key] for key in ("id", "email", "firstName", "lastName")}
    assert assigned["originatorName"] == device.entity["name"]
    unassigned = rest.ok("DELETE", path)
    assert unassigned["assignee"] is None and unassigned["originatorName"] == device.entity["name"]


def test_an_alarm_has_the_details_that_it_was_last_saved_with(rest, device):
    raised = alarm(rest, device.entity["id"])
    assert raised["details"] == {}
    again = lambda **fields: alarm(rest, device.entity["id"], type=raised["type"], **fields)["details"]
    assert again(details={"t": 1}) == {"t": 1}
    assert again(details=None) is None
    assert again(details={"t": 2}) == {"t": 2}
    assert again() == {}


def test_times_and_customer_of_an_alarm_are_checked(rest, device):
    def refused(originator, **fields):
        return message(rest.call("POST", "/api/alarm", {
            "type": "Alarm " + salt(), "severity": "MINOR", "originator": originator, **fields}))

    customer, _ = customer_with_user(rest)
    theirs = rest.create_device(customerId=customer["id"]).entity["id"]
    other = rest.ok("POST", "/api/customer", {"title": "Customer " + salt()})
    assert refused(theirs, startTs=2, endTs=1) == "Alarm start ts can't be greater then alarm end ts!"
    assert refused(device.entity["id"], customerId=customer["id"]) \
        == "Can't assign alarm to customer. Originator is not assigned to customer!"
    assert refused(theirs, customerId=other["id"]) \
        == "Can't assign alarm to customer. Originator belongs to different customer!"
    assert alarm(rest, theirs, customerId=customer["id"])["customerId"] == customer["id"]


def test_comments_of_the_platform_name_who_caused_them(rest, device):
    raised = alarm(rest, device.entity["id"])
    path = "/api/alarm/" + raised["id"]["id"]
    alarm(rest, device.entity["id"], type=raised["type"], severity="MAJOR")
    rest.ok("POST", path + "/ack")
    me = rest.ok("GET", "/api/auth/user")
    page = rest.ok("GET", path + "/comment?pageSize=10&page=0&sortProperty=createdTime&sortOrder=ASC")["data"]
    assert [(entry["type"], entry["userId"], entry["email"]) for entry in page] == [("SYSTEM", me["id"], me["email"])] * 2
    assert page[0]["comment"] == {"text": "Alarm severity was updated from MINOR to MAJOR"}
    assert page[1]["comment"] == {
        "text": "Alarm was acknowledged by user " + me["email"], "subtype": "ACK", "userId": me["id"]["id"]}


def test_comments_of_others_are_not_a_customers_to_delete(rest):
    customer, session = customer_with_user(rest)
    device = rest.create_device(customerId=customer["id"])
    raised = alarm(rest, device.entity["id"])
    path = f"/api/alarm/{raised['id']['id']}/comment"
    ours = rest.ok("POST", path, {"comment": {"text": "by the administrator"}})
    theirs = session.ok("POST", path, {"comment": {"text": "by the customer"}})
    assert message(session.call("DELETE", f"{path}/{ours['id']['id']}"), 403, 20) \
        == "User is not allowed to delete other user's comment"
    rest.ok("DELETE", f"{path}/{theirs['id']['id']}")
    left = {entry["id"]["id"]: entry for entry in session.ok("GET", path + "?pageSize=10&page=0")["data"]}
    assert left[ours["id"]["id"]]["comment"]["text"] == "by the administrator"
    gone = left[theirs["id"]["id"]]
    assert (gone["type"], gone["userId"], gone["comment"]["subtype"]) == ("SYSTEM", None, "COMMENT_DELETED")


def test_who_an_alarm_may_be_assigned_to(rest, stranger):
    customer, session = customer_with_user(rest)
    device = rest.create_device(customerId=customer["id"])
    raised = alarm(rest, device.entity["id"])
    path = f"/api/users/assign/{raised['id']['id']}?pageSize=100&page=0"
    me, theirs = (who.ok("GET", "/api/auth/user")["id"] for who in (rest, session))
    assert [entry["id"] for entry in session.ok("GET", path)["data"]] == [theirs]
    everybody = [entry["id"] for entry in rest.ok("GET", path)["data"]]
    assert me in everybody and theirs in everybody
    assert rest.ok("GET", path + "&textSearch=" + session.ok("GET", "/api/auth/user")["email"])["totalElements"] == 1
    message(stranger.call("GET", path), 403, 20)
    unassignable = alarm(rest, rest.create_device().entity["id"])
    message(session.call("GET", f"/api/users/assign/{unassignable['id']['id']}?pageSize=10&page=0"), 403, 20)
    message(rest.call("GET", f"/api/users/assign/{NOBODY}?pageSize=10&page=0"), 404, 32)


# Lists and queries


def test_patterns_in_text_search(rest):
    mark = salt()
    for name in (f"{mark}-a1", f"{mark}-b1"):
        rest.create_device(name=name)
    names = lambda text: sorted(entry["name"] for entry in rest.ok(
        "GET", f"/api/tenant/devices?pageSize=10&page=0&textSearch={text}")["data"])
    assert names(f"{mark}-_1") == [f"{mark}-a1", f"{mark}-b1"]
    assert names(f"{mark}%25b") == [f"{mark}-b1"]


def test_sort_property_of_a_query(rest):
    query = {"entityFilter": {"type": "entityType", "entityType": "DEVICE"}, "pageLink": {
        "page": 0, "pageSize": 1, "sortOrder": {"key": {"type": "ENTITY_FIELD", "key": "na me"}, "direction": "ASC"}}}
    assert message(rest.call("POST", "/api/entitiesQuery/find", query)) == "Invalid entity data page link sort property"


# Tenant profiles


def test_tenant_profiles_show_every_limit(rest):
    admin = Rest(rest.url, "sysadmin@thingsboard.org", "sysadmin")
    made = admin.ok("POST", "/api/tenantProfile", {
        "name": "Profile " + salt(), "profileData": {"configuration": {"type": "DEFAULT", "maxDevices": 3, "mine": 1}}})
    configuration = made["profileData"]["configuration"]
    assert (configuration["maxDevices"], configuration["maxAssets"], configuration["mine"]) == (3, 0, 1)
    assert configuration["transportTenantMsgRateLimit"] is None and made["profileData"]["queueConfiguration"] is None
    page = admin.ok("GET", "/api/tenantProfiles?pageSize=10&page=0&textSearch=" + made["name"])["data"]
    assert len(page) == 1 and all("maxWsSubscriptionsPerPublicUser" in entry["profileData"]["configuration"] for entry in page)
    # What was shown can be sent back.
    again = admin.ok("POST", "/api/tenantProfile", made)
    assert again["profileData"] == made["profileData"]
    admin.ok("DELETE", "/api/tenantProfile/" + made["id"]["id"])


# What there is not


@pytest.mark.parametrize("path", [
    "notification/rules", "notification/targets", "notification/templates", "notification/requests",
    "oauth2/client/infos", "tenant/edges", "tenant/edgeInfos", "jobs"])
def test_lists_of_what_there_is_not_are_empty(rest, path):
    answer = rest.ok("GET", f"/api/{path}?pageSize=10&page=0")
    assert answer == {"data": [], "totalPages": 0, "totalElements": 0, "hasNext": False}
    assert rest.call("GET", f"/api/{path}?pageSize=0&page=0").status_code == 400


# Users


def test_an_account_without_a_password_cannot_be_enabled(rest):
    user = rest.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"user-{salt()}@example.com", "authority": "TENANT_ADMIN"})
    path = f"/api/user/{user['id']['id']}/userCredentialsEnabled?userCredentialsEnabled="
    assert message(rest.call("POST", path + "true")) == "Enabled user credentials should have password!"
    assert rest.call("POST", path + "false").status_code == 200
    rest.ok("DELETE", "/api/user/" + user["id"]["id"])


# Versions


def test_a_stale_version_of_credentials_is_refused(rest, device):
    credentials = rest.ok("GET", f"/api/device/{device.id}/credentials")
    rest.ok("POST", "/api/device/credentials", credentials)
    assert message(rest.call("POST", "/api/device/credentials", credentials), 409, 35) \
        == "Entity was already changed by someone else"


# Dashboards


def test_members_of_a_dashboard(rest):
    made = rest.ok("POST", "/api/dashboard", {"title": "Dashboard " + salt(), "configuration": {"widgets": {}}})
    short = {"id", "createdTime", "tenantId", "title", "image", "assignedCustomers", "mobileHide", "mobileOrder", "version", "name"}
    whole = short | {"configuration", "externalId", "resources"}
    path = made["id"]["id"]
    assert set(made) == whole == set(rest.ok("GET", "/api/dashboard/" + path))
    assert made["resources"] is None and made["externalId"] is None
    assert set(rest.ok("GET", "/api/dashboard/info/" + path)) == short
    rest.ok("DELETE", "/api/dashboard/" + path)


# Resources


def test_modules_come_as_what_browsers_run(rest):
    made = rest.ok("POST", "/api/resource", {
        "title": "Module " + salt(), "resourceType": "JS_MODULE", "fileName": f"m-{salt()}.js", "data": "ZXhwb3J0IGNvbnN0IGEgPSAx"})
    answer = rest.call("GET", made["link"])
    assert answer.status_code == 200 and answer.content == b"export const a = 1"
    assert answer.headers["Content-Type"].startswith("application/javascript")
    path = "/api/resource/{}/" + made["id"]["id"] + "/download"
    customer = Rest(rest.url, "customer@thingsboard.org", "customer")
    assert rest.call("GET", path.format("js")).content == customer.call("GET", path.format("js")).content == answer.content
    for other in ("jks", "pkcs12", "lwm2m"):
        message(rest.call("GET", path.format(other)), 404, 32)
    rest.ok("DELETE", "/api/resource/" + made["id"]["id"])


# Gateways


def test_a_compose_file_starts_a_gateway(rest, device):
    path = "/api/device-connectivity/gateway-launch/{}/docker-compose/download"
    assert message(rest.call("GET", path.format(device.id))) == "The device must be a gateway!"
    token = 'a"b$c-' + salt()
    gateway = rest.create_device(token, additionalInfo={"gateway": True})
    answer = rest.call("GET", path.format(gateway.id))
    assert answer.status_code == 200 and "docker-compose.yml" in answer.headers["Content-Disposition"]
    service = yaml.safe_load(answer.text)["services"]["tb-gateway"]
    # Compose reads a dollar sign as the beginning of a variable.
    assert service["environment"] == {
        "TB_GW_HOST": "host.docker.internal", "TB_GW_PORT": "1883", "TB_GW_SECURITY_TYPE": "accessToken",
        "TB_GW_ACCESS_TOKEN": token.replace("$", "$$")}
    value = {"clientId": "c-" + salt(), "userName": "u", "password": "p"}
    credentials = rest.ok("GET", f"/api/device/{gateway.id}/credentials")
    rest.ok("POST", "/api/device/credentials", {
        **credentials, "credentialsType": "MQTT_BASIC", "credentialsId": None, "credentialsValue": json.dumps(value)})
    environment = yaml.safe_load(rest.call("GET", path.format(gateway.id)).text)["services"]["tb-gateway"]["environment"]
    assert environment["TB_GW_SECURITY_TYPE"] == "usernamePassword" and environment["TB_GW_CLIENT_ID"] == value["clientId"]
    message(rest.call("GET", path.format(NOBODY)), 404, 32)


# Rule chains


def test_who_uses_the_outputs_of_a_chain(rest, stranger):
    flow, kind = "org.thingsboard.rule.engine.flow.", "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode"

    def chain(name, nodes, connections):
        made = rest.ok("POST", "/api/ruleChain", {"name": f"{name} {salt()}"})
        graph = {"ruleChainId": made["id"], "firstNodeIndex": 0, "nodes": nodes, "connections": [
            {"fromIndex": a, "toIndex": b, "type": label} for a, b, label in connections]}
        return made, rest.ok("POST", "/api/ruleChain/metadata", graph)

    def node(type, name, configuration=None):
        return {"type": type, "name": name, "configuration": configuration or {"version": 0}}

    called, _ = chain("Called", [node(kind, "s"), node(flow + "TbRuleChainOutputNode", "ok"), node(flow + "TbRuleChainOutputNode", "bad")],
                      [(0, 1, "Post telemetry"), (0, 2, "Other")])
    path = f"/api/ruleChain/{called['id']['id']}/output/labels"
    assert rest.ok("GET", path) == ["bad", "ok"] and rest.ok("GET", path + "/usage") == []
    into = {"ruleChainId": called["id"]["id"]}
    caller, graph = chain("Caller", [node(flow + "TbRuleChainInputNode", "in", into), node(kind, "a"), node(kind, "b"),
                                     node(flow + "TbRuleChainInputNode", "leads nowhere", into)], [(0, 1, "ok"), (0, 2, "bad"), (1, 3, "Other")])
    assert rest.ok("GET", path + "/usage") == [{
        "ruleChainId": caller["id"], "ruleChainName": caller["name"], "ruleNodeId": graph["nodes"][0]["id"], "ruleNodeName": "in",
        "labels": ["bad", "ok"]}]
    message(stranger.call("GET", path + "/usage"), 403, 20)
    for one in (caller, called):
        rest.ok("DELETE", "/api/ruleChain/" + one["id"]["id"])


# The audit log


def test_relations_are_in_the_audit_logs_of_both_ends(rest, device):
    asset = rest.ok("POST", "/api/asset", {"name": "Asset " + salt()})
    relation = {"from": asset["id"], "to": device.entity["id"], "type": "Contains"}
    rest.ok("POST", "/api/relation", relation)
    rest.call("DELETE", f"/api/relation?fromId={asset['id']['id']}&fromType=ASSET&relationType=Contains&toId={device.id}&toType=DEVICE")
    rest.call("DELETE", f"/api/relations?entityId={device.id}&entityType=DEVICE")

    def actions(entity):
        page = rest.ok("GET", f"/api/audit/logs/entity/{entity['entityType']}/{entity['id']}?pageSize=10&page=0"
                              "&sortProperty=createdTime&sortOrder=ASC&actionTypes=RELATION_ADD_OR_UPDATE,RELATION_DELETED,RELATIONS_DELETED")
        return page["data"]

    eventually(lambda: len(actions(device.entity["id"])) == 3 and len(actions(asset["id"])) == 2, 60, "records of both ends")
    saved, deleted, all_deleted = actions(device.entity["id"])
    assert [one["actionType"] for one in (saved, deleted, all_deleted)] == [
        "RELATION_ADD_OR_UPDATE", "RELATION_DELETED", "RELATIONS_DELETED"]
    assert saved["entityName"] == device.entity["name"] and saved["actionData"]["relation"]["from"] == asset["id"]
    assert {one["entityName"] for one in actions(asset["id"])} == {asset["name"]}
