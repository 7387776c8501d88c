"""A device that is called over MQTT: one whose every packet the test decides about, and one that lives by itself."""
import contextlib
import json
import struct
import threading
import time

import mqtt

REQUESTS = "v1/devices/me/rpc/request/"
RESPONSES = "v1/devices/me/rpc/response/"


def subscribe_packet(identifier, filter, qos=1, version=4):
    return mqtt.packet(mqtt.SUBSCRIBE, struct.pack(">H", identifier) + (b"\0" if version == 5 else b"")
                       + mqtt.text(filter) + bytes([qos]), 2)


class Call:
    """A PUBLISH with a call."""

    def __init__(self, packet):
        length = struct.unpack(">H", packet.body[:2])[0]
        topic = packet.body[2:2 + length].decode()
        assert topic.startswith(REQUESTS), topic
        rest = packet.body[2 + length:]
        self.number = int(topic[len(REQUESTS):])
        self.qos = packet.flags >> 1 & 3
        self.identifier = struct.unpack(">H", rest[:2])[0] if self.qos else 0
        content = json.loads(rest[2:] if self.qos else rest)
        self.method, self.params = content["method"], content["params"]


class CalledDevice:
    """A connection that is subscribed to calls, on version 3.1.1."""

    def __init__(self, port, token, qos=1, timeout=60):
        self.connection = mqtt.connected(port, token, seconds=timeout)
        self.connection.send(subscribe_packet(1, REQUESTS + "+", qos))
        assert self.connection.expect(mqtt.SUBACK).body[-1] == qos

    def __enter__(self):
        return self

    def __exit__(self, *error):
        # What is sent from now on must not go to a session whose end nobody has noticed.
        with contextlib.suppress(OSError, AssertionError):
            self.connection.send(mqtt.packet(mqtt.DISCONNECT))
            while self.connection.receive():
                pass
        self.connection.close()

    def next_call(self):
        return Call(self.connection.expect(mqtt.PUBLISH))

    def expect_no_call(self, seconds=0.5):
        self.connection.expect_nothing(seconds)

    def acknowledge(self, call):
        self.connection.send(mqtt.packet(mqtt.PUBACK, struct.pack(">H", call.identifier)))

    def answer(self, call, content):
        self.connection.publish(f"{RESPONSES}{call.number}", content)
        self.connection.puback()


class LivingDevice:
    """Answers every call with its params, and connects again whenever it is cut off, until it is told to stop.

    `seen` has (number, params) of every call in the order in which they came, those that came twice too.
    """

    def __init__(self, ports, token, pause=0.0):
        self.ports, self.token, self.pause = ports, token, pause
        self.seen = []
        self.connections = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.live, daemon=True)
        self.thread.start()

    def live(self):
        while not self.stopped.is_set():
            port = self.ports[self.connections % len(self.ports)]
            self.connections += 1
            try:
                self.serve(port)
            except (OSError, AssertionError):
                time.sleep(0.1)

    def serve(self, port):
        with mqtt.connected(port, self.token, seconds=5) as connection:
            connection.send(subscribe_packet(1, REQUESTS + "+"))
            while not self.stopped.is_set():
                try:
                    packet = connection.receive(0.2)
                except TimeoutError:
                    continue
                if packet is None:
                    return
                if packet.type == mqtt.PUBLISH:
                    self.answer(connection, Call(packet))

    def answer(self, connection, call):
        self.seen.append((call.number, call.params))
        if self.pause:
            time.sleep(self.pause)
        connection.send(mqtt.packet(mqtt.PUBACK, struct.pack(">H", call.identifier)))
        connection.publish(f"{RESPONSES}{call.number}", call.params)

    def stop(self):
        self.stopped.set()
        self.thread.join(20)
