"""Rule nodes that read and change what is stored, asked over the REST calls of the rule engine (rule-engine.md 3, 10.4, 10.5)."""
import json
import uuid
from functools import partial

import pytest

from people import customer_with_user
from rest import Rest
from server import eventually

PACKAGE = "org.thingsboard.rule.engine."
REPLY = {"requestIdMetaDataAttribute": "requestUUID", "serviceIdMetaDataAttribute": "serviceId"}
CONTAINS = {"direction": "FROM", "maxLevel": 1, "filters": [{"relationType": "Contains", "entityTypes": []}],
            "fetchLastLevelOnly": False}


def node(kind, name, configuration=None, version=0):
    return {"type": PACKAGE + kind, "name": name, "configurationVersion": version,
            "configuration": {"version": 0} if configuration is None else configuration}


class Bench:
    """A chain with one node under test; whatever leaves it comes back as the answer of a call, with its label."""

    def __init__(self, rest):
        self.rest, self.serial = rest, 0
        self.chain = rest.ok("POST", "/api/ruleChain", {"name": "Bench " + uuid.uuid4().hex})
        profile = rest.create_profile("DEFAULT")
        self.customer, _ = customer_with_user(rest)
        self.device = rest.create_device(deviceProfileId=profile["id"], label="a label",
                                         additionalInfo={"description": "of the bench"})
        self.place = rest.ok("POST", "/api/asset", {"name": "Place " + uuid.uuid4().hex, "type": "default"})
        for path, values in [
            (f"/DEVICE/{self.device.id}/attributes/SERVER_SCOPE", {"a": 1, "j": {"x": [1]}}),
            (f"/DEVICE/{self.device.id}/attributes/SHARED_SCOPE", {"b": "two"}),
            (f"/DEVICE/{self.device.id}/timeseries/ANY", {"ts": 1000, "values": {"d": 4.5}}),
            (f"/CUSTOMER/{self.customer['id']['id']}/attributes/SERVER_SCOPE", {"threshold": 30}),
            (f"/CUSTOMER/{self.customer['id']['id']}/timeseries/ANY", {"level": True}),
            (f"/TENANT/{self.device.entity['tenantId']['id']}/attributes/SERVER_SCOPE", {"region": "north"}),
            (f"/ASSET/{self.place['id']['id']}/attributes/SERVER_SCOPE", {"floor": 3}),
        ]:
            writer = Rest(rest.url, "sysadmin@thingsboard.org", "sysadmin") if path.startswith("/TENANT") else rest
            writer.ok("POST", "/api/plugins/telemetry" + path, values)
        # Written by the device itself, while the root chain has its messages.
        assert rest.session.post(f"{rest.url}/api/v1/{self.device.token}/attributes", json={"c": False}).status_code == 200
        self.profile = rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": self.chain["id"]})
        rest.ok("POST", "/api/relation", {"from": self.place["id"], "to": self.device.entity["id"], "type": "Contains"})

    def ask(self, kind, configuration, data=None, labels=("Success", "Failure"), version=0, entity=None):
        """Label, data and metadata of what leaves the node."""
        # What the node tells its originator's chain does not come to it again.
        nodes = [node("filter.TbMsgTypeFilterNode", "asked", {"messageTypes": ["REST_API_REQUEST"]}),
                 node(kind, "tested", configuration, version)]
        # The chain before may still answer for a moment.
        self.serial += 1
        mark = f"left {self.serial} by "
        connections = [(0, 1, "True")]
        for label in labels:
            first = len(nodes)
            nodes += [node("transform.TbCopyKeysNode", "copy", {"copyFrom": "METADATA", "keys": [".*"]}, 2),
                      node("metadata.TbGetOriginatorFieldsNode", "who", {
                          "dataMapping": {"id": "originator now"}, "ignoreNullStrings": False, "fetchTo": "DATA"}, 1),
                      node("transform.TbRenameKeysNode", "mark", {
                          "renameIn": "DATA", "renameKeysMapping": {"requestUUID": mark + label}}, 2),
                      node("rest.TbSendRestApiCallReplyNode", "reply", REPLY)]
            connections += [(1, first, label)] + [(first + n, first + n + 1, "Success") for n in range(3)]
        current = self.rest.ok("GET", f"/api/ruleChain/{self.chain['id']['id']}")
        self.rest.ok("POST", "/api/ruleChain/metadata", {
            "ruleChainId": self.chain["id"], "version": current.get("version"), "firstNodeIndex": 0, "nodes": nodes,
            "connections": [{"fromIndex": a, "toIndex": b, "type": label} for a, b, label in connections],
            "ruleChainConnections": []})
        entity = entity or self.device.entity["id"]
        path = f"/api/rule-engine/{entity['entityType']}/{entity['id']}/5000"

        def answered():
            reply = self.rest.call("POST", path, {} if data is None else data)
            return reply.json() if reply.status_code == 200 and mark in reply.text else None
        answer = eventually(answered, 120, "an answer of the new chain")
        label = next(key for key in answer if key.startswith(mark)).removeprefix(mark)
        for key in ("serviceId", "expirationTime", mark + label):
            answer.pop(key, None)
        return label, answer, answer.pop("originator now")


