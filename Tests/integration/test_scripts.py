"""Scripts in JavaScript, from the API and from rule nodes (rule-engine.md 6, 10.4, 10.10)."""

import threading

import pytest

import mqtt
from server import eventually
from test_rest_events import Events, chain, device_of, node, save_graph, SAVE  # noqa: F401

TEST = "/api/ruleChain/testScript"


def tried(rest, script, kind="update", msg='{"a": 21}', language="JS", **more):
    body = {"script": script, "scriptType": kind, "argNames": ["msg", "metadata", "msgType"], "msg": msg,
            "metadata": {"k": "v"}, "msgType": "T", **more}
    answer = rest.ok("POST", f"{TEST}?scriptLang={language}", body)
    assert set(answer) == {"output", "error"}
    assert not (answer["output"] and answer["error"])
    return answer


@pytest.mark.parametrize("kind, script, output", [
    ("update", "return {msg: {a: msg.a * 2}};", '{"msg":{"a":42},"metadata":{"k":"v"},"msgType":"T"}'),
    ("update", "return [{msgType: 'A'}, {metadata: {n: 5, x: null}}];",
     '[{"msg":{"a":21},"metadata":{"k":"v"},"msgType":"A"},{"msg":{"a":21},"metadata":{"n":"5"},"msgType":"T"}]'),
    ("generate", "return {msg: 1};", '{"msg":1,"metadata":{"k":"v"},"msgType":"T"}'),
    ("filter", "return msg.a > 20;", "true"),
    ("switch", "return ['one', metadata.k, 'one'];", '["one","v"]'),
    ("switch", "return msgType;", '["T"]'),
    ("json", "return {deep: [msg, null, 1.5]};", '{"deep":[{"a":21},null,1.5]}'),
    ("string", "return 'grün ' + msg.a;", "grün 21"),
])
def test_a_script_is_tested_for_its_use(rest, kind, script, output):
    assert tried(rest, script, kind) == {"output": output, "error": ""}


@pytest.mark.parametrize("kind, script, error", [
    ("filter", "return nothing.here;", "ReferenceError: Can't find variable: nothing at line 1"),
    ("filter", "\n\nthrow new Error('no');", "Error: no at line 3"),
    ("filter", "return (;", "Can't compile script: SyntaxError: Unexpected token ';' at line 1"),
    ("filter", "return 1;", "Wrong result type: NUMBER"),
    ("filter", "", "Script body is empty"),
    ("update", "return msg.a;", "Wrong result type: NUMBER"),
    ("update", "var x = 1;", "Wrong result type: NULL"),
    ("switch", "return [1];", "Wrong result type: NUMBER"),
    ("string", "return msg;", "Wrong result type: OBJECT"),
    ("json", "return await msg;", "Script must not contain 'await' keyword."),
    ("other", "return 1;", "Unsupported script type: other"),
    ("json", "x" * 50001, "Script body exceeds maximum allowed size of 50000 symbols"),
    ("json", "return 'x'.repeat(300000);", "Script invocation result exceeds maximum allowed size of 300000 symbols"),
    ("json", "function f() { return f(); } return f();", "RangeError: Maximum call stack size exceeded."),
])
def test_what_is_wrong_with_a_script_is_told(rest, kind, script, error):
    answer = tried(rest, script, kind)
    assert answer["output"] == "" and answer["error"].startswith(error), answer


def test_a_message_that_is_no_json_is_an_error_of_the_script(rest):
    assert "JSON" in tried(rest, "return msg;", msg="not json")["error"]
    assert tried(rest, "return 1;", "json", msg="x" * 100001)["error"] == \
        "Script input arguments exceed maximum allowed total args size of 100000 symbols"


def test_names_of_arguments_are_those_of_the_call(rest):
    names = {"argNames": ["prevMsg", "prevMetadata", "prevMsgType"]}
    assert tried(rest, "return prevMsg.a + prevMetadata.k + prevMsgType;", "string", **names)["output"] == "21vT"
    answer = rest.call("POST", TEST, {"script": "return 1;", "scriptType": "json", "msg": "{}", "msgType": "T",
                                      "argNames": ["a", "b){}; function c(", "d"]})
    assert answer.status_code == 400


def test_calls_that_are_wrong_are_refused(rest, server):
    assert rest.call("POST", TEST + "?scriptLang=LUA", {}).status_code == 400
    assert rest.call("POST", TEST, {"script": "return 1;"}).status_code == 400
    from rest import Rest
    assert Rest(server.url, "sysadmin@thingsboard.org", "sysadmin").call("POST", TEST, {}).status_code == 403
    assert Rest(server.url, "customer@thingsboard.org", "customer").call("POST", TEST, {}).status_code == 403


