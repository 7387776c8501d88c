"""Alarm rules of device profiles, which a node of a rule chain follows (rule-engine.md 7.1, 10.7)."""
import json
import uuid

import pytest

from people import customer_with_user
from rest import Rest
from server import eventually
from test_rule_nodes import node

BASE = 1_700_000_000_000
NODE = "profile.TbDeviceProfileNode"


def value(default, dynamic=None, attribute=None, inherit=False):
    source = {"sourceType": dynamic, "sourceAttribute": attribute, "inherit": inherit} if dynamic else None
    return {"defaultValue": default, "userValue": None, "dynamicValue": source}


def rule(*filters, spec=None, schedule=None, details=None):
    return {"condition": {"condition": [{
        "key": {"type": kind, "key": key}, "valueType": kind_of_value, "value": None,
        "predicate": {"type": kind_of_value, "operation": operation, "value": operand}}
        for kind, key, kind_of_value, operation, operand in filters], "spec": spec or {"type": "SIMPLE"}},
        "schedule": schedule, "alarmDetails": details, "dashboardId": None}


def above(limit, key="temperature"):
    return "TIME_SERIES", key, "NUMERIC", "GREATER", limit if isinstance(limit, dict) else value(limit)


def below(limit, key="temperature"):
    return "TIME_SERIES", key, "NUMERIC", "LESS", value(limit)


def repeating(count):
    return {"type": "REPEATING", "predicate": value(count)}