@pytest.fixture(scope="module")
def bench(rest):
    return Bench(rest)


def test_attributes_and_latest_values_of_the_originator(bench):
    ask = partial(bench.ask, "metadata.TbGetAttributesNode", version=1)
    asked = {"serverAttributeNames": ["a", "j"], "sharedAttributeNames": ["$[which]"],
             "clientAttributeNames": ["c"], "latestTsKeyNames": ["d"], "tellFailureIfAbsent": True,
             "getLatestValueWithTs": False, "fetchTo": "METADATA"}
    label, answer, _ = ask(asked, {"which": "b"})
    assert (label, answer) == ("Success", {
        "which": "b", "ss_a": "1", "ss_j": '{"x":[1]}', "shared_b": "two", "cs_c": "false", "d": "4.5"})
    label, answer, _ = ask({**asked, "fetchTo": "DATA", "getLatestValueWithTs": True}, {"which": "b"})
    assert (label, answer) == ("Success", {
        "which": "b", "ss_a": 1, "ss_j": {"x": [1]}, "shared_b": "two", "cs_c": False, "d": {"ts": 1000, "value": 4.5}})
    # What was found goes along Failure, too.
    label, answer, _ = ask({**asked, "latestTsKeyNames": ["absent"]}, {"which": "b"})
    assert label == "Failure" and answer["ss_a"] == "1" and "absent" not in answer
    label, answer, _ = ask({**asked, "latestTsKeyNames": ["absent"], "tellFailureIfAbsent": False}, {"which": "b"})
    assert label == "Success" and answer["ss_a"] == "1" and "absent" not in answer


def mapped(bench, kind, mapping, **changes):
    version = 1
    configuration = {"dataMapping": mapping, "dataToFetch": "ATTRIBUTES", "fetchTo": "METADATA", **changes}
    return bench.ask("metadata." + kind, configuration, {"n": 1}, version=version)[:2]


def test_attributes_of_customer_and_tenant_and_what_relations_lead_to(bench):
    # Nobody's device first.
    assert mapped(bench, "TbGetCustomerAttributeNode", {"threshold": "t"}) == ("Failure", {"n": 1})
    bench.rest.ok("POST", f"/api/customer/{bench.customer['id']['id']}/device/{bench.device.id}")
    try:
        customers_and_tenants(bench)
    finally:
        bench.rest.ok("DELETE", f"/api/customer/device/{bench.device.id}")


