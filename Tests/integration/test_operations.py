"""A server as its operator sees it: health, metrics, logs, stopping, crashing, starting again."""
import concurrent.futures
import contextlib
import json
import os
import re
import signal
import subprocess
import tempfile
import time

import pytest
import requests

import mqtt
from mqtt import TELEMETRY
from rest import Rest
from server import EXECUTABLE, Server, eventually


@pytest.fixture
def own_folder():
    """A data folder that the database's own user reaches."""
    with tempfile.TemporaryDirectory(prefix="needletail.") as folder:
        os.chmod(folder, 0o755)
        yield os.path.join(folder, "data")


@pytest.fixture
def own_server():
    """A server that the test may stop and kill."""
    servers = []

    def start(**environment):
        servers.append(Server(environment))
        return servers[-1].start()

    yield start
    for server in servers:
        server.remove()


def publish_some(server, device, first, count):
    """Publishes with up to 50 in flight; returns the numbers that were acknowledged."""
    acknowledged = []
    try:
        with mqtt.connected(server.mqtt_port, device.token) as connection:
            for start in range(first, first + count, 50):
                connection.send(b"".join(
                    mqtt.publish_packet(4, TELEMETRY, {"ts": 1000 + n, "values": {"n": n}}, 1, n - start + 1)
                    for n in range(start, start + 50)))
                for n in range(start, start + 50):
                    connection.puback(n - start + 1)
                    acknowledged.append(n)
    except (OSError, AssertionError):
        pass
    return acknowledged


def stored(device):
    return {n for _, n in device.history("n", 0, 100_000_000, limit=1_000_000)}


def test_health(server):
    for kind in ("live", "ready"):
        assert requests.get(f"{server.url}/health/{kind}", timeout=60).status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/actuator/prometheus"])
def test_metrics_are_in_prometheus_format(server, path):
    answer = requests.get(server.url + path, timeout=60)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) .*|[a-zA-Z_:][\w:]*(\{.*\})? (NaN|[+-]?Inf|[-+.\de]+)", line), line
    assert 0 < server.metrics()["process_resident_memory_bytes"] < 1 << 30


def test_bad_input_is_counted(server, open_connection):
    before = sum(server.metrics().values())
    connection = open_connection()
    connection.send(b"\x00\x00")
    connection.expect_closed()
    assert sum(server.metrics().values()) != before


def test_subcommands_explain_themselves():
    def run(*arguments):
        return subprocess.run([EXECUTABLE, *arguments], capture_output=True, text=True, timeout=120)

    overview = run("--help")
    assert overview.returncode == 0
    for command in ("standalone", "install", "upgrade", "loadtest", "psql", "version"):
        assert re.search(rf"^ +{command} ", overview.stdout, re.M), overview.stdout
        described = run(command, "--help")
        assert described.returncode == 0 and "Usage: needletail " + command in described.stdout
    assert run("standalone", "--http-prot", "1").returncode == 2
    assert "did you mean --http-port?" in run("standalone", "--http-prot", "1").stderr
    assert run("version").returncode == 0


def test_terminate_under_load_ends_in_time_and_loses_nothing(own_server):
    server = own_server()
    device = Rest(server.url).create_device()
    publish_some(server, device, 0, 500)
    with mqtt.connected(server.mqtt_port, device.token) as connection:
        connection.send(b"".join(
            mqtt.publish_packet(4, TELEMETRY, {"ts": 1000 + n, "values": {"n": n}}, 1, n) for n in range(500, 3000)))
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        acknowledged = set(range(500))
        while (packet := connection.receive()) is not None:
            if packet.type == mqtt.PUBACK:
                acknowledged.add(int.from_bytes(packet.body[:2], "big"))
        status = server.process.wait(60)
    assert status == 0
    assert time.monotonic() - began < 30
    assert not re.search(r" (ERROR|FATAL) ", server.log()), server.log()[-2000:]
    server.start()
    device.rest = Rest(server.url)
    assert acknowledged <= stored(device)


