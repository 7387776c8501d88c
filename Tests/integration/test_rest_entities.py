"""Devices, assets, entity views, relations and dashboards over REST (rest-api.md 4.4 to 4.8, 4.12)."""
import json
import uuid

import pytest

from people import customer_with_user
from server import eventually

NULL = "13814000-1dd2-11b2-8080-808080808080"
NOBODY = "00000000-0000-1000-8000-000000000000"
PAGE = "pageSize=100&page=0"


def salt():
    return uuid.uuid4().hex[:12]


def refused(answer, status, message=None, code=None):
    assert answer.status_code == status, answer.text
    if message is not None:
        assert answer.json()["message"] == message
    if code is not None:
        assert answer.json()["errorCode"] == code


def eid(entity):
    return entity["id"]["id"]


def asset(rest, **fields):
    return rest.ok("POST", "/api/asset", {"name": "Asset " + salt(), "type": "default", **fields})


def relate(rest, source, target, kind="Contains", **more):
    return rest.ok("POST", "/api/v2/relation", {"from": source["id"], "to": target["id"], "type": kind, **more})


# Things that devices, assets and views have in common

KINDS = {
    "device": ("/api/device", "/api/tenant/devices", "deviceName", "Device"),
    "asset": ("/api/asset", "/api/tenant/assets", "assetName", "Asset"),
    "entityView": ("/api/entityView", "/api/tenant/entityViews", "entityViewName", "Entity view"),
}


@pytest.fixture(params=KINDS)
def kind(request, rest, device):
    """Makes entities of one kind."""
    class Kind:
        name = request.param
        path, list_path, name_parameter, normal = KINDS[request.param]

        @staticmethod
        def body(**fields):
            body = {"name": "Thing " + salt(), "type": "default", **fields}
            if request.param == "entityView":
                body.setdefault("entityId", device.entity["id"])
            return body

        def create(self, **fields):
            return rest.ok("POST", self.path, self.body(**fields))
    return Kind()


def test_created_entity_can_be_read_by_id_name_and_ids(rest, kind):
    made = kind.create()
    assert made["version"] == 1 and made["customerId"]["id"] == NULL
    assert rest.ok("GET", f"{kind.path}/{eid(made)}") == made
    assert rest.ok("GET", f"{kind.list_path}?{kind.name_parameter}={made['name']}") == made
    assert rest.ok("GET", f"/api/tenant/{kind.name}?{kind.name_parameter}={made['name']}") == made
    ids = f"/api/{kind.name}s?{kind.name}Ids={eid(made)},{NOBODY}"
    assert rest.ok("GET", ids) == [made]
    info = rest.ok("GET", f"{kind.path}/info/{eid(made)}")
    assert info["customerTitle"] is None and info["customerIsPublic"] is False


def test_names_are_unique_or_made_so(rest, kind):
    body = kind.body()
    rest.ok("POST", kind.path, body)
    refused(rest.call("POST", kind.path, body), 400, kind.normal + " with such name already exists!", 31)
    other = rest.ok("POST", kind.path + "?nameConflictPolicy=UNIQUIFY&uniquifyStrategy=INCREMENTAL", body)
    assert other["name"] == body["name"] + "_1"
    assert rest.ok("POST", kind.path + "?nameConflictPolicy=UNIQUIFY", body)["name"].startswith(body["name"] + "_")


def test_name_is_validated(rest, kind):
    refused(rest.call("POST", kind.path, kind.body(name="")), 400, kind.normal + " name should be specified!")
    refused(rest.call("POST", kind.path, kind.body(name="x" * 256)), 400,
            "Validation error: name length must be equal or less than 255")
    refused(rest.call("POST", kind.path, kind.body(name="<script>alert(1)</script>")), 400,
            "Validation error: name is malformed")
    refused(rest.call("POST", kind.path, kind.body(name="a\0b")), 400,
            kind.normal + " name should not contain 0x00 symbol!")


def test_stale_version_is_refused_and_none_overwrites(rest, kind):
    made = kind.create()
    changed = rest.ok("POST", kind.path, {**made, "name": made["name"] + "x"})
    assert changed["version"] == 2
    answer = rest.call("POST", kind.path, made)
    refused(answer, 409, code=35)
    assert answer.json()["message"].endswith("was already changed by someone else")
    assert rest.ok("POST", kind.path, {**made, "version": None})["version"] == 3


def test_unknown_ids_are_told(rest, kind):
    refused(rest.call("GET", f"{kind.path}/{NOBODY}"), 404, code=32)
    refused(rest.call("DELETE", f"{kind.path}/{NOBODY}"), 404, code=32)
    refused(rest.call("GET", f"{kind.path}/nonsense"), 400, "Invalid UUID string: nonsense", 31)
    answer = rest.call("POST", kind.path, kind.body(id={"entityType": kind.name.upper(), "id": NOBODY}))
    assert answer.status_code in (404, 500)
    refused(rest.call("GET", f"/api/tenant/{kind.name}?{kind.name_parameter}=absent"), 404, "Requested item wasn't found!")


def test_tenant_of_a_body_is_not_believed(rest, kind):
    made = kind.create(tenantId={"entityType": "TENANT", "id": NOBODY})
    assert made["tenantId"]["id"] != NOBODY


