"""Alarm rules as calculated fields (rule-engine.md 7.2; rest-api.md 4.11): the entity, and the alarms."""
import uuid

import pytest

from rest import Rest, now_ms
from server import eventually
from test_calculated_fields import argument, put

# Settings of the server that dies.
BASE = {}


def above(limit, kind="SIMPLE", operation="GREATER", **more):
    value = {"dynamicValueArgument": limit} if isinstance(limit, str) else {"staticValue": limit}
    return {"type": kind, "expression": {"type": "SIMPLE", "operation": "AND", "filters": [
        {"argument": "t", "valueType": "NUMERIC", "operation": "AND", "predicates": [
            {"type": "NUMERIC", "operation": operation, "value": value}]}]}, "schedule": None, **more}


def rule(entity, name, create, clear=None, arguments=None, **more):
    return {"entityId": entity, "name": name, "configuration": {
        "type": "ALARM", "arguments": arguments or {"t": argument("t")},
        "createRules": {severity: {"condition": condition, "alarmDetails": "t is ${t}", "dashboardId": None}
                        for severity, condition in create.items()},
        "clearRule": {"condition": clear} if clear else None, **more}}


def save(rest, field):
    return rest.ok("POST", "/api/alarm/rule", field)


def alarm(rest, entity, name):
    page = rest.ok("GET", f"/api/alarm/{entity['entityType']}/{entity['id']}?pageSize=10&page=0&sortProperty=createdTime&sortOrder=DESC")
    found = [one for one in page["data"] if one["type"] == name]
    return found[0] if found else None


def await_alarm(rest, entity, name, **members):
    def found():
        one = alarm(rest, entity, name)
        return one if one and all(one.get(key) == value for key, value in members.items()) else None
    return eventually(found, 30, f"an alarm with {members}, not {alarm(rest, entity, name)}")


@pytest.fixture
def name():
    return "Hot " + uuid.uuid4().hex[:12]


def test_an_alarm_rule_is_saved_read_listed_and_deleted(rest, device, name):
    saved = save(rest, rule(device.entity["id"], name, {"MAJOR": above(50)}))
    assert saved["version"] == 1 and "type" not in saved
    identifier, page = saved["id"]["id"], "pageSize=10&page=0"
    assert rest.ok("GET", "/api/alarm/rule/" + identifier) == saved
    assert rest.ok("GET", f"/api/alarm/rules/DEVICE/{device.id}?{page}")["data"] == [saved]
    listed = rest.ok("GET", f"/api/alarm/rules?{page}&textSearch={name}")["data"]
    assert listed == [{**saved, "entityName": device.entity["name"]}]
    assert rest.ok("GET", f"/api/alarm/rules/names?{page}&textSearch={name}")["data"] == [name]
    # It is no other calculated field, and no other calculated field is one of these.
    assert rest.ok("GET", f"/api/DEVICE/{device.id}/calculatedFields?{page}")["data"] == []
    assert rest.ok("GET", f"/api/calculatedField/{identifier}")["type"] == "ALARM"
    again = rest.call("POST", "/api/alarm/rule", rule(device.entity["id"], name, {"MAJOR": above(50)}))
    assert (again.status_code, again.json()["message"]) == (400, "Alarm rule with such type already exists")
    empty = rest.call("POST", "/api/alarm/rule", rule(device.entity["id"], "x", {}))
    assert (empty.status_code, empty.json()["message"]) == (400, "Validation error: createRules must not be empty")
    tried = rest.ok("POST", "/api/alarm/rule/testScript", {
        "expression": "return t > 50;", "arguments": {"t": {"type": "SINGLE_VALUE", "ts": 1, "value": 55}}})
    assert tried == {"output": "true", "error": ""}
    assert rest.call("DELETE", "/api/alarm/rule/" + identifier).status_code == 200
    assert rest.call("GET", "/api/alarm/rule/" + identifier).status_code == 404


