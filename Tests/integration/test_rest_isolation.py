"""Tenants do not see each other, and have no more of anything than their profile allows (rest-api.md 1.13, 2.10, 7)."""
import concurrent.futures
import uuid

import pytest

from people import customer_with_user, make_tenant
from rest import Rest
from test_rest_entities import NULL, eid, refused, salt

PAGE = "pageSize=100&page=0"


@pytest.fixture(scope="module")
def system(server):
    return Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")


@pytest.fixture(scope="module")
def stranger(system):
    """The administrator of another tenant."""
    return make_tenant(system)[1]


@pytest.fixture(scope="module")
def newcomer(system):
    """The administrator of a tenant in which nobody makes anything."""
    return make_tenant(system)[1]


@pytest.fixture(scope="module")
def own(rest):
    """One of everything."""
    mark = salt()
    things = {
        "device": rest.ok("POST", "/api/device", {"name": "D " + mark}),
        "asset": rest.ok("POST", "/api/asset", {"name": "A " + mark}),
        "dashboard": rest.ok("POST", "/api/dashboard", {"title": "B " + mark}),
        "customer": rest.ok("POST", "/api/customer", {"title": "C " + mark}),
        "deviceProfile": rest.ok("POST", "/api/deviceProfile", {"name": "P " + mark, "type": "DEFAULT", "transportType": "DEFAULT"}),
        "assetProfile": rest.ok("POST", "/api/assetProfile", {"name": "Q " + mark}),
    }
    things["entityView"] = rest.ok("POST", "/api/entityView", {"name": "V " + mark, "type": "t", "entityId": things["device"]["id"]})
    rest.ok("POST", "/api/relation", {"from": things["asset"]["id"], "to": things["device"]["id"], "type": "Contains"})
    return things


def test_names_are_of_a_tenant_credentials_and_addresses_of_all(rest, system):
    mark = salt()
    stranger = make_tenant(system)[1]
    for one in (rest, stranger):
        one.ok("POST", "/api/device", {"name": "Shared " + mark})
        again = one.call("POST", "/api/device", {"name": "Shared " + mark})
        assert (again.status_code, again.json()["errorCode"]) == (400, 31)
    rest.ok("POST", "/api/device?accessToken=token-" + mark, {"name": "First " + mark})
    taken = stranger.call("POST", "/api/device?accessToken=token-" + mark, {"name": "Second " + mark})
    assert (taken.status_code, taken.json()["message"]) == (400, "Device credentials are already assigned to another device!")
    assert stranger.call("GET", "/api/tenant/devices?deviceName=Second " + mark).status_code == 404
    address = f"user-{mark}@example.com"
    for one, expected in ((rest, 200), (stranger, 400)):
        customer = one.ok("POST", "/api/customer", {"title": "Customer " + mark})
        user = one.call("POST", "/api/user?sendActivationMail=false", {
            "email": address, "authority": "CUSTOMER_USER", "customerId": customer["id"]})
        assert user.status_code == expected, user.text
    assert user.json()["message"] == f"User with email '{address}' already present in database!"