def test_assignment_to_a_customer_and_back(rest, kind):
    customer, user = customer_with_user(rest)
    made = kind.create()
    refused(user.call("GET", f"{kind.path}/{eid(made)}"), 403, code=20)
    assigned = rest.ok("POST", f"/api/customer/{eid(customer)}/{kind.name}/{eid(made)}")
    assert assigned["customerId"] == customer["id"]
    assert user.ok("GET", f"{kind.path}/{eid(made)}")["name"] == made["name"]
    page = user.ok("GET", f"/api/customer/{eid(customer)}/{kind.name}s?{PAGE}")
    assert [eid(found) for found in page["data"]] == [eid(made)]
    infos = user.ok("GET", f"/api/customer/{eid(customer)}/{kind.name}Infos?{PAGE}")
    assert infos["data"][0]["customerTitle"] == customer["title"]
    assert rest.ok("DELETE", f"/api/customer/{kind.name}/{eid(made)}")["customerId"]["id"] == NULL
    refused(rest.call("DELETE", f"/api/customer/{kind.name}/{eid(made)}"), 400)
    refused(user.call("GET", f"{kind.path}/{eid(made)}"), 403, code=20)


def test_customer_user_changes_but_neither_makes_nor_deletes(rest, kind):
    customer, user = customer_with_user(rest)
    fields = {}
    if kind.name == "entityView":
        fields["entityId"] = rest.ok("POST", "/api/device", {"name": "D " + salt(), "customerId": customer["id"]})["id"]
    made = kind.create(customerId=customer["id"], **fields)
    changed = user.ok("POST", kind.path, {**made, "name": made["name"] + " changed"})
    assert changed["customerId"] == customer["id"]
    refused(user.call("POST", kind.path, kind.body()), 403, code=20)
    refused(user.call("DELETE", f"{kind.path}/{eid(made)}"), 403, code=20)
    stolen = user.ok("POST", kind.path, {**changed, "customerId": None})
    assert stolen["customerId"] == customer["id"]


def test_public_entity_is_seen_without_an_account(rest, kind):
    made = kind.create()
    shown = rest.ok("POST", f"/api/customer/public/{kind.name}/{eid(made)}")
    customer = rest.ok("GET", f"/api/customer/{shown['customerId']['id']}")
    assert customer["title"] == "Public" and customer["additionalInfo"] == {"isPublic": True}
    assert rest.ok("GET", f"{kind.path}/info/{eid(made)}")["customerIsPublic"] is True


def test_assignment_to_an_unknown_customer_is_refused(rest, kind):
    answer = rest.call("POST", kind.path, kind.body(customerId={"entityType": "CUSTOMER", "id": NOBODY}))
    assert answer.status_code == 400 and answer.json()["message"].endswith("to non-existent customer!")
    made = kind.create()
    refused(rest.call("POST", f"/api/customer/{NOBODY}/{kind.name}/{eid(made)}"), 404,
            f"Customer with id [{NOBODY}] is not found")


def test_types_in_use_are_listed(rest, kind):
    name = "type " + salt()
    made = kind.create(type=name)
    types = rest.ok("GET", f"{kind.path}/types")
    assert {"tenantId": made["tenantId"], "entityType": made["id"]["entityType"], "type": name} in types
    page = rest.ok("GET", f"{kind.list_path}?{PAGE}&type={name}")
    assert [eid(found) for found in page["data"]] == [eid(made)]


def test_pages_are_searched_and_sorted(rest, kind):
    mark = salt()
    names = [f"N{i} {mark}" for i in range(5)]
    for name in names:
        kind.create(name=name)
    page = rest.ok("GET", f"{kind.list_path}?pageSize=2&page=1&textSearch={mark.upper()}&sortProperty=name&sortOrder=DESC")
    assert [found["name"] for found in page["data"]] == [names[2], names[1]]
    assert (page["totalElements"], page["totalPages"], page["hasNext"]) == (5, 3, True)
    newest = rest.ok("GET", f"/api/tenant/{kind.name}Infos?pageSize=2&page=0&sortProperty=createdTime&sortOrder=DESC&textSearch={mark}")
    assert [found["name"] for found in newest["data"]] == [names[4], names[3]]
    beyond = rest.ok("GET", f"{kind.list_path}?pageSize=2&page=9&textSearch={mark}")
    assert beyond["data"] == [] and beyond["totalElements"] == 5


@pytest.mark.parametrize("text", ["' OR 1=1 --", "%", "_", "\\", "$1", "a';DROP TABLE device;--", "%27"])
def test_search_text_is_text(rest, kind, text):
    answer = rest.call("GET", kind.list_path, params={"pageSize": 10, "page": 0, "textSearch": text + salt()})
    assert answer.status_code == 200 and answer.json()["totalElements"] == 0


# Devices

