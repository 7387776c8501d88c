"""Section 12 of cluster.md, against real processes. The number in a comment is that of the case."""
import concurrent.futures
import contextlib
import json
import os
import socket
import subprocess
import threading
import time
import uuid

import pytest
import requests

import mqtt
from cluster import EXECUTOR, ROOT, SERVICES, executables, status_of
from devices import Answering, device_owned_by
from infrastructure import Kafka
from partitions import owner, partition
from processes import is_alive
from rest import Rest
from server import eventually
from weather import Extra

TELEMETRY = "v1/devices/me/telemetry"


def port_of(address):
    return int(address.split(":")[1])


def balanced(cluster, kind):
    return cluster.status()[kind]


def direct(cluster, name):
    """The REST API of one core node, or the HTTP device API of one transport."""
    return "http://" + cluster.process(name)["http"]


def mqtt_port(cluster, number=None):
    return port_of(cluster.process(f"mqtt-transport-{number}")["mqtt"] if number else balanced(cluster, "mqtt"))


def publish(port, token, values, seconds=60):
    with mqtt.connected(port, token, seconds=seconds) as connection:
        connection.publish(TELEMETRY, values)
        connection.puback()
    return True


def metrics(cluster, name):
    text = requests.get(direct(cluster, name) + "/actuator/prometheus", timeout=60).text
    lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
    return {key: float(value) for key, value in lines}


def zookeeper_nodes(cluster):
    """Paths of ephemeral nodes below /thingsboard/nodes."""
    host, port = cluster.state["zookeeper"].split(":")
    with socket.create_connection((host, int(port)), 60) as connection:
        connection.sendall(b"dump")
        text = b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return {line.strip() for line in text.splitlines() if line.strip().startswith("/thingsboard/nodes/")}


def topics(bootstrap):
    listing = json.loads(subprocess.run(["kcat", "-L", "-J", "-b", bootstrap], capture_output=True, check=True).stdout)
    return {topic["topic"]: len(topic["partitions"]) for topic in listing["topics"]}


# Membership and topics


def test_every_service_is_an_ephemeral_node_in_zookeeper(cluster):  # 3
    assert len(zookeeper_nodes(cluster)) == 2 * len(SERVICES)
    seen = metrics(cluster, "core-node-1")
    assert [value for name, value in seen.items() if "members" in name] == [2.0 * len(SERVICES)]


def test_topics_have_the_configured_names_and_partitions(cluster):  # 4
    found = topics(cluster.state["kafka"]["bootstrap"])
    assert found["tb_core"] == 10 and found["tb_rule_engine.main"] == 10
    assert found["tb_transport.api.requests"] == 10
    for number in (1, 2):
        assert found[f"tb_core.notifications.core-node-{number}"] == 1
        assert found[f"tb_rule_engine.notifications.rule-engine-{number}"] == 1
        assert found[f"tb_transport.notifications.mqtt-transport-{number}"] == 1
        assert found[f"tb_transport.api.responses.http-transport-{number}"] == 1


def test_topics_have_the_configured_number_of_replicas(cluster, kafka, tmp_path):  # 4
    brokers = Kafka(tmp_path, 3)
    brokers.finish(brokers.begin())
    # Another cluster, on brokers and below a path of its own.
    other = {"TB_KAFKA_SERVERS": brokers.bootstrap, "ZOOKEEPER_NODES_DIR": "/replicated", "REDIS_DB": "2"}
    names = {"core-node": "replicated-core", "rule-engine": "replicated-engine", "mqtt-transport": "replicated-transport"}
    try:
        with contextlib.ExitStack() as stack:
            started = [stack.enter_context(Extra(cluster, service, name, TB_QUEUE_KAFKA_REPLICATION_FACTOR="3", **other))
                       for service, name in names.items()]
            # More replicas than there are brokers.
            greedy = stack.enter_context(Extra(cluster, "core-node", "too-many-replicas", TB_QUEUE_KAFKA_REPLICATION_FACTOR="4",
                                               TB_QUEUE_PREFIX="greedy", **other | {"ZOOKEEPER_NODES_DIR": "/greedy"}))
            for one in started:
                eventually(lambda: status_of(one.url + "/health/ready") == 200, 120, f"readiness: {one.text()[-2000:]}")
            listing = json.loads(subprocess.run(["kcat", "-L", "-J", "-b", brokers.bootstrap], capture_output=True, check=True).stdout)
            found = {topic["topic"]: [{replica["id"] for replica in partition["replicas"]} for partition in topic["partitions"]]
                     for topic in listing["topics"] if not topic["topic"].startswith("__")}
            assert {"tb_core", "tb_rule_engine.main", "tb_transport.api.requests", "tb_core.notifications.replicated-core",
                    "tb_rule_engine.notifications.replicated-engine", "tb_transport.notifications.replicated-transport",
                    "tb_transport.api.responses.replicated-transport"} <= set(found)
            assert {frozenset(replicas) for partitions in found.values() for replicas in partitions} == {frozenset({1, 2, 3})}
            eventually(lambda: "replication factor" in greedy.text().lower(), 60, f"the cause: {greedy.text()[-2000:]}")
            assert status_of(greedy.url + "/health/ready") != 200
    finally:
        brokers.down()


