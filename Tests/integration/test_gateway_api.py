"""The gateway API against a whole platform, case by case (device-api.md 3, 13; the number in a comment is the case's)."""
import concurrent.futures
import json
import time
import uuid

import pytest

import mqtt
from mqtt import TELEMETRY
from people import limited_tenant
from rest import Device, Rest
from server import Server, eventually


@pytest.fixture
def gateway(rest):
    return rest.create_device(additionalInfo={"gateway": True})


def name():
    return "D-" + uuid.uuid4().hex[:10]


def find(rest, called):
    """The device of that name; `None` while there is none."""
    answer = rest.call("GET", "/api/tenant/devices?deviceName=" + called)
    return Device(rest, answer.json(), None) if answer.status_code == 200 else None


def send(connection, topic, content, qos=1):
    connection.publish("v1/gateway/" + topic, content, qos)
    return connection.puback()


def test_connect_makes_the_device(rest, gateway, connect):  # 64, 66
    connection = connect(gateway.token)
    first, kind = name(), "t-" + uuid.uuid4().hex[:8]
    send(connection, "connect", {"device": first, "type": kind})
    found = find(rest, first)
    profile = rest.ok("GET", "/api/deviceProfile/" + found.entity["deviceProfileId"]["id"])
    assert (found.entity["type"], profile["name"]) == (kind, kind)
    assert found.entity["additionalInfo"]["lastConnectedGateway"] == gateway.id
    relations = rest.ok("GET", f"/api/relations?fromId={gateway.id}&fromType=DEVICE")
    assert [(relation["to"]["id"], relation["type"]) for relation in relations] == [(found.id, "Created")]
    send(connection, "connect", {"device": first, "type": "other"})
    send(connection, "disconnect", {"device": first})
    send(connection, "connect", {"device": first, "type": "other"})
    assert find(rest, first).entity["type"] == kind


def test_telemetry_makes_devices(rest, gateway, connect):  # 65, 68
    connection = connect(gateway.token)
    first, second, third = name(), name(), name()
    send(connection, "telemetry", {first: [{"a": 1}, {"ts": 1451649600512, "values": {"b": 2}}], second: [{"a": 3}], third: 5})
    connection.ping()
    assert find(rest, first).entity["type"] == "default"
    find(rest, first).await_latest({"a": 1, "b": 2})
    find(rest, second).await_latest({"a": 3})
    assert find(rest, third) is None


@pytest.mark.parametrize("version", [4, 5])
def test_a_structural_error_closes(rest, gateway, connect, version):  # 67
    connection = connect(gateway.token, version)
    called = name()
    assert send(connection, "telemetry", {called: {"a": 1}}) == (0x83 if version == 5 else 0)
    connection.expect_disconnect(0x83)
    assert find(rest, called) is None


def test_attributes_of_devices_are_read_by_key(rest, gateway, connect):  # 70
    connection = connect(gateway.token)
    called = name()
    send(connection, "attributes", {called: {"k": 42, "j": "x"}})
    find(rest, called).await_attributes("CLIENT_SCOPE", {"k": 42})
    for number, asked, expected in [
            (1, {"key": "k"}, {"value": 42}), (2, {"keys": ["k", "none"]}, {"values": {"k": 42}}),
            (3, {"key": "none"}, {}), (4, {"keys": ["none", "either"]}, {}),
            (5, {"keys": ["k", "j"]}, {"values": {"k": 42, "j": "x"}})]:
        connection.publish("v1/gateway/attributes/request", {"id": number, "device": called, "client": True, **asked})
        assert connection.json() == ("v1/gateway/attributes/response", {"id": number, "device": called, **expected})


def test_calls_and_updates_need_no_subscription(rest, gateway, connect):  # 71, 72
    connection = connect(gateway.token)
    called = name()
    send(connection, "connect", {"device": called})
    device = find(rest, called)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rest.ok, "POST", f"/api/rpc/twoway/{device.id}", {"method": "m", "params": {"a": 1}})
        assert connection.json() == ("v1/gateway/rpc", {"device": called, "data": {"id": 0, "method": "m", "params": {"a": 1}}})
        send(connection, "rpc", {"device": called, "id": 0, "data": {"success": True}})
        assert waiting.result() == {"success": True}
    rest.ok("POST", device.path + "/SHARED_SCOPE", {"limit": 5})
    assert connection.json() == ("v1/gateway/attributes", {"device": called, "data": {"limit": 5}})
    rest.ok("DELETE", device.path + "/SHARED_SCOPE?keys=limit")
    assert connection.json() == ("v1/gateway/attributes", {"device": called, "data": {"deleted": ["limit"]}})


