"""What holds for every resource (rest-api.md 2): ids and tenants of bodies are not believed, versions lock, limits and header
fields are the same everywhere."""
import base64
import json
import uuid

import pytest
import requests

from people import administrator, customer_with_user, make_tenant
from rest import Rest
from test_rest_cases import refused, salt

ABSENT = "784f394c-42b6-435a-983c-b7beff2784f9"


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")


@pytest.fixture(scope="module")
def stranger(system):
    """Another tenant, and a session of its administrator."""
    return make_tenant(system)


PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
# By entity type: the path that saves it, and a body that makes a new one.
SAVED = {
    "DEVICE": ("/api/device", lambda rest: {"name": "N " + salt()}),
    "ASSET": ("/api/asset", lambda rest: {"name": "N " + salt()}),
    "ENTITY_VIEW": ("/api/entityView", lambda rest: {"name": "N " + salt(), "type": "t", "entityId": rest.create_device().entity["id"]}),
    "DEVICE_PROFILE": ("/api/deviceProfile", lambda rest: {"name": "N " + salt(), "type": "DEFAULT", "transportType": "DEFAULT"}),
    "ASSET_PROFILE": ("/api/assetProfile", lambda rest: {"name": "N " + salt()}),
    "CUSTOMER": ("/api/customer", lambda rest: {"title": "N " + salt()}),
    "USER": ("/api/user?sendActivationMail=false", lambda rest: {"email": f"n-{salt()}@example.com", "authority": "TENANT_ADMIN"}),
    "DASHBOARD": ("/api/dashboard", lambda rest: {"title": "N " + salt()}),
    "RULE_CHAIN": ("/api/ruleChain", lambda rest: {"name": "N " + salt()}),
    "ALARM": ("/api/alarm", lambda rest: {"type": "N " + salt(), "severity": "MINOR", "originator": rest.create_device().entity["id"]}),
    "WIDGETS_BUNDLE": ("/api/widgetsBundle", lambda rest: {"title": "N " + salt()}),
    "WIDGET_TYPE": ("/api/widgetType", lambda rest: {"fqn": "n" + salt(), "name": "N", "descriptor": {"type": "latest"}}),
    "TB_RESOURCE": ("/api/resource", lambda rest: {
        "title": "N", "resourceType": "GENERAL", "fileName": f"n-{salt()}.txt", "data": PNG}),
    "OTA_PACKAGE": ("/api/otaPackage", lambda rest: {
        "deviceProfileId": rest.ok("GET", "/api/deviceProfileInfo/default")["id"], "type": "FIRMWARE", "title": "N " + salt(), "version": "1"}),
}


@pytest.mark.parametrize("kind", SAVED)
def test_ids_and_tenants_of_bodies_are_not_believed(rest, stranger, kind):
    path, body = SAVED[kind]
    tenant, session = stranger
    # A package's version is its own.
    unlocked = {} if kind == "OTA_PACKAGE" else {"version": None}
    own = rest.ok("GET", "/api/auth/user")["tenantId"]
    # The tenant of a body, and what the server alone says, mean nothing.
    made = rest.ok("POST", path, {"tenantId": tenant["id"], "createdTime": 1, **body(rest)})
    assert made["tenantId"] == own and made["id"]["entityType"] == kind
    # An id that nobody has makes nothing.
    absent = rest.call("POST", path, {**body(rest), "id": {"entityType": kind, "id": ABSENT}})
    refused(absent, 404, 32)
    # One that another tenant has changes nothing, whatever the body says of its tenant.
    before = rest.ok("GET", f"{path.split('?')[0]}/{made['id']['id']}")
    for claimed in (tenant["id"], own, None):
        theirs = session.call("POST", path, {**before, "tenantId": claimed, **unlocked})
        assert theirs.status_code in (400, 403, 404) and theirs.json()["errorCode"] in (20, 31, 32), theirs.text
    # The owner's own save leaves it where it is.
    again = rest.call("POST", path, {**before, "tenantId": tenant["id"]})
    assert again.status_code == 200 and again.json()["tenantId"] == own or again.status_code == 400, again.text
    after = rest.ok("GET", f"{path.split('?')[0]}/{made['id']['id']}")
    assert {**after, "version": None} == {**before, "version": None}


def test_what_a_system_administrator_saves_keeps_its_place(system, rest, stranger):
    tenant, session = stranger
    for path, body in [
            ("/api/tenant", {"title": "N " + salt()}),
            ("/api/tenantProfile", {"name": "N " + salt(), "profileData": {"configuration": {"type": "DEFAULT"}}})]:
        kind = "TENANT" if path == "/api/tenant" else "TENANT_PROFILE"
        refused(system.call("POST", path, {**body, "id": {"entityType": kind, "id": ABSENT}}), 404, 32)
        refused(rest.call("POST", path, body), 403, 20)
    # A tenant's administrator makes users of the own tenant only, and none of the system's.
    for fields in [{"authority": "SYS_ADMIN"}, {"authority": "TENANT_ADMIN", "tenantId": tenant["id"]}]:
        answer = rest.call("POST", "/api/user?sendActivationMail=false", {"email": f"n-{salt()}@example.com", **fields})
        assert answer.status_code in (400, 403) or answer.json()["tenantId"] != tenant["id"], answer.text
        assert answer.status_code != 200 or answer.json()["authority"] == "TENANT_ADMIN"