def test_partitions_are_divided_without_rest_and_without_overlap(cluster):
    def owned():
        counts = [metrics(cluster, f"rule-engine-{number}")['kafka_owned_partitions{topic="tb_rule_engine.main"}']
                  for number in (1, 2)]
        return counts if sum(counts) == 10 and min(counts) > 0 else None

    eventually(owned, 60, "a division of the partitions")


# The way of a message


@pytest.mark.parametrize("number", [1, 2])
def test_telemetry_over_mqtt_is_visible_on_either_core(cluster, device, number):  # 6
    value = uuid.uuid4().hex
    publish(mqtt_port(cluster, number), device.token, {"k": value})
    for core in ("core-node-1", "core-node-2"):
        other = Rest(direct(cluster, core))
        eventually(lambda: other.ok("GET", device.path + "/values/timeseries?keys=k").get("k", [{}])[0].get("value") == value,
                   60, f"the value on {core}")


def test_telemetry_over_http_through_the_balancer_is_stored(cluster, device):  # 7
    answer = requests.post(f"http://{balanced(cluster, 'http')}/api/v1/{device.token}/telemetry", json={"h": 1}, timeout=60)
    assert answer.status_code == 200
    device.await_latest({"h": 1}, 60)


def test_telemetry_over_mqtt_through_the_balancer_is_stored(cluster, device):
    publish(mqtt_port(cluster), device.token, {"m": 1})
    device.await_latest({"m": 1}, 60)


def test_a_wrong_token_is_refused_within_a_second(cluster):  # 8
    began = time.monotonic()
    connection = mqtt.Connection(mqtt_port(cluster))
    assert connection.connect(username="no-such-token") == 5
    connection.close()
    url = f"http://{balanced(cluster, 'http')}/api/v1/no-such-token/telemetry"
    assert requests.post(url, json={"a": 1}, timeout=60).status_code == 401
    assert time.monotonic() - began < 10


def test_attributes_and_their_update_reach_a_device_on_another_service(cluster, rest, device):  # 18
    connection = mqtt.connected(mqtt_port(cluster, 2), device.token)
    connection.send(mqtt.packet(8, b"\0\1" + mqtt.text("v1/devices/me/attributes") + b"\1", 2))
    connection.expect(mqtt.SUBACK)
    core = Rest(direct(cluster, "core-node-1"))
    core.ok("POST", f"/api/plugins/telemetry/DEVICE/{device.id}/attributes/SHARED_SCOPE", {"limit": 7})
    assert b'{"limit":7}' in connection.expect(mqtt.PUBLISH).body
    connection.close()


@pytest.mark.parametrize("version", [4, 5])
def test_a_second_session_of_a_device_closes_the_first_on_another_transport(cluster, device, version):  # 19
    first = mqtt.connected(mqtt_port(cluster, 1), device.token, version=version)
    first.publish(TELEMETRY, {"a": 1})
    first.puback()
    second = mqtt.connected(mqtt_port(cluster, 2), device.token, version=version)
    # Session taken over.
    first.expect_disconnect(0x8E)
    second.publish(TELEMETRY, {"a": 2})
    second.puback()
    second.close()


def closed(connection):
    try:
        connection.ping()
        return False
    except (OSError, AssertionError):
        return True