def test_device_of_a_new_type_makes_its_profile(rest):
    name = "Type " + salt()
    device = rest.ok("POST", "/api/device", {"name": "D " + salt(), "type": name})
    profile = rest.ok("GET", "/api/deviceProfile/" + device["deviceProfileId"]["id"])
    assert profile["name"] == name and profile["default"] is False
    other = rest.ok("POST", "/api/device", {"name": "D " + salt(), "type": "zzz", "deviceProfileId": profile["id"]})
    assert other["type"] == name
    renamed = rest.ok("POST", "/api/deviceProfile", {**profile, "name": name + " renamed"})
    assert rest.ok("GET", "/api/device/" + eid(device))["type"] == renamed["name"]
    refused(rest.call("DELETE", "/api/deviceProfile/" + eid(profile)), 400,
            "The device profile referenced by the devices cannot be deleted!")


def test_token_of_another_device_leaves_no_second_device(rest):
    token = "token-" + salt()
    rest.create_device(token)
    name = "Second " + salt()
    refused(rest.call("POST", "/api/device?accessToken=" + token, {"name": name}), 400,
            "Device credentials are already assigned to another device!")
    refused(rest.call("GET", "/api/tenant/device?deviceName=" + name), 404)


def test_certificate_credentials_are_found_by_their_hash(rest, device):
    credentials = rest.ok("GET", f"/api/device/{device.id}/credentials")
    body = "-----BEGIN CERTIFICATE-----\nTUlJ" + salt() + "\n-----END CERTIFICATE-----\n"
    saved = rest.ok("POST", "/api/device/credentials", {
        **credentials, "credentialsType": "X509_CERTIFICATE", "credentialsId": None, "credentialsValue": body})
    assert saved["credentialsType"] == "X509_CERTIFICATE" and len(saved["credentialsId"]) == 64
    assert "BEGIN" not in saved["credentialsValue"]


@pytest.mark.parametrize("value,message", [
    ('{"clientId":"","userName":""}', "Both mqtt client id and user name are empty!"),
    ('{"clientId":"c","password":"p"}', "Password cannot be specified along with client id"),
    ("no json", "Invalid credentials body for simple mqtt credentials!")])
def test_basic_credentials_are_checked(rest, device, value, message):
    credentials = rest.ok("GET", f"/api/device/{device.id}/credentials")
    refused(rest.call("POST", "/api/device/credentials", {
        **credentials, "credentialsType": "MQTT_BASIC", "credentialsValue": value}), 400, message)


def test_device_infos_are_narrowed_to_profile_and_activity(rest):
    device = rest.ok("POST", "/api/device", {"name": "D " + salt(), "type": "Type " + salt()})
    profile = device["deviceProfileId"]["id"]
    path = f"/api/tenant/deviceInfos?{PAGE}&deviceProfileId={profile}"
    assert [eid(found) for found in rest.ok("GET", path)["data"]] == [eid(device)]
    assert rest.ok("GET", path + "&active=true")["data"] == []
    rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{eid(device)}/SERVER_SCOPE", {"active": True})
    assert rest.ok("GET", path + "&active=true")["data"][0]["active"] is True
    assert rest.ok("GET", f"/api/devices/count/FIRMWARE/{profile}") == 1


def test_devices_are_found_along_relations(rest, device):
    top, middle = asset(rest), asset(rest)
    relate(rest, top, middle)
    relate(rest, middle, device.entity)
    relate(rest, top, device.entity, "Manages")
    query = {"parameters": {"rootId": eid(top), "rootType": "ASSET", "direction": "FROM", "maxLevel": 2},
             "relationType": "Contains", "deviceTypes": ["default"]}
    assert [eid(found) for found in rest.ok("POST", "/api/devices", query)] == [device.id]
    query["parameters"]["maxLevel"] = 1
    assert rest.ok("POST", "/api/devices", query) == []
    query["relationType"], query["deviceTypes"] = "Manages", ["other"]
    assert rest.ok("POST", "/api/devices", query) == []
    del query["relationType"]
    found = rest.ok("POST", "/api/assets", {**query, "assetTypes": []})
    assert [eid(one) for one in found] == [eid(middle)]


def test_connectivity_names_the_devices_token(rest, device):
    commands = rest.ok("GET", "/api/device-connectivity/" + device.id)
    assert f"/api/v1/{device.token}/telemetry" in commands["http"]["http"]
    assert f'-u "{device.token}"' in commands["mqtt"]["mqtt"]
    assert commands["mqtt"]["docker"]["mqtt"].startswith("docker run")


def test_device_connectivity_host_cannot_carry_a_command(rest, device):
    commands = rest.ok("GET", "/api/device-connectivity/" + device.id, headers={"X-Forwarded-Host": "a;rm -rf /"})
    assert "rm -rf" not in json.dumps(commands)


# Profiles