def customers_and_tenants(bench):
    assert mapped(bench, "TbGetCustomerAttributeNode", {"threshold": "t$[n]", "absent": "x"}) == (
        "Success", {"n": 1, "t1": "30"})
    latest = partial(mapped, bench, "TbGetCustomerAttributeNode", {"level": "l", "absent": "x"},
                     dataToFetch="LATEST_TELEMETRY")
    assert latest() == ("Success", {"n": 1, "l": "true"})
    assert latest(fetchTo="DATA") == ("Success", {"n": 1, "l": True, "x": None})
    assert mapped(bench, "TbGetTenantAttributeNode", {"region": "r"}) == ("Success", {"n": 1, "r": "north"})
    related = partial(mapped, bench, "TbGetRelatedAttributeNode")
    up = {**CONTAINS, "direction": "TO"}
    assert related({"floor": "f"}, relationsQuery=up, fetchTo="DATA") == ("Success", {"n": 1, "f": 3})
    assert related({"floor": "f"}, relationsQuery=CONTAINS) == ("Failure", {"n": 1})
    assert related({"name": "place", "label": "none"}, relationsQuery=up, dataToFetch="FIELDS") == (
        "Success", {"n": 1, "place": bench.place["name"]})
    other = {**up, "filters": [{"relationType": "Contains", "entityTypes": ["DEVICE"]}]}
    assert related({"floor": "f"}, relationsQuery=other) == ("Failure", {"n": 1})
    label, answer, _ = bench.ask("metadata.TbGetCustomerDetailsNode", {
        "detailsList": ["TITLE", "EMAIL"], "fetchTo": "DATA"}, {"n": 1}, version=1)
    assert (label, answer) == ("Success", {"n": 1, "customer_title": bench.customer["title"]})
    label, answer, _ = bench.ask("metadata.TbGetTenantDetailsNode", {
        "detailsList": ["ID"], "fetchTo": "METADATA"}, version=1)
    assert answer == {"tenant_id": bench.device.entity["tenantId"]["id"]}


def test_fields_of_the_originator(bench):
    label, answer, _ = bench.ask("metadata.TbGetOriginatorFieldsNode", {
        "dataMapping": {"name": "n", "label": "l", "additionalInfo.description": "d", "unknown": "u", "type": "${k}t"},
        "ignoreNullStrings": False, "fetchTo": "METADATA"}, {"z": 1}, version=1)
    assert (label, answer) == ("Success", {
        "z": 1, "n": bench.device.entity["name"], "l": "a label", "d": "of the bench", "${k}t": bench.profile["name"]})
    # An array takes no members.
    nothing = bench.rest.call("POST", f"/api/rule-engine/DEVICE/{bench.device.id}/1000", [1])
    assert nothing.status_code == 408


def test_attributes_of_a_device_that_relations_lead_to(bench):
    configuration = {
        "serverAttributeNames": ["a"], "sharedAttributeNames": [], "clientAttributeNames": [], "latestTsKeyNames": [],
        "tellFailureIfAbsent": True, "getLatestValueWithTs": False, "fetchTo": "DATA",
        "deviceRelationsQuery": {"direction": "FROM", "maxLevel": 1, "relationType": "Contains",
                                 "deviceTypes": [bench.profile["name"]], "fetchLastLevelOnly": False}}
    profile = bench.rest.ok("GET", "/api/assetProfile/" + bench.place["assetProfileId"]["id"])
    bench.rest.ok("POST", "/api/assetProfile", {**profile, "defaultRuleChainId": bench.chain["id"]})
    try:
        ask = partial(bench.ask, "metadata.TbGetDeviceAttrNode", version=1, entity=bench.place["id"])
        assert ask(configuration)[:2] == ("Success", {"ss_a": 1})
        configuration["deviceRelationsQuery"]["deviceTypes"] = ["default"]
        assert ask(configuration)[:2] == ("Failure", {})
    finally:
        profile = bench.rest.ok("GET", "/api/assetProfile/" + profile["id"]["id"])
        bench.rest.ok("POST", "/api/assetProfile", {**profile, "defaultRuleChainId": None})