def test_changed_credentials_close_the_session_and_refuse_the_old_token_everywhere(cluster, rest, device):  # 20
    connection = mqtt.connected(mqtt_port(cluster, 1), device.token)
    credentials = rest.ok("GET", f"/api/device/{device.id}/credentials")
    credentials["credentialsId"] = "new-" + uuid.uuid4().hex[:12]
    rest.ok("POST", "/api/device/credentials", credentials)
    eventually(lambda: closed(connection), 60, "the end of the session")
    time.sleep(1)
    for number in (1, 2):
        connection = mqtt.Connection(mqtt_port(cluster, number))
        assert connection.connect(username=device.token) == 5
        connection.close()
        publish(mqtt_port(cluster, number), credentials["credentialsId"], {"b": number})


def test_a_deleted_device_is_cut_off(cluster, rest, device):  # 21
    publish(mqtt_port(cluster, 1), device.token, {"a": 1})
    device.await_latest({"a": 1}, 60)
    connection = mqtt.connected(mqtt_port(cluster, 2), device.token)
    assert rest.call("DELETE", f"/api/device/{device.id}").status_code == 200
    eventually(lambda: closed(connection), 60, "the end of the session")
    again = mqtt.Connection(mqtt_port(cluster, 1))
    assert again.connect(username=device.token) == 5
    again.close()
    rows = f"SELECT (SELECT count(*) FROM ts_kv WHERE entity_id = '{device.id}') + " \
           f"(SELECT count(*) FROM ts_kv_latest WHERE entity_id = '{device.id}')"

    def nothing_left():
        return subprocess.run(["psql", "-At", cluster.state["postgres"]["url"], "-c", rows], capture_output=True, text=True,
                              check=True).stdout.strip() == "0"

    eventually(nothing_left, 60, "the end of its values")
    assert requests.post(f"http://{balanced(cluster, 'http')}/api/v1/{device.token}/telemetry", json={"late": 1},
                         timeout=60).status_code == 401
    time.sleep(0.5)
    assert nothing_left()


# Services that go and come


def device_of_engine(rest, engine):
    """A new device whose messages that rule engine processes."""
    while True:
        device = rest.create_device()
        if owner(partition(device.id), ("rule-engine-1", "rule-engine-2"), "rule_engine.Main") == engine:
            return device
        rest.call("DELETE", "/api/device/" + device.id)


def test_without_cores_a_device_hears_that_the_server_is_unavailable(cluster, device):  # 9
    for number in (1, 2):
        cluster.terminate(f"core-node-{number}")
    connection = mqtt.Connection(mqtt_port(cluster, 1), timeout=60)
    assert connection.connect(username=device.token) == 3
    connection.close()
    url = direct(cluster, "http-transport-1") + f"/api/v1/{device.token}/telemetry"
    assert requests.post(url, json={"a": 1}, timeout=60).status_code >= 500


def test_without_rule_engines_messages_are_acknowledged_and_stored_later_in_order(cluster, device):  # 10, 11
    with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection:
        for number in (1, 2):
            assert cluster.terminate(f"rule-engine-{number}") is not None
        started = 1_700_000_000_000
        for index in range(1000):
            connection.publish(TELEMETRY, {"ts": started + index, "values": {"n": index}})
        for _ in range(1000):
            connection.expect(mqtt.PUBACK)
    for number in (1, 2):
        cluster.start(f"rule-engine-{number}")

    def stored():
        rows = device.rest.ok("GET", f"{device.path}/values/timeseries?keys=n&startTs={started}&endTs={started + 1000}"
                                     "&limit=2000&orderBy=ASC").get("n", [])
        return [int(row["value"]) for row in rows] == list(range(1000))

    eventually(stored, 60, "all 1000 messages")


def test_a_rule_engine_that_is_told_to_end_loses_nothing(cluster, device):  # 50
    sent = []

    def send():
        with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection:
            for index in range(400):
                connection.publish(TELEMETRY, {"ts": 1_700_000_100_000 + index, "values": {"t": index}})
                connection.puback()
                sent.append(index)
                time.sleep(0.005)

    thread = threading.Thread(target=send)
    thread.start()
    time.sleep(0.7)
    assert cluster.terminate("rule-engine-1") is not None, "it had to be killed"
    thread.join()
    assert len(sent) == 400

    def stored():
        rows = device.rest.ok("GET", f"{device.path}/values/timeseries?keys=t&startTs=1700000100000&endTs=1700000101000"
                                     "&limit=1000&orderBy=ASC").get("t", [])
        return [int(row["value"]) for row in rows] == list(range(400))

    eventually(stored, 60, "all messages")