def test_a_user_promotes_nobody(rest, stranger):
    customer, user = customer_with_user(rest)
    me = user.ok("GET", "/api/auth/user")
    other = rest.ok("POST", "/api/customer", {"title": "C " + salt()})
    for fields in [{"authority": "TENANT_ADMIN"}, {"authority": "SYS_ADMIN"}, {"customerId": other["id"]}, {"tenantId": stranger[0]["id"]}]:
        answer = user.call("POST", "/api/user?sendActivationMail=false", {**me, **fields, "version": None})
        assert answer.status_code in (200, 400, 403), answer.text
        now = rest.ok("GET", "/api/user/" + me["id"]["id"])
        assert (now["authority"], now["customerId"], now["tenantId"]) == (me["authority"], me["customerId"], me["tenantId"])


# Versions (2.5)

VERSIONED = ["DEVICE", "ASSET", "ENTITY_VIEW", "DEVICE_PROFILE", "ASSET_PROFILE", "CUSTOMER", "USER", "DASHBOARD",
             "RULE_CHAIN", "WIDGETS_BUNDLE", "WIDGET_TYPE"]
NAMES = {"ENTITY_VIEW": "Entity View"}


def locked(session, path, made, message):
    """The rules of 2.5 on something that was just made."""
    assert made["version"] == 1
    current = session.ok("POST", path, made)
    assert current["version"] == 2
    assert refused(session.call("POST", path, made), 409, 35)["message"] == message
    assert refused(session.call("POST", path, {**made, "version": 7}), 409, 35)["message"] == message
    without = {key: value for key, value in current.items() if key != "version"}
    assert session.ok("POST", path, without)["version"] == 3
    assert session.ok("POST", path, {**current, "version": None})["version"] == 4


@pytest.mark.parametrize("kind", VERSIONED)
def test_stale_versions_are_refused(rest, kind):
    path, body = SAVED[kind]
    name = NAMES.get(kind) or kind.capitalize().replace("_", " ")
    locked(rest, path, rest.ok("POST", path, body(rest)), name + " was already changed by someone else")


def test_stale_versions_of_tenants_are_refused(system):
    locked(system, "/api/tenant", system.ok("POST", "/api/tenant", {"title": "N " + salt()}), "Tenant was already changed by someone else")


