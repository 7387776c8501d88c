"""Calculated fields (rule-engine.md 7.3, 7.4; rest-api.md 4.20): the entity, and what is computed."""
import uuid

import pytest

from people import customer_with_user
from rest import Rest, now_ms
from server import eventually

# Settings of the server that dies.
BASE = {}


def salt():
    return uuid.uuid4().hex[:12]


def argument(key, kind="TS_LATEST", **more):
    scope = {"scope": more.pop("scope")} if "scope" in more else {}
    return {"refEntityKey": {"key": key, "type": kind, **scope}, **more}


def simple(entity, expression="t * 2", name="double", arguments=None, output=None, **more):
    return {"entityId": entity, "type": "SIMPLE", "name": name, "configurationVersion": 0, "debugSettings": None,
            "configuration": {"type": "SIMPLE", "arguments": arguments or {"t": argument("t")}, "expression": expression,
                              "output": output or {"type": "TIME_SERIES", "name": name}, **more}}


def script(entity, expression, arguments, name="scripted", output=None):
    return {"entityId": entity, "type": "SCRIPT", "name": name,
            "configuration": {"type": "SCRIPT", "arguments": arguments, "expression": expression,
                              "output": output or {"type": "TIME_SERIES"}}}


def save(rest, field):
    return rest.ok("POST", "/api/calculatedField", field)


def new_asset(rest, **more):
    return rest.ok("POST", "/api/asset", {"name": "Place " + salt(), "type": "default", **more})


def latest(rest, entity, key):
    path = f"/api/plugins/telemetry/{entity['entityType']}/{entity['id']}/values/timeseries?keys={key}&useStrictDataTypes=true"
    points = rest.ok("GET", path).get(key)
    return points[0]["value"] if points else None


def await_latest(rest, entity, key, value):
    eventually(lambda: latest(rest, entity, key) == value, 30, f"{key} to become {value}, not {latest(rest, entity, key)}")


def put(rest, entity, values):
    rest.ok("POST", f"/api/plugins/telemetry/{entity['entityType']}/{entity['id']}/timeseries/ANY", values)


# The entity


def test_a_field_is_saved_read_listed_and_deleted(rest, device):
    entity, name = device.entity["id"], "Field " + salt()
    saved = save(rest, simple(entity, name=name))
    assert saved["version"] == 1 and saved["entityId"] == entity and saved["type"] == "SIMPLE"
    assert saved["id"]["entityType"] == "CALCULATED_FIELD"
    assert saved["configuration"]["output"]["strategy"] == {"type": "RULE_CHAIN"}
    path = "/api/calculatedField/" + saved["id"]["id"]
    assert rest.ok("GET", path) == saved
    page = "pageSize=10&page=0"
    for of in [f"/api/DEVICE/{device.id}/calculatedFields?{page}", f"/api/calculatedField/DEVICE/{device.id}?{page}",
               f"/api/calculatedField/DEVICE/{device.id}?{page}&type=SIMPLE"]:
        assert rest.ok("GET", of)["data"] == [saved], of
    assert rest.ok("GET", f"/api/calculatedField/DEVICE/{device.id}?{page}&type=SCRIPT")["data"] == []
    listed = rest.ok("GET", f"/api/calculatedFields?{page}&textSearch={name}")["data"]
    assert listed == [{**saved, "entityName": device.entity["name"]}]
    assert rest.ok("GET", f"/api/calculatedFields?{page}&entities={device.id}&types=SIMPLE&name={name}")["totalElements"] == 1
    assert rest.ok("GET", f"/api/calculatedFields?{page}&entities={device.id}&entityType=ASSET")["totalElements"] == 0
    assert rest.ok("GET", f"/api/calculatedFields/names?{page}&type=SIMPLE&textSearch={name}")["data"] == [name]
    updated = save(rest, {**saved, "name": name + "!"})
    assert updated["version"] == 2 and updated["id"] == saved["id"] and updated["createdTime"] == saved["createdTime"]
    stale = rest.call("POST", "/api/calculatedField", saved)
    assert (stale.status_code, stale.json()["errorCode"]) == (409, 35)
    audit = f"/api/audit/logs/entity/CALCULATED_FIELD/{saved['id']['id']}?{page}"
    assert rest.call("DELETE", path).status_code == 200
    assert rest.call("GET", path).status_code == 404
    kinds = lambda: {record["actionType"] for record in rest.ok("GET", audit)["data"]}  # noqa: E731
    eventually(lambda: {"ADDED", "DELETED", "UPDATED"} <= kinds(), 30, "the records of the audit")


