"""How services start, and what they say of themselves (cases of cluster.md 12 by number)."""
import concurrent.futures
import contextlib
import os
import random
import signal
import socket
import subprocess
import threading
import time

import pytest
import requests

import mqtt
from cluster import SERVICES, executables
from partitions import topics
from processes import free_ports, signal_process, terminate
from rest import Rest
from server import eventually
from test_cluster import direct, metrics, mqtt_port, port_of, publish


def test_services_start_in_any_order(cluster, device):  # 1
    names = [name for name, process in cluster.state["processes"].items() if "service" in process]
    for name in names:
        signal_process(cluster.pid(name), signal.SIGTERM)
    for name in names:
        assert cluster.terminate(name) is not None, f"{name} had to be killed"
    # Transports first, where chance does not say otherwise.
    for name in random.sample(names, len(names)):
        cluster.start(name, wait=False)
    for name in names:
        cluster.wait_ready(name, 180)
    cluster.wait_balanced()
    publish(mqtt_port(cluster), device.token, {"a": 1})
    device.rest = Rest("http://" + cluster.status()["http"])
    device.await_latest({"a": 1}, 60)


def test_a_core_that_is_ready_answers_transports_at_once(cluster, rest):
    devices = [rest.create_device() for _ in range(4)]
    for number in (1, 2):
        cluster.terminate(f"core-node-{number}")
    cluster.start("core-node-1")
    began = time.monotonic()
    for device in devices:
        publish(mqtt_port(cluster, 1), device.token, {"a": 1})
    assert time.monotonic() - began < 20
    cluster.start("core-node-2")
    for device in devices:
        publish(mqtt_port(cluster, 2), device.token, {"a": 2})


def test_too_many_questions_are_refused_at_once_and_old_ones_are_not_answered(cluster, device):  # 36, 37
    def expired():
        return sum(metrics(cluster, f"core-node-{number}")["transport_api_expired_total"] for number in (1, 2))

    environment = {"TB_QUEUE_TRANSPORT_MAX_PENDING_REQUESTS": "10", "TB_QUEUE_TRANSPORT_MAX_REQUEST_TIMEOUT": "3000"}
    with cluster.another("mqtt-transport-3", "mqtt-transport", environment) as transport:
        port = port_of(transport["mqtt"])
        before = expired()
        memory = metrics(cluster, "mqtt-transport-3")["process_resident_memory_bytes"]
        for number in (1, 2):
            cluster.pause(f"core-node-{number}")
        try:
            def connect(number):
                with mqtt.Connection(port, timeout=60) as connection:
                    return connection.connect(username=f"nobody-{number}", client_id=f"c{number}")

            with concurrent.futures.ThreadPoolExecutor(200) as pool:
                answers = list(pool.map(connect, range(400)))
        finally:
            for number in (1, 2):
                cluster.resume(f"core-node-{number}")
        assert set(answers) == {3}
        # These were not asked for anybody.
        assert metrics(cluster, "mqtt-transport-3")["transport_api_refused_total"] >= 200
        assert metrics(cluster, "mqtt-transport-3")["process_resident_memory_bytes"] < memory + 50e6
        for number in (1, 2):
            cluster.wait_ready(f"core-node-{number}")
        eventually(lambda: expired() >= before + 10, 60, "questions that came too late")
        eventually(lambda: connects(port, device.token), 60, "a device that is let in")


def connects(port, token):
    with contextlib.suppress(OSError, AssertionError), mqtt.connected(port, token, seconds=60):
        return True


class Forwarder:
    """Passes connections to a port on to another one, once it is open."""

    def __init__(self, target):
        self.target = target
        self.port, = free_ports(1)
        self.listener = None

    def open(self):
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self.copy, args=(one, other), daemon=True).start()

    def copy(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self):
        if self.listener:
            self.listener.close()


def test_a_core_without_zookeeper_is_not_ready_until_it_is_there(cluster):  # 49
    way = Forwarder(port_of(cluster.state["zookeeper"]))
    environment = {"ZOOKEEPER_URL": f"127.0.0.1:{way.port}"}
    try:
        with cluster.another("core-node-3", "core-node", environment, ready=False):
            url = direct(cluster, "core-node-3")
            eventually(lambda: answer(url + "/health/live") == 200, 60, "the process")
            for _ in range(10):
                assert answer(url + "/health/ready") == 503
                assert answer(url + "/api/system/info") == 503
                time.sleep(0.2)
            way.open()
            cluster.wait_ready("core-node-3", 60)
            assert answer(url + "/api/system/info") == 401
    finally:
        way.close()


def answer(url):
    try:
        return requests.get(url, timeout=60).status_code
    except requests.RequestException:
        return None


