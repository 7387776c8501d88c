"""Wrong settings, full disks, clocks that jump, a database without room: what must be said, kept, and come back by itself."""
import concurrent.futures
import contextlib
import signal
import subprocess
import threading
import time

import pytest
import requests

import mqtt
from cluster import SERVICES
from processes import free_ports, is_alive, signal_process
from rest import Rest
from server import eventually
from test_cluster import TELEMETRY, direct, metrics, mqtt_port, publish
from weather import (Extra, Processors, can_mount, configure_topic, movable_clocks, restart_postgres, secure_broker,
                     small_broker_disk)


class Sender(threading.Thread):
    """Sends the numbers of one series, each with a time of its own, over connections that it makes anew; keeps what was
    acknowledged. A device of its own, so that nobody takes its session."""

    def __init__(self, port, device, start=1_700_001_000_000):
        super().__init__(daemon=True)
        self.port, self.device, self.start_time = port, device, start
        self.acknowledged = []
        self.connections = 0
        self.ending = threading.Event()

    def run(self):
        number = 0
        while not self.ending.is_set():
            try:
                with mqtt.connected(self.port, self.device.token, seconds=20) as connection:
                    self.connections += 1
                    while not self.ending.is_set():
                        connection.publish(TELEMETRY, {"ts": self.start_time + number, "values": {"n": number}})
                        connection.puback()
                        self.acknowledged.append(number)
                        number += 1
                        time.sleep(0.02)
            except (OSError, AssertionError):
                number += 1
                time.sleep(0.2)

    def __enter__(self):
        self.start()
        self.await_more()
        return self

    def __exit__(self, *error):
        self.ending.set()
        self.join(60)

    def await_more(self, count=5, seconds=60):
        """Waits until so many more messages were acknowledged."""
        goal = len(self.acknowledged) + count
        eventually(lambda: len(self.acknowledged) >= goal, seconds, f"{count} more acknowledgements")

    def await_stored(self, seconds=60):
        """Waits until everything acknowledged is stored, with its value."""
        def missing():
            answer = self.device.rest.call(
                "GET", self.device.path + "/values/timeseries",
                params={"keys": "n", "startTs": self.start_time, "endTs": self.start_time + 1_000_000, "limit": 50_000,
                        "useStrictDataTypes": "true"})
            if answer.status_code != 200:
                return None
            stored = {(point["ts"] - self.start_time, point["value"]) for point in answer.json().get("n", [])}
            return {(number, number) for number in self.acknowledged} <= stored

        eventually(missing, seconds, "everything that was acknowledged")


# Settings that do not fit


def test_partition_counts_that_differ_from_the_cluster_s_are_refused_in_words(cluster):
    with Extra(cluster, "core-node", "too-many", TB_QUEUE_CORE_PARTITIONS="20") as many, \
            Extra(cluster, "http-transport", "too-few", TB_QUEUE_CORE_PARTITIONS="5") as few:
        eventually(lambda: not many.is_alive and not few.is_alive, 60, "their end")
        assert "topic tb_core has 10 partitions; 20 are configured" in many.text()
        assert "TB_QUEUE_CORE_PARTITIONS is 5, and " in few.text() and "of this cluster has 10" in few.text()
    assert all(cluster.is_ready(f"{service}-{number}") for service in SERVICES for number in (1, 2))


def ready(extra):
    try:
        return requests.get(extra.url + "/health/ready", timeout=60).status_code == 200
    except OSError:
        return False