def test_tbel_is_enabled(rest):
    assert rest.ok("GET", "/api/ruleChain/tbelEnabled") is True
    assert rest.ok("GET", "/api/system/params")["tbelEnabled"] is True


@pytest.mark.parametrize("kind, script, output", [
    ("update", "return {msg: {a: msg.a * 2}, metadata: metadata, msgType: msgType};",
     '{"msg":{"a":42},"metadata":{"k":"v"},"msgType":"T"}'),
    ("update", "metadata.n = 4 / 2; metadata.remove('k'); return {metadata: metadata};",
     '{"msg":{"a":21},"metadata":{"n":"2.0"},"msgType":"T"}'),
    ("filter", "return msg.a > 20;", "true"),
    ("switch", "function nextRelation(metadata, msg) { return ['one', metadata.k]; } return nextRelation(metadata, msg);",
     '["one","v"]'),
    ("json", "foreach (e : msg) { return e.key + '=' + e.value; }", '"a=21"'),
    ("string", "return {deep: [msg, 1.5]};", '{"deep":[{"a":21},1.5]}'),
])
def test_a_script_in_tbel_is_tested_for_its_use(rest, kind, script, output):
    assert tried(rest, script, kind, language="TBEL") == {"output": output, "error": ""}


@pytest.mark.parametrize("kind, script, error", [
    ("filter", "return 1;", "Wrong result type: Integer"),
    ("update", "msg.size() > 5;", "Wrong result type: Boolean"),
    ("filter", "return (;", "[Error: expected a value; but found: ';']"),
    ("json", "return msg.b.c;", "[Error: null pointer: msg.b.c]"),
    ("json", "raiseError('no');", "[Error: no]"),
    ("json", "while (true) {}", "Script timeout!"),
    ("json", "var s = 'a'; while (true) { s = s + s; }", "Script memory overflow!"),
    ("json", "return '\"a\"'.repeat(100000);", "Script invocation result exceeds maximum allowed size of 300000 symbols"),
])
def test_what_is_wrong_with_a_script_in_tbel_is_told(rest, kind, script, error):
    answer = tried(rest, script, kind, language="TBEL")
    assert answer["output"] == "" and answer["error"].startswith(error), answer


def test_a_script_reaches_nothing_outside(rest):
    probe = ("return [typeof require, typeof process, typeof load, typeof print, typeof console, typeof WebAssembly, "
             "typeof Atomics, typeof fetch, typeof java].join();")
    assert set(tried(rest, probe, "string")["output"].split(",")) == {"undefined"}


def test_a_runaway_script_is_ended_and_others_go_on(rest):
    script = "var all = []; for (;;) all.push(new Array(1000).fill(1.5));"
    ended = []
    runaway = threading.Thread(target=lambda: ended.append(tried(rest, script, "json")))
    runaway.start()
    calls = 0
    while runaway.is_alive() and calls < 50:
        assert tried(rest, "return msg.a;", "json")["output"] == "21"
        calls += 1
    runaway.join()
    assert ended and ended[0]["error"] == "Script exceeds the memory limit of 104857600 bytes" and calls
    assert tried(rest, "return msg.a;", "json")["output"] == "21"


def script(kind, name, body, **more):
    return node(kind, name, {"scriptLang": "JS", "jsScript": body, "tbelScript": ""}, **more)


def test_a_chain_of_scripts_filters_transforms_and_saves(rest, chain, connect):  # noqa: F811
    save_graph(rest, chain, [
        script("filter.TbJsFilterNode", "filter", "return msg.temperature > 20;"),
        script("transform.TbTransformMsgNode", "transform",
               "return [{msg: {fahrenheit: msg.temperature * 1.8 + 32}}, {msg: {name: metadata.deviceName}}];"),
        script("filter.TbJsSwitchNode", "switch", "return typeof msg.name === 'undefined' ? ['number'] : ['text'];"),
        node("telemetry.TbMsgTimeseriesNode", "numbers", SAVE), node("telemetry.TbMsgTimeseriesNode", "texts", SAVE),
    ], [(0, 1, "True"), (1, 2, "Success"), (2, 3, "number"), (2, 4, "text")])
    device = device_of(rest, chain)
    connection = connect(device.token)

    def saved():
        connection.publish("v1/devices/me/telemetry", b'{"temperature":25}')
        latest = device.latest()
        return latest if {"fahrenheit", "name"} <= set(latest) else None
    latest = eventually(saved, 60, "what the chain makes")
    assert latest["fahrenheit"] == 77 and latest["name"] == device.entity["name"]
    assert "temperature" not in latest
    connection.publish("v1/devices/me/telemetry", b'{"temperature":20}')
    connection.publish("v1/devices/me/telemetry", b'{"temperature":30}')
    eventually(lambda: device.latest()["fahrenheit"] == 86, 60, "the last message")
    values = device.rest.ok("GET", device.path + "/values/timeseries?keys=fahrenheit&startTs=0&endTs=9999999999999&limit=1000")
    assert "68" not in {value["value"] for value in values["fahrenheit"]}


