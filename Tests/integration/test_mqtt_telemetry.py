"""Telemetry and attributes over MQTT: shapes, types, acknowledgements, errors (device-api.md 1.3 to 1.5, 2.5, 2.6, 2.9)."""
import time

import pytest

import mqtt
from mqtt import ATTRIBUTES, TELEMETRY
from rest import now_ms
from server import eventually

VERSIONS = [3, 4, 5]


def publish(connection, payload, topic=TELEMETRY):
    connection.publish(topic, payload)
    assert connection.puback() == 0


@pytest.mark.parametrize("version", VERSIONS)
def test_values_keep_their_types(connect, device, version):
    connection = connect(device.token, version)
    publish(connection, '{"stringKey":"value1","booleanKey":true,"doubleKey":42.0,"longKey":73}')
    device.await_latest({"stringKey": "value1", "booleanKey": True, "doubleKey": 42.0, "longKey": 73})


def test_value_is_stored_when_it_is_acknowledged(connect, device):
    connection = connect(device.token)
    for n in range(20):
        publish(connection, {"n": n})
        assert device.latest("n") == {"n": n}


def test_given_timestamp_is_kept(connect, device):
    publish(connect(device.token), {"ts": 1451649600512, "values": {"a": 1}})
    assert device.latest_point("a") == (1451649600512, 1)


def test_receive_time_is_the_default_timestamp(connect, device):
    before = now_ms()
    publish(connect(device.token), {"a": 1})
    assert before - 50 <= device.latest_point("a")[0] <= now_ms() + 50


def test_array_is_one_message_of_many_points(connect, device):
    connection = connect(device.token)
    publish(connection, [{"ts": 1000, "values": {"a": 1}}, {"ts": 2000, "values": {"a": 2}}])
    assert device.history("a", 0, 10_000) == [(2000, 2), (1000, 1)]
    connection.expect_nothing()


@pytest.mark.parametrize("given,expected", [
    ('"42"', 42), ('"4.5"', 4.5), ('"1e5"', "1e5"), ('"x"', "x"), ('"42.0"', 42.0), ('"007"', 7), ('".5"', 0.5),
    ('"1."', "1."), ('"+1"', "+1"), ('" 1"', " 1"), ('"0x1F"', "0x1F"), ('""', ""), ('"-5"', -5),
    ("1E+1", 10), ("101E-1", 10.1), ("1E19", "10000000000000000000"), ("42.00e0", 42), ("1.5", 1.5), ("0", 0), ("-5", -5),
    ("9223372036854775807", 9223372036854775807), ("-9223372036854775808", -9223372036854775808),
    ("99701010061400066001", "99701010061400066001"), ("0.30000000000000004", "0.30000000000000004"),
    ('{"x":[1,2]}', {"x": [1, 2]}), ("[1,\"a\",null]", [1, "a", None]), ("true", True), ("false", False),
    ('"\\u00e9\\ud83d\\ude00"', "é😀"),
])
def test_values_are_typed_and_cast(connect, device, given, expected):
    publish(connect(device.token), '{"v":%s}' % given)
    device.await_latest({"v": expected})


def test_null_drops_its_key_only(connect, device):
    publish(connect(device.token), '{"a":null,"b":1}')
    device.await_latest({"b": 1})
    assert device.latest("a") == {"a": None}


def test_values_without_ts_is_a_key(connect, device):
    publish(connect(device.token), '{"values":{"a":1}}')
    device.await_latest({"values": {"a": 1}})


def test_last_of_duplicate_keys_wins(connect, device):
    publish(connect(device.token), '{"dup":1,"dup":2}')
    device.await_latest({"dup": 2})


@pytest.mark.parametrize("payload", ["{}", "[]"])
def test_empty_documents_are_acknowledged(connect, device, payload):
    publish(connect(device.token), payload)


INVALID = ["not json", "", "5", '"text"', "null", '["a"]', "[1]", '{"a":1', '{"a":1} x', '{"a":NaN}', '{"a":Infinity}',
           '{"ts":1700000000000,"values":5}', "{'a':1}x", '{"a":01}', '{"a":1,}', "[" * 5000,
           '{"deep":' + "[" * 5000 + "]" * 5000 + "}"]


@pytest.mark.parametrize("payload", INVALID, ids=lambda p: p[:30] or "empty")
@pytest.mark.parametrize("version", [3, 4])
def test_invalid_payload_closes_3_x_without_puback(connect, device, version, payload):
    connection = connect(device.token, version)
    connection.publish(TELEMETRY, payload)
    connection.expect_closed()


@pytest.mark.parametrize("payload", INVALID, ids=lambda p: p[:30] or "empty")
def test_invalid_payload_is_answered_on_5_and_the_connection_stays(connect, device, payload):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, payload)
    assert connection.puback() == 0x99
    publish(connection, {"a": 1})


def test_invalid_payload_with_qos_0_closes_5_with_a_reason(connect, device):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, "not json", qos=0)
    connection.expect_disconnect(0x99)


def test_bytes_that_are_not_utf_8_are_an_invalid_payload(connect, device):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, b'{"a":"\xff\xfe"}')
    assert connection.puback() == 0x99


def test_text_as_timestamp_is_an_invalid_payload(connect, device):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, {"ts": "soon", "values": {"z": 1}})
    assert connection.puback() == 0x99
    publish(connection, {"ts": "5000", "values": {"z": 2}})
    assert device.latest_point("z") == (5000, 2)