REFUSED = [
    ({"type": "GEOFENCING", "configuration": {"type": "GEOFENCING"}}, "Calculated fields of type 'GEOFENCING' are not supported!"),
    ({"configuration": None}, "Validation error: configuration must not be null"),
    ({"name": ""}, "Calculated field name should be specified!"),
    ({"name": "<b>x</b>"}, "Validation error: name is malformed"),
    ({"name": "x" * 256}, "Validation error: name length must be equal or less than 255"),
    ({"configuration": {"type": "SIMPLE", "expression": "1"}},
     "Validation error: arguments must not be empty, output must not be null"),
]


@pytest.mark.parametrize("change, message", REFUSED, ids=[message for _, message in REFUSED])
def test_a_field_that_cannot_be_is_refused(rest, device, change, message):
    answer = rest.call("POST", "/api/calculatedField", {**simple(device.entity["id"]), **change})
    assert (answer.status_code, answer.json()["message"]) == (400, message)


def test_rules_of_fields(rest, device):
    entity = device.entity["id"]
    first = save(rest, simple(entity))
    again = rest.call("POST", "/api/calculatedField", simple(entity))
    assert (again.status_code, again.json()["message"]) == (400, "Calculated field with such name and type already exists")
    moved = rest.call("POST", "/api/calculatedField", {**first, "entityId": rest.create_device().entity["id"]})
    assert moved.json()["message"] == "Changing the calculated field target entity after initialization is prohibited."
    for number in range(4):
        save(rest, simple(entity, name=f"another {number}"))
    answer = rest.call("POST", "/api/calculatedField", simple(entity, name="one too many"))
    assert (answer.status_code, answer.json()["message"]) == (400, "Calculated fields per entity limit reached!")
    many = {f"a{number}": argument("t") for number in range(11)}
    answer = rest.call("POST", "/api/calculatedField", simple(rest.create_device().entity["id"], arguments=many))
    assert (answer.status_code, answer.json()["message"]) == (400, "Calculated field arguments limit reached!")
    absent = {"entityType": "DEVICE", "id": str(uuid.uuid4())}
    assert rest.call("POST", "/api/calculatedField", simple(absent)).status_code == 404
    answer = rest.call("POST", "/api/calculatedField", simple({"entityType": "DASHBOARD", "id": absent["id"]}))
    assert answer.json()["message"] == "Entity type 'DASHBOARD' does not support calculated fields"
    answer = rest.call("POST", "/api/calculatedField", simple(entity, arguments={"t": argument("t", refEntityId=absent)}))
    assert answer.status_code == 404


def test_customers_users_and_strangers_do_not_see_fields(rest, device):
    saved = save(rest, simple(device.entity["id"]))
    path = "/api/calculatedField/" + saved["id"]["id"]
    _, user = customer_with_user(rest)
    for other in (user, Rest(rest.url, "sysadmin@thingsboard.org", "sysadmin")):
        assert other.call("GET", path).status_code == 403
        assert other.call("POST", "/api/calculatedField", saved).status_code == 403
        assert other.call("DELETE", path).status_code == 403
    assert rest.call("GET", path).status_code == 200


