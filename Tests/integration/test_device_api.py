"""Attributes, calls, profiles and limits over MQTT, case by case (device-api.md 13; the number in a comment is the case's)."""
import concurrent.futures
import json
import select
import time
import uuid

import pytest
import requests

import mqtt
from mqtt import ATTRIBUTES, TELEMETRY
from people import limited_tenant
from rest import Rest
from server import Server, eventually

REQUEST = ATTRIBUTES + "/request/"
RESPONSE = ATTRIBUTES + "/response/"
CALLS = "v1/devices/me/rpc/request/"
ANSWERS = "v1/devices/me/rpc/response/"


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        yield pool


def shared(device, values, scope="SHARED_SCOPE"):
    device.rest.ok("POST", f"{device.path}/{scope}", values)


def call(device, kind="twoway", form="/api/rpc", **body):
    content = {"method": "setGpio", "params": {"pin": "23", "value": 1}, **body}
    return device.rest.call("POST", f"{form}/{kind}/{device.id}", content)


# Profiles


def device_of(rest, profile):
    return rest.create_device(type=profile["name"], deviceProfileId=profile["id"])


def test_a_profile_may_acknowledge_what_is_invalid(rest, connect):  # 34
    device = device_of(rest, rest.create_profile("MQTT", sendAckOnValidationException=True))
    connection = connect(device.token)
    connection.publish(TELEMETRY, "{malformed")
    connection.puback()
    connection.publish(TELEMETRY, {"a": 1})
    connection.puback()
    device.await_latest({"a": 1})


@pytest.mark.parametrize("version", [4, 5])
def test_a_profile_may_have_topics_of_its_own(rest, connect, version):  # 41
    device = device_of(rest, rest.create_profile("MQTT", deviceTelemetryTopic="data/+/up"))
    connection = connect(device.token, version)
    connection.publish("data/7/up", {"a": 1})
    assert connection.puback() == 0
    device.await_latest({"a": 1})
    for topic in (TELEMETRY, "data/7/8/up"):
        connection.publish(topic, {"b": 1})
        assert connection.puback() == (0x90 if version == 5 else 0)
    assert "b" not in device.latest()


def test_an_mqtt_profile_does_not_bind_its_devices_to_mqtt(server, rest):  # 84
    device = device_of(rest, rest.create_profile("MQTT"))
    assert requests.post(f"{server.url}/api/v1/{device.token}/telemetry", data='{"a":1}', timeout=60).status_code == 200
    device.await_latest({"a": 1})


# Subscriptions and attributes


def test_unsubscribing_tells_what_there_was(connect, device):  # 44
    connection = connect(device.token, 5)
    assert connection.unsubscribe(ATTRIBUTES) == [0x11]
    connection.subscribe(ATTRIBUTES)
    assert connection.unsubscribe(ATTRIBUTES) == [0]


@pytest.mark.parametrize("version", [4, 5])
def test_shared_attributes_are_told_and_no_others(connect, device, version):  # 45, 46, 47
    connection = connect(device.token, version)
    assert connection.subscribe(ATTRIBUTES) == [1]
    shared(device, {"limit": 5, "ratio": 0.5, "on": True, "name": "x", "cfg": {"a": [1]}})
    assert connection.json() == (ATTRIBUTES, {"limit": 5, "ratio": 0.5, "on": True, "name": "x", "cfg": {"a": [1]}})
    # Unchanged ones are told again.
    shared(device, {"limit": 5})
    assert connection.json() == (ATTRIBUTES, {"limit": 5})
    shared(device, {"server": 1}, "SERVER_SCOPE")
    connection.publish(ATTRIBUTES, {"client": 1})
    connection.puback()
    device.rest.ok("DELETE", f"{device.path}/SHARED_SCOPE?keys=limit,unknown")
    assert connection.json() == (ATTRIBUTES, {"deleted": ["limit", "unknown"]})