KINDS = ["device", "asset", "dashboard", "deviceProfile", "assetProfile", "entityView"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_another_tenant_has_can_be_neither_read_nor_changed_nor_deleted(stranger, own, rest, kind):
    # Devices are looked up inside the caller's tenant, everything else is found first.
    status = 404 if kind == "device" else 403
    thing = own[kind]
    refused(stranger.call("GET", f"/api/{kind}/{eid(thing)}"), status)
    refused(stranger.call("DELETE", f"/api/{kind}/{eid(thing)}"), status)
    refused(stranger.call("POST", f"/api/{kind}", {**thing, "version": None}), status)
    refused(stranger.call("POST", f"/api/{kind}", {**thing, "version": None, "tenantId": own["device"]["tenantId"]}), status)
    if not kind.endswith("Profile"):
        info = f"/api/{kind}/info/{eid(thing)}"
        refused(stranger.call("GET", info), status)
        refused(stranger.call("POST", f"/api/customer/public/{kind}/{eid(thing)}"), status)
    else:
        refused(stranger.call("GET", f"/api/{kind}Info/{eid(thing)}"), status)
        refused(stranger.call("POST", f"/api/{kind}/{eid(thing)}/default"), status)
    assert rest.ok("GET", f"/api/{kind}/{eid(thing)}")["version"] == thing["version"]


def test_packages_of_another_tenant_are_forbidden(stranger, own, rest):
    package = rest.ok("POST", "/api/otaPackage", {
        "title": "O " + salt(), "version": "1", "type": "FIRMWARE", "url": "http://localhost/x",
        "deviceProfileId": own["deviceProfile"]["id"]})
    path = f"/api/otaPackage/{eid(package)}"
    try:
        for method, where in [("GET", path), ("GET", f"/api/otaPackage/info/{eid(package)}"), ("GET", path + "/download"),
                              ("DELETE", path), ("POST", path + "?checksumAlgorithm=MD5")]:
            refused(stranger.call(method, where), 403)
        refused(stranger.call("POST", "/api/otaPackage", package), 403)
        assert rest.ok("GET", path)["title"] == package["title"]
        unknown = rest.call("GET", f"/api/otaPackage/{uuid.uuid4()}")
        assert (unknown.status_code, unknown.json()["message"].split(" [")[0]) == (404, "Ota package with id")
    finally:
        rest.ok("DELETE", path)


def test_customers_see_no_more_through_a_view_than_they_are_shown(rest):
    customer, session = customer_with_user(rest)
    device = rest.create_device()
    rest.ok("POST", device.path + "/SERVER_SCOPE", {"shown": 1, "hidden": 2})
    device.save({"ts": 1000, "values": {"open": 1, "closed": 2}})
    keys = {"timeseries": ["open"], "attributes": {"cs": [], "ss": ["shown"], "sh": []}}
    view = rest.ok("POST", "/api/entityView", {
        "name": "V " + salt(), "type": "t", "entityId": device.entity["id"], "customerId": customer["id"], "keys": keys,
        "startTimeMs": 1, "endTimeMs": 2000000000000})
    path = "/api/plugins/telemetry/ENTITY_VIEW/" + eid(view)
    for change in ({"keys": None}, {"startTimeMs": 0}, {"endTimeMs": 0}, {"keys": {**keys, "timeseries": ["open", "closed"]}},
                   {"keys": {**keys, "attributes": {"cs": [], "ss": ["shown", "hidden"], "sh": []}}}):
        refused(session.call("POST", "/api/entityView", {**view, **change}), 403)
    assert set(session.ok("GET", path + "/values/timeseries")) == {"open"}
    view = session.ok("POST", "/api/entityView", {**view, "name": "W " + salt()})
    # Its owner may widen it, also over what somebody has written into it meanwhile.
    rest.ok("POST", path + "/SERVER_SCOPE", {"hidden": 0})
    rest.ok("POST", "/api/entityView", {**view, "keys": {**keys, "attributes": {"cs": [], "ss": ["hidden"], "sh": []}}})
    found = {one["key"]: one["value"] for one in session.ok("GET", path + "/values/attributes")}
    assert found["hidden"] == 2


def test_times_of_the_platform_have_an_end(system):
    refused(system.call("POST", "/api/2fa/settings", {
        "providers": [{"providerType": "TOTP", "issuerName": "x"}], "minVerificationCodeSendPeriod": 5,
        "totalAllowedTimeForVerification": 2**63 - 1}), 400)
    for minutes in (2**63 - 1, 1e300, 0.5):
        profile = system.ok("POST", "/api/tenantProfile", {"name": "P " + salt(), "profileData": {
            "configuration": {"type": "DEFAULT", "maxDebugModeDurationMinutes": minutes}}})
        admin = make_tenant(system, tenantProfileId=profile["id"])[1]
        chain = admin.ok("POST", "/api/ruleChain", {"name": "R " + salt()})
        nodes = [{"type": "org.thingsboard.rule.engine.action.TbLogNode", "name": "n", "debugSettings": {"allEnabled": True}}]
        saved = admin.ok("POST", "/api/ruleChain/metadata", {
            "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": nodes, "connections": []})
        assert saved["nodes"][0]["debugSettings"]["allEnabledUntil"] > 0


def test_customers_change_no_credentials(rest):
    customer, session = customer_with_user(rest)
    device = rest.create_device(customerId=customer["id"])
    mine = session.ok("GET", f"/api/device/{device.id}")
    credentials = session.ok("GET", f"/api/device/{device.id}/credentials")
    refused(session.call("POST", "/api/device?accessToken=x-" + salt(), {**mine, "label": "mine"}), 403)
    other = {**credentials, "credentialsId": "x-" + salt()}
    refused(session.call("POST", "/api/device-with-credentials", {"device": mine, "credentials": other}), 403)
    assert rest.ok("GET", f"/api/device/{device.id}/credentials")["credentialsId"] == device.token
    assert rest.ok("GET", f"/api/device/{device.id}")["version"] == mine["version"]
    assert session.ok("POST", "/api/device?accessToken=", {**mine, "label": "mine"})["label"] == "mine"


@pytest.mark.parametrize("path", [
    "/api/tenant/devices", "/api/tenant/deviceInfos", "/api/tenant/assets", "/api/tenant/assetInfos", "/api/tenant/entityViews",
    "/api/tenant/entityViewInfos", "/api/tenant/dashboards", "/api/customers", "/api/deviceInfos/all", "/api/dashboards/all"])
def test_lists_of_a_new_tenant_are_empty(newcomer, own, path):
    assert newcomer.ok("GET", f"{path}?{PAGE}")["data"] == []


@pytest.mark.parametrize("path", ["/api/deviceProfiles", "/api/deviceProfileInfos", "/api/assetProfiles", "/api/assetProfileInfos"])
def test_a_new_tenant_has_the_default_profiles_only(newcomer, own, path):
    assert [one["name"] for one in newcomer.ok("GET", f"{path}?{PAGE}")["data"]] == ["default"]


def test_lists_by_ids_leave_out_what_is_foreign(stranger, own):
    for kind in ["device", "asset", "entityView", "dashboard"]:
        assert stranger.ok("GET", f"/api/{kind}s?{kind}Ids={eid(own[kind])}") == []
    for kind in ["deviceProfile", "assetProfile"]:
        assert stranger.ok("GET", f"/api/{kind}Infos?{kind}Ids={eid(own[kind])}") == []


def test_relations_do_not_cross_tenants(stranger, own):
    mine = stranger.ok("POST", "/api/asset", {"name": "A " + salt()})
    try:
        refused(stranger.call("GET", f"/api/relations/from/ASSET/{eid(own['asset'])}"), 403)
        refused(stranger.call("GET", f"/api/relations/to/DEVICE/{eid(own['device'])}"), 404)
        refused(stranger.call("POST", "/api/relation", {"from": mine["id"], "to": own["asset"]["id"], "type": "x"}), 403)
        refused(stranger.call("POST", "/api/relation", {"from": mine["id"], "to": own["device"]["tenantId"], "type": "x"}), 403)
        refused(stranger.call("DELETE", f"/api/relations?entityId={eid(own['asset'])}&entityType=ASSET"), 403)
        query = {"parameters": {"rootId": eid(own["asset"]), "rootType": "ASSET", "direction": "FROM"}, "filters": []}
        refused(stranger.call("POST", "/api/relations", query), 403)
        refused(stranger.call("POST", "/api/devices", {**query, "deviceTypes": []}), 403)
    finally:
        stranger.ok("DELETE", "/api/asset/" + eid(mine))


def test_foreign_things_are_no_part_of_own_things(stranger, own):
    name = salt()
    refused(stranger.call("POST", "/api/device", {"name": name, "deviceProfileId": own["deviceProfile"]["id"]}), 400,
            "Device can`t be referencing to device profile from different tenant!")
    refused(stranger.call("POST", "/api/asset", {"name": name, "assetProfileId": own["assetProfile"]["id"]}), 400,
            "Asset can`t be referencing to asset profile from different tenant!")
    for kind, thing in [("device", "device"), ("asset", "asset")]:
        refused(stranger.call("POST", "/api/" + kind, {"name": name, "customerId": own["customer"]["id"]}), 400,
                f"Can't assign {thing} to customer from different tenant!")
    refused(stranger.call("POST", "/api/entityView", {"name": name, "type": "t", "entityId": own["device"]["id"]}), 404)
    refused(stranger.call("POST", "/api/entityView", {"name": name, "type": "t", "entityId": own["asset"]["id"]}), 403)
    refused(stranger.call("POST", "/api/assetProfile", {"name": name, "defaultDashboardId": own["dashboard"]["id"]}), 400,
            "Can't assign dashboard from different tenant!")
    mine = stranger.ok("POST", "/api/dashboard", {"title": name})
    refused(stranger.call("POST", f"/api/customer/{eid(own['customer'])}/dashboard/{eid(mine)}"), 403)
    refused(stranger.call("POST", f"/api/dashboard/{eid(mine)}/customers/add", [eid(own["customer"])]), 400,
            "Can't assign dashboard to customer from different tenant!")
    refused(stranger.call("POST", "/api/tenant/dashboard/home/info", {"dashboardId": own["dashboard"]["id"]}), 403)
    stranger.ok("DELETE", "/api/dashboard/" + eid(mine))


def test_a_device_is_given_to_another_tenant(rest, stranger, system):
    tenant, administrator = make_tenant(system)
    device = rest.create_device()
    top = rest.ok("POST", "/api/asset", {"name": "A " + salt()})
    rest.ok("POST", "/api/relation", {"from": top["id"], "to": device.entity["id"], "type": "Contains"})
    refused(rest.call("POST", f"/api/tenant/{uuid.uuid4()}/device/{device.id}"), 400, "Could not find the specified Tenant!")
    refused(stranger.call("POST", f"/api/tenant/{eid(tenant)}/device/{device.id}"), 404)
    moved = rest.ok("POST", f"/api/tenant/{eid(tenant)}/device/{device.id}")
    assert moved["tenantId"] == tenant["id"] and moved["customerId"]["id"] == NULL and moved["type"] == "default"
    refused(rest.call("GET", "/api/device/" + device.id), 404)
    assert administrator.ok("GET", f"/api/device/{device.id}/credentials")["credentialsId"] == device.token
    assert rest.ok("GET", f"/api/relations/from/ASSET/{eid(top)}") == []


LIMITS = {
    "maxDevices": ("/api/device", "name", "DEVICE", "Devices limit reached"),
    "maxAssets": ("/api/asset", "name", "ASSET", "Assets limit reached"),
    "maxDashboards": ("/api/dashboard", "title", "DASHBOARD", "Dashboards limit reached"),
    # A new tenant has a root chain, and one for edges.
    "maxRuleChains": ("/api/ruleChain", "name", "RULE_CHAIN", "Rule chains limit reached"),
    "maxCustomers": ("/api/customer", "title", "CUSTOMER", "Customers limit reached"),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_a_tenant_has_no_more_than_its_profile_allows(system, limit):
    path, member, kind, message = LIMITS[limit]
    allowed = 4 if limit == "maxRuleChains" else 2
    profile = system.ok("POST", "/api/tenantProfile", {
        "name": "Limited " + salt(), "profileData": {"configuration": {"type": "DEFAULT", limit: allowed}}})
    _, administrator = make_tenant(system, tenantProfileId=profile["id"])
    # Eight at once: not one too many.
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: administrator.call("POST", path, {member: f"{n} {salt()}"}), range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 2 + [403] * 6
    refusal = next(answer for answer in answers if answer.status_code == 403).json()
    assert (refusal["errorCode"], refusal["message"]) == (41, message)
    assert (refusal["entityType"], refusal["limit"]) == (kind, allowed)
    made = next(answer for answer in answers if answer.status_code == 200).json()
    administrator.ok("DELETE", f"{path}/{eid(made)}")
    administrator.ok("POST", path, {member: salt()})