def test_an_alarm_is_raised_made_worse_and_cleared(rest, device, name):
    entity = device.entity["id"]
    save(rest, rule(entity, name, {"MAJOR": above(30), "CRITICAL": above(50)}, above(20, operation="LESS"),
                    propagateToTenant=True))
    start = now_ms() - 1000
    device.save({"ts": start, "values": {"t": 35}})
    raised = await_alarm(rest, entity, name, severity="MAJOR", status="ACTIVE_UNACK")
    assert raised["startTs"] == start and raised["details"] == {"data": "t is 35"} and raised["propagateToTenant"] is True
    device.save({"t": 60})
    worse = await_alarm(rest, entity, name, severity="CRITICAL")
    assert worse["id"] == raised["id"] and worse["startTs"] == start and worse["details"] == {"data": "t is 60"}
    # Never less severe, and between both limits nothing happens.
    device.save({"t": 36})
    device.save({"t": 25})
    device.save({"t": 10})
    cleared = await_alarm(rest, entity, name, status="CLEARED_UNACK")
    assert cleared["severity"] == "CRITICAL" and cleared["id"] == raised["id"]


def test_the_chain_hears_of_alarms(rest, name):
    """1.8: the messages go to the chain of the originator's profile."""
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Alarms " + name})
    switch = {"type": "org.thingsboard.rule.engine.filter.TbMsgTypeFilterNode", "name": "alarms", "configurationVersion": 0,
              "configuration": {"messageTypes": ["ALARM_CREATED", "ALARM_SEVERITY_UPDATED", "ALARM_CLEAR"]},
              "debugSettings": {"allEnabled": True, "failuresEnabled": True}}
    store = {"type": "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode", "name": "save", "configurationVersion": 1,
             "configuration": {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}}
    rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [switch, store],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "False"}]})
    node = rest.ok("GET", f"/api/ruleChain/{chain['id']['id']}/metadata")["nodes"][0]["id"]["id"]
    profile = rest.create_profile("DEFAULT")
    profile = rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"]})
    device = rest.create_device(deviceProfileId=profile["id"])
    save(rest, rule(profile["id"], name, {"MAJOR": above(30), "CRITICAL": above(50)}, above(20, operation="LESS")))
    for value in (35, 60, 10):
        device.save({"t": value})
    tenant = device.entity["tenantId"]["id"]

    def types():
        page = rest.ok("GET", f"/api/events/RULE_NODE/{node}/DEBUG_RULE_NODE?tenantId={tenant}&pageSize=100&page=0")
        bodies = [event["body"] for event in page["data"]]
        return {body["msgType"]: body for body in bodies if body["type"] == "OUT" and body["relationType"] == "True"}

    eventually(lambda: {"ALARM_CREATED", "ALARM_SEVERITY_UPDATED", "ALARM_CLEAR"} <= set(types()), 30, "the messages")
    heard = types()
    assert '"isNewAlarm":"true"' in heard["ALARM_CREATED"]["metadata"]
    assert '"isSeverityUpdated":"true"' in heard["ALARM_SEVERITY_UPDATED"]["metadata"]
    assert '"isClearedAlarm":"true"' in heard["ALARM_CLEAR"]["metadata"]
    assert heard["ALARM_CREATED"]["entityId"] == device.id


def test_a_repeated_value_with_a_limit_that_is_an_attribute(rest, device, name):
    entity = device.entity["id"]
    arguments = {"t": argument("t"), "limit": argument("limit", "ATTRIBUTE", scope="SERVER_SCOPE", defaultValue="50")}
    save(rest, rule(entity, name, {"WARNING": above("limit", "REPEATING", count={"staticValue": 3})}, arguments=arguments))
    for value in (60, 60, 10, 60, 60):
        device.save({"t": value})
    assert alarm(rest, entity, name) is None
    device.save({"t": 61})
    await_alarm(rest, entity, name, severity="WARNING", details={"data": "t is 61"})


