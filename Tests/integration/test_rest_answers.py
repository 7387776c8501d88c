"""Answers that stock clients get from the platform for odd requests, row by row: status, code and the beginning of the
message (rest-api.md 2.6, 2.11 to 2.14, 4)."""
import uuid

import pytest
import requests

from people import administrator
from rest import Rest
from server import eventually

NOBODY = "00000000-0000-1000-8000-000000000000"
DEFAULT = {"type": "DEFAULT"}
LINK = {"page": 0, "pageSize": 10}
DEVICES = {"type": "entityType", "entityType": "DEVICE"}


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")


@pytest.fixture(scope="module")
def things(rest):
    """What the rows name in braces."""
    device = rest.create_device()
    alarm = rest.ok("POST", "/api/alarm", {
        "type": "Hot", "severity": "MAJOR", "originator": device.entity["id"]})
    dashboard = rest.ok("POST", "/api/dashboard", {"title": "D " + uuid.uuid4().hex})
    return {"device": device.id, "alarm": alarm["id"]["id"], "dashboard": dashboard["id"]["id"], "nobody": NOBODY}


def filled(value, things):
    if isinstance(value, dict):
        return {key: filled(member, things) for key, member in value.items()}
    if isinstance(value, list):
        return [filled(element, things) for element in value]
    if isinstance(value, str):
        for name, text in things.items():
            value = value.replace("{" + name + "}", text)
    return value


def named(**members):
    return {"name": "N " + uuid.uuid4().hex, **members}


def profile(**data):
    return named(type="DEFAULT", transportType="DEFAULT", profileData={
        "configuration": DEFAULT, "transportConfiguration": DEFAULT, **data})


def tokens(**members):
    return {"tokenIssuer": "thingsboard.io", "tokenExpirationTime": 9000, "refreshTokenExpTime": 604800, **members}


def limited(**limits):
    return named(profileData={"configuration": {"type": "DEFAULT", **limits}})


def sorted_by_name(direction):
    return {**LINK, "sortOrder": {"key": {"type": "ENTITY_FIELD", "key": "name"}, "direction": direction}}


NOT_FOUND = (404, 32, "Requested item wasn't found!")
NOT_JSON = (500, 2, "JSON parse error: ")
NO_BODY = (500, 2, "Required request body is missing: ")
DENIED = (403, 20, "You don't have permission to perform this operation!")
CONDITIONS = (400, 31, "Parameter conditions ")