def test_originators_are_changed(bench):
    def changed(**configuration):
        label, _, originator = bench.ask("transform.TbChangeOriginatorNode", configuration, {"n": 1})
        return label, originator
    assert changed(originatorSource="TENANT") == ("Success", bench.device.entity["tenantId"]["id"])
    up = {**CONTAINS, "direction": "TO"}
    assert changed(originatorSource="RELATED", relationsQuery=up) == ("Success", bench.place["id"]["id"])
    assert changed(originatorSource="RELATED", relationsQuery=CONTAINS) == ("Failure", bench.device.id)
    assert changed(originatorSource="ALARM_ORIGINATOR") == ("Failure", bench.device.id)
    named = partial(changed, originatorSource="ENTITY", entityType="ASSET")
    assert named(entityNamePattern=bench.place["name"][:-1] + "${none}")[0] == "Failure"
    assert named(entityNamePattern=bench.place["name"]) == ("Success", bench.place["id"]["id"])
    bench.rest.ok("POST", f"/api/customer/{bench.customer['id']['id']}/device/{bench.device.id}")
    try:
        assert changed(originatorSource="CUSTOMER") == ("Success", bench.customer["id"]["id"])
    finally:
        bench.rest.ok("DELETE", f"/api/customer/device/{bench.device.id}")
    assert changed(originatorSource="CUSTOMER") == ("Failure", bench.device.id)


def test_filters_that_look_into_the_database(bench):
    labels = ("True", "False", "Failure")
    relation = partial(bench.ask, "filter.TbCheckRelationNode", labels=labels, version=1)
    one = {"checkForSingleEntity": True, "direction": "TO", "relationType": "Contains", "entityType": "ASSET",
           "entityId": bench.place["id"]["id"]}
    assert relation(one)[0] == "True"
    assert relation({**one, "direction": "FROM"})[0] == "False"
    assert relation({**one, "relationType": "Manages"})[0] == "False"
    any_of = {"checkForSingleEntity": False, "direction": "TO", "relationType": "Contains"}
    assert relation(any_of)[0] == "True"
    assert relation({**any_of, "direction": "FROM"})[0] == "False"
    name = bench.profile["name"]
    assert bench.ask("filter.TbDeviceTypeSwitchNode", None, labels=("other", name, "Failure"))[0] == name
    assert bench.ask("filter.TbAssetTypeSwitchNode", None, labels=("default", "Failure"))[0] == "Failure"


@pytest.mark.parametrize("language", ["TBEL", "JS"])
def test_a_generator_makes_messages_of_its_originator(rest, language):
    device = rest.create_device()
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Generator " + uuid.uuid4().hex})
    script = ("return {msg: {n: prevMsgType == '' ? 1 : prevMsg.n + 1}, metadata: {}, msgType: 'POST_TELEMETRY_REQUEST'};")
    rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "version": chain.get("version"), "firstNodeIndex": 0, "nodes": [
            node("debug.TbMsgGeneratorNode", "generator", {
                "msgCount": 2, "periodInSeconds": 1, "originatorType": "DEVICE", "originatorId": device.id,
                "scriptLang": language, "jsScript": script, "tbelScript": script}, 2),
            node("telemetry.TbMsgTimeseriesNode", "save", {
                "defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}, 1)],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Success"}], "ruleChainConnections": []})
    device.await_latest({"n": 2}, 60)
    rest.ok("DELETE", "/api/ruleChain/" + chain["id"]["id"])


def test_relations_are_created_and_deleted(bench):
    kind = "Serves " + uuid.uuid4().hex
    other = bench.rest.ok("POST", "/api/asset", {"name": "Served " + uuid.uuid4().hex, "type": "default"})
    configuration = {"direction": "TO", "relationType": "$[kind]", "entityType": "ASSET", "entityNamePattern": "$[place]",
                     "entityTypePattern": None, "createEntityIfNotExists": False, "removeCurrentRelations": False,
                     "changeOriginatorToRelatedEntity": False}
    create = partial(bench.ask, "action.TbCreateRelationNode", version=1)

    def related():
        device = bench.device.entity["id"]
        found = bench.rest.ok("GET", f"/api/relations?toId={device['id']}&toType=DEVICE")
        return {relation["from"]["id"] for relation in found if relation["type"] == kind}
    place = {"kind": kind, "place": bench.place["name"]}
    # Twice is as good as once.
    assert create(configuration, place)[::2] == ("Success", bench.device.id)
    assert create(configuration, place)[0] == "Success"
    assert related() == {bench.place["id"]["id"]}
    assert create(configuration, {**place, "place": "nowhere"})[0] == "Failure"
    changes = {**configuration, "removeCurrentRelations": True, "changeOriginatorToRelatedEntity": True}
    assert create(changes, {**place, "place": other["name"]})[::2] == ("Success", other["id"]["id"])
    assert related() == {other["id"]["id"]}
    customer = {**configuration, "entityType": "CUSTOMER"}
    assert create(customer, {**place, "place": bench.customer["title"]})[0] == "Success"
    assert create({**configuration, "entityType": "TENANT"}, place)[0] == "Success"
    assert len(related()) == 3
    delete = partial(bench.ask, "action.TbDeleteRelationNode", version=1)
    one = {"deleteForSingleEntity": True, "direction": "TO", "relationType": kind, "entityType": "ASSET",
           "entityNamePattern": "$[place]"}
    # What is not related is as good as deleted.
    assert delete(one, place)[0] == "Success" and len(related()) == 3
    assert delete(one, {"place": other["name"]})[0] == "Success"
    assert related() == {bench.customer["id"]["id"], bench.device.entity["tenantId"]["id"]}
    assert delete({**one, "deleteForSingleEntity": False, "entityType": None, "entityNamePattern": ""})[0] == "Success"
    assert related() == set()


