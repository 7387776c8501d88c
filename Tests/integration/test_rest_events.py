"""Events of rule nodes and chains, from a device's message to the REST API."""
import json
import uuid

import pytest

from rest import Rest
from server import Server, eventually

PACKAGE = "org.thingsboard.rule.engine."


@pytest.fixture
def chain(rest):
    """A chain whose switch leads telemetry to a node that saves it, for the devices of a profile of its own."""
    made = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    yield made
    for profile in rest.everything("/api/deviceProfiles"):
        if profile.get("defaultRuleChainId") == made["id"]:
            rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": None})
    rest.ok("DELETE", "/api/ruleChain/" + made["id"]["id"])


def node(kind, name, configuration=None, **more):
    return {"type": PACKAGE + kind, "name": name, "configuration": configuration or {"version": 0}, **more}


SAVE = {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}


def save_graph(rest, chain, nodes, connections):
    return rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0 if nodes else None, "nodes": nodes,
        "connections": [{"fromIndex": a, "toIndex": b, "type": label} for a, b, label in connections]})


def device_of(rest, chain):
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"]})
    return rest.create_device(deviceProfileId=profile["id"])


class Events:
    def __init__(self, rest, kind, entity):
        self.rest, self.path = rest, f"/api/events/{kind}/{entity}"
        self.tenant = rest.ok("GET", "/api/auth/user")["tenantId"]["id"]

    def of(self, event_type, **parameters):
        query = {"tenantId": self.tenant, "pageSize": 100, "page": 0, **parameters}
        answer = self.rest.call("GET", f"{self.path}/{event_type}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def filtered(self, event_filter, **parameters):
        query = {"tenantId": self.tenant, "pageSize": 100, "page": 0, **parameters}
        answer = self.rest.call("POST", self.path, event_filter, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def test_messages_of_a_debugged_node_are_shown_filtered_and_cleared(rest, chain, connect):
    debug = {"debugSettings": {"allEnabled": True}}
    graph = save_graph(rest, chain, [node("filter.TbMsgTypeSwitchNode", "switch", **debug),
                                     node("telemetry.TbMsgTimeseriesNode", "save", SAVE)],
                       [(0, 1, "Post telemetry")])
    switch, save = (n["id"]["id"] for n in graph["nodes"])
    device = device_of(rest, chain)
    connection = connect(device.token)
    events = Events(rest, "RULE_NODE", switch)

    def arrives():
        # The rule engine reads the saved chain behind the answer of the API.
        connection.publish("v1/devices/me/telemetry", b'{"a":1}')
        found = events.of("DEBUG_RULE_NODE")
        return found if any(event["body"]["type"] == "OUT" and event["body"]["msgType"] == "POST_TELEMETRY_REQUEST"
                            for event in found) else None
    shown = eventually(arrives, 60, "debug events")
    bodies = [event["body"] for event in shown]
    assert {body["type"] for body in bodies} == {"IN", "OUT"}
    out = next(body for body in bodies if body["type"] == "OUT" and body["msgType"] == "POST_TELEMETRY_REQUEST")
    assert out["relationType"] == "Post telemetry" and json.loads(out["data"]) == {"a": 1}
    assert out["entityId"] == device.id and out["entityType"] == "DEVICE" and "error" not in out
    metadata = json.loads(out["metadata"])
    assert metadata["deviceName"] == device.entity["name"] and metadata["ts"].isdigit()
    assert shown[0]["type"] == "DEBUG_RULE_NODE" and shown[0]["entityId"] == {"entityType": "RULE_NODE", "id": switch}
    only_in = events.filtered({"eventType": "DEBUG_RULE_NODE", "msgDirectionType": "IN"})
    assert only_in and {event["body"]["type"] for event in only_in} == {"IN"}
    assert not events.filtered({"eventType": "DEBUG_RULE_NODE", "dataSearch": "no such text"})
    assert not events.filtered({"eventType": "DEBUG_RULE_NODE", "isError": True})
    assert not Events(rest, "RULE_NODE", save).of("DEBUG_RULE_NODE")

    def newest():
        # What the device's connection said may come behind its first values.
        connection.publish("v1/devices/me/telemetry", b'{"a":1}')
        last = rest.ok("GET", f"/api/ruleNode/{switch}/debugIn")
        return last["msgType"] == "POST_TELEMETRY_REQUEST" and last
    assert json.loads(eventually(newest, 60, "the newest input")["data"]) == {"a": 1}
    connection.close()
    telemetry = {"eventType": "DEBUG_RULE_NODE", "msgType": "POST_TELEMETRY_REQUEST"}

    def is_cleared():
        # The last messages may still be on their way.
        rest.ok("POST", f"/api/events/RULE_NODE/{switch}/clear", telemetry)
        return not events.filtered(telemetry)
    eventually(is_cleared, what="clearing")


def test_a_failure_is_shown_with_its_error_and_as_an_error_of_the_node(rest, chain, connect):
    failures = {"debugSettings": {"failuresEnabled": True}}
    graph = save_graph(rest, chain, [node("filter.TbMsgTypeSwitchNode", "switch"),
                                     node("telemetry.TbMsgTimeseriesNode", "save", SAVE, **failures)],
                       [(0, 1, "Post attributes"), (0, 1, "Post telemetry")])
    save = graph["nodes"][1]["id"]["id"]
    device = device_of(rest, chain)
    connection = connect(device.token)
    events = Events(rest, "RULE_NODE", save)

    def fails():
        connection.publish("v1/devices/me/attributes", b'{"a":1}')
        return events.of("DEBUG_RULE_NODE")
    shown = eventually(fails, 60, "the event of a failure")
    assert {(e["body"]["type"], e["body"]["relationType"]) for e in shown} == {("OUT", "Failure")}
    assert all("Unsupported msg type" in e["body"]["error"] for e in shown)
    errors = eventually(lambda: events.of("ERROR"), 60, "the error of the node")
    assert errors[0]["body"]["method"] == "onRuleMsg" and "Unsupported msg type" in errors[0]["body"]["error"]
    assert events.filtered({"eventType": "DEBUG_RULE_NODE", "isError": True, "errorStr": "unsupported"})


def test_a_chain_that_is_saved_says_what_started_and_what_could_not(rest, chain):
    graph = save_graph(rest, chain, [node("filter.TbMsgTypeSwitchNode", "switch"),
                                     node("telemetry.TbMsgTimeseriesNode", "wrong", {**SAVE, "surprise": 1})],
                       [(0, 1, "Post telemetry")])
    switch, wrong = (n["id"]["id"] for n in graph["nodes"])
    started = eventually(lambda: Events(rest, "RULE_NODE", switch).of("LC_EVENT"), 60, "life of a node")
    assert [(e["body"]["event"], e["body"]["success"]) for e in started] == [("STARTED", True)]
    refused = Events(rest, "RULE_NODE", wrong)
    failed = eventually(lambda: refused.of("LC_EVENT"), 60, "life of a node that cannot start")
    assert [(e["body"]["event"], e["body"]["success"]) for e in failed] == [("STARTED", False)]
    assert "surprise" in failed[0]["body"]["error"]
    assert refused.filtered({"eventType": "LC_EVENT", "status": "Failure"})
    assert not refused.filtered({"eventType": "LC_EVENT", "status": "Success"})
    assert eventually(lambda: Events(rest, "RULE_CHAIN", chain["id"]["id"]).of("lc_event"), 60)
    save_graph(rest, chain, [graph["nodes"][0], {**graph["nodes"][1], "configuration": SAVE}], [])
    mended = eventually(lambda: refused.filtered({"eventType": "LC_EVENT", "status": "Success"}), 60, "a node that starts")
    assert [e["body"]["event"] for e in mended] == ["UPDATED"]


def test_a_nested_chain_lets_messages_out_by_the_names_of_its_outputs(rest, chain, connect):
    inner = rest.ok("POST", "/api/ruleChain", {"name": "Inner " + uuid.uuid4().hex})
    save_graph(rest, inner, [node("filter.TbMsgTypeSwitchNode", "switch"),
                             node("flow.TbRuleChainOutputNode", "measured")], [(0, 1, "Post telemetry")])
    assert rest.ok("GET", f"/api/ruleChain/{inner['id']['id']}/output/labels") == ["measured"]
    call = node("flow.TbRuleChainInputNode", "call", {
        "ruleChainId": inner["id"]["id"], "forwardMsgToDefaultRuleChain": False}, configurationVersion=1)
    save_graph(rest, chain, [call, node("telemetry.TbMsgTimeseriesNode", "save", SAVE)], [(0, 1, "measured")])
    device = device_of(rest, chain)
    connection = connect(device.token)

    def stored():
        connection.publish("v1/devices/me/telemetry", b'{"nested":1}')
        return device.latest("nested").get("nested") == 1
    eventually(stored, 60, "what comes back from the nested chain")
    rest.ok("POST", "/api/deviceProfile", {
        **rest.ok("GET", "/api/deviceProfile/" + device.entity["deviceProfileId"]["id"]), "defaultRuleChainId": None})
    save_graph(rest, chain, [], [])
    rest.ok("DELETE", "/api/ruleChain/" + inner["id"]["id"])


def test_statistics_and_old_events(connect):
    server = Server({"ACTORS_STATISTICS_PERSIST_FREQUENCY": "1000", "SQL_TTL_EVENTS_EXECUTION_INTERVAL": "1000",
                     "SQL_TTL_EVENTS_EVENTS_TTL": "1"})
    try:
        rest = Rest(server.start().url)
        device = rest.create_device()
        root = rest.root_chain()
        events = Events(rest, "RULE_CHAIN", root["id"]["id"])

        def counted():
            rest.session.post(f"{server.url}/api/v1/{device.token}/telemetry", json={"a": 1}, timeout=60)
            return events.of("STATS")
        shown = eventually(counted, 60, "statistics of the root chain")
        assert shown[0]["body"]["messagesProcessed"] >= 1 and shown[0]["body"]["errorsOccurred"] == 0
        # Partitions go as a whole: those of this week stay.
        assert events.of("LC_EVENT")
        assert server.terminate()[0] == 0
        assert "old data could not be removed" not in server.log()
    finally:
        server.remove()