ROWS = [
    # What nobody is asked for is not found.
    ("POST", "/api/relations", {"parameters": {"rootId": "{device}", "rootType": "DEVICE", "direction": "FROM"}}, NOT_FOUND),
    ("POST", "/api/relations/info", {}, NOT_FOUND),
    ("POST", "/api/devices", {}, NOT_FOUND),
    ("POST", "/api/assets", {"parameters": {"rootId": "{device}", "rootType": "DEVICE"}}, NOT_FOUND),
    ("POST", "/api/entityViews", {"entityViewTypes": []}, NOT_FOUND),
    ("POST", "/api/alarm", {"severity": "MAJOR"}, NOT_FOUND),
    ("POST", "/api/alarm/{alarm}/comment", {"id": {"id": NOBODY}, "comment": {"text": "x"}}, NOT_FOUND),
    ("GET", "/api/tenant/edges?edgeName=nobody", None, NOT_FOUND),
    ("GET", "/api/otaPackage/info/{nobody}", None, NOT_FOUND),
    ("GET", "/api/widgetType?fqn=tenant.nobody", None, NOT_FOUND),
    ("GET", "/api/widgetType?fqn=nobody", None, (400, 31, "Invalid fqn!")),
    ("GET", "/api/edge/{nobody}", None, (404, 32, f"Edge with id [{NOBODY}] is not found")),
    # One path with several forms: none of them fits.
    ("GET", "/api/widgetTypes", None, CONDITIONS),
    ("GET", "/api/widgetType?alias=x", None, CONDITIONS),
    ("GET", "/api/widgetTypesDetails", None, CONDITIONS),
    ("GET", "/api/widgetTypesInfos", None, CONDITIONS),
    ("GET", "/api/relations/info?fromId=" + NOBODY, None, CONDITIONS),
    ("GET", "/api/edges?page=0", None, CONDITIONS),
    ("GET", "/api/DEVICE/{device}/calculatedFields", None, (400, 31, 'Parameter conditions "pageSize, page" not met for')),
    # Words.
    ("GET", "/api/user/settings/NOPE", None, (400, 31, 'Settings type "NOPE" is not supported!')),
    ("PUT", "/api/user/settings/nope", {}, (400, 31, 'Settings type "nope" is not supported!')),
    ("GET", "/api/deviceProfileInfos?pageSize=1&page=0&transportType=NOPE", None, (400, 31, "Failed to convert value")),
    ("POST", "/api/entitiesQuery/find", {"entityFilter": DEVICES, "pageLink": sorted_by_name("UP")}, NOT_JSON),
    ("POST", "/api/otaPackage", {"title": "T", "version": "1", "type": "NOPE"}, NOT_JSON),
    # Configurations that say what they are.
    ("POST", "/api/deviceProfile", profile(configuration={"type": "NOPE"}), NOT_JSON),
    ("POST", "/api/deviceProfile", profile(configuration={}), NOT_JSON),
    ("POST", "/api/deviceProfile", profile(transportConfiguration={"type": "NOPE"}), NOT_JSON),
    ("POST", "/api/deviceProfile", profile(provisionConfiguration={"type": "NOPE"}), NOT_JSON),
    ("POST", "/api/device", named(deviceData={"configuration": {"type": "NOPE"}, "transportConfiguration": DEFAULT}), NOT_JSON),
    ("POST", "/api/device", named(deviceData={"configuration": DEFAULT, "transportConfiguration": {}}), NOT_JSON),
    # Bodies that are not there, or are no JSON.
    ("POST", "/api/plugins/telemetry/DEVICE/{device}/timeseries/ANY", None, NO_BODY),
    ("POST", "/api/plugins/telemetry/DEVICE/{device}/attributes/SERVER_SCOPE", None, NO_BODY),
    # Credentials.
    ("POST", "/api/device/credentials", {"credentialsType": "ACCESS_TOKEN", "credentialsId": "x"}, (400, 31, "Invalid entity id")),
    ("POST", "/api/device/credentials", {
        "deviceId": {"entityType": "DEVICE", "id": "{device}"}, "credentialsType": "ACCESS_TOKEN", "credentialsId": "x"},
     (400, 31, "Credentials for this device are already specified!")),
    # Several violations are told in the order of the alphabet, by the names that people know.
    ("POST", "/api/customer", {"title": "t" * 256, "zip": "z" * 256, "city": "c" * 256}, (
        400, 31, "Validation error: city length must be equal or less than 255, title length must be equal or less than 255, "
        "zip or postal code length must be equal or less than 255")),
    ("POST", "/api/user?sendActivationMail=false", {"email": "a@b.cd", "authority": "TENANT_ADMIN", "firstName": "f" * 256},
     (400, 31, "Validation error: first name length must be equal or less than 255")),
    ("POST", "/api/user?sendActivationMail=false", {"email": "a@b.c", "authority": "TENANT_ADMIN"},
     (400, 31, "Invalid email address format 'a@b.c'!")),
    ("POST", "/api/alarm", {"originator": {"entityType": "DEVICE", "id": "{device}"}},
     (400, 31, "Validation error: severity must not be null, type must not be null")),
    ("POST", "/api/ruleChain/metadata", {}, (400, 31, "Invalid entity id")),
    # What is looked at first.
    ("POST", "/api/entityView", {}, (400, 31, "Entity view name should be specified!")),
    ("POST", "/api/entityView", {"name": "V"}, (400, 31, "Entity view type should be specified!")),
    ("POST", "/api/relation", {"type": ""}, (400, 31, "Parameter entityId can't be empty!")),
    ("POST", "/api/relation", {"from": {"entityType": "ASSET", "id": "{nobody}"}, "to": {"entityType": "DEVICE", "id": "{device}"}},
     (404, 32, f"Asset with id [{NOBODY}] is not found")),
    ("GET", "/api/user/dashboards/{nobody}/nope", None, (400, 31, 'Action "nope" is not supported!')),
    ("POST", "/api/user/{nobody}/userCredentialsEnabled?userCredentialsEnabled=maybe", None, (400, 31, "Failed to convert value")),
    ("POST", "/api/tenant?x=1", [1], DENIED),
    ("GET", "/api/tenants?pageSize=ten&page=0", None, (400, 31, "Failed to convert value")),
    ("GET", "/api/tenants?pageSize=10&page=0", None, DENIED),
    ("POST", "/api/alarmsQuery/find", {"entityFilter": DEVICES}, NOT_FOUND),
    ("POST", "/api/alarmsQuery/find", {"entityFilter": DEVICES, "pageLink": {**LINK, "assigneeId": {"entityType": "USER", "id": NOBODY}}},
     (404, 32, f"User with id [{NOBODY}] is not found")),
    ("POST", "/api/alarmsQuery/count", {"assigneeId": {"entityType": "USER", "id": NOBODY}},
     (404, 32, f"User with id [{NOBODY}] is not found")),
    ("POST", "/api/dashboard/{nobody}/customers/add", ["x"], (404, 32, f"Dashboard with id [{NOBODY}] is not found")),
    ("POST", "/api/dashboard/{dashboard}/customers/add", ["x"], (400, 31, "Invalid UUID string: x")),
    ("POST", "/api/dashboard/{dashboard}/customers/add", [NOBODY], (400, 31, "Can't assign dashboard to non-existent customer!")),
    ("POST", "/api/dashboard/{dashboard}/customers", [NOBODY], (400, 31, "Can't assign dashboard to non-existent customer!")),
    # Words that are none.
    ("GET", "/api/alarm/types?pageSize=1&page=0&sortOrder=UP", None, (400, 31, "Unsupported sort order 'UP'!")),
    ("GET", "/api/queues?serviceType=NOPE&pageSize=1&page=0", None, (400, 31, "Failed to convert value")),
    ("GET", "/api/queueStats?page=0", None, CONDITIONS),
    ("GET", "/api/images?imageSubType=NOPE&pageSize=1&page=0", None, (400, 31, "Failed to convert value")),
    ("GET", "/api/notifications?pageSize=1&page=0&deliveryMethod=NOPE", None, (400, 31, "Failed to convert value")),
    ("GET", "/api/notifications?pageSize=1&page=0&unreadOnly=maybe", None, (400, 31, "Failed to convert value")),
    ("POST", "/api/events/DEVICE/{device}/clear", {"eventType": "NOPE"}, NOT_JSON),
    ("POST", "/api/alarmsQuery/count", {"entityFilter": DEVICES, "statusList": ["NOPE"]}, NOT_JSON),
    ("POST", "/api/resource", {"title": "R", "fileName": "r.js", "data": "eA==", "resourceType": "NOPE"}, NOT_JSON),
    ("POST", "/api/resource", {"title": "R", "data": "eA=="}, (400, 31, "Resource type should be specified!")),
    ("POST", "/api/resource", {"title": "R", "fileName": "a/b", "data": "eA==", "resourceType": "JS_MODULE"},
     (400, 31, "File name contains forbidden symbols")),
    # Root chains are made by another call.
    ("POST", "/api/ruleChain", named(root=True), (400, 31, "Another root rule chain is present in scope of current tenant!")),
    ("POST", "/api/ruleChain", named(root=True, type="EDGE"), (400, 31, "Another edge template root rule chain is present")),
]

