"""A small MQTT client over a plain socket, for what client libraries hide: exact packets, bad packets, exact answers."""
import collections
import json
import socket
import struct
import time

CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, \
    DISCONNECT, AUTH = range(1, 16)

TELEMETRY = "v1/devices/me/telemetry"
ATTRIBUTES = "v1/devices/me/attributes"

Packet = collections.namedtuple("Packet", "type flags body")
Message = collections.namedtuple("Message", "topic payload qos identifier")


def variable(number):
    """A variable byte integer."""
    out = bytearray()
    while True:
        number, byte = divmod(number, 128)
        out.append(byte | (0x80 if number else 0))
        if not number:
            return bytes(out)


def text(value):
    data = value if isinstance(value, bytes) else value.encode()
    return struct.pack(">H", len(data)) + data


def packet(kind, body=b"", flags=0):
    return bytes([kind << 4 | flags]) + variable(len(body)) + body


def connect_packet(version, client_id="c", username=None, password=None, clean=True, keep_alive=60, name=None, flags=0):
    flags |= (0x02 if clean else 0) | (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    body = text(name or ("MQIsdp" if version == 3 else "MQTT")) + bytes([version, flags]) + struct.pack(">H", keep_alive)
    body += b"\x00" if version == 5 else b""
    body += text(client_id)
    body += text(username) if username is not None else b""
    body += text(password) if password is not None else b""
    return packet(CONNECT, body)


def publish_packet(version, topic, payload, qos=1, identifier=1, properties=b""):
    body = text(topic) + (struct.pack(">H", identifier) if qos else b"")
    body += variable(len(properties)) + properties if version == 5 else b""
    return packet(PUBLISH, body + as_bytes(payload), flags=qos << 1)


def as_bytes(payload):
    if isinstance(payload, bytes):
        return payload
    return (payload if isinstance(payload, str) else json.dumps(payload)).encode()


class Connection:
    """One connection; every receiving call has a deadline."""

    def __init__(self, port, version=4, timeout=60):
        self.version, self.timeout = version, timeout
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.buffer = b""
        self.identifier = 0

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    # Receiving

    def receive(self, seconds=None):
        """The next packet, or `None` when the server has closed the connection."""
        deadline = time.monotonic() + (seconds or self.timeout)
        while True:
            found = self.parse()
            if found:
                return found
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                data = self.socket.recv(65536)
            except ConnectionError:
                return None
            if not data:
                assert not self.buffer, f"closed inside a packet: {self.buffer!r}"
                return None
            self.buffer += data

    def parse(self):
        length, shift = 0, 0
        for index in range(1, 5):
            if len(self.buffer) <= index:
                return None
            length |= (self.buffer[index] & 0x7F) << shift
            shift += 7
            if not self.buffer[index] & 0x80:
                break
        end = index + 1 + length
        if len(self.buffer) < end:
            return None
        found = Packet(self.buffer[0] >> 4, self.buffer[0] & 15, self.buffer[index + 1:end])
        self.buffer = self.buffer[end:]
        return found

    def expect(self, kind):
        found = self.receive()
        assert found is not None, f"closed instead of packet type {kind}"
        assert found.type == kind, f"{found} instead of packet type {kind}"
        return found

    def expect_closed(self):
        found = self.receive()
        assert found is None, f"{found} instead of a close"

    def expect_nothing(self, seconds=0.3):
        try:
            found = self.receive(seconds)
        except TimeoutError:
            return
        raise AssertionError(f"{found} instead of nothing")

    def expect_disconnect(self, reason):
        """DISCONNECT with that reason on version 5, then, on all versions, a close."""
        if self.version == 5:
            body = self.expect(DISCONNECT).body
            assert (body[0] if body else 0) == reason, f"reason {body.hex()} instead of {reason:02x}"
        self.expect_closed()

    # Exchanges

    def connect(self, **options):
        """CONNECT; returns the code of the CONNACK."""
        self.send(connect_packet(self.version, **options))
        return self.connack()[1]

    def connack(self):
        body = self.expect(CONNACK).body
        assert len(body) == (3 if self.version == 5 else 2), body
        assert self.version != 5 or body[2] == 0, "properties in the CONNACK"
        return body[0], body[1]

    def publish(self, topic, payload, qos=1, **options):
        """Sends a PUBLISH; returns its packet identifier."""
        self.identifier += 1
        self.send(publish_packet(self.version, topic, payload, qos, self.identifier, **options))
        return self.identifier

    def puback(self, identifier=None):
        """The reason code of the next PUBACK, which must be for `identifier` (by default the last one sent)."""
        body = self.expect(PUBACK).body
        assert struct.unpack(">H", body[:2])[0] == (identifier or self.identifier), body
        return body[2] if len(body) > 2 else 0

    def subscribe(self, *filters, qos=1):
        """The codes of the SUBACK."""
        body = struct.pack(">H", 7) + (b"\0" if self.version == 5 else b"")
        self.send(packet(SUBSCRIBE, body + b"".join(text(name) + bytes([qos]) for name in filters), flags=2))
        return list(self.expect(SUBACK).body[3 if self.version == 5 else 2:])

    def unsubscribe(self, *filters):
        """The codes of the UNSUBACK, which has some on MQTT 5."""
        body = struct.pack(">H", 8) + (b"\0" if self.version == 5 else b"")
        self.send(packet(UNSUBSCRIBE, body + b"".join(text(name) for name in filters), flags=2))
        return list(self.expect(UNSUBACK).body[3 if self.version == 5 else 2:])

    def message(self):
        """The next message from the server, acknowledged where that is due; PUBACKs before it are passed over."""
        while True:
            found = self.receive()
            assert found is not None, "closed instead of a message"
            if found.type != PUBACK:
                break
        assert found.type == PUBLISH, f"{found} instead of a message"
        length = struct.unpack(">H", found.body[:2])[0]
        topic, rest, qos, identifier = found.body[2:2 + length].decode(), found.body[2 + length:], found.flags >> 1 & 3, 0
        if qos:
            identifier, rest = struct.unpack(">H", rest[:2])[0], rest[2:]
            self.send(packet(PUBACK, struct.pack(">H", identifier)))
        if self.version == 5:
            # Properties are short here.
            rest = rest[1 + rest[0]:]
        return Message(topic, rest, qos, identifier)

    def json(self):
        """Topic and document of the next message."""
        message = self.message()
        return message.topic, json.loads(message.payload)

    def ping(self):
        self.send(packet(PINGREQ))
        self.expect(PINGRESP)


def connected(port, token, version=4, seconds=None, **options):
    """A connection that has been accepted with an access token; its answers may take so many seconds."""
    connection = Connection(port, version)
    connection.timeout = seconds or connection.timeout
    code = connection.connect(username=token, **options)
    assert code == 0, f"CONNACK {code}"
    return connection