def test_tls_and_passwords_of_kafka_are_obeyed_and_their_faults_are_named(cluster, kafka, rest, tmp_path):
    addresses, authority = secure_broker(cluster, tmp_path)

    def sasl(password, **more):
        return {"TB_QUEUE_KAFKA_USE_CONFLUENT_CLOUD": "true", "TB_QUEUE_KAFKA_CONFLUENT_SASL_JAAS_CONFIG":
                f'org.apache.kafka.common.security.plain.PlainLoginModule required username="device" password="{password}";', **more}

    trust = {"TB_KAFKA_SSL_ENABLED": "true", "TB_KAFKA_SSL_TRUSTSTORE_LOCATION": str(authority)}
    plain = {"TB_QUEUE_KAFKA_CONFLUENT_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    right = {"tls": ("SSL", trust), "sasl": ("SASL_PLAINTEXT", sasl("the-right-word", **plain)),
             "sasl-and-tls": ("SASL_SSL", sasl("the-right-word", **trust))}
    wrong = {"wrong-password": ("SASL_PLAINTEXT", sasl("a-wrong-word", **plain), "authentication"),
             "plain-to-tls": ("SSL", {}, "connecting to a SSL listener"),
             "tls-to-plain": (None, trust, "one without TLS"),
             "unknown-authority": ("SSL", {"TB_KAFKA_SSL_ENABLED": "true"}, "certificate verify failed")}

    def start(name, listener, settings):
        return Extra(cluster, "http-transport", name, **{
            **settings, "TB_KAFKA_SERVERS": addresses[listener] if listener else cluster.state["kafka"]["bootstrap"]})

    for name, (listener, settings) in right.items():
        with start(name, listener, settings) as transport:
            eventually(lambda: ready(transport), 60, f"readiness with {name}: {transport.text()[-2000:]}")
            device = rest.create_device()
            url = f"{transport.url}/api/v1/{device.token}/telemetry"
            eventually(lambda: requests.post(url, json={"way": name}, timeout=60).status_code == 200, 60, "an answer")
            device.await_latest({"way": name}, 60)

    started = {name: start(name, listener, settings) for name, (listener, settings, _) in wrong.items()}
    try:
        for name, (_, _, cause) in wrong.items():
            eventually(lambda: cause in started[name].text().lower() or cause in started[name].text(), 60,
                       f"the cause of {name}: {started[name].text()[-2000:]}")
        before = {name: (one.processor_seconds(), time.monotonic()) for name, one in started.items()}
        time.sleep(3)
        for name, one in started.items():
            assert one.is_alive and not ready(one), name
            assert requests.get(one.url + "/health/live", timeout=60).status_code == 200
            used, since = before[name]
            assert one.processor_seconds() - used < 0.5 * (time.monotonic() - since), f"{name} turns in a circle"
            assert len(one.text().splitlines()) < 200, f"{name} floods its log"
            assert "wrong-word" not in one.text()
    finally:
        for one in started.values():
            one.__exit__()
    # None of them was there for the others, who would have given it work.
    assert not any("published in ZooKeeper" in one.text() for one in started.values())
    assert all(one.took is not None for one in started.values()), "one had to be killed"


def passwords_for(cluster, user):
    """PostgreSQL asks this user, and nobody else, for a password from now on."""
    subprocess.run(["psql", "-q", cluster.state["postgres"]["url"], "-c", f"CREATE ROLE {user} LOGIN PASSWORD 'the-right-word'"],
                   check=True)
    rules = cluster.folder / "postgres/data/pg_hba.conf"
    rules.write_text(f"host all {user} 127.0.0.1/32 scram-sha-256\n" + rules.read_text())
    signal_process(cluster.pid("postgres-1"), signal.SIGHUP)