@pytest.mark.parametrize("version,reason", [(3, 0), (4, 0), (5, 0x90)])
@pytest.mark.parametrize("topic", ["wrong/topic", "v1/devices/me/nonsense", "v1/devices/me/telemetryx", "/"])
def test_unknown_topic_is_acknowledged_and_dropped(connect, device, version, reason, topic):
    connection = connect(device.token, version)
    connection.publish(topic, {"a": 1})
    assert connection.puback() == reason
    publish(connection, {"b": 1})
    assert device.latest("a", "b") == {"a": None, "b": 1}


@pytest.mark.parametrize("version", [4, 5])
def test_remaining_length_limit(connect, device, version):
    overhead = 2 + len(TELEMETRY) + 2 + (1 if version == 5 else 0)

    def payload(remaining_length):
        return '{"big":"%s"}' % ("x" * (remaining_length - overhead - len('{"big":""}')))

    connection = connect(device.token, version)
    publish(connection, payload(65536))
    assert len(device.latest("big")["big"]) > 65000
    connection.publish(TELEMETRY, payload(65537))
    connection.expect_disconnect(0x81)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("topic", ["v1/devices/me/+", "#", "v1/devices/me/telemetry#"])
def test_wildcards_in_a_topic_name_close(connect, device, version, topic):
    connection = connect(device.token, version)
    connection.publish(topic, {"a": 1})
    connection.expect_disconnect(0x81)


@pytest.mark.parametrize("version", VERSIONS)
def test_qos_2_is_answered_with_puback(connect, device, version):
    connection = connect(device.token, version)
    identifier = connection.publish(TELEMETRY, {"ts": 5000, "values": {"q2": 1}}, qos=2)
    assert connection.puback(identifier) == 0
    connection.send(mqtt.packet(mqtt.PUBREL, b"\x00\x01", flags=2))
    connection.ping()
    assert device.history("q2", 0, 10_000) == [(5000, 1)]


def test_qos_0_is_stored_and_not_answered(connect, device):
    connection = connect(device.token)
    connection.publish(TELEMETRY, {"q0": 1}, qos=0)
    connection.ping()
    device.await_latest({"q0": 1})


@pytest.mark.parametrize("topic", [TELEMETRY, "v2/t", "v2/t/j"])
def test_telemetry_topics(connect, device, topic):
    publish(connect(device.token), {"t": 1}, topic)
    device.await_latest({"t": 1})


def test_protobuf_topic_on_a_json_profile_is_an_invalid_payload(connect, device):
    connection = connect(device.token, 5)
    connection.publish("v2/t/p", {"t": 1})
    assert connection.puback() == 0x99


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("topic", [ATTRIBUTES, "v2/a", "v2/a/j"])
def test_attributes_go_to_the_client_scope(connect, device, version, topic):
    publish(connect(device.token, version), '{"s":"x","b":true,"d":1.5,"l":7,"j":{"k":[1]},"ts":1}', topic)
    device.await_attributes("CLIENT_SCOPE", {"s": "x", "b": True, "d": 1.5, "l": 7, "j": {"k": [1]}, "ts": 1})


@pytest.mark.parametrize("payload", ["nonsense", "[]", "5", ""])
def test_attributes_must_be_an_object(connect, device, payload):
    connection = connect(device.token, 5)
    connection.publish(ATTRIBUTES, payload)
    assert connection.puback() == 0x99
    old = connect(device.token, 4)
    old.publish(ATTRIBUTES, payload)
    old.expect_closed()


def test_messages_of_a_device_stay_in_order(connect, device):
    connection = connect(device.token)
    count = 2000
    for start in range(0, count, 100):
        connection.send(b"".join(
            mqtt.publish_packet(4, TELEMETRY, {"ts": 1000 + n, "values": {"n": n, "last": n}}, 1, n + 1)
            for n in range(start, start + 100)))
    for n in range(count):
        assert connection.puback(n + 1) == 0
    points = device.history("n", 0, 10_000_000, limit=count, orderBy="ASC")
    assert points == [(1000 + n, n) for n in range(count)]
    assert device.latest("last") == {"last": count - 1}


def test_same_timestamp_twice_keeps_the_later_value(connect, device):
    connection = connect(device.token)
    connection.send(b"".join(
        mqtt.publish_packet(4, TELEMETRY, {"ts": 7000, "values": {"v": n}}, 1, n + 1) for n in range(200)))
    for n in range(200):
        assert connection.puback(n + 1) == 0
    assert device.history("v", 0, 10_000) == [(7000, 199)]
    assert device.latest_point("v") == (7000, 199)


def test_topic_alias_without_a_topic_is_an_unknown_topic(connect, device):
    connection = connect(device.token, 5)
    alias = b"\x23\x00\x01"
    connection.publish(TELEMETRY, {"al": 1}, properties=alias)
    assert connection.puback() == 0
    connection.publish("", {"al": 2}, properties=alias)
    assert connection.puback() == 0x90
    assert device.latest("al") == {"al": 1}


def test_acknowledgement_is_quick_when_little_is_to_do(connect, device):
    connection = connect(device.token)
    publish(connection, {"warm": 1})

    def seconds():
        began = time.monotonic()
        publish(connection, {"n": 1})
        return time.monotonic() - began
    # A batch that waits for others would take a tenth of a second, always.
    eventually(lambda: sum(seconds() < 0.1 for _ in range(20)) >= 5, what="quick acknowledgements")


def test_a_burst_that_is_answered_at_once_does_not_stop_the_connection(connect, device):
    connection = connect(device.token)
    count = 3000
    connection.send(b"".join(mqtt.publish_packet(4, "x/y", "1", identifier=n) for n in range(1, count + 1)))
    for n in range(1, count + 1):
        connection.puback(n)
    connection.ping()
    publish(connection, {"after": 1})