class Ruled:
    """A device whose profile has one alarm, and a chain with the node."""

    def __init__(self, rest, create, clear=None, **configuration):
        self.rest, self.kind = rest, "Hot " + uuid.uuid4().hex
        self.chain = rest.ok("POST", "/api/ruleChain", {"name": "Alarms " + uuid.uuid4().hex})
        self.configuration = {"persistAlarmRulesState": False, "fetchAlarmRulesStateOnStart": False, **configuration}
        self.node = self.save_chain()
        profile = rest.create_profile("DEFAULT")
        profile["defaultRuleChainId"] = self.chain["id"]
        self.profile = profile
        self.set_rules(create, clear)
        self.device = rest.create_device(deviceProfileId=profile["id"], label="a label")

    def save_chain(self, saves=True):
        nodes = [{**node(NODE, "alarms", self.configuration, 1), "debugSettings": {"allEnabled": True}},
                 node("filter.TbMsgTypeSwitchNode", "switch"),
                 node("telemetry.TbMsgTimeseriesNode", "save", {
                     "defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}, 1)]
        current = self.rest.ok("GET", f"/api/ruleChain/{self.chain['id']['id']}")
        if getattr(self, "node", None):
            nodes[0]["id"] = {"entityType": "RULE_NODE", "id": self.node}
        saved = self.rest.ok("POST", "/api/ruleChain/metadata", {
            "ruleChainId": self.chain["id"], "version": current.get("version"), "firstNodeIndex": 0, "nodes": nodes,
            "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Success"}] + [
                {"fromIndex": 1, "toIndex": 2, "type": "Post telemetry"}] * saves,
            "ruleChainConnections": []})
        return saved["nodes"][0]["id"]["id"]

    def change_chain(self):
        """Saves the chain anew, and waits until it has taken the place of the old one: it saves nothing."""
        assert self.save_chain(saves=False) == self.node
        serial = iter(range(1, 10_000))

        def is_silent():
            number = next(serial)
            self.send(serial=number)
            return self.device.latest("serial").get("serial") != number
        eventually(is_silent, 60, "the new chain")

    def set_rules(self, create, clear=None):
        self.profile["profileData"]["alarms"] = [{
            "id": "a1", "alarmType": self.kind, "createRules": create, "clearRule": clear, "propagate": False,
            "propagateToOwner": False, "propagateToTenant": False, "propagateRelationTypes": None}]
        self.profile = self.rest.ok("POST", "/api/deviceProfile", self.profile)

    def send(self, at=None, **values):
        body = values if at is None else {"ts": BASE + at * 1000, "values": values}
        answer = self.rest.session.post(f"{self.rest.url}/api/v1/{self.device.token}/telemetry", json=body)
        assert answer.status_code == 200

    def alarms(self):
        """Of the device, the oldest first: severity, status."""
        page = self.rest.ok("GET", f"/api/alarm/DEVICE/{self.device.id}?pageSize=100&page=0&sortProperty=createdTime"
                                   "&sortOrder=ASC")
        return [(alarm["severity"], alarm["status"]) for alarm in page["data"] if alarm["type"] == self.kind]

    def told(self, count):
        """The messages of alarms that left the node: label, data, metadata."""
        tenant = self.device.entity["tenantId"]["id"]

        def messages():
            page = self.rest.ok("POST", f"/api/events/RULE_NODE/{self.node}?tenantId={tenant}&pageSize=1000&page=0"
                                        "&sortProperty=createdTime&sortOrder=ASC", {"eventType": "DEBUG_RULE_NODE"})
            bodies = [event["body"] for event in page["data"]]
            found = [body for body in bodies if body["type"] == "OUT" and body["msgType"] == "ALARM"
                     and body["relationType"].startswith("Alarm ")]
            return found if len(found) >= count else None
        found = eventually(messages, 60, f"{count} messages of alarms")
        assert len(found) == count
        return [(body["relationType"], json.loads(body["data"]), json.loads(body["metadata"])) for body in found]


def test_the_worst_rule_that_holds_wins_and_severity_is_not_lowered(rest):
    ruled = Ruled(rest, {"MAJOR": rule(above(30), details="t=${temperature}"), "CRITICAL": rule(above(50))},
                  clear=rule(below(10), details="cold"))
    # Not hot at all, then what is no concern of the rules.
    ruled.send(at=0, temperature=20)
    ruled.send(humidity=99)
    assert ruled.alarms() == []
    ruled.send(at=1, temperature=35)
    assert ruled.alarms() == [("MAJOR", "ACTIVE_UNACK")]
    ruled.send(at=2, temperature=60)
    ruled.send(at=3, temperature=35)
    assert ruled.alarms() == [("CRITICAL", "ACTIVE_UNACK")]
    ruled.send(at=4, temperature=20)
    assert ruled.alarms() == [("CRITICAL", "ACTIVE_UNACK")]
    ruled.send(at=5, temperature=5)
    assert ruled.alarms() == [("CRITICAL", "CLEARED_UNACK")]
    created, worse, cleared = ruled.told(3)
    assert [label for label, _, _ in (created, worse, cleared)] == [
        "Alarm Created", "Alarm Severity Updated", "Alarm Cleared"]
    assert created[2]["isNewAlarm"] == "true" and created[2]["deviceName"] == ruled.device.entity["name"]
    assert (created[1]["startTs"], created[1]["endTs"]) == (BASE + 1000, BASE + 1000)
    assert created[1]["details"] == {"data": "t=35"} and created[1]["originator"]["id"] == ruled.device.id
    assert (worse[2]["isExistingAlarm"], worse[2]["isSeverityUpdated"]) == ("true", "true")
    assert worse[1]["details"] == {"data": "t=35"} and worse[1]["startTs"] == BASE + 1000
    assert cleared[2]["isClearedAlarm"] == "true" and cleared[1]["details"] == {"data": "cold"}
    # The messages themselves went on.
    ruled.device.await_latest({"temperature": 5, "humidity": 99})


def test_a_repeating_condition_counts_and_begins_anew(rest):
    ruled = Ruled(rest, {"MINOR": rule(above(30), spec=repeating(3))})
    for at, temperature in enumerate([31, 32, 20, 33, 34]):
        ruled.send(at=at, temperature=temperature)
    assert ruled.alarms() == []
    ruled.send(at=9, temperature=35)
    assert ruled.alarms() == [("MINOR", "ACTIVE_UNACK")]
    # The same value at the same time is no other event.
    ruled.send(at=9, temperature=35)
    (label, _, metadata), = ruled.told(1)
    assert (label, metadata["alarmConditionRepeats"]) == ("Alarm Created", "3")


def test_a_duration_is_that_of_the_data_and_must_be_exceeded(rest):
    spec = {"type": "DURATION", "unit": "SECONDS", "predicate": value(10)}
    ruled = Ruled(rest, {"WARNING": rule(above(30), spec=spec)})
    for at in (0, 5, 10):
        ruled.send(at=at, temperature=40)
    assert ruled.alarms() == []
    ruled.send(at=11, temperature=40)
    assert ruled.alarms() == [("WARNING", "ACTIVE_UNACK")]
    (_, _, metadata), = ruled.told(1)
    assert metadata["alarmConditionDuration"] == "11000"


def test_what_a_user_clears_or_deletes_is_forgotten(rest):
    ruled = Ruled(rest, {"MAJOR": rule(above(30), spec=repeating(2))})
    page = f"/api/alarm/DEVICE/{ruled.device.id}?pageSize=10&page=0"
    for at in (1, 2):
        ruled.send(at=at, temperature=40)
    first = rest.ok("GET", page)["data"][0]
    rest.ok("POST", f"/api/alarm/{first['id']['id']}/clear")
    seen = eventually(lambda: ruled.told(1) and ruled.rest.ok("GET", page)["data"][0]["cleared"], 60, "cleared")
    assert seen
    # Counting begins anew once the node has heard of it, so at most two more are needed.
    def again(at=[2]):
        at[0] += 1
        ruled.send(at=at[0], temperature=40)
        return len(ruled.alarms()) == 2
    eventually(again, 60, "another alarm")
    assert [label for label, _, _ in ruled.told(2)] == ["Alarm Created", "Alarm Created"]


def test_limits_may_be_attributes_of_the_device_its_customer_or_the_tenant(rest, server):
    name = "limit" + uuid.uuid4().hex
    ruled = Ruled(rest, {"MAJOR": rule(above(value(50, "CURRENT_DEVICE", name, inherit=True)))}, clear=rule(below(0)))

    def raised(temperature):
        """Whether that is an alarm, which is cleared again."""
        ruled.send(temperature=temperature)
        found = ruled.alarms()
        if found and found[-1][1] == "ACTIVE_UNACK":
            ruled.send(temperature=-1)
            return True
        return False
    assert not raised(40) and raised(51)
    sysadmin = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    tenant = ruled.device.entity["tenantId"]["id"]
    sysadmin.ok("POST", f"/api/plugins/telemetry/TENANT/{tenant}/attributes/SERVER_SCOPE", {name: 30})
    assert not raised(29) and raised(31)
    customer, _ = customer_with_user(rest)
    rest.ok("POST", f"/api/plugins/telemetry/CUSTOMER/{customer['id']['id']}/attributes/SERVER_SCOPE", {name: "20"})
    rest.ok("POST", f"/api/customer/{customer['id']['id']}/device/{ruled.device.id}")
    # The node hears of the customer by a message.
    eventually(lambda: raised(21), 60, "the limit of the customer")
    assert not raised(19)
    rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{ruled.device.id}/attributes/SHARED_SCOPE", {name: 10})
    eventually(lambda: raised(11), 60, "the limit of the device")
    assert not raised(9)


def test_a_rule_outside_its_schedule_fails(rest):
    always = {"type": "SPECIFIC_TIME", "timezone": "Europe/Berlin", "daysOfWeek": [1, 2, 3, 4, 5, 6, 7], "startsOn": 0,
              "endsOn": 0}
    # BASE is a Tuesday, 22:13 in UTC, Wednesday in Tokyo.
    ruled = Ruled(rest, {"MAJOR": rule(above(30), schedule={**always, "daysOfWeek": [2], "timezone": "Asia/Tokyo"}),
                         "MINOR": rule(above(30), schedule={**always, "daysOfWeek": [2]})})
    ruled.send(at=0, temperature=40)
    assert ruled.alarms() == [("MINOR", "ACTIVE_UNACK")]
    # A zone that is none fails the message.
    ruled.set_rules({"MAJOR": rule(above(30), schedule={**always, "timezone": "Mars/Base"})})

    def failed():
        answer = rest.session.post(f"{rest.url}/api/v1/{ruled.device.token}/telemetry", json={"temperature": 41})
        assert answer.status_code in (200, 500)
        tenant = ruled.device.entity["tenantId"]["id"]
        page = rest.ok("POST", f"/api/events/RULE_NODE/{ruled.node}?tenantId={tenant}&pageSize=1000&page=0",
                       {"eventType": "DEBUG_RULE_NODE"})["data"]
        return [event for event in page if "Unknown time zone: Mars/Base" in event["body"].get("error", "")]
    eventually(failed, 60, "the failure of the message")


def test_rules_follow_their_profile(rest):
    ruled = Ruled(rest, {"MAJOR": rule(above(30))})
    ruled.send(temperature=25)
    assert ruled.alarms() == []
    ruled.set_rules({"MAJOR": rule(above(20))})

    def raised():
        ruled.send(temperature=25)
        return ruled.alarms()
    assert eventually(raised, 60, "an alarm of the new rule") == [("MAJOR", "ACTIVE_UNACK")]


@pytest.mark.parametrize("fetches", [False, True])
def test_how_far_rules_have_come_is_kept(rest, fetches):
    ruled = Ruled(rest, {"MAJOR": rule(above(30), spec=repeating(3))}, persistAlarmRulesState=True)
    for at in (1, 2):
        ruled.send(at=at, temperature=40)
    # Another configuration begins without memory.
    ruled.configuration["fetchAlarmRulesStateOnStart"] = fetches
    if not fetches:
        ruled.configuration["version"] = 0
    ruled.change_chain()
    ruled.send(at=3, temperature=40)
    (_, _, metadata), = ruled.told(1)
    assert metadata["alarmConditionRepeats"] == "3"


def test_rules_that_are_not_kept_survive_a_change_of_another_node(rest):
    ruled = Ruled(rest, {"MAJOR": rule(above(30), spec=repeating(3))})
    for at in (1, 2):
        ruled.send(at=at, temperature=40)
    ruled.change_chain()
    ruled.send(at=3, temperature=40)
    assert ruled.alarms() == [("MAJOR", "ACTIVE_UNACK")]