def test_the_state_that_an_alarm_has_now_counts(bench):
    alarm = bench.rest.ok("POST", "/api/alarm", {
        "originator": bench.device.entity["id"], "type": "Filtered " + uuid.uuid4().hex, "severity": "MAJOR"})
    ask = partial(bench.ask, "filter.TbCheckAlarmStatusNode", {"alarmStatusList": ["ACTIVE_ACK", "ACTIVE_UNACK"]},
                  labels=("True", "False", "Failure"))
    as_it_was = {"id": alarm["id"], "status": alarm["status"]}
    assert ask(as_it_was)[0] == "True"
    bench.rest.ok("POST", f"/api/alarm/{alarm['id']['id']}/clear")
    assert ask(as_it_was)[0] == "False"
    assert ask({"id": {"entityType": "ALARM", "id": str(uuid.uuid4())}})[0] == "Failure"
    assert ask({"no": "alarm"})[0] == "Failure"


def test_attributes_are_deleted(bench):
    path = f"/api/plugins/telemetry/DEVICE/{bench.device.id}"
    bench.rest.ok("POST", path + "/attributes/SERVER_SCOPE", {"gone": 1, "kept": 2})
    configuration = {"scope": "SERVER_SCOPE", "keys": ["${nobody}", "$[key]", "absent"],
                     "sendAttributesDeletedNotification": True, "notifyDevice": False}
    label, _, _ = bench.ask("telemetry.TbMsgDeleteAttributesNode", configuration, {"key": "gone"})
    assert label == "Success"
    keys = bench.rest.ok("GET", path + "/keys/attributes/SERVER_SCOPE")
    assert "gone" not in keys and "kept" in keys


def alarm_node(bench, **changes):
    """The configuration that editors are offered, with changes."""
    kind = changes.pop("kind", "TbCreateAlarmNode")
    found = bench.rest.ok("GET", "/api/component/" + PACKAGE + "action." + kind)
    return {**found["configurationDescriptor"]["nodeDefinition"]["defaultConfiguration"], **changes}