def test_stale_versions_of_graphs_are_refused(rest):
    chain = rest.ok("POST", "/api/ruleChain", {"name": "N " + salt()})
    path = f"/api/ruleChain/{chain['id']['id']}/metadata"
    node = {"type": "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode", "name": "a", "configuration": {"version": 0}}
    body = {"ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [node], "connections": []}
    first = rest.ok("POST", "/api/ruleChain/metadata", {**body, "version": chain["version"]})
    assert first["version"] == chain["version"] + 1
    refused(rest.call("POST", "/api/ruleChain/metadata", {**body, "version": chain["version"], "nodes": [{**node, "name": "b"}]}), 409, 35,
            "Rule chain was already changed by someone else")
    assert rest.ok("GET", path) == first
    assert rest.ok("POST", "/api/ruleChain/metadata", {**first, "version": None})["version"] == first["version"] + 1


def test_versions_of_credentials_and_relations_count_up(rest, device):
    credentials = rest.ok("GET", f"/api/device/{device.id}/credentials")
    changed = rest.ok("POST", "/api/device/credentials", {**credentials, "credentialsId": "c-" + salt()})
    assert changed["version"] == credentials["version"] + 1
    assert refused(rest.call("POST", "/api/device/credentials", credentials), 409, 35)["message"].endswith("already changed by someone else")
    asset = rest.ok("POST", "/api/asset", {"name": "a " + salt()})
    relation = {"from": asset["id"], "to": device.entity["id"], "type": "Contains"}
    first = rest.ok("POST", "/api/v2/relation", relation)
    # Informative there: nothing is refused.
    assert rest.ok("POST", "/api/v2/relation", {**relation, "version": first["version"] - 1})["version"] > first["version"]


# Header fields and limits (2.1)

def test_every_answer_has_its_header_fields(server, rest):
    for answer in (rest.call("GET", "/api/auth/user"), rest.call("GET", "/api/nope"), requests.get(server.url + "/api/auth/user", timeout=60)):
        assert answer.headers["X-Content-Type-Options"] == "nosniff" and answer.headers["X-XSS-Protection"] == "0"
        assert answer.headers["Cache-Control"] == "no-cache, no-store, max-age=0, must-revalidate"


@pytest.mark.parametrize("method,path", [("GET", "/api/tenant/devices"), ("DELETE", "/api/device/x"), ("POST", "/api/plugins/telemetry/x/y"),
                                         ("PUT", "/api/nope")])
def test_pages_of_other_origins_may_call_everything(server, method, path):
    answer = requests.options(server.url + path, timeout=60, headers={
        "Origin": "https://a.example", "Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-authorization, x-own"})
    assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Methods"] in ("*", method)
    assert "x-own" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Origin"] in ("*", "https://a.example")


def test_dashboards_come_compressed_both_ways(rest):
    configuration = {"widgets": {str(number): {"title": "w" * 100} for number in range(100)}}
    saved = rest.call("POST", "/api/dashboard", {"title": "D " + salt(), "configuration": configuration}, headers={"Accept-Encoding": "gzip"})
    assert saved.headers["Content-Encoding"] == "gzip" and saved.json()["configuration"] == configuration
    read = rest.call("GET", "/api/dashboard/" + saved.json()["id"]["id"], headers={"Accept-Encoding": "gzip, deflate"})
    assert read.headers["Content-Encoding"] == "gzip" and read.json() == saved.json()
    assert int(read.headers["Content-Length"]) < 3000
    plain = rest.call("GET", "/api/dashboard/" + saved.json()["id"]["id"], headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.json() == saved.json()


@pytest.mark.parametrize("path,megabytes,status", [
    ("/api/asset", 15, 400), ("/api/asset", 17, 413), ("/api/resource", 17, 400), ("/api/image", 17, 400), ("/api/resource/upload", 51, 413)])
def test_bodies_have_their_limits(rest, path, megabytes, status):
    data = json.dumps({"name": "", "title": "", "x": "y" * (megabytes << 20)})
    answer = rest.session.post(rest.url + path, data=data, headers={"Content-Type": "application/json"}, timeout=60)
    assert answer.status_code == status, answer.text[:200]
    assert answer.json()["errorCode"] == 31


@pytest.mark.parametrize("who", ["tenant", "customer"])
def test_requests_of_a_tenant_and_of_a_customer_are_limited(system, who):
    limit = {"tenant": "tenantServerRestLimitsConfiguration", "customer": "customerServerRestLimitsConfiguration"}[who]
    profile = system.ok("POST", "/api/tenantProfile", {
        "name": "L " + salt(), "profileData": {"configuration": {"type": "DEFAULT", limit: "20:3600"}}})
    _, session = make_tenant(system, tenantProfileId=profile["id"])
    if who == "customer":
        administrator, (_, session) = session, customer_with_user(session)
    answers = [session.call("GET", "/api/auth/user") for _ in range(25)]
    kinds = [answer.status_code for answer in answers]
    assert kinds == sorted(kinds) and kinds[0] == 200 and kinds[-1] == 429
    refused(answers[-1], 429, 33, f"Too many requests for current {who}!")
    if who == "customer":
        administrator.ok("GET", "/api/auth/user")
    # What needs no account is not the tenant's.
    assert requests.post(session.url + "/api/noauth/oauth2Clients", timeout=60).status_code == 200


# Whose tokens count (1.3, 1.5, 1.11)

@pytest.mark.parametrize("end", ["logout", "password", "disabled", "deleted"])
def test_tokens_end_with_what_they_stand_for(rest, end):
    session, email = administrator(rest)
    pair = requests.post(rest.url + "/api/auth/login", json={"username": email, "password": "secret-1"}, timeout=60).json()
    me = session.ok("GET", "/api/auth/user")
    key = session.ok("POST", "/api/apiKey", {"description": "k", "enabled": True, "userId": me["id"]})["value"]
    access, by_key = {"X-Authorization": "Bearer " + pair["token"]}, {"X-Authorization": "ApiKey " + key}

    def look(headers):
        return requests.get(rest.url + "/api/auth/user", headers=headers, timeout=60)

    assert look(access).status_code == look(by_key).status_code == 200
    path = "/api/user/" + me["id"]["id"]
    if end == "logout":
        requests.post(rest.url + "/api/auth/logout", headers=access, timeout=60)
        session.ok("GET", "/api/auth/user")
    elif end == "password":
        session.ok("POST", "/api/auth/changePassword", {"currentPassword": "secret-1", "newPassword": "secret-2"})
    elif end == "disabled":
        rest.ok("POST", path + "/userCredentialsEnabled?userCredentialsEnabled=false")
    else:
        rest.ok("DELETE", path)
    refused(look(access), 401, 11, "Token has expired")
    refused(requests.post(rest.url + "/api/auth/token", json={"refreshToken": pair["refreshToken"]}, timeout=60), 401, 10)
    # A key has no session and no password.
    assert look(by_key).status_code == (200 if end in ("logout", "password") else 401)