@pytest.mark.parametrize("version", [4, 5])
def test_attributes_are_read_by_scope_and_key(connect, device, version):  # 48, 49, 50, 51
    shared(device, {"s1": True, "s2": "x"})
    shared(device, {"secret": 1}, "SERVER_SCOPE")
    connection = connect(device.token, version)
    connection.publish(ATTRIBUTES, {"c1": 1, "c2": {"a": []}})
    connection.puback()
    whole = {"client": {"c1": 1, "c2": {"a": []}}, "shared": {"s1": True, "s2": "x"}}
    for number, asked, expected in [
            (1, {"clientKeys": "c1,none", "sharedKeys": "s1"}, {"client": {"c1": 1}, "shared": {"s1": True}}),
            (2, {}, whole),
            (3, {"clientKeys": "none", "sharedKeys": "secret"}, {}),
            (4, {"sharedKeys": "s2"}, {"shared": {"s2": "x"}}),
            (5, {"clientKeys": ""}, {})]:
        connection.publish(f"{REQUEST}{number}", asked)
        message = connection.message()
        assert (message.topic, json.loads(message.payload), message.qos) == (f"{RESPONSE}{number}", expected, 1)
    connection.subscribe(RESPONSE + "+", qos=0)
    connection.publish(REQUEST + "6", {})
    assert connection.message().qos == 0


# Calls


@pytest.mark.parametrize("version", [4, 5])
def test_a_one_way_call_is_done_when_it_was_written(connect, device, pool, version):  # 52
    connection = connect(device.token, version)
    assert connection.subscribe(CALLS + "+", qos=0) == [0]
    waiting = pool.submit(call, device, "oneway")
    message = connection.message()
    assert (message.topic, message.qos) == (CALLS + "0", 0)
    assert message.payload == b'{"method":"setGpio","params":{"pin":"23","value":1}}'
    answer = waiting.result()
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize("reply,status,content", [
    ('{"value1":"A"}', 200, b'{"value1":"A"}'), ("not json", 406, b""), ("", 200, b""), ("5", 200, b"5")])
@pytest.mark.parametrize("form", ["/api/rpc", "/api/plugins/rpc"])
def test_the_caller_gets_the_answer(connect, device, pool, form, reply, status, content):  # 53, 56
    connection = connect(device.token)
    connection.subscribe(CALLS + "+")
    waiting = pool.submit(call, device, form=form)
    message = connection.message()
    connection.publish(ANSWERS + message.topic[len(CALLS):], reply)
    connection.puback()
    answer = waiting.result()
    assert (answer.status_code, answer.content) == (status, content)


@pytest.mark.parametrize("form,status", [("/api/rpc", 504), ("/api/plugins/rpc", 408)])
def test_a_device_that_does_not_answer(connect, device, pool, form, status):
    connection = connect(device.token)
    connection.subscribe(CALLS + "+")
    waiting = pool.submit(call, device, form=form, timeout=5000)
    connection.message()
    assert waiting.result().status_code == status


def test_a_call_waits_for_the_subscription(connect, device, pool):  # 54, 55
    waiting = pool.submit(call, device, timeout=20000)
    time.sleep(1)
    connection = connect(device.token)
    connection.subscribe(CALLS + "+")
    topic, content = connection.json()
    assert (topic, content["method"]) == (CALLS + "0", "setGpio")
    connection.publish(ANSWERS + "0", {"late": True})
    assert waiting.result().json() == {"late": True}


def test_calls_go_to_the_topics_that_were_subscribed_last(connect, device, pool):  # 58
    connection = connect(device.token)
    connection.subscribe(CALLS + "+")
    connection.subscribe("v2/r/req/j/+")
    waiting = pool.submit(call, device, "oneway")
    assert connection.message().topic == "v2/r/req/j/0"
    waiting.result()
    connection.ping()


def test_limits_are_told_to_who_asks(rest, connect):  # 61
    device, gateway = rest.create_device(), rest.create_device(additionalInfo={"gateway": True})
    for one, members in ((device, {"maxPayloadSize", "maxInflightMessages", "rateLimits"}),
                         (gateway, {"maxPayloadSize", "maxInflightMessages", "rateLimits", "gatewayRateLimits"})):
        connection = connect(one.token)
        connection.publish(CALLS + "9", {"method": "getSessionLimits", "params": {}})
        topic, limits = connection.json()
        assert topic == ANSWERS + "9"
        assert set(limits) == members and limits["maxPayloadSize"] == 65536