SYSTEM_ROWS = [
    ("GET", "/api/tenantProfiles?page=0", None, (400, 31, 'Parameter conditions "pageSize, page" OR "ids" not met for')),
    ("POST", "/api/tenantProfile", named(profileData={"configuration": {"type": "NOPE"}}), NOT_JSON),
    ("POST", "/api/admin/settings", {"key": "general", "jsonValue": {}},
     (400, 31, "Admin settings with such name already exists!")),
    ("POST", "/api/admin/settings", {"id": {"id": NOBODY}, "key": "general", "jsonValue": {}},
     (400, 31, "Changing key of admin settings entry is prohibited!")),
    ("POST", "/api/admin/settings", {"key": "general"}, (400, 31, "Json value should be specified!")),
    ("POST", "/api/admin/jwtSettings", tokens(tokenSigningKey=""), (400, 31, "JWT token signing key should be specified!")),
    ("POST", "/api/admin/jwtSettings", tokens(tokenSigningKey="!"),
     (400, 31, "JWT token signing key should be a valid Base64 encoded string!")),
    ("POST", "/api/admin/jwtSettings", tokens(tokenSigningKey="YWJj"),
     (400, 31, "JWT token signing key should be a Base64 encoded string representing at least 512 bits of data!")),
    ("POST", "/api/admin/jwtSettings", tokens(tokenSigningKey="YWJj", refreshTokenExpTime=5),
     (400, 31, "JWT refresh token expiration time should be at least 15 minutes!")),
    ("POST", "/api/queues?serviceType=NOPE", {}, (400, 31, "Failed to convert value")),
    ("POST", "/api/tenantProfile", limited(transportTenantMsgRateLimit="1:1,2:1", wsUpdatesPerSessionRateLimit="1:1,2:1"), (
        400, 31, "Validation error: Transport tenant messages rate limit has duplicate 'Per seconds' configuration., "
        "WS updates per session rate limit has duplicate 'Per seconds' configuration.")),
    ("POST", "/api/tenantProfile", named(isolatedTbRuleEngine=True, profileData={
        "configuration": DEFAULT, "queueConfiguration": [{"name": "Other"}]}),
     (400, 31, "Main queue configuration should be specified!")),
    ("POST", "/api/admin/securitySettings", {"passwordResetTokenTtl": 24},
     (400, 31, "Validation error: userActivationTokenTtl must not be null")),
]