def test_wrong_addresses_and_passwords_are_named_and_tried_again_in_peace(cluster):
    passwords_for(cluster, "narrow")
    nobody = free_ports(1)[0]
    jdbc = f"jdbc:postgresql://127.0.0.1:{nobody}/thingsboard"
    plain = cluster.state["shared"]["SPRING_DATASOURCE_URL"]
    # Who waits for what: service, settings, what its log says.
    waiting = {"no-postgres": ("core-node", {"SPRING_DATASOURCE_URL": jdbc}, "Connection refused"),
               "no-tls": ("rule-engine", {"SPRING_DATASOURCE_URL": plain + "?sslmode=require"}, "does not support SSL"),
               "no-password": ("rule-engine", {"SPRING_DATASOURCE_USERNAME": "narrow", "SPRING_DATASOURCE_PASSWORD": "a-wrong-word"},
                               "password authentication failed"),
               "no-kafka": ("http-transport", {"TB_KAFKA_SERVERS": f"127.0.0.1:{nobody}"}, "Connection refused"),
               "no-such-host": ("http-transport", {"TB_KAFKA_SERVERS": "no-such-host.invalid:9092"}, "no-such-host.invalid"),
               "no-zookeeper": ("http-transport", {"ZOOKEEPER_URL": f"127.0.0.1:{nobody}"}, "ZooKeeper")}
    # A cache that is not there, or does not let anybody in, is gone without.
    served = {"no-redis": {"REDIS_PORT": str(nobody)}, "no-redis-password": {"REDIS_PASSWORD": "a-wrong-word"},
              "no-redis-tls": {"TB_REDIS_SSL_ENABLED": "true"}}
    started = {name: Extra(cluster, service, name, **settings) for name, (service, settings, _) in waiting.items()}
    cached = {name: Extra(cluster, "core-node", name, **settings) for name, settings in served.items()}
    try:
        for name, (_, _, cause) in waiting.items():
            eventually(lambda: cause in started[name].text(), 60, f"the cause of {name}: {started[name].text()[-2000:]}")
        for name, one in cached.items():
            eventually(lambda: ready(one), 90, f"readiness with {name}: {one.text()[-2000:]}")
        before = {name: (one.processor_seconds(), time.monotonic()) for name, one in started.items()}
        time.sleep(3)
        for name, one in (started | cached).items():
            assert one.is_alive, name
            assert ready(one) == (name in cached), name
            assert requests.get(one.url + "/health/live", timeout=60).status_code == 200
            assert len(one.text().splitlines()) < 300, f"{name} floods its log"
            assert "a-wrong-word" not in one.text()
        for name, (used, since) in before.items():
            assert started[name].processor_seconds() - used < 0.5 * (time.monotonic() - since), f"{name} turns in a circle"
    finally:
        for one in (started | cached).values():
            one.__exit__()
    assert all(one.took is not None for one in (started | cached).values()), "one had to be killed"


def test_a_schema_of_another_release_is_refused_in_words(cluster):
    def change(sign, versions):
        statement = f"UPDATE tb_schema_settings SET schema_version = schema_version {sign} {versions}"
        subprocess.run(["psql", "-q", cluster.state["postgres"]["url"], "-c", statement], check=True)

    change("+", 1_000_000_000)
    try:
        with Extra(cluster, "core-node", "too-old") as core, Extra(cluster, "rule-engine", "too-old-too") as rules:
            eventually(lambda: not core.is_alive and not rules.is_alive, 60, "their end")
            for one in (core, rules):
                assert "newer" in one.text().lower(), one.text()
    finally:
        change("-", 1_000_000_000)
    # What an upgrade mends is waited for.
    change("-", 1)
    try:
        with Extra(cluster, "core-node", "too-new") as core, Extra(cluster, "rule-engine", "too-new-too") as rules:
            for one in (core, rules):
                eventually(lambda: "needletail upgrade" in one.text(), 60, "what is to be done")
                assert one.is_alive and not ready(one)
            change("+", 1)
            eventually(lambda: ready(core) and ready(rules), 60, "readiness after the upgrade")
            change("-", 1)
    finally:
        change("+", 1)
    assert all(cluster.is_ready(f"{service}-{number}") for service in SERVICES for number in (1, 2))


def test_a_message_larger_than_the_broker_takes_is_not_acknowledged_and_harms_nobody(cluster, kafka, rest):
    device, other = rest.create_device(), rest.create_device()
    configure_topic(cluster, "tb_rule_engine.main", ["--add-config", "max.message.bytes=8000"])
    try:
        with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection, \
                mqtt.connected(mqtt_port(cluster, 1), other.token) as bystander:
            def refused():
                # The broker takes up a topic's new limit a moment later.
                try:
                    connection.publish(TELEMETRY, {"big": "x" * 30_000})
                    return connection.receive(10) is None
                except (OSError, AssertionError, EOFError):
                    return True

            eventually(refused, 60, "a refusal")
            bystander.publish(TELEMETRY, {"small": 1})
            bystander.puback()
        publish(mqtt_port(cluster, 1), device.token, {"small": 2})
        device.await_latest({"small": 2}, 60)
        assert "larger than the broker takes" in cluster.log("mqtt-transport-1").read_text()
    finally:
        configure_topic(cluster, "tb_rule_engine.main", ["--delete-config", "max.message.bytes"])


