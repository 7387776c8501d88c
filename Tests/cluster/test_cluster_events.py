"""Events of rule engines, which write them themselves, and nested chains, in a cluster."""
import uuid

from rest import Rest
from server import eventually
from test_cluster import direct, mqtt_port, publish

PACKAGE = "org.thingsboard.rule.engine."
SAVE = {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}


def save_graph(rest, chain, nodes, connections):
    return rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": nodes,
        "connections": [{"fromIndex": a, "toIndex": b, "type": label} for a, b, label in connections]})["nodes"]


def test_every_rule_engine_notes_its_messages_and_every_core_shows_them(cluster, rest):
    inner, outer = (rest.ok("POST", "/api/ruleChain", {"name": f"{name} {uuid.uuid4().hex}"}) for name in ("Inner", "Outer"))
    save_graph(rest, inner, [
        {"type": PACKAGE + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}},
        {"type": PACKAGE + "flow.TbRuleChainOutputNode", "name": "out", "configuration": {"version": 0}}],
        [(0, 1, "Post telemetry")])
    call, save = save_graph(rest, outer, [
        {"type": PACKAGE + "flow.TbRuleChainInputNode", "name": "call", "configurationVersion": 1, "configuration": {
            "ruleChainId": inner["id"]["id"], "forwardMsgToDefaultRuleChain": False}},
        {"type": PACKAGE + "telemetry.TbMsgTimeseriesNode", "name": "save", "configuration": SAVE,
         "debugSettings": {"allEnabled": True}}], [(0, 1, "out")])
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": outer["id"]})
    # So many that both rule engines own partitions of some.
    devices = [rest.create_device(deviceProfileId=profile["id"]) for _ in range(24)]
    tenant = rest.ok("GET", "/api/auth/user")["tenantId"]["id"]
    cores = [Rest(direct(cluster, name)) for name in ("core-node-1", "core-node-2")]
    page = f"tenantId={tenant}&pageSize=1000&page=0"

    def noted(core):
        found = core.ok("GET", f"/api/events/RULE_NODE/{save['id']['id']}/DEBUG_RULE_NODE?{page}")["data"]
        return {event["body"]["server"] for event in found if event["body"]["relationType"] == "Success"}

    def on_both():
        for number, device in enumerate(devices):
            publish(mqtt_port(cluster, 1 + number % 2), device.token, {"nested": number})
        return all(noted(core) == {"rule-engine-1", "rule-engine-2"} for core in cores)
    eventually(on_both, 60, "events of both rule engines on both cores")
    assert devices[5].latest("nested") == {"nested": 5}

    def started(core):
        found = core.ok("GET", f"/api/events/RULE_NODE/{call['id']['id']}/LC_EVENT?{page}")["data"]
        return {(event["body"]["server"], event["body"]["event"]) for event in found}
    assert all(started(core) >= {("rule-engine-1", "STARTED"), ("rule-engine-2", "STARTED")} for core in cores)
    rest.ok("POST", "/api/deviceProfile", {
        **rest.ok("GET", "/api/deviceProfile/" + profile["id"]["id"]), "defaultRuleChainId": None})
    for chain in (outer, inner):
        rest.ok("DELETE", "/api/ruleChain/" + chain["id"]["id"])