def check(rest, things, method, path, body, expected):
    answer = rest.call(method, filled(path, things), filled(body, things))
    status, code, beginning = expected
    refusal = answer.json()
    assert (answer.status_code, refusal["status"], refusal["errorCode"]) == (status, status, code), answer.text
    assert refusal["message"].startswith(beginning), refusal["message"]


def ids(rows):
    return [f"{method} {path.split('?')[0]} {number}" for number, (method, path, _, _) in enumerate(rows)]


@pytest.mark.parametrize("method,path,body,expected", ROWS, ids=ids(ROWS))
def test_odd_requests_are_refused_as_clients_know_it(rest, things, method, path, body, expected):
    check(rest, things, method, path, body, expected)


@pytest.mark.parametrize("method,path,body,expected", SYSTEM_ROWS, ids=ids(SYSTEM_ROWS))
def test_odd_requests_of_the_administrator_are_refused_as_clients_know_it(
        system, things, method, path, body, expected):
    check(system, things, method, path, body, expected)


@pytest.mark.parametrize("body,text", [
    ("{bad", "Unable to parse time series payload: Invalid JSON body!"),
    ("two words", "Unable to parse time series payload: Invalid JSON body!"),
    ("word", "Unable to parse time series payload. Invalid JSON body: Can't parse value: \"word\"")])
def test_telemetry_that_is_no_json_is_told_from_a_word(rest, things, body, text):
    path = f"{rest.url}/api/plugins/telemetry/DEVICE/{things['device']}/timeseries/ANY"
    answer = rest.session.post(path, data=body, headers={"Content-Type": "text/plain"}, timeout=60)
    assert (answer.status_code, answer.text) == (400, text)


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/login/public", "/api/auth/token"])
def test_signing_in_is_posted(server, path):
    for method in ("GET", "PUT", "DELETE"):
        answer = requests.request(method, server.url + path, timeout=60)
        assert (answer.status_code, answer.json()["message"]) == (401, "Authentication method not supported")