# Weather


def test_a_full_disk_of_the_broker_loses_nothing_that_was_acknowledged(cluster, kafka, rest, tmp_path):
    if not can_mount(tmp_path):
        pytest.skip("mounting a tmpfs needs root (or CAP_SYS_ADMIN)")
    device = rest.create_device()
    hasty = {"NEEDLETAIL_KAFKA_PATIENCE_MS": "2000"}
    with small_broker_disk(cluster, 300) as disk, Sender(mqtt_port(cluster, 1), device) as sender, \
            Extra(cluster, "http-transport", "hasty", **hasty) as transport:
        eventually(lambda: ready(transport), 60, f"readiness: {transport.text()[-2000:]}")
        filler = disk / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65536)
            except OSError:
                pass
        # The broker gives up when it cannot append: nobody else may acknowledge in its place.
        eventually(lambda: not is_alive(cluster.pid("kafka-1")), 60, "the end of the broker")
        count = len(sender.acknowledged)
        processors = Processors(cluster)
        # A transport that could acknowledge nothing says so; core nodes and rule engines have work that needs no broker.
        eventually(lambda: not ready(transport), 60, "a transport that is not ready")
        assert requests.get(transport.url + "/health/ready", timeout=60).json()["checks"]["kafka"] == "DOWN"
        assert requests.get(transport.url + "/health/live", timeout=60).status_code == 200
        assert all(cluster.is_ready(f"core-node-{number}") for number in (1, 2))
        time.sleep(1)
        processors.assert_calm()
        assert len(sender.acknowledged) == count
        filler.unlink()
        cluster.start("kafka-1")
        sender.await_more(10, 120)
        eventually(lambda: ready(transport), 60, "readiness of the transport")
    sender.await_stored(90)
    for service in SERVICES:
        for number in (1, 2):
            cluster.wait_ready(f"{service}-{number}")


def lets_everybody_in(cluster, devices):
    """New devices connect, whichever core node is asked, and one that nobody knows is refused."""
    for device in devices:
        with mqtt.Connection(mqtt_port(cluster, 1), timeout=60) as connection:
            assert connection.connect(username=device.token) == 0
        with mqtt.Connection(mqtt_port(cluster, 2), timeout=60) as connection:
            assert connection.connect(username="nobody") == 5


def test_a_clock_that_jumps_loses_nothing_keeps_nobody_out_and_moves_no_partition(cluster, rest, tmp_path):
    names = ["core-node-1", "rule-engine-1", "mqtt-transport-1"]
    devices = [rest.create_device() for _ in range(6)]
    others = [rest.create_device() for _ in range(6)]

    def owned():
        return [metrics(cluster, f"{service}-{number}").get(f'kafka_owned_partitions{{topic="{topic}"}}')
                for service, topic in (("core-node", "tb_core"), ("rule-engine", "tb_rule_engine.main")) for number in (1, 2)]

    def whole():
        now = owned()
        return now if None not in now and now[0] + now[1] == 10 and now[2] + now[3] == 10 and min(now) > 0 else None

    with movable_clocks(cluster, names, tmp_path) as move:
        before = eventually(whole, 60, "a division of the partitions")
        with contextlib.ExitStack() as stack:
            # Of several devices some belong to each core node, and to each rule engine.
            senders = [stack.enter_context(Sender(mqtt_port(cluster, 1), device)) for device in devices]
            for name in names:
                for seconds in (3600, -3600, 0):
                    move(name, seconds)
                    # The process reads its new time.
                    time.sleep(1)
                    for sender in senders:
                        sender.await_more(10)
                    if seconds:
                        lets_everybody_in(cluster, others)
            assert [sender.connections for sender in senders] == [1] * len(senders), "a session did not survive"
        assert owned() == before
        for name in names:
            found = metrics(cluster, name)
            assert found["cluster_sessions_lost_total"] == 0 and found["cluster_leases_lapsed_total"] == 0
            assert cluster.is_ready(name)
        for sender in senders:
            sender.await_stored()
        # Nothing waits for a clock that was set back while it was waited for.
        for name in names:
            move(name, -3600)
        time.sleep(1)
        for name in names:
            took = cluster.terminate(name)
            assert took is not None, f"{name} had to be killed"