@pytest.mark.parametrize("path,extra", [("deviceProfile", {"type": "DEFAULT", "transportType": "DEFAULT"}), ("assetProfile", {})])
def test_profiles_have_one_default_and_names(rest, path, extra):
    name = "Profile " + salt()
    body = {"name": name, "image": "data:image/png;base64,AAAA", **extra}
    profile = rest.ok("POST", "/api/" + path, body)
    info = rest.ok("GET", f"/api/{path}Info/{eid(profile)}")
    assert info["image"] == body["image"]
    assert rest.ok("GET", f"/api/{path}Infos?{path}Ids={eid(profile)}") == [info]
    assert rest.ok("GET", f"/api/{path}Infos/list?{path}Ids={eid(profile)}") == [info]
    assert {"id": profile["id"], "name": name} in rest.ok("GET", f"/api/{path}/names")
    assert name not in [one["name"] for one in rest.ok("GET", f"/api/{path}/names?activeOnly=true")]
    former = rest.ok("GET", f"/api/{path}Info/default")
    kind = "Device" if path == "deviceProfile" else "Asset"
    try:
        assert rest.ok("POST", f"/api/{path}/{eid(profile)}/default")["default"] is True
        assert rest.ok("GET", f"/api/{path}Info/default")["id"] == profile["id"]
        refused(rest.call("DELETE", f"/api/{path}/{eid(profile)}"), 400, f"Deletion of Default {kind} Profile is prohibited!")
    finally:
        rest.ok("POST", f"/api/{path}/{eid(former)}/default")
    refused(rest.call("POST", "/api/" + path, body), 400, f"{kind} profile with such name already exists!")
    refused(rest.call("POST", "/api/" + path, {**body, "name": name + "q", "defaultQueueName": "nonsense"}), 400,
            f"{kind} profile is referencing to non-existent queue!")
    rest.ok("POST", "/api/" + path, {**body, "name": name + "q", "defaultQueueName": ""})
    rest.ok("DELETE", f"/api/{path}/{eid(profile)}")
    refused(rest.call("GET", f"/api/{path}/{eid(profile)}"), 404)


def test_keys_of_the_devices_of_a_profile(rest):
    device = rest.create_device(type="Type " + salt())
    profile = device.entity["deviceProfileId"]["id"]
    device.save({"b": 1, "a": 2})
    device.await_latest({"a": 2})
    path = "/api/deviceProfile/devices/keys/"
    assert rest.ok("GET", f"{path}timeseries?deviceProfileId={profile}") == ["a", "b"]
    assert rest.ok("GET", f"{path}attributes?deviceProfileId={profile}") == ["active"]
    assert {"a", "b"} <= set(rest.ok("GET", path + "timeseries"))
    refused(rest.call("GET", f"{path}timeseries?deviceProfileId={NOBODY}"), 404)


def test_provisioning_with_certificates_takes_the_key_from_the_certificate(rest):
    certificate = "-----BEGIN CERTIFICATE-----\nQUJD" + salt() + "\n-----END CERTIFICATE-----"
    profile = rest.ok("POST", "/api/deviceProfile", {
        "name": "P " + salt(), "type": "DEFAULT", "transportType": "MQTT", "provisionType": "X509_CERTIFICATE_CHAIN",
        "profileData": {"provisionConfiguration": {"type": "X509_CERTIFICATE_CHAIN", "provisionDeviceSecret": certificate}}})
    assert len(profile["provisionDeviceKey"]) == 64


# Relations

def test_relation_is_saved_listed_and_deleted_in_every_form(rest, device):
    top = asset(rest)
    ends = {"from": top["id"], "to": device.entity["id"]}
    saved = relate(rest, top, device.entity, additionalInfo={"a": 1})
    assert (saved["type"], saved["typeGroup"], saved["additionalInfo"]) == ("Contains", "COMMON", {"a": 1})
    assert {key: saved[key] for key in ends} == ends
    for path in [f"/api/relations?fromId={eid(top)}&fromType=ASSET", f"/api/relations/from/ASSET/{eid(top)}",
                 f"/api/relations/from/ASSET/{eid(top)}/Contains", f"/api/relations?toId={device.id}&toType=DEVICE",
                 f"/api/relations?fromId={eid(top)}&fromType=ASSET&relationType=Contains&relationTypeGroup=",
                 f"/api/relations/to/DEVICE/{device.id}", f"/api/relations/to/DEVICE/{device.id}/Contains"]:
        assert rest.ok("GET", path) == [saved], path
    assert rest.ok("GET", f"/api/relations/from/ASSET/{eid(top)}/Manages") == []
    for path in [f"/api/relations/info?fromId={eid(top)}&fromType=ASSET", f"/api/relations/info/from/ASSET/{eid(top)}"]:
        assert rest.ok("GET", path) == [{**saved, "fromName": None, "toName": device.entity["name"]}]
    for path in [f"/api/relations/info?toId={device.id}&toType=DEVICE", f"/api/relations/info/to/DEVICE/{device.id}"]:
        assert rest.ok("GET", path) == [{**saved, "fromName": top["name"], "toName": None}]
    key = f"fromId={eid(top)}&fromType=ASSET&relationType=Contains&toId={device.id}&toType=DEVICE"
    assert rest.ok("GET", "/api/relation?" + key) == saved
    deleted = rest.ok("DELETE", "/api/v2/relation?" + key)
    assert deleted["from"] == top["id"] and deleted["version"] > saved["version"]
    refused(rest.call("DELETE", "/api/relation?" + key), 404, "Requested item wasn't found!")