def test_a_service_that_leaves_gracefully_is_gone_at_once(cluster):  # 28
    before = zookeeper_nodes(cluster)
    took = cluster.terminate("rule-engine-2")
    assert took is not None
    assert len(zookeeper_nodes(cluster)) == len(before) - 1


def test_the_partitions_of_a_killed_rule_engine_are_taken_over(cluster, rest):  # 30
    devices = [rest.create_device() for _ in range(12)]
    start, count = 1_700_000_200_000, 200
    connections = [mqtt.connected(mqtt_port(cluster, 1 + index % 2), device.token, seconds=60)
                   for index, device in enumerate(devices)]
    for number in range(count):
        for connection in connections:
            connection.publish(TELEMETRY, {"ts": start + number, "values": {"x": number}})
        # In the middle of what it has in work.
        if number == count // 2:
            cluster.kill("rule-engine-1")
    for connection in connections:
        for _ in range(count):
            connection.expect(mqtt.PUBACK)
        connection.close()
    # What it had not finished came to the other one again: every value once, the last one latest.
    for device in devices:
        def whole():
            rows = device.rest.ok("GET", f"{device.path}/values/timeseries?keys=x&startTs={start}&endTs={start + count}"
                                         "&limit=1000&orderBy=ASC").get("x", [])
            return [int(row["value"]) for row in rows] == list(range(count))

        eventually(whole, 60, "every value")
        device.await_latest({"x": count - 1}, 60)