@pytest.mark.parametrize("kind,expected", [("oneway", "DELIVERED"), ("twoway", "SUCCESSFUL")])
def test_a_persistent_call_to_a_device_behind_a_gateway(rest, gateway, connect, kind, expected):
    connection = connect(gateway.token)
    connection.subscribe("v1/gateway/rpc", qos=0)
    called = name()
    send(connection, "connect", {"device": called})
    rpc = rest.ok("POST", f"/api/rpc/{kind}/{find(rest, called).id}",
                  {"method": "m", "params": 1, "persistent": True, "timeout": 60000})["rpcId"]
    _, content = connection.json()
    if kind == "twoway":
        send(connection, "rpc", {"device": called, "id": content["data"]["id"], "data": {"ok": 1}})
    eventually(lambda: rest.ok("GET", f"/api/rpc/persistent/{rpc}")["status"] == expected, 60, f"state {expected}")


def test_disconnecting_an_unknown_device(gateway, connect):  # 73
    connection = connect(gateway.token)
    send(connection, "disconnect", {"device": name()})
    connection.ping()


def test_a_deleted_device_is_made_again(rest, gateway, connect):  # 74
    connection = connect(gateway.token)
    called = name()
    send(connection, "telemetry", {called: [{"a": 1}]})
    before = find(rest, called)
    rest.ok("DELETE", "/api/device/" + before.id)

    def again():
        send(connection, "telemetry", {called: [{"a": 2}]})
        return find(rest, called)

    after = eventually(again, 60, "a new device")
    assert after.id != before.id
    after.await_latest({"a": 2})


@pytest.mark.parametrize("version", [4, 5])
def test_a_plain_device_is_no_gateway(rest, device, connect, version):  # 75
    connection = connect(device.token, version)
    called = name()
    connection.publish("v1/gateway/telemetry", {called: [{"a": 1}]}, qos=0)
    connection.publish(TELEMETRY, {"own": 1})
    connection.puback()
    device.await_latest({"own": 1})
    assert find(rest, called) is None


@pytest.fixture(scope="module")
def counting():
    """A server that reports latencies of connectors every second."""
    server = Server({"MQTT_GATEWAY_METRICS_REPORT_INTERVAL_SEC": "1"})
    try:
        yield server.start()
    finally:
        server.remove()


def test_latencies_of_connectors_become_telemetry(counting):  # 76
    rest = Rest(counting.url)
    gateway = rest.create_device(additionalInfo={"gateway": True})
    called, now = name(), int(time.time() * 1000)
    with mqtt.connected(counting.mqtt_port, gateway.token) as connection:
        metadata = {"connector": "modbus", "receivedTs": now - 30, "publishedTs": now - 10}
        send(connection, "telemetry", {called: [{"ts": now, "values": {"a": 1}, "metadata": metadata}]})
        eventually(lambda: "gatewayMetrics" in gateway.latest(), 60, "the report")
        found = gateway.latest("gatewayMetrics")["gatewayMetrics"]
        found = json.loads(found) if isinstance(found, str) else found
        assert found["modbus"]["minGwLatency"] == found["modbus"]["maxGwLatency"] == 20
        assert set(find(rest, called).latest()) == {"a"}


@pytest.mark.parametrize("version", [4, 5])
def test_a_tenant_that_has_enough_devices(counting, version):  # 69
    rest, _ = limited_tenant(counting.url, maxDevices=1)
    gateway = rest.create_device(additionalInfo={"gateway": True})
    called = name()
    with mqtt.connected(counting.mqtt_port, gateway.token, version) as connection:
        assert send(connection, "telemetry", {called: [{"a": 1}]}) == (0x97 if version == 5 else 0)
        connection.ping()
    assert find(rest, called) is None