def test_all_common_relations_of_an_entity_go_at_once(rest, device):
    top = asset(rest)
    relate(rest, top, device.entity)
    relate(rest, device.entity, top, "Uses")
    relate(rest, top, device.entity, typeGroup="EDGE")
    assert rest.call("DELETE", f"/api/relations?entityId={device.id}&entityType=DEVICE").status_code == 200
    assert rest.ok("GET", f"/api/relations/to/DEVICE/{device.id}") == []
    assert rest.ok("GET", f"/api/relations/from/DEVICE/{device.id}") == []
    assert len(rest.ok("GET", f"/api/relations/to/DEVICE/{device.id}?relationTypeGroup=EDGE")) == 1


@pytest.mark.parametrize("change,message", [
    ({"type": None}, "Relation type should be specified!"), ({"type": ""}, "Relation type should be specified!"),
    ({"from": None}, "Parameter entityId can't be empty!"), ({"to": None}, "Parameter entityId can't be empty!")])
def test_incomplete_relation_is_refused(rest, device, change, message):
    body = {"from": device.entity["id"], "to": device.entity["tenantId"], "type": "Contains", **change}
    refused(rest.call("POST", "/api/relation", body), 400, message, 31)


def test_relation_lists_want_whole_ends(rest):
    refused(rest.call("GET", "/api/relations?fromId=&fromType=DEVICE"), 400, "Parameter 'fromId' can't be empty!", 31)
    answer = rest.call("GET", "/api/relations?fromId=" + NOBODY)
    assert answer.status_code == 400 and answer.json()["message"].startswith("Parameter conditions ")
    refused(rest.call("GET", f"/api/relations?fromId={NOBODY}&fromType=DEVICE"), 404, f"Device with id [{NOBODY}] is not found")
    assert rest.call("GET", f"/api/relations?fromId={NOBODY}&fromType=NONSENSE").status_code == 400


def test_tenant_is_an_end_that_its_administrator_may_use(rest, device):
    tenant = {"id": device.entity["tenantId"]}
    saved = relate(rest, tenant, device.entity, "Owns")
    assert saved in rest.ok("GET", f"/api/relations/to/DEVICE/{device.id}")


def test_relations_to_what_a_customer_may_not_see_are_hidden(rest):
    customer, user = customer_with_user(rest)
    top = asset(rest, customerId=customer["id"])
    seen = rest.ok("POST", "/api/device", {"name": "D " + salt(), "customerId": customer["id"]})
    hidden = rest.ok("POST", "/api/device", {"name": "D " + salt()})
    relate(rest, top, seen)
    relate(rest, top, hidden)
    assert [one["to"] for one in user.ok("GET", f"/api/relations/from/ASSET/{eid(top)}")] == [seen["id"]]
    query = {"parameters": {"rootId": eid(top), "rootType": "ASSET", "direction": "FROM", "maxLevel": 3}, "filters": []}
    assert [one["to"] for one in user.ok("POST", "/api/relations", query)] == [seen["id"]]
    assert len(rest.ok("POST", "/api/relations", query)) == 2
    refused(user.call("POST", "/api/relation", {"from": top["id"], "to": hidden["id"], "type": "Uses"}), 403, code=20)
    refused(user.call("GET", f"/api/relations/to/DEVICE/{eid(hidden)}"), 403, code=20)


def test_relation_queries_filter_and_end_in_circles(rest, device):
    first, second = asset(rest), asset(rest)
    relate(rest, first, second)
    relate(rest, second, first)
    relate(rest, second, device.entity, "Manages")

    def ends(filters, level=0, **more):
        query = {"parameters": {"rootId": eid(first), "rootType": "ASSET", "direction": "FROM", "maxLevel": level, **more},
                 "filters": filters}
        infos = rest.ok("POST", "/api/relations/info", query)
        return sorted((one["type"], one["toName"]) for one in infos)

    contains = sorted([("Contains", first["name"]), ("Contains", second["name"])])
    manages = [("Manages", device.entity["name"])]
    assert ends([]) == sorted(contains + manages)
    assert ends([{"relationType": "Contains", "entityTypes": ["ASSET"]}]) == contains
    assert ends([{"relationType": "Contains", "negate": True}]) == manages
    assert ends([{"relationType": "Contains", "entityTypes": ["DEVICE"]}]) == []
    assert ends([], level=1) == [("Contains", second["name"])]
    assert ends([], fetchLastLevelOnly=True) == manages


# Entity views

def test_view_copies_attributes_when_it_is_saved(rest, device):
    rest.ok("POST", device.path + "/SERVER_SCOPE", {"kept": 1, "left": 2})
    view = rest.ok("POST", "/api/entityView", {
        "name": "V " + salt(), "type": "t", "entityId": device.entity["id"],
        "keys": {"timeseries": [], "attributes": {"cs": [], "ss": ["kept"], "sh": []}}})
    path = f"/api/plugins/telemetry/ENTITY_VIEW/{eid(view)}"
    found = rest.ok("GET", path + "/values/attributes/SERVER_SCOPE")
    assert [(one["key"], one["value"]) for one in found] == [("kept", 1)]
    rest.ok("POST", "/api/entityView", {**view, "keys": {"timeseries": [], "attributes": {"ss": ["left"]}}})
    found = rest.ok("GET", path + "/values/attributes/SERVER_SCOPE")
    assert [(one["key"], one["value"]) for one in found] == [("left", 2)]