@pytest.mark.parametrize("version", [4, 5])
def test_a_call_without_a_number_closes(connect, device, version):  # 62
    connection = connect(device.token, version)
    connection.publish(CALLS + "abc", {"method": "m", "params": 1}, qos=0)
    connection.expect_disconnect(0x8B)


# A server with its own settings


@pytest.fixture(scope="module")
def special():
    server = Server({
        "TB_TRANSPORT_SESSIONS_INACTIVITY_TIMEOUT": "5000", "TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT": "500",
        "CLIENT_SIDE_RPC_TIMEOUT": "2000", "JSON_TYPE_CAST_ENABLED": "false", "TB_TRANSPORT_IP_RATE_LIMITS_ENABLED": "true",
        "TB_TRANSPORT_MAX_WRONG_CREDENTIALS_PER_IP": "3", "TB_TRANSPORT_IP_BLOCK_TIMEOUT": "3000"})
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def special_device(special):
    return Rest(special.url).create_device()


@pytest.mark.parametrize("version", [4, 5])
def test_a_silent_session_is_closed_and_one_that_pings_is_not(special, special_device, version):  # 16
    other = special_device.rest.create_device()
    with mqtt.connected(special.mqtt_port, other.token, version) as silent:
        with mqtt.connected(special.mqtt_port, special_device.token, version) as lively:
            def is_told():
                lively.ping()
                return select.select([silent.socket], [], [], 0.2)[0]
            eventually(is_told, what="the end of the silent session")
            found = silent.receive()
            if version == 5:
                assert found.type == mqtt.DISCONNECT and found.body[0] in (0x83, 0xA0)
                found = silent.receive()
            assert found is None
            lively.ping()


def test_texts_stay_texts_without_the_cast(special, special_device):  # 26
    with mqtt.connected(special.mqtt_port, special_device.token) as connection:
        connection.publish(TELEMETRY, {"a": "42", "b": "4.5", "c": "1e5", "d": "x"})
        connection.puback()
    special_device.await_latest({"a": "42", "b": "4.5", "c": "1e5", "d": "x"})


def test_a_call_of_a_device_that_no_chain_answers(special, special_device):  # 60
    with mqtt.connected(special.mqtt_port, special_device.token, seconds=30) as connection:
        connection.publish(CALLS + "3", {"method": "getTime", "params": {}})
        assert connection.json() == (ANSWERS + "3", {"error": "timeout"})


def test_wrong_credentials_block_the_address_for_a_time(special, special_device):  # 22
    for _ in range(3):
        with mqtt.Connection(special.mqtt_port) as refused:
            assert refused.connect(username="wrong-" + uuid.uuid4().hex) == 5
    with mqtt.Connection(special.mqtt_port) as blocked:
        blocked.expect_closed()

    def is_let_in():
        with mqtt.Connection(special.mqtt_port) as connection:
            connection.send(mqtt.connect_packet(4, username=special_device.token))
            packet = connection.receive()
            return packet is not None and packet.body[1] == 0

    eventually(is_let_in, 60, "the end of the block")


@pytest.mark.parametrize("version", [4, 5])
def test_limits_of_the_tenant_profile(special, version):  # 63
    rest, limit = limited_tenant(special.url, transportDeviceTelemetryMsgRateLimit="1:600")
    with mqtt.connected(special.mqtt_port, rest.create_device().token, version) as connection:
        connection.publish(TELEMETRY, {"a": 1})
        connection.puback()
        connection.publish(TELEMETRY, {"a": 2})
        connection.expect_disconnect(0x83)
    limit(transportDeviceTelemetryMsgRateLimit=None)
    device = rest.create_device()

    def are_taken():
        with mqtt.connected(special.mqtt_port, device.token, version) as connection:
            for n in range(2):
                connection.publish(TELEMETRY, {"a": n})
                if connection.receive().type != mqtt.PUBACK:
                    return False
            return True
    eventually(are_taken, what="the end of the limit")
    rest, _ = limited_tenant(special.url, transportDeviceMsgRateLimit="1:600")
    device = rest.create_device()
    with mqtt.connected(special.mqtt_port, device.token, version):
        pass
    with mqtt.Connection(special.mqtt_port, version) as refused:
        assert refused.connect(username=device.token) == (0x9F if version == 5 else 3)