def test_a_duration_ends_without_another_value(rest, device, name):
    """Case 83, in short."""
    entity = device.entity["id"]
    save(rest, rule(entity, name, {"MAJOR": above(50, "DURATION", unit="SECONDS", value={"staticValue": 2})}))
    device.save({"t": 60})
    raised = await_alarm(rest, entity, name, severity="MAJOR")
    assert raised["createdTime"] - raised["startTs"] >= 2000


def test_an_alarm_that_a_user_clears_is_raised_anew(rest, device, name):
    """Case 84."""
    entity = device.entity["id"]
    save(rest, rule(entity, name, {"MAJOR": above(50)}))
    device.save({"t": 60})
    first = await_alarm(rest, entity, name, status="ACTIVE_UNACK")
    rest.ok("POST", f"/api/alarm/{first['id']['id']}/ack")
    device.save({"t": 61})
    again = await_alarm(rest, entity, name, details={"data": "t is 61"})
    assert again["id"] == first["id"] and again["status"] == "ACTIVE_ACK"
    rest.ok("POST", f"/api/alarm/{first['id']['id']}/clear")
    device.save({"t": 62})
    second = await_alarm(rest, entity, name, status="ACTIVE_UNACK")
    assert second["id"] != first["id"]


def test_a_condition_that_is_a_script(rest, device, name):
    entity = device.entity["id"]
    condition = {"type": "SIMPLE", "expression": {"type": "TBEL", "expression": "return t > 2 * h;"}, "schedule": None}
    save(rest, rule(entity, name, {"INDETERMINATE": condition}, arguments={"t": argument("t"), "h": argument("h")}))
    device.save({"t": 5, "h": 3})
    device.save({"h": 2})
    await_alarm(rest, entity, name, severity="INDETERMINATE")


def test_a_device_that_falls_silent(rest, name):
    """The connectivity of devices, which the platform writes itself, is an argument like others."""
    device = rest.create_device()
    entity = device.entity["id"]
    rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{device.id}/attributes/SERVER_SCOPE", {"inactivityTimeout": 1500})
    inactive = {"type": "SIMPLE", "schedule": None, "expression": {"type": "SIMPLE", "filters": [
        {"argument": "active", "valueType": "BOOLEAN", "predicates": [
            {"type": "BOOLEAN", "operation": "EQUAL", "value": {"staticValue": False}}]}]}}
    active = {**inactive, "expression": {"type": "TBEL", "expression": "return active == true;"}}
    save(rest, rule(entity, name, {"WARNING": inactive}, active,
                    arguments={"active": argument("active", "ATTRIBUTE", scope="SERVER_SCOPE")}))
    send = lambda: rest.session.post(f"{rest.url}/api/v1/{device.token}/telemetry", json={"t": 1})  # noqa: E731
    assert send().status_code == 200
    await_alarm(rest, entity, name, severity="WARNING", status="ACTIVE_UNACK")
    assert send().status_code == 200
    await_alarm(rest, entity, name, status="CLEARED_UNACK")


def test_rules_count_on_after_a_crash(own, name):
    rest = Rest(own.url)
    device = rest.create_device()
    entity = device.entity["id"]
    save(rest, rule(entity, name, {"MAJOR": above(50, "REPEATING", count={"staticValue": 3})}))
    save(rest, rule(entity, "Long " + name, {"MAJOR": above(50, "DURATION", unit="SECONDS", value={"staticValue": 4})}))
    for value in (60, 61):
        device.save({"t": value})
    own.kill()
    own.start()
    rest = Rest(own.url)
    # Time goes on without anybody.
    await_alarm(rest, entity, "Long " + name, severity="MAJOR")
    assert alarm(rest, entity, name) is None
    put(rest, entity, {"t": 62})
    await_alarm(rest, entity, name, severity="MAJOR")