def test_device_with_a_view_is_not_deleted(rest, device):
    view = rest.ok("POST", "/api/entityView", {"name": "V " + salt(), "type": "t", "entityId": device.entity["id"]})
    message = "Can't delete device that has entity views or is referenced in calculated fields!"
    refused(rest.call("DELETE", "/api/device/" + device.id), 400, message)
    rest.ok("DELETE", "/api/entityView/" + eid(view))
    rest.ok("DELETE", "/api/device/" + device.id)


def test_view_is_of_a_device_or_asset_that_the_caller_may_see(rest, device):
    body = {"name": "V " + salt(), "type": "t"}
    refused(rest.call("POST", "/api/entityView", body), 400, "Validation error: entityId must not be null")
    refused(rest.call("POST", "/api/entityView", {**body, "entityId": device.entity["tenantId"]}), 400)
    refused(rest.call("POST", "/api/entityView", {**body, "entityId": {"entityType": "DEVICE", "id": NOBODY}}), 404)
    customer, user = customer_with_user(rest)
    own = rest.ok("POST", "/api/device", {"name": "D " + salt(), "customerId": customer["id"]})
    view = rest.ok("POST", "/api/entityView", {**body, "entityId": own["id"], "customerId": customer["id"]})
    refused(user.call("POST", "/api/entityView", {**view, "entityId": device.entity["id"]}), 403, code=20)


# Dashboards

def dashboard(rest, **fields):
    return rest.ok("POST", "/api/dashboard", {"title": "Dashboard " + salt(), "configuration": {"widgets": {}}, **fields})


def test_dashboard_is_assigned_to_customers(rest):
    customer, user = customer_with_user(rest)
    other, _ = customer_with_user(rest)
    made = dashboard(rest)
    path = f"/api/customer/{eid(customer)}/dashboard/{eid(made)}"
    refused(user.call("GET", "/api/dashboard/" + eid(made)), 403)
    assigned = rest.ok("POST", path)
    short = {"customerId": customer["id"], "title": customer["title"], "public": False}
    assert assigned["assignedCustomers"] == [short] and assigned["version"] == 2
    assert user.ok("GET", "/api/dashboard/" + eid(made))["configuration"] == {"widgets": {}}
    assert [eid(one) for one in user.ok("GET", f"/api/customer/{eid(customer)}/dashboards?{PAGE}")["data"]] == [eid(made)]
    assert [eid(one) for one in user.ok("GET", "/api/dashboards?dashboardIds=" + eid(made))] == [eid(made)]
    base = f"/api/dashboard/{eid(made)}/customers"
    added = rest.ok("POST", base + "/add", [eid(other)])
    assert [one["title"] for one in added["assignedCustomers"]] == [customer["title"], other["title"]]
    assert [one["title"] for one in rest.ok("POST", base, [eid(other)])["assignedCustomers"]] == [other["title"]]
    assert rest.ok("POST", base + "/remove", [eid(other)])["assignedCustomers"] == []
    rest.ok("POST", path)
    assert rest.ok("DELETE", path)["assignedCustomers"] == []
    refused(user.call("GET", "/api/dashboard/" + eid(made)), 403)


def test_saving_a_dashboard_keeps_its_customers(rest):
    customer, _ = customer_with_user(rest)
    made = dashboard(rest)
    rest.ok("POST", f"/api/customer/{eid(customer)}/dashboard/{eid(made)}")
    saved = rest.ok("POST", "/api/dashboard", {**made, "version": None, "title": "T " + salt(), "assignedCustomers": None})
    assert len(saved["assignedCustomers"]) == 1


def test_deleting_a_customer_takes_its_dashboards_back(rest):
    customer, _ = customer_with_user(rest)
    made = dashboard(rest)
    rest.ok("POST", f"/api/customer/{eid(customer)}/dashboard/{eid(made)}")
    rest.ok("DELETE", "/api/customer/" + eid(customer))
    assert rest.ok("GET", "/api/dashboard/info/" + eid(made))["assignedCustomers"] == []


def test_public_dashboard(rest):
    made = dashboard(rest)
    path = "/api/customer/public/dashboard/" + eid(made)
    assert [one["public"] for one in rest.ok("POST", path)["assignedCustomers"]] == [True]
    assert rest.ok("DELETE", path)["assignedCustomers"] == []


def test_dashboards_hidden_from_mobile_applications(rest):
    mark = salt()
    shown, hidden = dashboard(rest, title="A " + mark, mobileOrder=3), dashboard(rest, title="B " + mark, mobileHide=True)
    path = f"/api/tenant/dashboards?{PAGE}&textSearch={mark}"
    assert {eid(one) for one in rest.ok("GET", path)["data"]} == {eid(shown), eid(hidden)}
    found = rest.ok("GET", path + "&mobile=true")["data"]
    assert [(eid(one), one["mobileOrder"]) for one in found] == [(eid(shown), 3)]
    assert "configuration" not in found[0] and "externalId" not in found[0]


