"""The black-box cases of the REST API, by number (rest-api.md 7), and its checklist (8); those of saved and imported rule
chains (rule-engine.md 10.1), and of storage (persistence.md 16), that are seen over REST."""
import base64
import concurrent.futures
import hashlib
import hmac
import json
import subprocess
import time
import uuid

import pytest
import requests

from people import activate, administrator, make_tenant
from rest import Rest
from server import EXECUTABLE, eventually

NULL = "13814000-1dd2-11b2-8080-808080808080"
DENIED = "You don't have permission to perform this operation!"
PAGE = "pageSize=10&page=0"


def salt():
    return uuid.uuid4().hex[:12]


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def refused(answer, status, code, message=None):
    """The whole error object (rest-api.md 2.10)."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["status"], body["errorCode"]) == (status, code), body
    assert message is None or body["message"] == message, body
    assert abs(body["timestamp"] / 1000 - time.time()) < 60
    assert answer.headers["Content-Type"].startswith("application/json")
    return body


def plain(answer, status, text):
    """Deferred endpoints refuse with text (2.12)."""
    assert (answer.status_code, answer.text) == (status, text)


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")


@pytest.fixture(scope="module")
def fresh(system):
    """A new tenant, and a session of its administrator."""
    return make_tenant(system)


@pytest.fixture
def nobody(server):
    """Calls without credentials, or with those of `headers`."""
    def call(method, path, body=None, **options):
        return requests.request(method, server.url + path, json=body, timeout=60, **options)
    return call


# Signing in

def test_a_login_gives_two_tokens_with_the_claims_that_clients_read(nobody):
    """1"""
    answer = nobody("POST", "/api/auth/login", {"username": "tenant@thingsboard.org", "password": "tenant"})
    assert answer.status_code == 200 and set(answer.json()) == {"token", "refreshToken"}
    token, refresh = answer.json()["token"], answer.json()["refreshToken"]
    for one in (token, refresh):
        assert json.loads(base64.urlsafe_b64decode(one.split(".")[0] + "==")) == {"alg": "HS512"}
    access, other = claims(token), claims(refresh)
    assert access["scopes"] == ["TENANT_ADMIN"] and other["scopes"] == ["REFRESH_TOKEN"]
    assert access["exp"] - access["iat"] == 9000 and other["exp"] - other["iat"] == 604800
    assert access["sub"] == other["sub"] == "tenant@thingsboard.org" and access["iss"] == "thingsboard.io"
    assert access["sessionId"] == other["sessionId"] and access["userId"] == other["userId"]
    assert access["customerId"] == NULL and access["tenantId"] != NULL
    assert (access["enabled"], access["isPublic"]) == (True, False)


@pytest.mark.parametrize("body,message", [
    ({"username": "tenant@thingsboard.org", "password": "wrong"}, "Invalid username or password"),
    ({"username": "nobody@thingsboard.org", "password": "tenant"}, "Invalid username or password"),
    ({}, "Authentication failed"), ("not json", "Authentication failed"),
    ({"username": "", "password": "x"}, "Authentication failed"),
    ({"username": "tenant@thingsboard.org"}, "Authentication failed"), ([], "Authentication failed")])
def test_what_is_no_login_is_401(server, body, message):
    """2, 3, 4"""
    data = body if isinstance(body, str) else json.dumps(body)
    answer = requests.post(server.url + "/api/auth/login", data=data, headers={"Content-Type": "application/json"}, timeout=60)
    refused(answer, 401, 10, message)


def test_login_is_posted(nobody):
    """5"""
    refused(nobody("GET", "/api/auth/login"), 401, 10, "Authentication method not supported")


def signed_elsewhere(token):
    text, _ = token.rsplit(".", 1)
    made = base64.urlsafe_b64encode(hmac.new(b"k" * 64, text.encode(), hashlib.sha512).digest()).rstrip(b"=").decode()
    return f"{text}.{made}"


def test_headers_with_and_without_a_token(nobody, rest):
    """6 to 10"""
    def user(**headers):
        return nobody("GET", "/api/auth/user", headers={name.replace("_", "-"): value for name, value in headers.items()})

    bearer = "Bearer " + rest.token
    refused(user(), 401, 10, "Authentication failed")
    refused(user(X_Authorization="Basic abc"), 401, 10, "Authentication failed")
    refused(user(X_Authorization="bearer " + rest.token), 401, 10, "Authentication failed")
    refused(user(X_Authorization="Bearer garbage"), 401, 10, "Invalid username or password")
    refused(user(X_Authorization="Bearer " + signed_elsewhere(rest.token)), 401, 11, "Token has expired")
    assert user(Authorization=bearer).status_code == 200
    assert user(X_Authorization="", Authorization=bearer).status_code == 200
    refused(user(X_Authorization="Bearer garbage", Authorization=bearer), 401, 10)
    refused(nobody("GET", "/api/auth/user?token=" + rest.token), 401, 10, "Authentication failed")


def test_tokens_are_refreshed_by_refresh_tokens(nobody):
    """11, 12"""
    pair = nobody("POST", "/api/auth/login", {"username": "tenant@thingsboard.org", "password": "tenant"}).json()
    answer = nobody("POST", "/api/auth/token", {"refreshToken": pair["refreshToken"]})
    assert answer.status_code == 200 and set(answer.json()) == {"token", "refreshToken"}
    for token in (answer.json()["token"], pair["token"]):
        assert nobody("GET", "/api/auth/user", headers={"X-Authorization": "Bearer " + token}).status_code == 200
    for body, code in [({"refreshToken": pair["token"]}, 10), ({}, 10), ({"refreshToken": ""}, 10), ({"refreshToken": "x"}, 10),
                       ({"refreshToken": signed_elsewhere(pair["refreshToken"])}, 11)]:
        refused(nobody("POST", "/api/auth/token", body), 401, code)


def test_a_logout_ends_its_session(rest):
    """13"""
    session, email = administrator(rest)
    other = Rest(rest.url, email, "secret-1")
    answer = session.call("POST", "/api/auth/logout")
    assert (answer.status_code, answer.content) == (200, b"")
    refused(session.call("GET", "/api/auth/user"), 401, 11, "Token has expired")
    other.ok("GET", "/api/auth/user")


def test_changing_a_password(rest):
    """14, 15, 16"""
    session, email = administrator(rest)

    def change(current, new):
        return session.call("POST", "/api/auth/changePassword", {"currentPassword": current, "newPassword": new})

    refused(change("wrong", "secret-2"), 400, 31, "Current password doesn't match!")
    refused(change("secret-1", "abc"), 400, 31, "Password must be 6 or more characters in length.")
    refused(change("secret-1", "secret-1"), 400, 31, "New password should be different from existing!")
    answer = change("secret-1", "secret-2")
    assert answer.status_code == 200 and set(answer.json()) == {"token", "refreshToken"}
    header = {"X-Authorization": "Bearer " + answer.json()["token"]}
    assert requests.get(rest.url + "/api/auth/user", headers=header, timeout=60).json()["email"] == email


def test_links_of_accounts_tell_nothing_of_who_is_known(nobody):
    """17, 18"""
    answer = nobody("POST", "/api/noauth/resetPasswordByEmail", {"email": "nobody@example.com"})
    assert (answer.status_code, answer.content) == (200, b"")
    for path in ("activate?activateToken=xyz", "resetPassword?resetToken=xyz"):
        answer = nobody("GET", "/api/noauth/" + path, allow_redirects=False)
        assert (answer.status_code, answer.content) == (409, b"")


def test_a_user_is_made_activated_and_signs_in(rest, nobody):
    """19, 20, 21"""
    customer = rest.ok("POST", "/api/customer", {"title": "Customer " + salt()})
    body = {"email": f"user-{salt()}@example.com", "authority": "CUSTOMER_USER", "customerId": customer["id"]}
    user = rest.ok("POST", "/api/user?sendActivationMail=false", body)
    link = rest.call("GET", f"/api/user/{user['id']['id']}/activationLink")
    assert link.headers["Content-Type"].startswith("text/plain")
    token = link.text.split("/api/noauth/activate?activateToken=")[1]
    assert len(token) == 40
    activated = nobody("POST", "/api/noauth/activate?sendActivationMail=false", {"activateToken": token, "password": "secret-1"})
    assert activated.status_code == 200 and claims(activated.json()["token"])["customerId"] == customer["id"]["id"]
    assert Rest(rest.url, body["email"], "secret-1").ok("GET", "/api/auth/user")["authority"] == "CUSTOMER_USER"
    again = nobody("POST", "/api/noauth/activate", {"activateToken": token, "password": "secret-1"})
    assert refused(again, 400, 31)["message"].startswith(("Unable to find user credentials by activateToken", "User credentials already"))
    refused(rest.call("GET", f"/api/user/{user['id']['id']}/activationLink"), 400, 31, "User is already activated!")
    refused(rest.call("POST", "/api/user?sendActivationMail=false", body), 400, 31,
            f"User with email '{body['email']}' already present in database!")
    refused(rest.call("POST", "/api/user?sendActivationMail=false", {**body, "email": "bad"}), 400, 31,
            "Invalid email address format 'bad'!")


# Tenants

def test_a_tenant_is_made_by_the_system_and_has_what_it_begins_with(system, rest):
    """22, 23, 24"""
    refused(rest.call("POST", "/api/tenant", {"title": "X"}), 403, 20, DENIED)
    _, session = make_tenant(system)
    chains = session.ok("GET", f"/api/ruleChains?{PAGE}")["data"]
    assert [(chain["name"], chain["root"]) for chain in chains] == [("Root Rule Chain", True)]
    for kind in ("device", "asset"):
        profiles = session.ok("GET", f"/api/{kind}Profiles?{PAGE}")["data"]
        assert [(one["name"], one["default"]) for one in profiles] == [("default", True)]
    refused(system.call("GET", f"/api/tenant/devices?{PAGE}"), 403, 20, DENIED)


# Pages

@pytest.mark.parametrize("query,status,code,message", [
    ("pageSize=10", 500, 2, "Required request parameter 'page' for method parameter type int is not present"),
    ("page=0", 500, 2, "Required request parameter 'pageSize' for method parameter type int is not present"),
    ("pageSize=0&page=0", 400, 31, "Incorrect page link page size '0'. Page size must be greater than zero."),
    ("pageSize=10&page=-1", 400, 31, "Incorrect page link page '-1'. Page must be positive integer."),
    ("pageSize=10&page=0&sortProperty=name&sortOrder=sideways", 400, 31,
     "Unsupported sort order 'sideways'! Only 'ASC' or 'DESC' types are allowed."),
    ("pageSize=10&page=0&sortProperty=na;me", 400, 31, "Invalid sort property"),
    ("pageSize=ten&page=0", 400, 31, None)])
def test_pages_that_make_no_sense_are_refused(rest, query, status, code, message):
    """25 to 28"""
    refused(rest.call("GET", "/api/tenant/devices?" + query), status, code, message)


def test_a_page_behind_the_end_is_empty_with_its_totals(rest):
    """29"""
    mark = salt()
    for number in range(11):
        rest.create_device(name=f"{number} {mark}")
    page = rest.ok("GET", f"/api/tenant/devices?pageSize=10&page=99999&textSearch={mark}")
    assert page == {"data": [], "totalPages": 2, "totalElements": 11, "hasNext": False}


# Devices

def test_a_device_of_a_name_alone_has_all_defaults(rest):
    """30, 31"""
    name = "d1 " + salt()
    device = rest.ok("POST", "/api/device", {"name": name})
    default = rest.ok("GET", "/api/deviceProfileInfo/default")
    assert {key: device[key] for key in device if key not in ("id", "createdTime", "tenantId")} == {
        "name": name, "type": "default", "label": None, "version": 1, "customerId": {"entityType": "CUSTOMER", "id": NULL},
        "deviceProfileId": default["id"], "firmwareId": None, "softwareId": None, "externalId": None, "additionalInfo": None,
        "deviceData": {"configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}}}
    refused(rest.call("POST", "/api/device", {"name": name}), 400, 31, "Device with such name already exists!")
    other = rest.ok("POST", "/api/device?nameConflictPolicy=UNIQUIFY", {"name": name})
    assert other["name"].startswith(name + "_") and len(other["name"]) == len(name) + 7


@pytest.mark.parametrize("body,status,code,message", [
    ('{"name":""}', 400, 31, "Device name should be specified!"), ("{}", 400, 31, "Device name should be specified!"),
    (json.dumps({"name": "n" * 256}), 400, 31, "Validation error: name length must be equal or less than 255"),
    ('{"name":"<script>alert(1)</script>"}', 400, 31, "Validation error: name is malformed"),
    ('{"name":"{{constructor}}"}', 400, 31, "Validation error: name is malformed"),
    ("{bad", 500, 2, "JSON parse error"), ("", 500, 2, "Required request body is missing")])
def test_devices_that_are_none(rest, body, status, code, message):
    """32 to 35"""
    answer = rest.session.post(rest.url + "/api/device", data=body, headers={"Content-Type": "application/json"}, timeout=60)
    found = refused(answer, status, code)["message"]
    assert found.startswith(message) if status == 500 else found == message


def test_the_token_of_a_query_becomes_the_devices_credentials(rest):
    """36, 37"""
    token = "TOK " + salt()
    device = rest.ok("POST", "/api/device?accessToken=" + token, {"name": "d " + salt()})
    credentials = rest.ok("GET", f"/api/device/{device['id']['id']}/credentials")
    assert (credentials["credentialsType"], credentials["credentialsId"]) == ("ACCESS_TOKEN", token)
    name = "second " + salt()
    refused(rest.call("POST", "/api/device?accessToken=" + token, {"name": name}), 400, 31,
            "Device credentials are already assigned to another device!")
    refused(rest.call("GET", "/api/tenant/device?deviceName=" + name), 404, 32, "Requested item wasn't found!")


def test_the_type_of_a_device_is_the_name_of_its_profile(rest):
    """38, 39"""
    name = "newtype " + salt()
    device = rest.ok("POST", "/api/device", {"name": "d " + salt(), "type": name})
    names = rest.ok("GET", "/api/deviceProfile/names")
    assert {"id": device["deviceProfileId"], "name": name} in names and device["type"] == name
    other = rest.ok("POST", "/api/device", {"name": "d " + salt(), "type": "zzz", "deviceProfileId": device["deviceProfileId"]})
    assert other["type"] == name and "zzz" not in [one["name"] for one in names]


def test_versions_of_a_device(rest):
    """40, 41"""
    first = rest.ok("POST", "/api/device", {"name": "d " + salt()})
    assert rest.ok("POST", "/api/device", {**first, "label": "a"})["version"] == 2
    refused(rest.call("POST", "/api/device", first), 409, 35, "Device was already changed by someone else")
    without = {key: value for key, value in first.items() if key != "version"}
    assert rest.ok("POST", "/api/device", {**without, "label": "b"})["version"] == 3


def test_what_is_not_there_is_404_and_what_is_no_id_400(rest):
    """42, 43, 44"""
    absent = str(uuid.uuid4())
    refused(rest.call("GET", "/api/device/" + absent), 404, 32, f"Device with id [{absent}] is not found")
    refused(rest.call("GET", "/api/device/not-a-uuid"), 400, 31, "Invalid UUID string: not-a-uuid")
    for path in ("/api/tenant/devices?deviceName=absent", "/api/tenant/device?deviceName=absent"):
        refused(rest.call("GET", path), 404, 32, "Requested item wasn't found!")


def test_what_others_have(rest, fresh, device):
    """45, 46"""
    _, stranger = fresh
    asset = rest.ok("POST", "/api/asset", {"name": "a " + salt()})
    refused(stranger.call("GET", "/api/device/" + device.id), 404, 32, f"Device with id [{device.id}] is not found")
    refused(stranger.call("GET", "/api/asset/" + asset["id"]["id"]), 403, 20, DENIED)
    user = Rest(rest.url, "customer@thingsboard.org", "customer")
    own, foreign = (rest.ok("GET", f"/api/tenant/devices?deviceName=Test Device {name}") for name in ("A1", "B1"))
    refused(user.call("GET", "/api/device/" + foreign["id"]["id"]), 403, 20, DENIED)
    assert user.ok("GET", "/api/device/" + own["id"]["id"]) == own
    refused(user.call("POST", "/api/device", {"name": "d " + salt()}), 403, 20, DENIED)
    refused(user.call("DELETE", "/api/device/" + own["id"]["id"]), 403, 20, DENIED)


def test_profiles_that_stay(rest):
    """47, 48"""
    default = rest.ok("GET", "/api/deviceProfileInfo/default")
    refused(rest.call("DELETE", "/api/deviceProfile/" + default["id"]["id"]), 400, 31,
            "Deletion of Default Device Profile is prohibited!")
    used = rest.ok("POST", "/api/device", {"name": "d " + salt(), "type": "T " + salt()})["deviceProfileId"]["id"]
    refused(rest.call("DELETE", "/api/deviceProfile/" + used), 400, 31,
            "The device profile referenced by the devices cannot be deleted!")


def test_customers_and_their_devices(rest):
    """49, 50, 51"""
    refused(rest.call("POST", "/api/customer", {"title": "Public"}), 400, 31,
            "'Public' title for customer is system reserved!")
    customer = rest.ok("POST", "/api/customer", {"title": "Customer " + salt()})
    device = rest.ok("POST", "/api/device", {"name": "d " + salt()})
    assigned = rest.ok("POST", f"/api/customer/{customer['id']['id']}/device/{device['id']['id']}")
    assert assigned["customerId"] == customer["id"]
    saved = rest.ok("POST", "/api/device", {key: value for key, value in assigned.items() if key != "customerId"})
    assert saved["customerId"] == {"entityType": "CUSTOMER", "id": NULL}
    refused(rest.call("DELETE", "/api/customer/device/" + device["id"]["id"]), 400, 31, "Device isn't assigned to any customer!")


# Telemetry and attributes

def test_attributes_come_back_with_their_types(rest, device):
    """52"""
    values = {"a": 1, "b": "x", "c": True, "d": {"e": 1}}
    answer = rest.call("POST", device.path + "/SERVER_SCOPE", values)
    assert (answer.status_code, answer.content) == (200, b"")
    found = rest.ok("GET", device.path + "/values/attributes/SERVER_SCOPE?keys=a,b,c,d,absent")
    assert {one["key"]: one["value"] for one in found} == values
    assert type({one["key"]: one["value"] for one in found}["c"]) is bool
    assert all(abs(one["lastUpdateTs"] / 1000 - time.time()) < 60 for one in found)


@pytest.mark.parametrize("body,text", [
    ("[]", "Request is not a JSON object"), ("1", "Request is not a JSON object"),
    ("{}", "No attributes data found in request body!"), ("nope{", "Invalid JSON"),
    ('{" ":1}', "Key cannot be blank"), ('{"<script>x</script>":1}', "Validation error: key is malformed"),
    (json.dumps({"k" * 256: 1}), "Validation error: key length must be equal or less than 255"),
    ('{"k":"<script>x</script>"}', "Validation error: value is malformed")])
def test_attributes_that_are_none(rest, device, body, text):
    """54"""
    plain(rest.session.post(rest.url + device.path + "/SERVER_SCOPE", data=body, timeout=60), 400, text)


def test_scopes_of_attributes(rest, device):
    """53"""
    plain(rest.call("POST", device.path + "/CLIENT_SCOPE", {"a": 1}), 400, "Invalid scope: CLIENT_SCOPE")
    refused(rest.call("POST", device.path + "/FOO", {"a": 1}), 400, 31)


def test_telemetry_is_cast_and_read_as_text_unless_types_are_wanted(rest, device):
    """55, 56, 63"""
    answer = rest.call("POST", device.path + "/timeseries/ANY", {"ts": 1000, "values": {"t": "12"}})
    assert (answer.status_code, answer.content) == (200, b"")
    path = device.path + "/values/timeseries?keys=t"
    assert rest.ok("GET", path) == {"t": [{"ts": 1000, "value": "12"}]}
    assert rest.ok("GET", path + "&useStrictDataTypes=true") == {"t": [{"ts": 1000, "value": 12}]}
    absent = rest.ok("GET", device.path + "/values/timeseries?keys=absent")["absent"]
    assert len(absent) == 1 and absent[0]["value"] is None and abs(absent[0]["ts"] / 1000 - time.time()) < 60
    for content_type in ("text/plain", "application/json", "application/octet-stream"):
        answer = rest.session.post(rest.url + device.path + "/timeseries/ANY", data='{"t":1}', timeout=60,
                                   headers={"Content-Type": content_type})
        assert (answer.status_code, answer.content) == (200, b""), content_type


def test_histories_and_averages(rest, device):
    """57, 58, 59"""
    rest.ok("POST", device.path + "/timeseries/ANY", [{"ts": 1000 * n, "values": {"v": n}} for n in range(1, 11)])
    path = device.path + "/values/timeseries?keys=v&"
    newest = [{"ts": 1000 * n, "value": str(n)} for n in (9, 8, 7)]
    assert rest.ok("GET", path + "startTs=1000&endTs=10000&limit=3") == {"v": newest}
    assert rest.ok("GET", path + "startTs=0&endTs=10000&agg=AVG&interval=5000") == {
        "v": [{"ts": 2500, "value": "2.5"}, {"ts": 7500, "value": "7.0"}]}
    assert rest.ok("GET", path + "startTs=1000&endTs=10000&limit=3&agg=AVG") == {"v": newest}
    refused(rest.call("GET", path + "startTs=1&endTs=2&agg=MEDIAN"), 400, 31)


def test_time_series_are_deleted_by_key_and_range(rest, device):
    """60"""
    path = device.path + "/timeseries/delete"
    plain(rest.call("DELETE", path), 400, "Empty keys: []")
    plain(rest.call("DELETE", path + "?keys=a"), 400,
          "When deleteAllDataForKeys is false, start and end timestamp values shouldn't be empty")
    plain(rest.call("DELETE", device.path + "/SERVER_SCOPE?keys="), 400, "Empty keys: []")


def test_who_may_not_read_telemetry(rest, system, device):
    """61, 62"""
    absent = f"/api/plugins/telemetry/DEVICE/{uuid.uuid4()}/values/timeseries"
    plain(rest.call("GET", absent), 404, "Device with requested id wasn't found!")
    plain(system.call("GET", device.path + "/values/timeseries"), 403,
          "System administrator is not allowed to perform this operation!")


# Calls

def test_calls_to_a_device_that_is_offline(rest, device):
    """64, 65, 66"""
    def call(path):
        began = time.monotonic()
        answer = rest.call("POST", f"/api/{path}/twoway/{device.id}", {"method": "m", "params": {}, "timeout": 5000})
        return answer.status_code, answer.content, time.monotonic() - began

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        older, newer = pool.map(call, ["plugins/rpc", "rpc"])
    assert older[0] in (408, 409) and newer[0] == 504
    assert older[1] == newer[1] == b"" and min(older[2], newer[2]) >= 5
    answer = rest.session.post(f"{rest.url}/api/rpc/twoway/{device.id}", data='{"method":', timeout=60)
    refused(answer, 400, 31, "Invalid request body")
    made = rest.ok("POST", f"/api/rpc/twoway/{device.id}", {
        "method": "m", "params": 1, "persistent": True, "expirationTime": int(time.time() * 1000) + 60_000})
    assert set(made) == {"rpcId"}
    assert rest.ok("GET", "/api/rpc/persistent/" + made["rpcId"])["status"] == "QUEUED"


# Alarms and relations

def test_an_alarm_of_a_type_is_one_until_it_is_cleared(rest, device):
    """67, 68, 69"""
    body = {"type": "Fire", "severity": "MAJOR", "originator": device.entity["id"]}
    first, second = rest.ok("POST", "/api/alarm", body), rest.ok("POST", "/api/alarm", body)
    assert first["id"] == second["id"] and first["status"] == "ACTIVE_UNACK"
    path = "/api/alarm/" + first["id"]["id"]
    assert rest.ok("POST", path + "/ack")["status"] == "ACTIVE_ACK"
    refused(rest.call("POST", path + "/ack"), 400, 31, "Alarm was already acknowledged!")
    assert rest.ok("POST", path + "/clear")["status"] == "CLEARED_ACK"
    refused(rest.call("POST", path + "/clear"), 400, 31, "Alarm was already cleared!")
    third = rest.ok("POST", "/api/alarm", body)
    assert third["id"] != first["id"] and third["status"] == "ACTIVE_UNACK"
    both = rest.call("GET", f"/api/alarms?{PAGE}&searchStatus=ANY&status=ACTIVE_ACK")
    refused(both, 400, 31, "Invalid alarms search query: Both parameters 'searchStatus' and 'status' can't be specified at the same time!")


def test_relations_that_are_none(rest, device):
    """70, 71"""
    asset = rest.ok("POST", "/api/asset", {"name": "a " + salt()})
    relation = {"from": asset["id"], "to": device.entity["id"]}
    for path in ("/api/relation", "/api/v2/relation"):
        refused(rest.call("POST", path, relation), 400, 31, "Relation type should be specified!")
    query = f"fromId={asset['id']['id']}&fromType=ASSET&relationType=Absent&toId={device.id}&toType=DEVICE"
    for path in ("/api/relation", "/api/v2/relation"):
        refused(rest.call("DELETE", f"{path}?{query}"), 404, 32, "Requested item wasn't found!")
    refused(rest.call("GET", "/api/relation?" + query), 404, 32, "Requested item wasn't found!")
    refused(rest.call("GET", "/api/relations?fromId=&fromType=DEVICE"), 400, 31, "Parameter 'fromId' can't be empty!")


# Rule chains, dashboards, queries

def test_the_root_chain_stays_and_no_node_leads_to_itself(rest):
    """72, 73"""
    root = rest.root_chain()
    refused(rest.call("DELETE", "/api/ruleChain/" + root["id"]["id"]), 400, 31,
            "Deletion of Root Tenant Rule Chain is prohibited!")
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + salt()})
    node = {"type": "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
    refused(rest.call("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [node],
        "connections": [{"fromIndex": 0, "toIndex": 0, "type": "Other"}]}), 400, 31, "Can't create the relation to yourself.")
    rest.ok("DELETE", "/api/ruleChain/" + chain["id"]["id"])


def test_no_home_dashboard_is_an_empty_answer(fresh):
    """74"""
    answer = fresh[1].call("GET", "/api/dashboard/home")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


def test_entity_queries(rest):
    """75, 76"""
    refused(rest.call("POST", "/api/entitiesQuery/find", {}), 400, 31, "Query entity filter must be specified.")
    answer = rest.call("POST", "/api/entitiesQuery/count", {"entityFilter": {"type": "entityType", "entityType": "DEVICE"}})
    assert answer.status_code == 200 and answer.text.isdigit() and int(answer.text) >= 9


# The system, and calls that there are not

def test_paths_and_methods_that_there_are_not(rest, system, nobody):
    """77, 78, 79"""
    refused(system.call("GET", "/api/admin/settings/nope"), 404, 32, "No Administration settings found for key: nope")
    refused(rest.call("GET", "/api/nope"), 404, 32)
    refused(nobody("GET", "/api/nope"), 401, 10)
    refused(rest.call("PUT", "/api/device"), 405, 31, "Request method 'PUT' is not supported")


def test_a_tenant_may_be_limited_to_one_device(system):
    """80"""
    profile = system.ok("POST", "/api/tenantProfile", {
        "name": "One " + salt(), "profileData": {"configuration": {"type": "DEFAULT", "maxDevices": 1}}})
    _, session = make_tenant(system, tenantProfileId=profile["id"])
    session.ok("POST", "/api/device", {"name": "first"})
    body = refused(session.call("POST", "/api/device", {"name": "second"}), 403, 41, "Devices limit reached")
    assert (body["entityType"], body["limit"]) == ("DEVICE", 1)


def test_events_of_a_kind_that_there_is_not(rest, device):
    """81"""
    tenant = device.entity["tenantId"]["id"]
    path = f"/api/events/DEVICE/{device.id}"
    refused(rest.call("GET", f"{path}/FOO?tenantId={tenant}&pageSize=1&page=0"), 400, 31, "Event type: 'FOO' is not supported!")
    assert rest.ok("GET", f"{path}/lc_event?tenantId={tenant}&pageSize=1&page=0")["data"] == []
    refused(rest.call("GET", f"{path}/LC_EVENT?pageSize=1&page=0"), 500, 2)


def test_other_origins_ask_before_they_sign_in(server):
    """82"""
    answer = requests.options(server.url + "/api/auth/login", timeout=60, headers={
        "Origin": "https://ui.example", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-authorization"})
    assert answer.status_code == 200
    headers = answer.headers
    assert headers["Access-Control-Allow-Origin"] in ("*", "https://ui.example")
    assert headers["Access-Control-Allow-Credentials"] == "true" and headers["Access-Control-Max-Age"] == "1800"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "x-authorization" in headers["Access-Control-Allow-Headers"].lower()
    answer = requests.get(server.url + "/api/auth/user", timeout=60, headers={"Origin": "https://ui.example"})
    assert answer.status_code == 401 and answer.headers["Access-Control-Allow-Origin"] in ("*", "https://ui.example")


def test_who_is_public_needs_no_account(rest, nobody):
    """83"""
    device = rest.ok("POST", "/api/device", {"name": "d " + salt()})
    public = rest.ok("POST", "/api/customer/public/device/" + device["id"]["id"])["customerId"]["id"]
    answer = nobody("POST", "/api/auth/login/public", {"publicId": public})
    assert answer.status_code == 200
    found = claims(answer.json()["token"])
    assert (found["isPublic"], found["scopes"], found["sub"]) == (True, ["CUSTOMER_USER"], public)
    assert (found["userId"], found["firstName"], found["lastName"]) == (NULL, "Public", "Public")
    header = {"X-Authorization": "Bearer " + answer.json()["token"]}
    assert nobody("GET", "/api/device/" + device["id"]["id"], headers=header).status_code == 200
    for wrong in (str(uuid.uuid4()), "nonsense", rest.ok("POST", "/api/customer", {"title": "C " + salt()})["id"]["id"]):
        refused(nobody("POST", "/api/auth/login/public", {"publicId": wrong}), 401, 10)


def test_types_of_devices_are_listed(rest, system):
    """84"""
    tenant, session = make_tenant(system)
    for name in ("B", "A"):
        session.ok("POST", "/api/device", {"name": "of " + name, "type": name})
    types = session.ok("GET", "/api/device/types")
    assert [one for one in types if one["type"] in "AB"] == [
        {"tenantId": tenant["id"], "entityType": "DEVICE", "type": name} for name in "AB"]


# The checklist of section 8, as far as the cases above do not have it

def is_id(value):
    return isinstance(value, dict) and set(value) == {"entityType", "id"} and uuid.UUID(value["id"])


def test_ids_are_objects_and_nobody_is_the_null_id(rest, device):
    """Checklist 1, 2"""
    asset = rest.ok("POST", "/api/asset", {"name": "a " + salt()})
    view = rest.ok("POST", "/api/entityView", {"name": "v " + salt(), "type": "t", "entityId": device.entity["id"]})
    alarm = rest.ok("POST", "/api/alarm", {"type": "T", "severity": "MINOR", "originator": device.entity["id"]})
    user = rest.ok("GET", "/api/auth/user")
    for thing in (device.entity, asset, view, user):
        assert thing["customerId"] == {"entityType": "CUSTOMER", "id": NULL}
    for thing in (device.entity, asset, view, user, alarm, rest.ok("GET", f"/api/customers?{PAGE}")["data"][0],
                  rest.ok("GET", f"/api/ruleChains?{PAGE}")["data"][0], rest.ok("GET", f"/api/tenant/dashboards?{PAGE}")["data"][0]):
        ids = {key: value for key, value in thing.items() if (key == "id" or key.endswith("Id")) and value is not None}
        assert {"id", "tenantId"} <= set(ids)
        assert all(is_id(value) for value in ids.values()), ids
    rest.ok("DELETE", "/api/entityView/" + view["id"]["id"])


def test_bare_scalars_texts_and_empty_answers(rest, system, device):
    """Checklist 3, 4, 5"""
    alarm = rest.ok("POST", "/api/alarm", {"type": "T", "severity": "MINOR", "originator": device.entity["id"]})
    customer = rest.ok("POST", "/api/customer", {"title": "C " + salt()})
    for method, path, form in [
            ("GET", "/api/dashboard/serverTime", str.isdigit), ("GET", "/api/dashboard/maxDatapointsLimit", "50000".__eq__),
            ("GET", "/api/user/tokenAccessEnabled", "true".__eq__), ("DELETE", "/api/alarm/" + alarm["id"]["id"], "true".__eq__),
            ("GET", "/api/edges/enabled", lambda text: text in ("true", "false")),
            ("GET", "/api/ruleChain/tbelEnabled", lambda text: text in ("true", "false"))]:
        answer = rest.call(method, path)
        assert answer.headers["Content-Type"].startswith("application/json") and form(answer.text), (path, answer.text)
    title = rest.call("GET", f"/api/customer/{customer['id']['id']}/title")
    assert (title.text, title.headers["Content-Type"].split(";")[0]) == (customer["title"], "application/text")
    help_page = rest.call("GET", "/api/uiSettings/helpBaseUrl")
    assert help_page.text.startswith("http") and '"' not in help_page.text
    for method, path in [("DELETE", "/api/customer/" + customer["id"]["id"]), ("DELETE", "/api/device/" + device.id),
                         ("GET", "/api/dashboard/home/info")]:
        answer = rest.call(method, path)
        assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0"), path


def test_names_that_are_absent_are_404(rest):
    """Checklist 6"""
    for path in ["tenant/devices?deviceName", "tenant/device?deviceName", "tenant/assets?assetName", "tenant/asset?assetName",
                 "tenant/entityViews?entityViewName", "tenant/entityView?entityViewName", "tenant/customers?customerTitle"]:
        answer = rest.call("GET", f"/api/{path}=absent")
        message = "Customer with title [absent] is not found" if "customer" in path else "Requested item wasn't found!"
        refused(answer, 404, 32, message)


def test_older_and_newer_paths_answer_alike(rest, device):
    """Checklist 9"""
    asset = rest.ok("POST", "/api/asset", {"name": "a " + salt()})
    view = rest.ok("POST", "/api/entityView", {"name": "v " + salt(), "type": "t", "entityId": device.entity["id"]})
    relation = {"from": asset["id"], "to": device.entity["id"], "type": "Contains"}
    assert rest.call("POST", "/api/relation", relation).content == b""
    assert rest.ok("POST", "/api/v2/relation", relation)["type"] == "Contains"
    customer = rest.ok("POST", "/api/customer", {"title": "C " + salt()})
    chain = rest.ok("GET", f"/api/ruleChains?{PAGE}")["data"][0]
    dashboard = rest.ok("POST", "/api/dashboard", {"title": "D " + salt()})
    profile, user = rest.ok("GET", "/api/deviceProfileInfo/default"), rest.ok("GET", "/api/auth/user")

    def key(thing):
        return thing["id"]["id"]

    source, target = f"Id={key(asset)}&fromType=ASSET", f"Id={device.id}&toType=DEVICE"
    pairs = [
        ("tenant/devices?deviceName=" + device.entity["name"], "tenant/device?deviceName=" + device.entity["name"]),
        ("tenant/assets?assetName=" + asset["name"], "tenant/asset?assetName=" + asset["name"]),
        ("tenant/entityViews?entityViewName=" + view["name"], "tenant/entityView?entityViewName=" + view["name"]),
        ("relations?from" + source, f"relations/from/ASSET/{key(asset)}"),
        (f"relations?from{source}&relationType=Contains", f"relations/from/ASSET/{key(asset)}/Contains"),
        ("relations?to" + target, f"relations/to/DEVICE/{device.id}"),
        ("relations/info?from" + source, f"relations/info/from/ASSET/{key(asset)}"),
        ("relations/info?to" + target, f"relations/info/to/DEVICE/{device.id}"),
        ("customers?customerIds=" + key(customer), "customers/list?customerIds=" + key(customer)),
        ("users?userIds=" + key(user), "users/list?userIds=" + key(user)),
        ("entityViews?entityViewIds=" + key(view), "entityViews/list?entityViewIds=" + key(view)),
        ("dashboards?dashboardIds=" + key(dashboard), "dashboards/list?dashboardIds=" + key(dashboard)),
        ("ruleChains?ruleChainIds=" + key(chain), "ruleChains/list?ruleChainIds=" + key(chain)),
        ("deviceProfileInfos?deviceProfileIds=" + key(profile), "deviceProfileInfos/list?deviceProfileIds=" + key(profile)),
        ("user/dashboards", "user/lastVisitedDashboards"), ("user/settings", "user/settings/general")]
    for older, newer in pairs:
        found = rest.ok("GET", "/api/" + older)
        assert found == rest.ok("GET", "/api/" + newer) and found not in ([], None), older
    rest.ok("DELETE", "/api/entityView/" + key(view))
    device.save([{"ts": ts, "values": {"v": ts}} for ts in (1000, 2000)])
    times = "keys=v&startTs=0&endTs=5000"
    assert rest.ok("GET", f"{device.path}/values/timeseries?{times}") == rest.ok("GET", f"{device.path}/values/timeseries/history?{times}")


def test_lists_are_joined_or_repeated_and_empty_means_absent(rest):
    """Checklist 10"""
    ids = [rest.create_device().id for _ in range(2)]
    joined = rest.ok("GET", "/api/devices?deviceIds=" + ",".join(ids))
    assert len(joined) == 2 and rest.ok("GET", "/api/devices?" + "&".join("deviceIds=" + one for one in ids)) == joined
    refused(rest.call("GET", "/api/devices?deviceIds="), 400, 31, "Parameter 'deviceIds' can't be empty!")
    empty = "&type=&deviceProfileId=&active=&textSearch=&sortProperty=&sortOrder=&unknown=1"
    assert rest.ok("GET", f"/api/tenant/deviceInfos?{PAGE}{empty}")["data"]
    path = f"/api/plugins/telemetry/DEVICE/{ids[0]}"
    rest.ok("POST", path + "/timeseries/ANY", {"a": 1, "b,c": 2})
    assert set(rest.ok("GET", path + "/values/timeseries?key=a&key=b,c&keys=z")) == {"a", "b,c"}
    # A body where none is needed, and parameters that nobody knows.
    rest.ok("POST", f"/api/customer/public/device/{ids[0]}?entityGroupId=", {})


PAGES = ["tenant/devices", "tenant/deviceInfos", "tenant/assets", "tenant/assetInfos", "tenant/entityViews", "tenant/entityViewInfos",
         "tenant/dashboards", "customers", "users", "users/info", "deviceProfiles", "deviceProfileInfos", "assetProfiles",
         "assetProfileInfos", "ruleChains", "alarms", "v2/alarms", "alarm/types", "audit/logs", "widgetsBundles", "widgetTypes",
         "images", "resource", "otaPackages", "notifications", "queueStats", "queues?serviceType=TB_RULE_ENGINE",
         "calculatedFields", "alarm/rules"]


def test_pages_have_all_four_members(rest, system):
    """Checklist 14"""
    for path in PAGES:
        page = rest.ok("GET", f"/api/{path}{'&' if '?' in path else '?'}{PAGE}")
        assert set(page) == {"data", "totalPages", "totalElements", "hasNext"}, path
        assert isinstance(page["data"], list) and isinstance(page["hasNext"], bool)
    for path in ("tenants", "tenantInfos", "tenantProfiles", "tenantProfileInfos"):
        assert set(system.ok("GET", f"/api/{path}?{PAGE}")) == {"data", "totalPages", "totalElements", "hasNext"}


def test_what_a_user_interface_asks_first(rest, system, nobody):
    """Checklist 15"""
    answer = nobody("POST", "/api/noauth/oauth2Clients?platform=WEB")
    assert (answer.status_code, answer.json()) == (200, [])
    user = Rest(rest.url, "customer@thingsboard.org", "customer")
    members = {
        "userTokenAccessEnabled", "allowedDashboardIds", "edgesSupportEnabled", "hasRepository", "tbelEnabled",
        "persistDeviceStateToTelemetry", "userSettings", "maxDatapointsLimit", "maxResourceSize", "mobileQrEnabled",
        "maxDebugModeDurationMinutes", "ruleChainDebugPerTenantLimitsConfiguration",
        "calculatedFieldDebugPerTenantLimitsConfiguration", "maxArgumentsPerCF", "maxDataPointsPerRollingArg",
        "minAllowedScheduledUpdateIntervalInSecForCF", "maxRelationLevelPerCfArgument", "maxRelatedEntitiesToReturnPerCfArgument",
        "minAllowedDeduplicationIntervalInSecForCF", "minAllowedAggregationIntervalInSecForCF",
        "intermediateAggregationIntervalInSecForCF", "trendzSettings", "allowKeyFiltersOrConditions", "nullsOrderStrategy",
        "edqsEnabled", "iotHubBaseUrl"}
    for who in (rest, system, user):
        assert members <= set(who.ok("GET", "/api/system/params"))
    assert user.ok("GET", "/api/system/params")["userTokenAccessEnabled"] is False
    assert system.ok("GET", "/api/system/params")["ruleChainDebugPerTenantLimitsConfiguration"] is None


# Rule chains: import, save, upgrade (rule-engine.md 10.1)

ENGINE = "org.thingsboard.rule.engine."


def import_nodes(rest, *nodes, **graph):
    """What an editor does with a file: saves a chain, then its graph."""
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Import " + salt(), "type": "CORE", "root": False, "firstRuleNodeId": None})
    assert chain["root"] is False
    answer = rest.call("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0 if nodes else None, "nodes": list(nodes), "connections": [], **graph})
    return chain, answer


ON_EVERY = {"type": "ON_EVERY_MESSAGE"}
# Case, class, version of the file, its configuration, and what is stored.
UPGRADES = {
    4: ("filter.TbCheckRelationNode", 0, {"direction": "FROM", "relationType": "Contains", "checkForSingleEntity": True},
        {"direction": "TO", "relationType": "Contains", "checkForSingleEntity": True}, 1),
    5: ("telemetry.TbMsgAttributesNode", 0, {"scope": "SERVER_SCOPE"},
        {"scope": "SERVER_SCOPE", "notifyDevice": True, "updateAttributesOnlyOnValueChange": False,
         "sendAttributesUpdatedNotification": False, "processingSettings": ON_EVERY}, 3),
    6: ("telemetry.TbMsgTimeseriesNode", 0, {"defaultTTL": 0, "skipLatestPersistence": True}, {
        "defaultTTL": 0, "processingSettings": {
            "type": "ADVANCED", "timeseries": ON_EVERY, "latest": {"type": "SKIP"}, "webSockets": ON_EVERY,
            "calculatedFields": ON_EVERY}}, 1),
    7: ("mqtt.TbMqttNode", 1, {"host": "h", "parseToPlainText": True}, {"host": "h", "parseToPlainText": True, "protocolVersion": "MQTT_3_1"}, 2),
    8: ("rest.TbRestApiCallNode", 3, {"requestMethod": "POST", "queryParams": {"a": "b"}},
        {"requestMethod": "POST", "requestBodyTemplate": None}, 4),
}


@pytest.mark.parametrize("case", UPGRADES)
def test_imported_nodes_are_brought_up_to_date(rest, case):
    """4 to 8"""
    kind, version, configuration, stored, current = UPGRADES[case]
    chain, answer = import_nodes(rest, {"type": ENGINE + kind, "name": "n", "configurationVersion": version, "configuration": configuration})
    assert answer.status_code == 200, answer.text
    node = rest.ok("GET", f"/api/ruleChain/{chain['id']['id']}/metadata")["nodes"][0]
    assert (node["configurationVersion"], node["configuration"]) == (current, stored)
    rest.ok("DELETE", "/api/ruleChain/" + chain["id"]["id"])


def test_a_node_that_cannot_start_fails_its_messages(rest):
    """3"""
    broken = {"type": ENGINE + "filter.TbMsgTypeSwitchNode", "name": "broken", "configuration": {"version": 0, "surprise": 1}}
    save = {"type": ENGINE + "telemetry.TbMsgTimeseriesNode", "name": "save", "configuration": {"defaultTTL": 0}}
    chain, answer = import_nodes(rest, broken, save, connections=[{"fromIndex": 0, "toIndex": 1, "type": "Failure"}])
    assert answer.status_code == 200 and answer.json()["nodes"][0]["configuration"]["surprise"] == 1
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"]})
    device = rest.create_device(deviceProfileId=profile["id"])
    # The answer comes when the chain has ended.
    assert requests.post(f"{rest.url}/api/v1/{device.token}/telemetry", json={"t": 1}, timeout=60).status_code == 200
    assert device.latest("t") == {"t": None}
    # The same without that member stores.
    graph = rest.ok("GET", f"/api/ruleChain/{chain['id']['id']}/metadata")
    graph["nodes"][0]["configuration"] = {"version": 0}
    rest.ok("POST", "/api/ruleChain/metadata", {**graph, "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Post telemetry"}]})

    def stores():
        requests.post(f"{rest.url}/api/v1/{device.token}/telemetry", json={"t": 2}, timeout=60)
        return device.latest("t") == {"t": 2}
    eventually(stores, 60, "the repaired chain")


# Storage (persistence.md 16)

def test_nobody_is_stored_as_the_null_id(server, rest, device):
    """5"""
    customer = rest.ok("POST", "/api/customer", {"title": "C " + salt()})
    rest.ok("POST", f"/api/customer/{customer['id']['id']}/device/{device.id}")
    assert rest.ok("DELETE", "/api/customer/device/" + device.id)["customerId"]["id"] == NULL
    run = subprocess.run(
        [EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-c",
         f"SELECT customer_id FROM device WHERE id = '{device.id}'"], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == NULL


def test_a_view_has_the_latest_value_of_its_window(rest, device):
    """22"""
    device.save([{"ts": ts, "values": {f"at{ts}": ts}} for ts in (2999, 3000, 3001, 7000, 7001)])
    view = rest.ok("POST", "/api/entityView", {
        "name": "v " + salt(), "type": "t", "entityId": device.entity["id"], "startTimeMs": 3000, "endTimeMs": 7000,
        "keys": {"timeseries": [f"at{ts}" for ts in (2999, 3000, 3001, 7000, 7001)], "attributes": {"cs": [], "ss": [], "sh": []}}})
    path = f"/api/plugins/telemetry/ENTITY_VIEW/{view['id']['id']}/values/timeseries"
    latest = {key: points[0]["value"] for key, points in rest.ok("GET", path + "?useStrictDataTypes=true").items()}
    assert {key for key, value in latest.items() if value is not None} - {"at3000"} == {"at3001", "at7000"}
    rest.ok("DELETE", "/api/entityView/" + view["id"]["id"])


def test_alarms_that_are_raised_at_once_are_one(rest, device):
    """29"""
    body = {"type": "Fire", "severity": "MAJOR", "originator": device.entity["id"]}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        raised = list(pool.map(lambda _: rest.ok("POST", "/api/alarm", body)["id"]["id"], range(24)))
    assert len(set(raised)) == 1
    assert rest.ok("GET", f"/api/alarm/DEVICE/{device.id}?{PAGE}")["totalElements"] == 1