def test_a_database_without_room_for_connections_is_named_and_waited_for(cluster, rest):
    device = rest.create_device()
    publish(mqtt_port(cluster, 1), device.token, {"d": 0})
    start = 1_700_002_000_000
    logs = [cluster.log(f"{service}-{number}") for service in ("core-node", "rule-engine") for number in (1, 2)]
    sizes = {log: log.stat().st_size for log in logs}

    def said():
        return "".join(log.read_text(errors="replace")[sizes[log]:] for log in logs)

    with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection:
        try:
            restart_postgres(cluster, "-c", "max_connections=3", "-c", "superuser_reserved_connections=1")
            for value in range(1, 41):
                connection.publish(TELEMETRY, {"ts": start + value, "values": {"d": value}})
                connection.puback()
            eventually(lambda: "too many clients" in said(), 60, "the cause in a log")
            processors = Processors(cluster)
            began = time.monotonic()
            # There is room for two connections, and there are four processes; whoever has one may be ready.
            databases = [f"{service}-{number}" for service in ("core-node", "rule-engine") for number in (1, 2)]
            eventually(lambda: not all(cluster.is_ready(name) for name in databases), 60, "one that is not ready")
            for number in (1, 2):
                answer = Rest.without_login(direct(cluster, f"core-node-{number}"), rest.token).call("GET", f"/api/device/{device.id}")
                assert answer.status_code in (200, 503), answer.text
            assert all(cluster.is_ready(f"mqtt-transport-{number}") for number in (1, 2))
            time.sleep(max(0, 3 - (time.monotonic() - began)))
            processors.assert_calm()
            assert len(said().splitlines()) < 400, "a log is flooded"
        finally:
            restart_postgres(cluster)

    def stored():
        try:
            answer = device.rest.call("GET", f"{device.path}/values/timeseries?keys=d&startTs={start}&endTs={start + 100}&limit=100")
        except OSError:
            return False
        return answer.status_code == 200 and len(answer.json().get("d", [])) == 40

    eventually(stored, 90, "what was acknowledged without a connection to the database")
    for number in (1, 2):
        cluster.wait_ready(f"core-node-{number}")
        assert Rest(direct(cluster, f"core-node-{number}")).ok("GET", f"/api/device/{device.id}")["name"] == device.entity["name"]


def test_after_an_outage_of_the_database_no_request_meets_a_dead_connection(cluster, rest):
    device = rest.create_device()
    nodes = [Rest(direct(cluster, f"core-node-{number}")) for number in (1, 2)]

    def read(node):
        return node.call("GET", f"/api/device/{device.id}")

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        def read_all(count):
            return {answer.status_code: answer for answer in pool.map(read, nodes * count)}

        # As many connections as there may be.
        assert set(read_all(20)) == {200}
        cluster.kill("postgres-1")
        try:
            during = pool.submit(read_all, 2)
            saving = pool.submit(nodes[0].call, "POST", "/api/device", device.entity | {"label": "during"})
            answers = during.result() | {(answer := saving.result()).status_code: answer}
            # Nobody waits for ever, and nobody hears that something is wrong with the request or the program.
            assert set(answers) <= {200, 503}, {status: answer.text for status, answer in answers.items()}
            for status, answer in answers.items():
                assert status == 200 or answer.json()["message"], answer.text
            eventually(lambda: not cluster.is_ready("core-node-1") and not cluster.is_ready("core-node-2"), 60, "the truth")
        finally:
            cluster.start("postgres-1")
        assert {status: answer.text for status, answer in read_all(20).items() if status != 200} == {}
        # And once more, without anybody having asked meanwhile: all connections are dead, and nobody knows.
        cluster.kill("postgres-1")
        cluster.start("postgres-1")
        answers = pool.submit(read_all, 20), pool.submit(nodes[1].call, "POST", "/api/device", device.entity | {"label": "after"})
        assert {status: answer.text for status, answer in answers[0].result().items() if status != 200} == {}
        assert answers[1].result().status_code in (200, 409, 503), answers[1].result().text
    for number in (1, 2):
        cluster.wait_ready(f"core-node-{number}")