def test_home_dashboard_of_user_customer_and_tenant(rest):
    customer, user = customer_with_user(rest)
    for path in ["/api/dashboard/home", "/api/dashboard/home/info"]:
        answer = user.call("GET", path)
        assert answer.status_code == 200 and answer.content == b""
    made = dashboard(rest)
    rest.ok("POST", "/api/tenant/dashboard/home/info", {"dashboardId": made["id"], "hideDashboardToolbar": False})
    try:
        info = {"dashboardId": made["id"], "hideDashboardToolbar": False}
        assert rest.ok("GET", "/api/tenant/dashboard/home/info") == info
        assert rest.ok("GET", "/api/dashboard/home/info") == info
        assert rest.ok("GET", "/api/dashboard/home")["title"] == made["title"]
        # Not assigned to the customer: not theirs.
        assert user.call("GET", "/api/dashboard/home").content == b""
        rest.ok("POST", f"/api/customer/{eid(customer)}/dashboard/{eid(made)}")
        assert user.ok("GET", "/api/dashboard/home")["hideDashboardToolbar"] is False
    finally:
        rest.ok("POST", "/api/tenant/dashboard/home/info", {"dashboardId": None})
    assert rest.ok("GET", "/api/tenant/dashboard/home/info") == {"dashboardId": None, "hideDashboardToolbar": True}


# Bulk import

def bulk(rest, path, rows, columns, **mapping):
    columns = [{"type": c} if isinstance(c, str) else {"type": c[0], "key": c[1]} for c in columns]
    return rest.ok("POST", path, {"file": "\n".join(rows), "mapping": {
        "columns": columns, "delimiter": ",", "header": True, "update": False, **mapping}})


def test_devices_are_imported_from_a_table(rest):
    mark = salt()
    columns = ["NAME", "TYPE", "LABEL", "ACCESS_TOKEN", ("SERVER_ATTRIBUTE", "s"), ("SHARED_ATTRIBUTE", "h"),
               ("TIMESERIES", "t"), "IS_GATEWAY", "DESCRIPTION"]
    rows = ["name,type,label,token,s,h,t,gateway,description",
            f'One {mark},T {mark},L,tok1-{mark},1,text,2.5,true,"a, ""b"""', f"Two {mark},T {mark},,,,,,,", ",T,,,,,,,",
            f"Three {mark},T {mark},,tok1-{mark},,,,,"]
    result = bulk(rest, "/api/device/bulk_import", rows, columns)
    assert (result["created"], result["updated"], result["errors"]) == (2, 0, 2)
    assert result["errorsList"] == ["Line 4: Device name should be specified!",
                                    "Line 5: Device credentials are already assigned to another device!"]
    one = rest.ok("GET", f"/api/tenant/device?deviceName=One {mark}")
    assert one["label"] == "L" and one["additionalInfo"] == {"gateway": True, "description": 'a, "b"'}
    assert rest.ok("GET", f"/api/device/{eid(one)}/credentials")["credentialsId"] == "tok1-" + mark
    path = f"/api/plugins/telemetry/DEVICE/{eid(one)}"
    attributes = {a["key"]: a["value"] for a in rest.ok("GET", path + "/values/attributes")}
    assert (attributes["s"], attributes["h"]) == (1, "text")
    assert rest.ok("GET", path + "/values/timeseries?keys=t&useStrictDataTypes=true")["t"][0]["value"] == 2.5
    again = bulk(rest, "/api/device/bulk_import", rows[:2], columns)
    assert again["errorsList"] == ["Line 2: Device with such name already exists!"]
    rows[1] = f"One {mark},T {mark},L2,tok2-{mark},5,,,,"
    assert bulk(rest, "/api/device/bulk_import", rows[:2], columns, update=True)["updated"] == 1
    changed = rest.ok("GET", f"/api/tenant/device?deviceName=One {mark}")
    assert changed["label"] == "L2" and changed["additionalInfo"]["gateway"] is True
    assert rest.ok("GET", f"/api/device/{eid(one)}/credentials")["credentialsId"] == "tok2-" + mark


def test_assets_are_imported_from_a_table(rest):
    mark = salt()
    result = bulk(rest, "/api/asset/bulk_import", [f"A {mark};T {mark};x", f"B {mark};T {mark};y"],
                  ["NAME", "TYPE", ("SERVER_ATTRIBUTE", "k")], header=False, delimiter=";")
    assert (result["created"], result["errors"]) == (2, 0)
    page = rest.ok("GET", f"/api/tenant/assets?{PAGE}&type=T {mark}")
    assert sorted(one["name"] for one in page["data"]) == ["A " + mark, "B " + mark]


@pytest.mark.parametrize("body", [
    {}, {"file": "a"}, {"file": "a", "mapping": {}}, {"file": "a", "mapping": {"columns": [{"type": "LABEL"}]}},
    {"file": '"a', "mapping": {"columns": [{"type": "NAME"}]}},
    {"file": "a", "mapping": {"columns": [{"type": "NAME"}, {"type": "SNMP_HOST"}]}}])
def test_imports_that_make_no_sense_are_refused(rest, body):
    assert rest.call("POST", "/api/device/bulk_import", body).status_code in (400, 500)
    assert rest.call("POST", "/api/device/bulk_import", body).json()["errorCode"] in (2, 31)


# Reading through views