def test_what_fields_refer_to_stays(rest, device):
    """rest-api.md 2.14; fields of an entity go with it."""
    place, (customer, _) = new_asset(rest), customer_with_user(rest)
    other = rest.create_device()
    arguments = {"t": argument("t", refEntityId=other.entity["id"]), "p": argument("p", refEntityId=place["id"]),
                 "c": argument("c", refEntityId=customer["id"])}
    saved = save(rest, simple(device.entity["id"], "t + p + c", arguments=arguments))
    for kind, path in [("device", "/api/device/" + other.id), ("asset", "/api/asset/" + place["id"]["id"])]:
        answer = rest.call("DELETE", path)
        assert (answer.status_code, answer.json()["message"]) == (
            400, f"Can't delete {kind} that has entity views or is referenced in calculated fields!")
    answer = rest.call("DELETE", "/api/customer/" + customer["id"]["id"])
    assert (answer.status_code, answer.json()["message"]) == (400, "Can't delete customer that is referenced in calculated fields!")
    assert rest.call("DELETE", "/api/device/" + device.id).status_code == 200
    assert rest.call("GET", "/api/calculatedField/" + saved["id"]["id"]).status_code == 404
    assert rest.call("DELETE", "/api/device/" + other.id).status_code == 200


def test_scripts_are_tried(rest):
    rolling = {"type": "TS_ROLLING", "timeWindow": {"startTs": 1000, "endTs": 9000},
               "values": [{"ts": 1000, "value": 2}, {"ts": 2000, "value": 4}, {"ts": 3000, "value": "NaN"}]}
    single = {"type": "SINGLE_VALUE", "ts": 5000, "value": 7}

    def run(expression, **arguments):
        answer = rest.ok("POST", "/api/calculatedField/testScript", {"expression": expression, "arguments": arguments})
        return answer["output"], answer["error"]

    assert run("return {'sum': a + 1};", a=single) == ('{"sum":8}', "")
    assert run("return {'m': r.mean(), 'x': r.max(), 'n': r.count(), 'all': r.count(false), 'l': r.last()};", r=rolling)[0] \
        == '{"m":3.0,"x":4.0,"n":2,"all":3,"l":4.0}'
    assert run("var s = 0; foreach (p : r) { if (p.value > 0) { s += p.value; } } return {'s': s, 'n': r.values.size()};",
               r=rolling)[0] == '{"s":6.0,"n":3}'
    assert run("return {'ts': ctx.latestTs, 'v': ctx.args.a.value};", a=single, r=rolling)[0] == '{"ts":5000,"v":7}'
    output, error = run("return nothing at all;")
    assert output == "" and error
    assert rest.call("POST", "/api/calculatedField/testScript", {"arguments": {}}).status_code == 400


# What is computed


def test_a_simple_field_follows_what_the_device_sends(rest, device, connect):
    save(rest, simple(device.entity["id"], "t * 1.8 + 32", "fahrenheit", output={
        "type": "TIME_SERIES", "name": "fahrenheit", "decimalsByDefault": 1}))
    connection = connect(device.token)
    connection.publish("v1/devices/me/telemetry", '{"t": 20.04, "other": 1}', qos=1)
    await_latest(rest, device.entity["id"], "fahrenheit", 68.1)
    connection.publish("v1/devices/me/telemetry", '{"t": -40}', qos=1)
    await_latest(rest, device.entity["id"], "fahrenheit", -40.0)


def test_a_field_is_computed_when_it_is_saved(rest, device):
    """From what is stored already; a later change computes it anew."""
    device.save({"t": 4})
    saved = save(rest, simple(device.entity["id"]))
    await_latest(rest, device.entity["id"], "double", 8.0)
    saved["configuration"]["expression"] = "t * 3"
    save(rest, saved)
    await_latest(rest, device.entity["id"], "double", 12.0)
    assert rest.call("DELETE", "/api/calculatedField/" + saved["id"]["id"]).status_code == 200
    again = save(rest, simple(device.entity["id"], "t * 5", "five"))
    await_latest(rest, device.entity["id"], "five", 20.0)
    assert latest(rest, device.entity["id"], "double") == 12.0 and again["version"] == 1