def test_a_body_that_cannot_be_read_is_told_before_rights(server, rest, things):
    for path in ("/api/tenant", f"/api/alarm/{NOBODY}/comment"):
        answer = rest.session.post(rest.url + path, data="{", headers={"Content-Type": "application/json"}, timeout=60)
        assert (answer.status_code, answer.json()["errorCode"]) == (500, 2), path
        # But a stranger learns nothing.
        stranger = requests.post(server.url + path, data="{", headers={"Content-Type": "application/json"}, timeout=60)
        assert (stranger.status_code, stranger.json()["errorCode"]) == (401, 10), path


def test_names_that_users_have_not_are_empty_in_the_list_of_addresses(rest):
    page = rest.ok("GET", "/api/users/info?pageSize=10&page=0&textSearch=customerB@thingsboard.org")
    assert [(one["firstName"], one["lastName"]) for one in page["data"]] == [("", "")]


def test_an_alarm_is_given_to_whom_the_caller_sees(rest, system, things):
    path = f"/api/alarm/{things['alarm']}/assign"
    platform = system.ok("GET", "/api/auth/user")["id"]["id"]
    assert rest.call("POST", f"{path}/{platform}").status_code == 403
    assert rest.call("POST", f"{path}/{NOBODY}").status_code == 404
    user = rest.ok("GET", "/api/users?pageSize=1&page=0&textSearch=customerB@thingsboard.org")["data"][0]["id"]
    assert rest.ok("POST", f"{path}/{user['id']}")["assigneeId"] == user
    rest.ok("DELETE", path)


def test_what_is_assigned_again_stays_as_it_is(rest):
    device = rest.create_device()
    customer = rest.ok("POST", "/api/customer", {"title": "C " + uuid.uuid4().hex})["id"]["id"]
    asset, view = (rest.ok("POST", f"/api/{kind}", named(type="default", **members)) for kind, members in [
        ("asset", {}), ("entityView", {"entityId": device.entity["id"]})])
    for path in (f"device/{device.id}", f"asset/{asset['id']['id']}", f"entityView/{view['id']['id']}"):
        first, second = (rest.ok("POST", f"/api/customer/{customer}/{path}") for _ in range(2))
        assert first == second and first["version"] == 2
    rest.ok("DELETE", "/api/entityView/" + view["id"]["id"])


def test_lists_without_an_order_begin_with_what_was_made_first(rest):
    rest.create_device()
    rest.ok("POST", "/api/customer", {"title": "C " + uuid.uuid4().hex})
    for path, name in [("tenant/devices", "Test Device A1"), ("tenant/deviceInfos", "Test Device A1"), ("customers", "Customer A"),
                       ("deviceProfiles", "default"), ("assetProfiles", "default"), ("tenant/dashboards", "Thermostats")]:
        assert rest.ok("GET", f"/api/{path}?pageSize=1&page=0")["data"][0]["name"] == name, path


def test_a_package_in_use_says_by_whom(rest):
    profile = rest.ok("POST", "/api/deviceProfile", named(type="DEFAULT", transportType="DEFAULT", profileData={
        "configuration": DEFAULT, "transportConfiguration": DEFAULT}))
    for kind, member, thing in [("FIRMWARE", "firmwareId", "otaPackage"), ("SOFTWARE", "softwareId", "software")]:
        package = rest.ok("POST", "/api/otaPackage", {
            "deviceProfileId": profile["id"], "type": kind, "title": "T " + uuid.uuid4().hex, "version": "1", "url": "http://x/y"})
        path = "/api/otaPackage/" + package["id"]["id"]
        device = rest.ok("POST", "/api/device", named(deviceProfileId=profile["id"], **{member: package["id"]}))
        assert rest.call("DELETE", path).json()["message"] == f"The {thing} referenced by the devices cannot be deleted!"
        rest.ok("DELETE", "/api/device/" + device["id"]["id"])
        rest.ok("POST", "/api/deviceProfile", {**profile, "version": None, member: package["id"]})
        assert rest.call("DELETE", path).json()["message"] == f"The {thing} referenced by the device profile cannot be deleted!"


