"""What core nodes share by Redis (section 6 of cluster.md), against real processes."""
import json
import socket
import time


import pytest

import mqtt
from cluster import SERVICES
from server import eventually
from partitions import core_of
from test_cluster import direct, metrics, mqtt_port, publish
from rest import Rest
from weather import Processors


def await_answers(cluster):
    """A transport's questions wait while the cores share them out among themselves, as after every start of one."""
    device = Rest("http://" + cluster.status()["http"]).create_device()

    def works():
        try:
            return all(publish(mqtt_port(cluster, number), device.token, {"w": number}) for number in (1, 2))
        except (OSError, AssertionError):
            return False

    eventually(works, 60, "answers to transports")


@pytest.fixture(autouse=True)
def answering(cluster):
    await_answers(cluster)


def redis(cluster, *words):
    """One command; bytes, a number, a list, or None."""
    host, port = cluster.state["redis"].split(":")
    with socket.create_connection((host, int(port)), 60) as connection, connection.makefile("rb") as answers:
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        connection.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts))
        return reply(answers)


def reply(answers):
    line = answers.readline().rstrip()
    kind, text = line[:1], line[1:]
    if kind == b"$":
        return None if text == b"-1" else answers.read(int(text) + 2)[:-2]
    if kind == b"*":
        return [reply(answers) for _ in range(int(text))]
    assert kind != b"-", text
    return int(text) if kind == b":" else text


def value(cluster, key):
    """What a cache holds: an entry is a version of eight bytes, a byte that is 0 for a value, and the value."""
    entry = redis(cluster, "GET", key)
    return entry[9:] if entry and entry[8] == 0 else None


def test_devices_credentials_and_profiles_are_shared(cluster, rest, device):
    publish(mqtt_port(cluster, 1), device.token, {"a": 1})
    assert value(cluster, "deviceCredentials" + device.token) == device.id.encode()
    kept = json.loads(value(cluster, "devices" + device.id))
    assert kept["name"] == device.entity["name"] and kept["credentialsId"] == device.token
    assert value(cluster, "deviceProfiles" + kept["profileId"])
    rest.ok("POST", "/api/device", device.entity | {"label": "changed"})
    eventually(lambda: value(cluster, "devices" + device.id) is None, 60, "the eviction")


def test_sessions_are_kept_for_the_next_owner_of_a_device(cluster, rest, device):
    connection = mqtt.connected(mqtt_port(cluster, 1), device.token)
    connection.send(mqtt.packet(8, b"\0\1" + mqtt.text("v1/devices/me/rpc/request/+") + b"\1", 2))
    connection.expect(mqtt.SUBACK)
    kept = eventually(lambda: json.loads(value(cluster, "sessions" + device.id) or b"[]"), 60, "the session")
    assert [(session["nodeId"], session["rpc"]) for session in kept] == [("mqtt-transport-1", True)]
    connection.close()
    eventually(lambda: value(cluster, "sessions" + device.id) is None, 60, "the end of the session")


def test_a_call_reaches_a_device_whose_owner_was_killed(cluster, rest, device):
    connection = mqtt.connected(mqtt_port(cluster, 1), device.token)
    connection.send(mqtt.packet(8, b"\0\1" + mqtt.text("v1/devices/me/rpc/request/+") + b"\1", 2))
    connection.expect(mqtt.SUBACK)
    eventually(lambda: value(cluster, "sessions" + device.id), 60, "the session")
    # Two reports of the transport later nothing more is told of a device that is silent.
    time.sleep(6)
    victim = core_of(device.id)
    cluster.kill(victim)
    core = Rest(direct(cluster, "core-node-1" if victim == "core-node-2" else "core-node-2"))

    def called():
        answer = core.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "m", "params": {}, "timeout": 5000})
        return answer.status_code == 200

    eventually(called, 60, "a call that is delivered")
    assert b'"method":"m"' in connection.expect(mqtt.PUBLISH).body
    connection.close()


def test_a_flushed_redis_is_filled_again(cluster, rest, device):  # 34
    publish(mqtt_port(cluster, 1), device.token, {"f": 1})
    with mqtt.connected(mqtt_port(cluster, 1), device.token) as connection:
        connection.send(mqtt.packet(8, b"\0\1" + mqtt.text("v1/devices/me/rpc/request/+") + b"\1", 2))
        connection.expect(mqtt.SUBACK)
        eventually(lambda: value(cluster, "sessions" + device.id), 60, "the session")
        redis(cluster, "FLUSHALL")
        # The session is known all the same, and logins are valid.
        assert rest.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "m", "params": {}, "timeout": 5000}).status_code == 200
        assert b'"method":"m"' in connection.expect(mqtt.PUBLISH).body
    publish(mqtt_port(cluster, 2), device.token, {"f": 2})
    device.await_latest({"f": 2}, 60)
    other = rest.create_device()
    publish(mqtt_port(cluster, 2), other.token, {"f": 3})
    assert value(cluster, "deviceCredentials" + other.token) == other.id.encode()
    assert rest.ok("GET", f"/api/device/{device.id}")["name"] == device.entity["name"]


def test_a_redis_that_stands_still_or_is_full_slows_nothing_down_for_long(cluster, rest):
    device = rest.create_device()
    cluster.pause("redis-1")
    try:
        began = time.monotonic()
        publish(mqtt_port(cluster, 1), device.token, {"s": 1})
        assert time.monotonic() - began < 30
        device.await_latest({"s": 1}, 60)
    finally:
        cluster.resume("redis-1")
    redis(cluster, "CONFIG", "SET", "maxmemory", 1)
    try:
        processors = Processors(cluster)
        began = time.monotonic()
        other = rest.create_device()
        publish(mqtt_port(cluster, 2), other.token, {"s": 2})
        other.await_latest({"s": 2}, 60)
        # Nothing that is asked of them needs the cache.
        assert all(cluster.is_ready(f"{service}-{number}") for service in SERVICES for number in (1, 2))
        time.sleep(max(0, 2 - (time.monotonic() - began)))
        processors.assert_calm()
    finally:
        redis(cluster, "CONFIG", "SET", "maxmemory", 0)
    assert sum(count for name, count in metrics(cluster, "core-node-1").items() if "redis_failures" in name) + sum(
        count for name, count in metrics(cluster, "core-node-2").items() if "redis_failures" in name) > 0


def test_a_core_that_waits_for_postgres_lets_known_devices_in(cluster, rest, device):
    stranger = rest.create_device()
    publish(mqtt_port(cluster, 1), device.token, {"a": 1})
    cluster.kill("postgres-1")
    for number in (1, 2):
        cluster.terminate(f"core-node-{number}")
        cluster.start(f"core-node-{number}", wait=False)
    eventually(lambda: is_let_in(cluster, device.token), 60, "a device that the cache knows")
    assert not is_let_in(cluster, stranger.token, 3)
    for number in (1, 2):
        assert not cluster.is_ready(f"core-node-{number}")
    cluster.start("postgres-1")
    for number in (1, 2):
        cluster.wait_ready(f"core-node-{number}")
    publish(mqtt_port(cluster, 2), stranger.token, {"a": 1})


def is_let_in(cluster, token, seconds=25):
    connection = mqtt.Connection(mqtt_port(cluster, 1), timeout=seconds)
    try:
        return connection.connect(username=token) == 0
    except TimeoutError:
        return False
    finally:
        connection.close()
