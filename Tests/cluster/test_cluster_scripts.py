"""Scripts in JavaScript that the executors of a cluster run, through real rule chains (cases of cluster.md 12 by number)."""
import contextlib
import json
import pathlib
import re
import subprocess
import threading
import time
import uuid

import pytest
import requests

import mqtt
from cluster import EXECUTOR, executables
from processes import is_alive
from server import eventually
from test_cluster import TELEMETRY, direct, metrics, mqtt_port, topics
from test_rest_events import Events, SAVE, chain, device_of, node, save_graph  # noqa: F401

ALL = 9999999999999


def script(kind, body, **more):
    return node(kind, "script", {"scriptLang": "JS", "jsScript": body, "tbelScript": ""}, **more)


def tried(rest, body):
    """What the API says of a script that is tried."""
    return rest.ok("POST", "/api/ruleChain/testScript?scriptLang=JS", {
        "script": body, "scriptType": "json", "argNames": ["msg", "metadata", "msgType"], "msg": "{\"a\": 21}",
        "metadata": {}, "msgType": "T"})


def executors(cluster):
    return sorted(name for name, process in cluster.state["processes"].items() if process.get("service") == EXECUTOR)


def partitions(cluster, names=None):
    """How many partitions of requests each executor has."""
    return {name: int(metrics(cluster, name)["js_executor_partitions"]) for name in names or executors(cluster)}


def divided(cluster, names=None):
    """Waits until the executors share all requests."""
    def found():
        shares = partitions(cluster, names)
        return shares if sum(shares.values()) == 30 and all(shares.values()) else None
    return eventually(found, 60, "the division of requests among executors")