def test_a_second_cluster_shares_kafka_under_its_prefix(cluster, kafka, device):  # 5, 29
    subprocess.run(["psql", "-q", cluster.state["postgres"]["url"], "-c", "CREATE DATABASE blue"], check=True)
    blue = {"TB_QUEUE_PREFIX": "blue", "ZOOKEEPER_NODES_DIR": "/blue", "REDIS_DB": "1", "ZOOKEEPER_RECALCULATE_DELAY_MS": "60000",
            "SPRING_DATASOURCE_URL": cluster.state["postgres"]["jdbc"].replace("/thingsboard", "/blue")}
    environment = {**os.environ, **cluster.state["shared"], **blue, "INSTALL_TB": "true", "LOAD_DEMO": "true"}
    assert subprocess.run([executables() / "core-node"], env=environment, capture_output=True).returncode == 0
    names = {"blue-core": "core-node", "blue-rules-1": "rule-engine", "blue-rules-2": "rule-engine", "blue-mqtt": "mqtt-transport"}
    before = topics(kafka)
    with contextlib.ExitStack() as stack:
        for name, service in names.items():
            stack.enter_context(cluster.another(name, service, blue, ready=False))
        for name in names:
            cluster.wait_ready(name)
        new = set(topics(kafka)) - set(before)
        assert new and all(name.startswith("blue.") for name in new), new
        assert {"blue.tb_core", "blue.tb_rule_engine.main", "blue.tb_core.notifications.blue-core"} <= new
        # Tokens of the other cluster are none here, and its members are not seen.
        port = port_of(cluster.process("blue-mqtt")["mqtt"])
        with mqtt.Connection(port, timeout=60) as connection:
            assert connection.connect(username=device.token) == 5
        there = Rest(direct(cluster, "blue-core")).create_device()
        publish(port, there.token, {"blue": 1})
        there.await_latest({"blue": 1})
        publish(mqtt_port(cluster), device.token, {"red": 1})
        device.await_latest({"red": 1})
        assert [value for name, value in metrics(cluster, "blue-core").items() if "members" in name] == [4.0]
        stays_where_it_is(cluster, "blue-rules-1", "blue-rules-2")


def stays_where_it_is(cluster, witness, restarted):
    """A restart within the recalculation delay moves no partition."""
    topic = 'kafka_owned_partitions{topic="blue.tb_rule_engine.main"}'
    mine = eventually(lambda: (found := metrics(cluster, witness)[topic]) and found + metrics(cluster, restarted)[topic] == 10
                      and found, 60, "the division")
    assert terminate(cluster.pid(restarted), 20) is not None
    for _ in range(5):
        assert metrics(cluster, witness)[topic] == mine
        time.sleep(0.2)
    cluster.start(restarted)
    eventually(lambda: metrics(cluster, restarted)[topic] == 10 - mine, 60, "its partitions")
    assert metrics(cluster, witness)[topic] == mine


def test_every_path_leads_to_its_service(cluster, device):  # 52
    balanced = "http://" + cluster.status()["http"]
    assert requests.post(f"{balanced}/api/v1/{device.token}/telemetry", json={"a": 1}, timeout=60).status_code == 200
    assert answer(balanced + "/api/system/info") == 401
    assert answer(balanced + "/v3/api-docs") == 200
    # Core nodes of a cluster serve no devices, transports no people.
    assert answer(direct(cluster, "core-node-1") + f"/api/v1/{device.token}/attributes") in (401, 404)
    assert answer(direct(cluster, "http-transport-1") + "/api/system/info") == 404


def test_the_system_knows_its_services_and_their_load(cluster):
    system = Rest("http://" + cluster.status()["http"], "sysadmin@thingsboard.org", "sysadmin")
    found = system.ok("GET", "/api/admin/systemInfo")
    assert found["monolith"] is False
    types = {"core-node": "TB_CORE", "rule-engine": "TB_RULE_ENGINE", "mqtt-transport": "TB_TRANSPORT",
             "http-transport": "TB_TRANSPORT"}
    assert {one["serviceId"]: one["serviceType"] for one in found["systemData"]} == {
        f"{service}-{number}": types[service] for service in SERVICES for number in (1, 2)}
    for one in found["systemData"]:
        assert one["cpuCount"] >= 1 and one["totalMemory"] > 0 and one["totalDiscSpace"] > 0
        assert 0 <= one["cpuUsage"] <= 100 and 0 < one["memoryUsage"] <= 100


def test_a_thousand_devices_leave_no_lag(cluster):  # 53
    status = cluster.status()
    host, port = status["mqtt"].split(":")
    # The settings of the Kubernetes guide are those of the shared variables; the load is its row, for a short time.
    done = subprocess.run([executables() / "needletail", "loadtest", "--quiet", "--mqtt-host", host, "--mqtt-port", port, "--rest-url",
                           f"http://{status['http']}", "--devices", "1000", "--rate", "1000", "--duration", "5", "--drain", "60",
                           "--verify", "--verify-grace", "60"], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0" in done.stdout, done.stdout
    eventually(lambda: sum(value for number in (1, 2) for name, value in metrics(cluster, f"rule-engine-{number}").items()
                           if name.startswith("kafka_lag_records")) == 0, 60, "no lag")
