"""Input that no well-behaved client sends: each is answered or closed, and no other connection notices."""
import contextlib
import socket
import struct

import pytest

import mqtt
from mqtt import TELEMETRY


@pytest.fixture(autouse=True)
def witness(connect, rest):
    """A well-behaved connection that must still work after whatever the test did."""
    connection = connect(rest.create_device().token, client_id="witness")
    yield
    connection.publish(TELEMETRY, {"fine": 1})
    assert connection.puback() == 0


VALID_PUBLISH = mqtt.publish_packet(4, TELEMETRY, {"a": 1})
VALID_SUBSCRIBE_BODY = b"\x00\x01" + mqtt.text("v1/devices/me/attributes") + b"\x01"

# After CONNECT, on 3.1.1 and, where it is the same there, on 5.
MALFORMED = {
    "packet type 0": b"\x00\x00",
    "QoS 3": b"\x36\x07" + mqtt.text("a/b") + b"\x00\x01",
    "packet identifier 0": mqtt.publish_packet(4, TELEMETRY, {"a": 1}, identifier=0),
    "five bytes of remaining length": b"\x30\xff\xff\xff\xff\x01",
    "remaining length over the limit": b"\x30\xff\xff\xff\x7f",
    "topic longer than the packet": b"\x30\x05\x00\xff\x61\x62\x63",
    "topic of invalid UTF-8": mqtt.packet(mqtt.PUBLISH, mqtt.text(b"\xff\xfe") + b"\x00\x01{}", flags=2),
    "topic with U+0000": mqtt.packet(mqtt.PUBLISH, mqtt.text(b"a\x00b") + b"\x00\x01{}", flags=2),
    "topic with an encoded surrogate": mqtt.packet(mqtt.PUBLISH, mqtt.text(b"\xed\xa0\x80") + b"\x00\x01{}", flags=2),
    "publish without room for a packet identifier": mqtt.packet(mqtt.PUBLISH, mqtt.text(TELEMETRY), flags=2),
    "empty publish": mqtt.packet(mqtt.PUBLISH, b"", flags=2),
    "subscribe with wrong flags": mqtt.packet(mqtt.SUBSCRIBE, VALID_SUBSCRIBE_BODY, flags=0),
    "subscribe without filters": mqtt.packet(mqtt.SUBSCRIBE, b"\x00\x01", flags=2),
    "subscribe with packet identifier 0": mqtt.packet(mqtt.SUBSCRIBE, b"\x00\x00" + VALID_SUBSCRIBE_BODY[2:], flags=2),
    "subscribe with reserved option bits": mqtt.packet(mqtt.SUBSCRIBE, VALID_SUBSCRIBE_BODY[:-1] + b"\xf1", flags=2),
    "unsubscribe with wrong flags": mqtt.packet(mqtt.UNSUBSCRIBE, b"\x00\x01" + mqtt.text("a"), flags=0),
    "ping with a body": b"\xc0\x01\x00",
    "ping with flags": b"\xc1\x00",
    "puback without a packet identifier": b"\x40\x00",
    "pubrel with wrong flags": b"\x60\x02\x00\x01",
    "CONNACK from a client": b"\x20\x02\x00\x00",
    "PINGRESP from a client": b"\xd0\x00",
    "SUBACK from a client": b"\x90\x03\x00\x01\x00",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_packet_closes_3_1_1(connect, device, name):
    connection = connect(device.token, 4)
    connection.send(MALFORMED[name])
    connection.expect_closed()


MALFORMED_5 = {
    **{name: MALFORMED[name] for name in (
        "packet type 0", "QoS 3", "five bytes of remaining length", "remaining length over the limit",
        "topic longer than the packet", "subscribe with wrong flags", "ping with flags")},
    "properties longer than the packet": mqtt.packet(
        mqtt.PUBLISH, mqtt.text(TELEMETRY) + b"\x00\x01\x7f{}", flags=2),
    "unknown property": mqtt.publish_packet(5, TELEMETRY, {"a": 1}, properties=b"\x7e\x00"),
    "property twice": mqtt.publish_packet(5, TELEMETRY, {"a": 1}, properties=b"\x23\x00\x01\x23\x00\x01"),
    "property of another packet": mqtt.publish_packet(5, TELEMETRY, {"a": 1}, properties=b"\x21\x00\x05"),
}


@pytest.mark.parametrize("name", MALFORMED_5)
def test_malformed_packet_closes_5_with_a_reason(connect, device, name):
    connection = connect(device.token, 5)
    connection.send(MALFORMED_5[name])
    connection.expect_disconnect(0x81)


BAD_CONNECTS = {
    "truncated": mqtt.packet(mqtt.CONNECT, mqtt.text("MQTT") + b"\x04"),
    "no protocol name": mqtt.packet(mqtt.CONNECT, b""),
    "reserved flag": mqtt.connect_packet(4, username="x", flags=1),
    "wrong fixed header flags": b"\x11" + mqtt.connect_packet(4, username="x")[1:],
    "client id of invalid UTF-8": mqtt.connect_packet(4, client_id=b"\xff", username="x"),
    "user name longer than the packet": mqtt.packet(
        mqtt.CONNECT, mqtt.text("MQTT") + b"\x04\x82\x00\x3c" + mqtt.text("c") + b"\x00\x50ab"),
    "will of QoS 3": mqtt.connect_packet(4, username="x", flags=0x1C),
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(508),
}


@pytest.mark.parametrize("name", BAD_CONNECTS)
def test_malformed_connect_is_closed_without_an_answer(open_connection, name):
    connection = open_connection()
    connection.send(BAD_CONNECTS[name])
    connection.expect_closed()


@pytest.mark.parametrize("first", [VALID_PUBLISH, mqtt.packet(mqtt.PINGREQ), mqtt.packet(mqtt.DISCONNECT)])
def test_other_packets_before_connect_are_not_answered(open_connection, first):
    connection = open_connection()
    connection.send(first)
    try:
        assert connection.receive(1) is None
    except TimeoutError:
        pass


def test_every_prefix_of_a_session_may_be_the_last_thing_heard(server, device):
    session = mqtt.connect_packet(4, username=device.token) + VALID_PUBLISH + mqtt.packet(mqtt.PINGREQ)
    for length in range(len(session)):
        with mqtt.Connection(server.mqtt_port) as connection:
            connection.send(session[:length])


def test_one_byte_at_a_time(open_connection, device):
    connection = open_connection()
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in mqtt.connect_packet(4, username=device.token) + mqtt.publish_packet(4, TELEMETRY, {"slow": 1}):
        connection.send(bytes([byte]))
    assert connection.connack() == (0, 0)
    assert connection.puback(1) == 0
    device.await_latest({"slow": 1})


def test_reset_connections_leave_nothing_behind(server, device):
    for _ in range(200):
        connection = mqtt.Connection(server.mqtt_port)
        connection.send(mqtt.connect_packet(4, username=device.token))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()


def test_client_that_never_reads_does_not_stop_others(connect, device, rest):
    deaf = connect(device.token)
    deaf.socket.settimeout(0.5)
    burst = b"".join(mqtt.publish_packet(4, "unknown/topic", {"a": 1}, 1, n) for n in range(1, 1001))
    try:
        for _ in range(200):
            deaf.send(burst)
    except TimeoutError:
        pass
    other = connect(rest.create_device().token)
    for n in range(10):
        other.publish(TELEMETRY, {"n": n})
        assert other.puback() == 0


def test_a_thousand_silent_connections(server, connect, device):
    silent = [socket.create_connection(("127.0.0.1", server.mqtt_port)) for _ in range(1000)]
    try:
        connect(device.token).ping()
    finally:
        for connection in silent:
            connection.close()


# JSON

@pytest.mark.parametrize("payload", [
    '{"exp":1e400}', '{"big":%s}' % ("9" * 4000), '{"a":-0.0}', '{"k":"%s"}' % ("x" * 60_000),
    '{"dup":1,"dup":"text"}', '{"esc":"\\u0000"}'])
def test_odd_but_valid_json_is_acknowledged(connect, device, payload):
    connection = connect(device.token, 5)
    connection.publish(TELEMETRY, payload)
    assert connection.puback() == 0
    connection.ping()


# HTTP

def received(connection, first, then):
    """What comes until the peer closes, or is silent: for so many seconds before the first byte, and between others."""
    answer = b""
    with contextlib.suppress(OSError):
        connection.settimeout(first)
        while data := connection.recv(65536):
            answer += data
            connection.settimeout(then)
    return answer


def exchange(server, request):
    """Sends bytes; returns everything that comes back. A server that has refused waits a second for what the client may still be
    sending; the client's end, behind a moment of silence, spares that."""
    with socket.create_connection(("127.0.0.1", server.http_port), 60) as connection:
        connection.sendall(request)
        answer = received(connection, 60, 0.2)
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        return answer + received(connection, 60, 60)


def smuggled(device, *fields, body=b"0\r\n\r\n"):
    head = [f"POST /api/v1/{device.token}/telemetry HTTP/1.1".encode(), b"Host: localhost", *fields]
    return b"\r\n".join(head) + b"\r\n\r\n" + body


HIDDEN = b'POST /api/v1/%s/telemetry HTTP/1.1\r\nHost: x\r\nContent-Length: 14\r\n\r\n{"smuggled":1}'

SMUGGLING = {
    "length and chunked": (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
    "two lengths": (b"Content-Length: 0", b"Content-Length: 5"),
    "list of lengths": (b"Content-Length: 0, 5",),
    "signed length": (b"Content-Length: +5",),
    "hexadecimal length": (b"Content-Length: 0x5",),
    "negative length": (b"Content-Length: -5",),
    "length beyond 64 bits": (b"Content-Length: 99999999999999999999",),
    "unknown coding": (b"Transfer-Encoding: xchunked",),
    "chunked not last": (b"Transfer-Encoding: chunked, identity",),
    "two codings": (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
    "vertical tab before chunked": (b"Transfer-Encoding: \x0bchunked",),
    "space before the colon": (b"Transfer-Encoding : chunked",),
    "folded field": (b"Transfer-Encoding:\r\n chunked",),
    "field without a colon": (b"Transfer-Encoding chunked", b"Content-Length: 5"),
    "control character in a name": (b"Content-Length\x00: 5",),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_smuggling_forms_are_refused_and_the_connection_closed(server, device, name):
    request = smuggled(device, *SMUGGLING[name]) + HIDDEN % device.token.encode()
    answer = exchange(server, request)
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413", b"HTTP/1.1 501")), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, answer
    assert device.latest("smuggled") == {"smuggled": None}


@pytest.mark.parametrize("body", [b"zz\r\n", b"5\r\n{\"a\":1}\r\n", b"-1\r\n\r\n", b"fffffffffffffffff\r\n", b"5;\x00\r\n"])
def test_malformed_chunks_are_refused(server, device, body):
    answer = exchange(server, smuggled(device, b"Transfer-Encoding: chunked", body=body))
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 413")), answer[:200]


@pytest.mark.parametrize("request_bytes", [
    b"\x00\x01\x02\x03\r\n\r\n", b"GET /\r\n\r\n", b"GET / HTTP/3.0\r\n\r\n", b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n"])
def test_malformed_requests_are_refused(server, request_bytes):
    answer = exchange(server, request_bytes)
    assert answer == b"" or answer.startswith(b"HTTP/1.1 4") or answer.startswith(b"HTTP/1.1 5"), answer[:200]


@pytest.mark.parametrize("path", ["/api/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/api/v1/%00/telemetry", "/%ff%fe",
                                  "/api/v1/%zz/telemetry"])
def test_odd_paths_find_nothing(server, path):
    answer = exchange(server, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith((b"HTTP/1.1 4",)), answer[:200]
    assert b"root:" not in answer