@contextlib.contextmanager
def locked_table(cluster, table):
    """Nobody reads or writes that table for a while."""
    with subprocess.Popen(["psql", "-qAt", cluster.state["postgres"]["url"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as session:
        session.stdin.write(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
        session.stdin.flush()
        assert session.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            session.stdin.close()


def test_what_a_killed_rule_engine_had_in_work_is_done_once(cluster, rest):  # 30
    devices = [device_of_engine(rest, "rule-engine-1") for _ in range(4)]
    start, count = 1_700_000_400_000, 50
    cores = [Rest(direct(cluster, f"core-node-{number}")) for number in (1, 2)]

    def raise_alarm(job):
        device, number = job
        return cores[number % 2].call("POST", "/api/alarm", {"type": "Fire", "severity": "MAJOR", "originator": device.entity["id"]})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        with locked_table(cluster, "ts_kv"):
            for device in devices:
                with mqtt.connected(mqtt_port(cluster, 1), device.token, seconds=60) as connection:
                    for number in range(count):
                        connection.publish(TELEMETRY, {"ts": start + number, "values": {"w": number}})
                    for _ in range(count):
                        connection.expect(mqtt.PUBACK)

            def in_work():
                return sum(value for name, value in metrics(cluster, "rule-engine-1").items()
                           if name.startswith("kafka_records_in_flight")) >= len(devices) * count

            # All of it waits for the database; what is sent there already may take effect after the end of its sender.
            eventually(in_work, 60, "messages in work")
            alarms = pool.map(raise_alarm, [(device, number) for number in range(4) for device in devices])
            cluster.kill("rule-engine-1")
        # Whoever asked, while the message of the alarm had nobody to take it: each device has one.
        assert {answer.status_code for answer in alarms} == {200}

    def rows():
        statement = ("SELECT count(*), count(DISTINCT ts), coalesce(sum(long_v), 0) FROM ts_kv WHERE entity_id IN ("
                     + ",".join(f"'{device.id}'" for device in devices) + f") AND ts >= {start} GROUP BY entity_id")
        return sorted(subprocess.run(["psql", "-qAt", cluster.state["postgres"]["url"], "-c", statement], capture_output=True,
                                     text=True, check=True).stdout.split())

    eventually(lambda: rows() == [f"{count}|{count}|{sum(range(count))}"] * len(devices), 60, "every value once")
    for device in devices:
        device.await_latest({"w": count - 1}, 60)
        found = rest.ok("GET", f"/api/alarm/DEVICE/{device.id}?pageSize=10&page=0")["data"]
        assert [(alarm["type"], alarm["status"]) for alarm in found] == [("Fire", "ACTIVE_UNACK")]
    # What comes now is taken by the one that lives, and nothing comes twice later.
    cluster.start("rule-engine-1")
    publish(mqtt_port(cluster, 1), devices[0].token, {"w": -1})
    devices[0].await_latest({"w": -1}, 60)


def test_devices_of_a_killed_transport_connect_again_through_the_balancer(cluster, device):
    connection = mqtt.connected(mqtt_port(cluster), device.token)
    victim = max((1, 2), key=lambda number: metrics(cluster, f"mqtt-transport-{number}").get("mqtt_connections", 0))
    cluster.kill(f"mqtt-transport-{victim}")
    eventually(lambda: closed(connection), 60, "the end of the connection")

    def again():
        try:
            return publish(mqtt_port(cluster), device.token, {"again": 1})
        except (OSError, AssertionError):
            return False

    eventually(again, 60, "a new connection")
    device.await_latest({"again": 1}, 60)


def test_a_paused_core_is_replaced_and_comes_back(cluster, rest, device):  # 31
    owned = 'kafka_owned_partitions{topic="tb_core"}'
    first = Rest(direct(cluster, "core-node-1"))
    foreign = [device_owned_by(first, "core-node-2") for _ in range(3)]
    players = [Answering(mqtt_port(cluster, 1 + number % 2), one) for number, one in enumerate(foreign)]
    pid = cluster.pid("core-node-2")

    def call(node, one, number):
        return node.call("POST", f"/api/rpc/twoway/{one.id}", {"method": "m", "params": number, "timeout": 5000})

    began = time.monotonic()
    cluster.pause("core-node-2")
    try:
        eventually(lambda: metrics(cluster, "core-node-1")[owned] == 10, 60, "the take-over")
        publish(mqtt_port(cluster, 1), device.token, {"p": 1})
        # Its devices belong to the other one now, with their sessions.
        for number, one in enumerate(foreign):
            eventually(lambda: call(first, one, number).status_code == 200, 60, "an answer by way of the next owner")
        time.sleep(max(0, 20 - (time.monotonic() - began)))
    finally:
        cluster.resume("core-node-2")

    def shared_out():
        counts = [metrics(cluster, name)[owned] for name in ("core-node-1", "core-node-2")]
        return min(counts) > 0 and sum(counts) == 10

    eventually(shared_out, 60, "its share")
    cluster.wait_ready("core-node-2", 60)
    assert cluster.pid("core-node-2") == pid and is_alive(pid)
    second = Rest(direct(cluster, "core-node-2"))
    for one, player in zip(foreign, players):
        def reached(node, number):
            answer = call(node, one, number)
            return answer.status_code == 200 and answer.json() == {"twice": 2 * number}

        eventually(lambda: reached(first, 100), 60, "an answer by way of the owner that is back")
        player.seen.clear()
        # One owner, one session: each call comes once.
        assert all(reached(node, number) for number, node in enumerate([first, second] * 3))
        assert player.seen == list(range(6))
        player.close()
    publish(mqtt_port(cluster, 2), device.token, {"p": 2})
    device.await_latest({"p": 2}, 60)


def test_a_second_process_with_the_same_service_id_refuses_to_start(cluster):  # 54
    process = cluster.process("core-node-1")
    environment = {**os.environ, **process["environment"], "HTTP_BIND_PORT": "0"}
    second = subprocess.run([executables() / "core-node"], env=environment, capture_output=True, timeout=60)
    assert second.returncode == 1
    assert b"core-node-1" in second.stderr and b"another live process" in second.stderr
    assert cluster.is_ready("core-node-1")


# What it stands on


def test_kafka_comes_back_without_a_restart_of_services(cluster, kafka, device):  # 12
    connection = mqtt.connected(mqtt_port(cluster, 1), device.token)
    cluster.kill("kafka-1")
    connection.publish(TELEMETRY, {"k": 1})
    try:
        assert connection.receive(3) is None, "acknowledged without Kafka"
    except TimeoutError:
        pass
    cluster.start("kafka-1")
    connection.close()

    def works():
        try:
            return publish(mqtt_port(cluster, 1), device.token, {"k": 2}, 5)
        except (OSError, AssertionError):
            return False

    eventually(works, 60, "publishing")
    device.await_latest({"k": 2}, 60)


def test_without_zookeeper_messages_go_on_or_wait_and_none_is_lost(cluster, device):  # 32
    cluster.kill("zookeeper-1")
    publish(mqtt_port(cluster, 1), device.token, {"z": 1})
    time.sleep(8)
    publish(mqtt_port(cluster, 1), device.token, {"z": 2})
    cluster.start("zookeeper-1")
    device.await_latest({"z": 2}, 60)
    eventually(lambda: len(zookeeper_nodes(cluster)) == 2 * len(SERVICES), 60, "all nodes")


def test_without_redis_devices_and_people_are_served(cluster, rest, device):  # 33
    cluster.kill("redis-1")
    publish(mqtt_port(cluster, 1), device.token, {"r": 1})
    device.await_latest({"r": 1}, 60)
    assert rest.ok("GET", f"/api/device/{device.id}")["name"] == device.entity["name"]
    cluster.start("redis-1")
    publish(mqtt_port(cluster, 2), device.token, {"r": 2})
    device.await_latest({"r": 2}, 60)


def test_without_postgres_messages_are_acknowledged_and_stored_afterwards(cluster, rest):  # 35
    profile = rest.ok("POST", "/api/deviceProfile", {**rest.create_profile("DEFAULT"), "defaultQueueName": "HighPriority"})
    device = rest.create_device(deviceProfileId=profile["id"])
    publish(mqtt_port(cluster, 1), device.token, {"d": 0})
    with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection:
        cluster.kill("postgres-1")
        for value in range(1, 21):
            connection.publish(TELEMETRY, {"ts": 1_700_000_200_000 + value, "values": {"d": value}})
            connection.puback()
        cluster.start("postgres-1")

    def stored():
        answer = device.rest.call("GET", f"{device.path}/values/timeseries?keys=d&startTs=1700000200000&endTs=1700000201000"
                                         "&limit=100")
        return answer.status_code == 200 and len(answer.json().get("d", [])) == 20

    eventually(stored, 60, "what was acknowledged without a database")


# Configuration and operation


@pytest.mark.parametrize("service", [*SERVICES, EXECUTOR])
def test_the_shared_variables_of_the_kubernetes_guide_start_every_executable(service):  # 46
    guide = dict(line.split("=", 1) for line in (ROOT / "Tests/cluster/shared-config-map.env").read_text().splitlines() if line)
    for extra in ([], ["--config", str(ROOT / f"config/{service}.yml")]):
        result = subprocess.run([executables() / service, "--print-config", *extra], capture_output=True, text=True,
                                env={"PATH": os.environ["PATH"], **guide})
        assert result.returncode == 0, result.stderr
        assert "TB_KAFKA_SERVERS=kafka-headless:9092" in result.stdout
        assert "secret-of-the-test" not in result.stdout


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_value_in_the_file_is_refused_with_its_place(service, tmp_path):
    text = (ROOT / f"config/{service}.yml").read_text()
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "NEEDLETAIL_LOG_LEVEL" in one)
    path = tmp_path / "wrong.yml"
    path.write_text(text.replace('"${NEEDLETAIL_LOG_LEVEL:info}"', "loud"))
    result = subprocess.run([executables() / service, "--config", path], capture_output=True, text=True)
    assert result.returncode == 2
    assert f'{path}:{line}: NEEDLETAIL_LOG_LEVEL is "loud"; expected one of trace, debug' in result.stderr


def test_an_installation_that_is_repeated_changes_nothing(cluster, rest, device):  # 47
    environment = {**os.environ, **cluster.state["shared"], "INSTALL_TB": "true", "LOAD_DEMO": "true"}
    assert subprocess.run([executables() / "core-node"], env=environment, capture_output=True).returncode == 0
    assert rest.ok("GET", f"/api/device/{device.id}")["name"] == device.entity["name"]


@pytest.mark.parametrize("service", [*SERVICES, EXECUTOR])
def test_every_service_shows_health_and_metrics(cluster, service):  # 51
    url = direct(cluster, f"{service}-1")
    assert requests.get(url + "/health/live", timeout=60).status_code == 200
    assert set(requests.get(url + "/health/ready", timeout=60).json()["checks"].values()) == {"UP"}
    text = requests.get(url + "/actuator/prometheus", timeout=60).text
    assert "process_resident_memory_bytes" in text and "kafka_producer_outstanding" in text