def test_arguments_from_attributes_other_entities_and_defaults(rest, device):
    place = new_asset(rest)
    arguments = {"t": argument("t"), "factor": argument("factor", "ATTRIBUTE", scope="SERVER_SCOPE", defaultValue="10"),
                 "base": argument("base", refEntityId=place["id"])}
    save(rest, simple(device.entity["id"], "t * factor + base", "sum", arguments))
    put(rest, place["id"], {"base": 1})
    device.save({"t": 2})
    await_latest(rest, device.entity["id"], "sum", 21.0)
    # Values of the other entity make it be computed anew, and so do attributes.
    put(rest, place["id"], {"base": 5})
    await_latest(rest, device.entity["id"], "sum", 25.0)
    rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{device.id}/attributes/SERVER_SCOPE", {"factor": 3})
    await_latest(rest, device.entity["id"], "sum", 11.0)
    # What is gone is its default again.
    rest.ok("DELETE", f"/api/plugins/telemetry/DEVICE/{device.id}/SERVER_SCOPE?keys=factor")
    await_latest(rest, device.entity["id"], "sum", 25.0)


def test_a_field_of_a_profile_is_one_of_all_its_devices(rest):
    profile = rest.create_profile("DEFAULT")
    one, two = [rest.create_device(deviceProfileId=profile["id"]) for _ in range(2)]
    one.save({"t": 1})
    save(rest, simple(profile["id"]))
    await_latest(rest, one.entity["id"], "double", 2.0)
    two.save({"t": 5})
    await_latest(rest, two.entity["id"], "double", 10.0)
    stranger = rest.create_device()
    stranger.save({"t": 5})
    one.save({"t": 7})
    await_latest(rest, one.entity["id"], "double", 14.0)
    assert latest(rest, stranger.entity["id"], "double") is None


def test_a_field_of_an_asset_profile_and_of_an_asset(rest):
    profile = rest.ok("POST", "/api/assetProfile", {"name": "Places " + salt()})
    place = new_asset(rest, assetProfileId=profile["id"], type=profile["name"])
    save(rest, simple(profile["id"]))
    save(rest, simple(place["id"], "t * 3", "triple"))
    put(rest, place["id"], {"t": 3})
    await_latest(rest, place["id"], "double", 6.0)
    await_latest(rest, place["id"], "triple", 9.0)


def test_a_script_over_the_last_values(rest, device):
    now = now_ms()
    arguments = {"r": argument("t", "TS_ROLLING", limit=3, timeWindow=600_000), "t": argument("t")}
    for age, value in [(700_000, 1000), (3000, 1), (2000, 2)]:
        device.save({"ts": now - age, "values": {"t": value}})
    save(rest, script(device.entity["id"], "return {'mean': r.mean(), 'n': r.count(), 'newest': t};", arguments))
    await_latest(rest, device.entity["id"], "mean", 1.5)
    for value in (3, 4):
        device.save({"t": value})
    await_latest(rest, device.entity["id"], "mean", 3.0)
    assert latest(rest, device.entity["id"], "n") == 3
    await_latest(rest, device.entity["id"], "newest", 4)