def children(pid):
    """The workers of a process."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            # pid (name) state ppid
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            arguments = (process / "cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if parent == pid and b"--worker" in arguments:
            found.append(int(process.name))
    return found


class Load(threading.Thread):
    """A device whose messages a script makes more of: `twice` where it ran, `n` alone where it failed."""

    def __init__(self, cluster, rest, chain, rate=40):  # noqa: F811
        super().__init__(daemon=True)
        save_graph(rest, chain, [
            script("transform.TbTransformMsgNode", "return {msg: {n: msg.n, twice: msg.n * 2}};"),
            node("telemetry.TbMsgTimeseriesNode", "save", SAVE)], [(0, 1, "Success"), (0, 1, "Failure")])
        self.device = device_of(rest, chain)
        self.port, self.pause = mqtt_port(cluster), 1 / rate
        self.base = int(time.time() * 1000) - 3_600_000
        self.sent, self.isOver, self.error = 0, False, None
        self.started_with = eventually(self.first, 60, "the first message through the script")

    def first(self):
        """The rule engine reads the saved chain behind the answer of the API."""
        with mqtt.connected(self.port, self.device.token, seconds=60) as connection:
            self.publish(connection)
        time.sleep(0.2)
        return self.series("twice")

    def publish(self, connection):
        connection.publish(TELEMETRY, {"ts": self.base + self.sent, "values": {"n": self.sent}})
        connection.puback()
        self.sent += 1

    def run(self):
        try:
            with mqtt.connected(self.port, self.device.token, seconds=60) as connection:
                while not self.isOver:
                    self.publish(connection)
                    time.sleep(self.pause)
        except Exception as error:  # Told by whoever waits for the result.
            self.error = error

    def series(self, key):
        found = self.device.rest.ok("GET", f"{self.device.path}/values/timeseries?keys={key}&startTs=0&endTs={ALL}&limit=50000")
        return {value["ts"] - self.base: int(value["value"]) for value in found.get(key, [])}

    def outcome(self):
        """Numbers of messages that were stored, and of those among them whose script failed."""
        self.isOver = True
        self.join()
        assert self.error is None and not self.is_alive(), self.error
        stored = eventually(lambda: (lambda n: len(n) == self.sent and n)(self.series("n")), 60, "every message")
        twice = self.series("twice")
        assert all(twice[n] == 2 * n for n in twice)
        return len(stored), sorted(set(stored) - set(twice))


@pytest.fixture
def load(cluster, rest, chain):  # noqa: F811
    made = Load(cluster, rest, chain)
    made.start()
    yield made
    made.isOver = True
    made.join()


def test_executors_are_no_members_of_the_cluster_and_share_the_requests(cluster, rest):  # 3, 4
    divided(cluster)
    found = topics(cluster.state["kafka"]["bootstrap"])
    assert found["js_eval.requests"] == 30
    for service in ("core-node", "rule-engine"):
        assert found[f"js_eval.responses.{service}-1"] == 1
    assert tried(rest, "return msg.a * 2;") == {"output": "42", "error": ""}
    for name in executors(cluster):
        answer = requests.get(direct(cluster, name) + "/livenessProbe", timeout=60)
        assert answer.status_code == 200 and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer.json()["now"])
        assert requests.get(direct(cluster, name) + "/health/ready", timeout=60).json()["checks"]["kafka"] == "UP"


def test_every_executor_comes_to_know_a_script(cluster, rest):
    shares = divided(cluster)
    before = {name: metrics(cluster, name)['js_executor_invocations_total{outcome="success"}'] for name in shares}
    for number in range(30):
        assert tried(rest, f"return {number};")["output"] == str(number)
    for name in shares:
        assert metrics(cluster, name)['js_executor_invocations_total{outcome="success"}'] > before[name]


def test_a_script_without_end_fails_by_timeout_rests_and_harms_no_other(cluster, rest, chain):  # 44  # noqa: F811
    divided(cluster)
    graph = save_graph(rest, chain, [
        script("filter.TbJsFilterNode", "while (msg.forever) {} return true;", debugSettings={"failuresEnabled": True}),
        node("telemetry.TbMsgTimeseriesNode", "save", SAVE)], [(0, 1, "True")])
    device = device_of(rest, chain)
    pids = [cluster.pid(name) for name in executors(cluster)]
    events = Events(rest, "RULE_NODE", graph["nodes"][0]["id"]["id"])

    def errors():
        return [event["body"]["error"] for event in events.of("DEBUG_RULE_NODE") if event["body"].get("error")]

    with mqtt.connected(mqtt_port(cluster), device.token, seconds=60) as connection:
        def passes(values):
            connection.publish(TELEMETRY, values)
            connection.puback()
            time.sleep(0.1)
            return values.items() <= device.latest().items()
        eventually(lambda: passes({"a": 1}), 60, "a message through the script")
        for _ in range(3):
            connection.publish(TELEMETRY, {"forever": 1})
            connection.puback()
        # Meanwhile others run, wherever they are.
        for number in range(10):
            assert tried(rest, f"return {number};")["output"] == str(number)
        found = eventually(lambda: (lambda all: len(all) >= 3 and all)(errors()), 60, "three failures")
        assert [error for error in found if "Script timeout!" not in error] == []

        def blocked():
            connection.publish(TELEMETRY, {"b": 1})
            connection.puback()
            return [error for error in errors() if "Script invocation is blocked due to maximum error count 3" in error]
        eventually(blocked, 60, "the rest of the script")
        assert tried(rest, "return msg.a;")["output"] == "21"
        # REMOTE_JS_SANDBOX_MAX_BLACKLIST_DURATION_SEC later it runs again.
        eventually(lambda: passes({"c": 1}), 60, "the script after its rest")
    assert [cluster.pid(name) for name in executors(cluster)] == pids and all(map(is_alive, pids))


def test_executors_come_and_go_under_load(cluster, rest, kafka, load):  # 45
    divided(cluster)
    with contextlib.ExitStack() as more:
        for number in (3, 4):
            more.enter_context(cluster.another(f"{EXECUTOR}-{number}", EXECUTOR))
        assert len(divided(cluster)) == 4
        time.sleep(1)
    divided(cluster)
    time.sleep(1)
    stored, failed = load.outcome()
    assert stored > 100 and failed == []


def test_a_killed_executor_is_replaced_by_the_others(cluster, rest, kafka, load):
    victim, other = executors(cluster)[:2]
    divided(cluster)
    workers = children(cluster.pid(victim))
    assert set(load.series("n")) <= set(load.series("twice"))
    cluster.kill(victim)
    # Its workers end with it.
    eventually(lambda: not any(map(is_alive, workers)), 60, "the end of the workers")
    assert divided(cluster, [other]) == {other: 30}
    noticed = load.sent
    cluster.start(victim)
    divided(cluster)
    time.sleep(1)
    stored, failed = load.outcome()
    # Those that nobody answered in time, while the group did not know; no message of later.
    assert stored > 100 and [n for n in failed if n > noticed] == []


def test_what_waits_while_there_is_no_executor_fails_in_its_time(cluster, rest, kafka):
    for name in executors(cluster):
        cluster.terminate(name)
    began = time.monotonic()
    answer = tried(rest, "return 1;")
    took = time.monotonic() - began
    assert "No executor of scripts answered" in answer["error"] and 4 < took < 60, answer
    for name in executors(cluster):
        cluster.start(name)
    divided(cluster)
    # Nothing rests because of it.
    assert tried(rest, "return 1;") == {"output": "1", "error": ""}


def test_a_stock_executor_could_answer_and_a_stock_platform_ask(cluster, kafka):  # rule-engine.md 6.3
    """A request as the reference platform writes it, by a client of nobody's, and its answer."""
    divided(cluster)
    topic = "js_eval.responses.core-node-1"
    body = ("function invokeInternal_x(msgStr, metadataStr, msgType) { var msg = JSON.parse(msgStr); "
            "return JSON.stringify(ruleNodeFunc(msg)); function ruleNodeFunc(msg) {return msg.a + 1;\n}\n}")
    number = uuid.uuid4().hex[:16]
    request = {"invokeRequest": {"functionName": "invokeInternal_x", "scriptHash": uuid.uuid4().hex, "timeout": 2000,
                                 "args": ["{\"a\": 1}", "{}", "T"], "scriptBody": body}}
    sent = subprocess.run(
        ["kcat", "-P", "-b", kafka, "-t", "js_eval.requests", "-k", str(uuid.uuid4()), "-H", f"responseTopic={topic}",
         "-H", "requestId=" + number, "-H", "expireTs=" + "\x7f" * 7 + "x"], input=json.dumps(request), text=True,
        capture_output=True)
    assert sent.returncode == 0, sent.stderr

    def answers():
        read = subprocess.run(["kcat", "-C", "-e", "-q", "-b", kafka, "-t", topic, "-o", "beginning", "-f", "%h %s\\n"],
                              capture_output=True, text=True, errors="replace").stdout
        return [line for line in read.splitlines() if "requestId=" + number in line]
    (line,) = eventually(answers, 60, "the answer")
    answer = json.loads(line[line.index("{"):])
    high, low = (str(int.from_bytes(half.encode(), "big")) for half in (number[:8], number[8:]))
    assert answer == {"requestIdMSB": high, "requestIdLSB": low, "invokeResponse": {"success": True, "result": "2"}}


def test_an_executor_shows_its_settings_and_refuses_wrong_ones():
    shown = subprocess.run([executables() / EXECUTOR, "--print-config"], capture_output=True, text=True,
                           env={"KAFKA_CLIENT_ID": "pod-7"})
    assert shown.returncode == 0 and "HTTP_PORT=8888" in shown.stdout and "KAFKA_CLIENT_ID=pod-7" in shown.stdout
    wrong = subprocess.run([executables() / EXECUTOR], capture_output=True, text=True,
                           env={"HTTP_PORT": "many", "MAX_ACTIVE_SCRIPTS": "0"})
    assert wrong.returncode == 2 and 'HTTP_PORT is "many"' in wrong.stderr and 'MAX_ACTIVE_SCRIPTS is "0"' in wrong.stderr