@pytest.mark.parametrize("method,path,body,status,text", [
    ("POST", "timeseries/ANY", "{}", 400, "No time series data found in request body!"),
    ("POST", "timeseries/ANY", '{"a":1}', 404, "Device with requested id wasn't found!"),
    ("POST", "timeseries/ANY", '{"<b>":1}', 404, "Device with requested id wasn't found!"),
    ("POST", "attributes/SERVER_SCOPE", "[]", 400, "Request is not a JSON object"),
    ("POST", "attributes/CLIENT_SCOPE", "[]", 400, "Invalid scope: CLIENT_SCOPE"),
    ("DELETE", "SERVER_SCOPE", None, 400, "Empty keys: []"),
    ("DELETE", "timeseries/delete", None, 400, "Empty keys: []"),
    ("DELETE", "timeseries/delete?keys=a", None, 400,
     "When deleteAllDataForKeys is false, start and end timestamp values shouldn't be empty"),
    ("DELETE", "timeseries/delete?keys=a&deleteAllDataForKeys=true", None, 404, "Device with requested id wasn't found!")])
def test_what_telemetry_lacks_is_told_before_whose_it_is(rest, method, path, body, status, text):
    answer = rest.session.request(method, f"{rest.url}/api/plugins/telemetry/DEVICE/{NOBODY}/{path}", data=body, timeout=60)
    assert (answer.status_code, answer.text) == (status, text)


def test_customers_know_the_types_that_profiles_have(server, rest):
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    rest.create_device()
    for kind in ("device", "asset"):
        rest.ok("POST", "/api/" + kind, named(type="Type " + uuid.uuid4().hex))
        assert customer.ok("GET", f"/api/{kind}/types") == rest.ok("GET", f"/api/{kind}/types") != []


def test_a_bundle_that_is_not_there_holds_nothing(rest):
    for path in ("widgetTypes", "widgetTypesDetails", "widgetTypeFqns"):
        assert rest.ok("GET", f"/api/{path}?widgetsBundleId={NOBODY}") == []


def test_names_that_are_kept_for_the_platform(system):
    queue = next(one for one in system.ok("GET", "/api/queues?serviceType=TB_RULE_ENGINE&pageSize=10&page=0")["data"])
    body = {key: value for key, value in queue.items() if key not in ("id", "createdTime")}
    answer = system.call("POST", "/api/queues?serviceType=TB_RULE_ENGINE", {**body, "name": "CalculatedFields", "topic": "t"})
    assert answer.status_code == 400 and answer.json()["message"].startswith("The queue name 'CalculatedFields' is not allowed.")


def test_methods_of_a_path_are_told_to_who_asks(rest):
    answer = rest.call("OPTIONS", "/api/device")
    assert (answer.status_code, answer.content) == (200, b"") and "POST" in answer.headers["Allow"]


def test_a_token_in_use_is_told_before_a_stale_version(rest):
    first, second = rest.create_device(), rest.create_device()
    credentials = rest.ok("GET", f"/api/device/{first.id}/credentials")
    answer = rest.call("POST", "/api/device/credentials", {**credentials, "version": 0, "credentialsId": second.token})
    assert (answer.status_code, answer.json()["message"]) == (
        400, "Device credentials are already assigned to another device!")


def test_the_administrator_of_the_platform_reads_descriptions_of_dashboards(rest, system):
    made = rest.ok("POST", "/api/dashboard", {"title": "D " + uuid.uuid4().hex})
    assert system.ok("GET", "/api/dashboard/info/" + made["id"]["id"])["title"] == made["title"]
    assert system.call("GET", "/api/dashboard/" + made["id"]["id"]).status_code == 403