def test_messages_of_a_device_stay_in_order_behind_scripts_that_take_uneven_time(rest, chain, connect):  # noqa: F811
    save_graph(rest, chain, [
        script("filter.TbJsFilterNode", "uneven",
               "if (msg.slow) { var end = Date.now() + 700; while (Date.now() < end); } return true;"),
        node("telemetry.TbMsgTimeseriesNode", "save", SAVE),
    ], [(0, 1, "True")])
    device = device_of(rest, chain)
    connection = connect(device.token)
    connection.timeout = 60

    def started():
        connection.publish("v1/devices/me/telemetry", b'{"started":1}')
        connection.puback()
        return "started" in device.latest()
    eventually(started, 30, "the chain")
    count = 12
    for first in range(2):
        time = 7000 + first
        connection.send(b"".join(
            mqtt.publish_packet(4, "v1/devices/me/telemetry",
                                {"ts": time, "values": {"n": n, "slow": n == first}}, 1, n + 1)
            for n in range(count)))
        for n in range(count):
            assert connection.puback(n + 1) == 0
        assert device.history("n", 0, 10_000)[0] == (time, count - 1)
        assert device.latest_point("n") == (time, count - 1)


def test_a_script_that_throws_leads_along_failure_with_its_error(rest, chain, connect):  # noqa: F811
    graph = save_graph(rest, chain, [
        script("filter.TbJsFilterNode", "filter", "return msg.no.such;", debugSettings={"failuresEnabled": True}),
        node("telemetry.TbMsgTimeseriesNode", "save", SAVE)], [(0, 1, "Failure")])
    device = device_of(rest, chain)
    connection = connect(device.token)

    def saved():
        connection.publish("v1/devices/me/telemetry", b'{"a":1}')
        return "a" in device.latest()
    eventually(saved, 60, "the message behind Failure")
    # Ten times: what a script throws never blocks it.
    for _ in range(10):
        connection.publish("v1/devices/me/telemetry", b'{"a":1}')
    events = Events(rest, "RULE_NODE", graph["nodes"][0]["id"]["id"])
    found = eventually(lambda: [e for e in events.of("DEBUG_RULE_NODE") if len(events.of("DEBUG_RULE_NODE")) >= 11], 60, "events")
    assert {event["body"]["relationType"] for event in found} == {"Failure"}
    assert all(event["body"]["error"].startswith("TypeError: ") for event in found), found[0]["body"]


def test_components_of_scripts_have_default_configurations_that_run(rest):
    for kind, labels in (("filter.TbJsFilterNode", ["True", "False", "Failure"]), ("filter.TbJsSwitchNode", ["Failure"]),
                         ("transform.TbTransformMsgNode", ["Success", "Failure"])):
        component = rest.ok("GET", "/api/component/org.thingsboard.rule.engine." + kind)
        definition = component["configurationDescriptor"]["nodeDefinition"]
        assert definition["relationTypes"] == labels
        assert definition["customRelations"] is (kind == "filter.TbJsSwitchNode")
        default = definition["defaultConfiguration"]
        assert default["scriptLang"] == "TBEL"
        use = {"filter.TbJsFilterNode": "filter", "filter.TbJsSwitchNode": "switch"}.get(kind, "update")
        assert tried(rest, default["jsScript"], use)["error"] == ""
        assert tried(rest, default["tbelScript"], use, language="TBEL")["error"] == ""


def test_calls_are_counted(rest, server):
    def total(name):
        return server.metrics().get(name, 0)
    before = total('jsInvoke_total{statsName="invokeResponses"}')
    tried(rest, "return 1;", "json")
    assert total('jsInvoke_total{statsName="invokeResponses"}') > before
    assert total("js_workers") >= 1