def test_alarms_are_created_updated_and_cleared(bench):
    kind = "Hot " + uuid.uuid4().hex
    labels = ("Created", "Updated", "Cleared", "False", "Success", "Failure")
    create = partial(bench.ask, "action.TbCreateAlarmNode", labels=labels)
    clear = partial(bench.ask, "action.TbClearAlarmNode", alarm_node(bench, kind="TbClearAlarmNode", alarmType=kind),
                    labels=labels)
    assert clear({"n": 1})[:2] == ("False", {"n": 1})
    label, first, originator = create(alarm_node(bench, alarmType="$[kind]", severity="MAJOR"), {"kind": kind})
    assert (label, first["isNewAlarm"], originator) == ("Created", "true", bench.device.id)
    assert (first["type"], first["severity"], first["status"], first["details"]) == (kind, "MAJOR", "ACTIVE_UNACK", {})
    assert first["startTs"] == first["endTs"]
    assert first["originator"] == bench.device.entity["id"]
    # The same one again, which keeps its start.
    dynamic = alarm_node(bench, alarmType=kind, severity="$[severity]", dynamicSeverity=True)
    label, second, _ = create(dynamic, {"severity": "MINOR"})
    assert (label, second["isExistingAlarm"], second["severity"]) == ("Updated", "true", "MINOR")
    assert (second["id"], second["startTs"]) == (first["id"], first["startTs"]) and second["endTs"] > first["endTs"]
    assert create(dynamic, {"severity": "HIGH"})[0] == "Failure"
    stored = bench.rest.ok("GET", f"/api/alarm/DEVICE/{bench.device.id}?pageSize=100&page=0")["data"]
    assert [alarm["severity"] for alarm in stored if alarm["type"] == kind] == ["MINOR"]
    label, gone, _ = clear({})
    assert (label, gone["isClearedAlarm"], gone["status"], gone["id"]) == ("Cleared", "true", "CLEARED_UNACK", first["id"])
    assert clear({})[0] == "False"
    # The data may be the alarm.
    given = alarm_node(bench, useMessageAlarmData=True)
    label, third, _ = create(given, {"type": kind, "severity": "WARNING", "details": {"seen": [1]}})
    assert (label, third["severity"], third["details"]) == ("Created", "WARNING", {"seen": [1]})
    assert third["id"] != first["id"]
    # Or a script says what its details are.
    script = "var before = metadata.prevAlarmDetails; return {n: msg.n, before: before ? JSON.parse(before) : null};"
    scripted = alarm_node(bench, alarmType=kind, scriptLang="JS", alarmDetailsBuildJs=script)
    label, fourth, _ = create(scripted, {"n": 4})
    assert (label, fourth["details"]) == ("Updated", {"n": 4, "before": {"seen": [1]}})


def test_the_originators_chain_hears_of_an_alarm_that_a_node_raises(bench):
    kind = "Told " + uuid.uuid4().hex
    nodes = [node("filter.TbMsgTypeSwitchNode", "switch"),
             node("action.TbCreateAlarmNode", "create", alarm_node(bench, alarmType=kind)),
             node("transform.TbRenameKeysNode", "attributes", {"renameIn": "DATA", "renameKeysMapping": {"type": "told"}}, 2),
             node("transform.TbCopyKeysNode", "copy", {"copyFrom": "METADATA", "keys": ["ruleNodeId"]}, 2),
             node("transform.TbDeleteKeysNode", "rest", {"deleteFrom": "DATA", "keys": ["(?i)[^tr].*"]}, 2),
             node("metadata.TbGetOriginatorFieldsNode", "who", {
                 "dataMapping": {"id": "of"}, "ignoreNullStrings": True, "fetchTo": "DATA"}, 1),
             node("action.TbLogNode", "log", alarm_log())]
    nodes[-1]["debugSettings"] = {"failuresEnabled": True, "allEnabled": True}
    current = bench.rest.ok("GET", f"/api/ruleChain/{bench.chain['id']['id']}")
    saved = bench.rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": bench.chain["id"], "version": current.get("version"), "firstNodeIndex": 0, "nodes": nodes,
        "connections": [{"fromIndex": a, "toIndex": b, "type": label} for a, b, label in [
            (0, 1, "Post telemetry"), (0, 2, "Entity Created"), (2, 3, "Success"), (3, 4, "Success"), (4, 5, "Success"),
            (5, 6, "Success")]],
        "ruleChainConnections": []})
    log = saved["nodes"][6]["id"]["id"]
    tenant = bench.device.entity["tenantId"]["id"]

    def told():
        posted = bench.rest.session.post(f"{bench.rest.url}/api/v1/{bench.device.token}/telemetry", json={"t": 1})
        assert posted.status_code == 200
        events = bench.rest.ok("POST", f"/api/events/RULE_NODE/{log}?tenantId={tenant}&pageSize=10&page=0",
                               {"eventType": "DEBUG_RULE_NODE"})["data"]
        return [event["body"] for event in events if kind in event["body"].get("data", "")]
    seen = eventually(told, 60, "the message of the new alarm")[0]
    assert seen["msgType"] == "ENTITY_CREATED" and saved["nodes"][1]["id"]["id"] in seen["data"]
    assert bench.device.id in seen["data"]