def test_what_there_is_not_needs_no_reading(rest):
    assert rest.call("PUT", f"/api/notification/{NOBODY}/read").status_code == 200
    assert rest.call("DELETE", f"/api/notification/{NOBODY}").status_code == 200
    assert rest.call("DELETE", "/api/notification/nonsense").status_code == 400


def test_a_login_is_audited_with_what_the_client_says_of_itself(server, rest):
    session, _ = administrator(rest)
    user = session.ok("GET", "/api/auth/user")
    path = f"/api/audit/logs/user/{user['id']['id']}?pageSize=1&page=0&actionTypes=LOGIN"
    data = eventually(lambda: rest.ok("GET", path)["data"])[0]["actionData"]
    assert set(data) == {"clientAddress", "browser", "os", "device"}
    assert data["browser"].startswith("python-requests ")


@pytest.mark.parametrize("path,properties", [
    ("/api/tenant/devices", "id customerId deviceProfileId firmwareId softwareId version"),
    ("/api/tenant/deviceInfos", "customerId deviceProfileId version"),
    ("/api/tenant/assets", "customerId assetProfileId version"),
    ("/api/tenant/entityViews", "customerId startTs endTs version"),
    ("/api/deviceProfiles", "provisionType defaultQueueName version"),
    ("/api/customers", "state address address2 zip phone version"),
    ("/api/users", "phone authority customerId version"),
    ("/api/ruleChains", "debugMode version"),
    ("/api/tenant/dashboards", "mobileOrder mobileHide version"),
    ("/api/alarms", "acknowledged cleared originatorType")])
def test_lists_are_sorted_by_every_plain_member(rest, path, properties):
    for name in properties.split():
        for order in ("ASC", "DESC"):
            rest.ok("GET", f"{path}?pageSize=3&page=0&sortProperty={name}&sortOrder={order}")


def test_dashboards_for_phones_come_in_their_order(rest):
    mark = uuid.uuid4().hex
    for order in (None, 2, -1):
        rest.ok("POST", "/api/dashboard", {"title": f"D {mark} {order}", "mobileOrder": order})
    page = rest.ok("GET", f"/api/tenant/dashboards?pageSize=10&page=0&mobile=true&textSearch={mark}")
    assert [one["mobileOrder"] for one in page["data"]] == [-1, 2, None]


def test_the_audit_log_keeps_values_as_texts(rest):
    device = rest.create_device()
    rest.ok("POST", device.path + "/attributes/SERVER_SCOPE", {"a": 1, "b": "x", "c": True})
    rest.ok("POST", device.path + "/timeseries/ANY", {"ts": 1700000000000, "values": {"t": 1.5}})
    alarm = rest.ok("POST", "/api/alarm", {"type": "Hot", "severity": "MAJOR", "originator": device.entity["id"]})["id"]["id"]
    rest.ok("POST", f"/api/alarm/{alarm}/comment", {"comment": {"text": "look"}})
    rest.ok("DELETE", "/api/alarm/" + alarm)

    def data(kind, entity, action):
        path = f"/api/audit/logs/entity/{kind}/{entity}?pageSize=10&page=0&actionTypes={action}"
        return eventually(lambda: rest.ok("GET", path)["data"])[0]["actionData"]

    assert data("DEVICE", device.id, "ATTRIBUTES_UPDATED")["attributes"] == {"a": "1", "b": "x", "c": "true"}
    assert data("DEVICE", device.id, "TIMESERIES_UPDATED")["timeseries"] == [{"ts": 1700000000000, "values": {"t": "1.5"}}]
    assert data("DEVICE", device.id, "ALARM_DELETE") == {"alarmId": alarm, "originatorId": device.id}
    assert data("ALARM", alarm, "ADDED_COMMENT") == {"comment": {"text": "look"}}