def through(rest, view):
    path = f"/api/plugins/telemetry/ENTITY_VIEW/{eid(view)}"

    def history(query):
        answer = rest.ok("GET", f"{path}/values/timeseries?useStrictDataTypes=true&{query}")
        return {key: [(point["ts"], point["value"]) for point in points] for key, points in answer.items()}
    return path, history


def test_time_series_are_read_through_a_view_inside_its_window(rest, device):
    device.save([{"ts": ts, "values": {"a": ts, "b": -ts}} for ts in range(1000, 11_000, 1000)])
    device.await_latest({"a": 10_000})
    view = rest.ok("POST", "/api/entityView", {
        "name": "V " + salt(), "type": "t", "entityId": device.entity["id"], "startTimeMs": 3000, "endTimeMs": 7000,
        "keys": {"timeseries": ["a"], "attributes": {"cs": [], "ss": [], "sh": []}}})
    path, history = through(rest, view)
    assert rest.ok("GET", path + "/keys/timeseries") == ["a"]
    assert history("keys=a,b&startTs=0&endTs=20000&orderBy=ASC") == {"a": [(ts, ts) for ts in range(3000, 8000, 1000)]}
    assert history("keys=a&startTs=5000&endTs=6500&orderBy=ASC") == {"a": [(5000, 5000), (6000, 6000)]}
    assert history("keys=a&startTs=0&endTs=20000&agg=COUNT&interval=100000")["a"][0][1] == 5
    assert history("") == {"a": [(7000, 7000)]}
    latest = history("keys=a,b")
    assert latest["a"] == [(7000, 7000)] and latest["b"][0][1] is None
    # What comes later shows at once.
    device.save({"ts": 6500, "values": {"a": 65}})
    assert (6500, 65) in history("keys=a&startTs=0&endTs=20000")["a"]


def test_a_view_takes_no_telemetry(rest, device):
    view = rest.ok("POST", "/api/entityView", {"name": "V " + salt(), "type": "t", "entityId": device.entity["id"]})
    answer = rest.call("POST", f"/api/plugins/telemetry/ENTITY_VIEW/{view['id']['id']}/timeseries/ANY", {"a": 1})
    assert (answer.status_code, "Read only" in answer.text) == (400, True)
    rest.ok("DELETE", "/api/entityView/" + view["id"]["id"])


def test_an_open_view_shows_the_newest_values(rest, device):
    view = rest.ok("POST", "/api/entityView", {"name": "V " + salt(), "type": "t", "entityId": device.entity["id"]})
    device.save({"x": "text", "y": True})
    device.await_latest({"x": "text"})
    path, history = through(rest, view)
    assert {key: points[0][1] for key, points in history("").items()} == {"x": "text", "y": True}
    assert rest.ok("GET", path + "/keys/timeseries") == ["x", "y"]


# Claiming

def claim(rest, device, secret=None):
    path = f"/api/customer/device/{device.entity['name']}/claim"
    return rest.call("POST", path, None if secret is None else {"secretKey": secret})


@pytest.fixture
def offer(connect):
    """A device says that it may be claimed."""
    def offer(device, **body):
        connection = connect(device.token)
        connection.publish("v1/devices/me/claim", body)
        assert connection.puback() == 0
        connection.close()
    return offer


def await_offer(rest, device):
    def stored():
        found = rest.ok("GET", device.path + "/values/attributes/SERVER_SCOPE?keys=claimingData")
        return bool(found)
    eventually(stored, 60, "the offer")


def test_a_customer_claims_a_device_that_offered_itself(rest, device, offer):
    customer, user = customer_with_user(rest)
    _, second = customer_with_user(rest)
    answer = claim(user, device, "s")
    assert (answer.status_code, answer.json()) == (400, "FAILURE")
    offer(device, secretKey="s", durationMs=60_000)
    await_offer(rest, device)
    answer = claim(user, device, "wrong")
    assert (answer.status_code, answer.json()) == (400, "FAILURE")
    answer = claim(user, device, "s")
    assert (answer.status_code, answer.json()) == (400, "FAILURE"), "the wrong secret used the offer up"
    offer(device, secretKey="s")
    await_offer(rest, device)
    answer = claim(user, device, "s")
    assert answer.status_code == 200, answer.text
    assert answer.json()["response"] == "SUCCESS" and answer.json()["device"]["customerId"] == customer["id"]
    answer = claim(second, device, "s")
    assert (answer.status_code, answer.json()) == (400, "CLAIMED")
    path = f"/api/customer/device/{device.entity['name']}/claim"
    refused(second.call("DELETE", path), 403, code=20)
    assert user.call("DELETE", path).status_code == 200
    assert rest.ok("GET", "/api/device/" + device.id)["customerId"]["id"] == NULL


def test_an_offer_without_a_secret_and_one_that_is_over(rest, device, offer):
    _, user = customer_with_user(rest)
    refused(user.call("POST", "/api/customer/device/absent/claim"), 404, "Requested item wasn't found!", 32)
    offer(device, durationMs=1)
    await_offer(rest, device)
    assert claim(user, device).json() == "FAILURE"
    offer(device)
    await_offer(rest, device)
    assert claim(user, device).json()["response"] == "SUCCESS"