def test_a_clean_stop_hands_over_what_was_begun(own_server):
    server = own_server()
    rest = Rest(server.url)
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Notes"})
    graph = rest.save_graph(chain, [{
        "type": "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode", "name": "switch",
        "debugSettings": {"allEnabled": True}, "configuration": {"version": 0}}], [])
    profile = rest.create_profile("DEFAULT")
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"]})
    old = [rest.ok("POST", "/api/device", {"name": f"old {n}"})["id"]["id"] for n in range(20)]

    def create(number):
        return rest.ok("POST", "/api/device", {"name": f"new {number}", "deviceProfileId": profile["id"]})["id"]["id"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        devices = list(pool.map(create, range(200)))
        list(pool.map(lambda one: rest.ok("DELETE", "/api/device/" + one), old))
    assert server.terminate()[0] == 0
    assert not re.search(r" (WARN|WARNING|ERROR|FATAL) ", server.log()), server.log()[-2000:]
    server.start()
    rest = Rest(server.url)
    node, tenant = graph["nodes"][0]["id"]["id"], chain["tenantId"]["id"]
    events = rest.ok("POST", f"/api/events/RULE_NODE/{node}?tenantId={tenant}&pageSize=1000&page=0", {
        "eventType": "DEBUG_RULE_NODE", "msgDirectionType": "OUT"})["data"]
    seen = {one["body"]["entityId"] for one in events if one["body"]["msgType"] == "ENTITY_CREATED"}
    assert seen == set(devices)
    for action, count in (("ADDED", 220), ("DELETED", 20)):
        page = rest.ok("GET", f"/api/audit/logs?pageSize=1&page=0&textSearch=DEVICE&actionTypes={action}")
        assert page["totalElements"] >= count


def test_nothing_is_upgraded_where_nothing_is(tmp_path):
    folder = tmp_path / "absent"
    run = subprocess.run([EXECUTABLE, "upgrade", "--data", str(folder)], capture_output=True, text=True, timeout=120)
    assert run.returncode == 1 and f"there is no database in {folder}" in run.stderr
    assert not folder.exists()


def test_killed_server_comes_back_with_everything_it_acknowledged(own_server):
    server = own_server()
    device = Rest(server.url).create_device()
    acknowledged = set(publish_some(server, device, 0, 1000))
    with mqtt.connected(server.mqtt_port, device.token) as connection:
        connection.send(b"".join(
            mqtt.publish_packet(4, TELEMETRY, {"ts": 1000 + n, "values": {"n": n}}, 1, n) for n in range(1000, 3000)))
        for n in range(1000, 1100):
            connection.puback(n)
            acknowledged.add(n)
        server.kill()
    server.start()
    device.rest = Rest(server.url)
    assert acknowledged <= stored(device)


def test_killed_database_is_started_again(own_server):
    server = own_server()
    device = Rest(server.url).create_device()
    acknowledged = set(publish_some(server, device, 0, 500))
    postmaster = server.folder / "data/postgres/data/postmaster.pid"
    os.kill(int(postmaster.read_text().split()[0]), signal.SIGKILL)

    def works():
        acknowledged.update(found := publish_some(server, device, 500, 50))
        return len(found) == 50

    eventually(works, 60, "acknowledgement after the database was killed")
    eventually(lambda: requests.get(server.url + "/health/ready", timeout=60).status_code == 200, 60, "readiness")

    def people_are_served():
        # A connection of before the kill may be noticed as late as now.
        with contextlib.suppress(AssertionError):
            device.rest = Rest(server.url)
            return acknowledged <= stored(device)

    eventually(people_are_served, 60, "everything that was acknowledged")


def test_second_server_on_the_same_folder_is_refused(server):
    run = subprocess.run(
        [EXECUTABLE, "standalone", "--data", str(server.folder / "data"), "--bind", "127.0.0.1", "--http-port", "0",
         "--mqtt-port", "0"], capture_output=True, text=True, timeout=120)
    assert run.returncode not in (0, -signal.SIGSEGV, -signal.SIGILL)
    assert run.stderr.strip()
    assert server.is_ready()


@pytest.mark.parametrize("option", ["--http-port", "--mqtt-port"])
def test_a_port_that_another_server_has_is_refused(server, own_folder, option):
    taken = {"--http-port": server.http_port, "--mqtt-port": server.mqtt_port}[option]
    run = subprocess.run(
        [EXECUTABLE, "standalone", "--data", str(own_folder), "--bind", "127.0.0.1",
         *(word for pair in {"--http-port": "0", "--mqtt-port": "0", option: str(taken)}.items() for word in pair)],
        capture_output=True, text=True, timeout=120)
    assert run.returncode == 1
    assert f"bind 127.0.0.1:{taken}: Address already in use" in run.stdout + run.stderr
    assert server.is_ready()


def test_wrong_settings_are_all_reported(tmp_path):
    run = subprocess.run(
        [EXECUTABLE, "standalone", "--data", str(tmp_path / "data")], capture_output=True, text=True, timeout=120,
        env={**os.environ, "MQTT_BIND_PORT": "abc", "HTTP_BIND_PORT": "70000"})
    assert run.returncode not in (0, -signal.SIGILL)
    assert 'MQTT_BIND_PORT is "abc"' in run.stderr and 'HTTP_BIND_PORT is "70000"' in run.stderr


def test_psql_reaches_the_private_database(server):
    run = subprocess.run(
        [EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-c", "select count(*) > 0 from device"],
        capture_output=True, text=True, timeout=120)
    assert (run.returncode, run.stdout.strip()) == (0, "t"), run.stderr


def test_tokens_and_payloads_do_not_appear_in_the_log(server, connect, device):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, '{"private-payload')
    assert connection.puback() == 0x99
    assert device.token not in server.log()
    assert "private-payload" not in server.log()


def test_json_log_lines(own_server):
    server = own_server(NEEDLETAIL_LOG_FORMAT="json")
    for line in server.log().splitlines():
        assert json.loads(line).keys() >= {"time", "level", "logger", "message"}