def test_results_as_attributes_and_saved_at_once(rest, device):
    save(rest, simple(device.entity["id"], output={"type": "ATTRIBUTES", "scope": "SERVER_SCOPE", "name": "double",
                                                   "decimalsByDefault": 0}))
    at_once = {"type": "TIME_SERIES", "name": "triple", "strategy": {
        "type": "IMMEDIATE", "ttl": 0, "saveTimeSeries": True, "saveLatest": True, "sendWsUpdate": True, "processCfs": True}}
    save(rest, simple(device.entity["id"], "t * 3", "triple", output=at_once))
    shared = {"type": "ATTRIBUTES", "scope": "SHARED_SCOPE", "name": "quad", "strategy": {
        "type": "IMMEDIATE", "saveAttribute": True, "processCfs": False, "sendWsUpdate": False}}
    save(rest, simple(device.entity["id"], "t * 4", "quad", output=shared))
    # Made of a result that was saved at once.
    save(rest, simple(device.entity["id"], "x + 1", "more", {"x": argument("triple")}))
    device.save({"t": 2})
    await_latest(rest, device.entity["id"], "triple", 6.0)
    await_latest(rest, device.entity["id"], "more", 7.0)
    device.await_attributes("SERVER_SCOPE", {"double": 4}, 30)
    device.await_attributes("SHARED_SCOPE", {"quad": 8.0}, 30)


def test_fields_that_feed_each_other_end(rest, device):
    """7.4, loop guard: each field at most once for one value."""
    save(rest, simple(device.entity["id"], "a + 1", "b", {"a": argument("a")}))
    save(rest, simple(device.entity["id"], "b + 1", "a", {"b": argument("b")}))
    device.save({"a": 1})
    await_latest(rest, device.entity["id"], "b", 2.0)
    await_latest(rest, device.entity["id"], "a", 3.0)
    device.save({"c": 1})
    assert [value for _, value in device.history("b", 0, now_ms() + 60_000)] == [2.0]


def test_use_latest_ts_gives_the_result_the_time_of_its_arguments(rest, device):
    time = now_ms() - 50_000
    save(rest, simple(device.entity["id"], useLatestTs=True))
    device.save({"ts": time, "values": {"t": 21}})
    await_latest(rest, device.entity["id"], "double", 42.0)
    assert device.latest_point("double")[0] == time


def test_calculations_are_noted_while_they_are_debugged(rest, device):
    entity = device.entity["id"]
    saved = save(rest, {**simple(entity), "debugSettings": {"failuresEnabled": True, "allEnabled": True}})
    assert saved["debugSettings"]["allEnabledUntil"] > now_ms()
    path = f"/api/calculatedField/{saved['id']['id']}/debug"
    device.save({"t": 4})

    def is_noted():
        answer = rest.call("GET", path)
        return answer.content and answer.json().get("result") == '{"double":8.0}'

    eventually(is_noted, 30, "the calculation")
    body = rest.ok("GET", path)
    assert body["entityId"] == device.id and body["entityType"] == "DEVICE"
    assert body["calculatedFieldId"] == saved["id"]["id"] and '"value":4' in body["arguments"]
    device.save({"t": "no number"})
    eventually(lambda: rest.ok("GET", path).get("error") == "Argument 't' is not a number.", 30, "the error")
    tenant = device.entity["tenantId"]["id"]
    events = rest.ok("GET", f"/api/events/CALCULATED_FIELD/{saved['id']['id']}/DEBUG_CALCULATED_FIELD"
                            f"?tenantId={tenant}&pageSize=10&page=0")
    assert events["totalElements"] >= 2


def test_calculations_outlive_a_crash(own):
    """What was acknowledged is computed: at once, or anew. The server dies behind the last acknowledgement."""
    rest = Rest(own.url)
    device = rest.create_device()
    save(rest, simple(device.entity["id"]))
    for value in range(1, 21):
        answer = rest.session.post(f"{rest.url}/api/v1/{device.token}/telemetry", json={"t": value})
        assert answer.status_code == 200
    own.kill()
    own.start()
    rest = Rest(own.url)
    assert latest(rest, device.entity["id"], "double") == 40.0
    path = f"/api/plugins/telemetry/DEVICE/{device.id}/values/timeseries?keys=double&startTs=0&endTs={now_ms() + 60_000}&limit=100"
    points = rest.ok("GET", path)["double"]
    assert sorted(float(point["value"]) for point in points) == [2.0 * value for value in range(1, 21)]