def alarm_log():
    script = ("return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + "
              "JSON.stringify(metadata);")
    return {"scriptLang": "TBEL", "jsScript": script, "tbelScript": script}


def test_what_the_originator_measured_in_a_time(bench):
    """rule-engine.md 3.6, case 61."""
    bench.rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{bench.device.id}/timeseries/ANY",
                  [{"ts": 2000 + n, "values": {"t": 40 + n}} for n in range(3)])
    asked = {"latestTsKeyNames": ["$[key]"], "fetchMode": "LAST", "startInterval": 2, "endInterval": 1,
             "startIntervalTimeUnit": "MINUTES", "endIntervalTimeUnit": "MINUTES", "useMetadataIntervalPatterns": True,
             "startIntervalPattern": "$[from]", "endIntervalPattern": "$[to]", "orderBy": "DESC", "aggregation": "NONE",
             "limit": 2}
    ask = partial(bench.ask, "metadata.TbGetTelemetryNode", version=2)
    data = {"key": "t", "from": 2000, "to": 3000}
    assert ask(asked, data)[:2] == ("Success", {**data, "t": '"42"'})
    assert ask({**asked, "fetchMode": "FIRST"}, data)[:2] == ("Success", {**data, "t": '"40"'})
    assert ask({**asked, "fetchMode": "ALL"}, data)[:2] == (
        "Success", {**data, "t": '[{"ts":2002,"value":42},{"ts":2001,"value":41}]'})
    answer = ask({**asked, "fetchMode": "ALL", "aggregation": "SUM"}, data)[1]
    assert json.loads(answer["t"])[0]["value"] == 123
    assert ask(asked, {**data, "key": "absent"})[:2] == ("Success", {**data, "key": "absent"})
    for wrong in ({"from": "soon"}, {"from": 4000}):
        assert ask(asked, {**data, **wrong})[0] == "Failure"


def test_parts_of_data(bench):
    """rule-engine.md 3.5, case 51."""
    ask = partial(bench.ask, "transform.TbJsonPathNode")
    data = {"a": {"b": {"c": 1}}}
    assert ask({"jsonPath": "$.a.b"}, data)[:2] == ("Success", {"c": 1})
    assert ask({"jsonPath": "$.a.x"}, data)[:2] == ("Failure", data)


def test_how_much_a_value_has_grown(rest, connect):
    """rule-engine.md 3.6, cases 62 and 63."""
    made = rest.ok("POST", "/api/ruleChain", {"name": "Delta " + uuid.uuid4().hex})
    save = {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}
    nodes = [node("metadata.CalculateDeltaNode", "delta", {
        "inputValueKey": "n", "outputValueKey": "delta", "useCache": True, "addPeriodBetweenMsgs": True,
        "periodValueKey": "period", "round": None, "tellFailureIfDeltaIsNegative": True, "excludeZeroDeltas": False}, 1)]
    nodes += [node("telemetry.TbMsgTimeseriesNode", "save", save, 1)]
    # What fails or is of no concern is saved without a delta.
    rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": made["id"], "firstNodeIndex": 0, "nodes": nodes,
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": label} for label in ("Success", "Other", "Failure")]})
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": made["id"]})
    device = rest.create_device(deviceProfileId=profile["id"])
    connection = connect(device.token)
    connection.timeout = 60

    def send(body):
        connection.publish("v1/devices/me/telemetry", json.dumps(body).encode())
        connection.puback()

    def started():
        send({"other": 1})
        return "other" in device.latest()
    eventually(started, 30, "the chain")
    for time, value in ((1000, 10), (1500, 15), (2500, 12.5), (4000, 13)):
        send({"ts": time, "values": {"n": value}})
    assert device.history("delta", 0, 10_000, orderBy="ASC") == [(1000, 0), (1500, 5), (4000, 0.5)]
    assert device.history("period", 0, 10_000, orderBy="ASC") == [(1000, 0), (1500, 500), (4000, 1500)]
    assert device.history("n", 0, 10_000, orderBy="ASC")[2] == (2500, 12.5)
