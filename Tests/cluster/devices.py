"""Devices that tests play."""
import contextlib
import json
import socket
import threading

import mqtt
from rest import Rest

CALLS = "v1/devices/me/rpc/request/+"
ATTRIBUTES = "v1/devices/me/attributes"


def subscribe(connection, topic, qos=0, identifier=7):
    connection.send(mqtt.packet(mqtt.SUBSCRIBE, bytes([0, identifier]) + mqtt.text(topic) + bytes([qos]), 2))
    found = connection.receive()
    assert found and found.type == mqtt.SUBACK, found
    return connection


def published(connection):
    """Topic and payload of the next PUBLISH of QoS 0 or 1, which is acknowledged."""
    packet = connection.expect(mqtt.PUBLISH)
    length = int.from_bytes(packet.body[:2], "big")
    topic, rest = packet.body[2:2 + length].decode(), packet.body[2 + length:]
    if packet.flags & 6:
        connection.send(mqtt.packet(mqtt.PUBACK, rest[:2]))
        rest = rest[2:]
    return topic, rest


class Answering(threading.Thread):
    """A connected device that answers every call with twice its parameter."""

    def __init__(self, port=None, device=None, connection=None):
        super().__init__(daemon=True)
        self.connection = connection or subscribe(mqtt.connected(port, device.token, seconds=60), CALLS)
        self.seen = []
        #: Numbers of the calls.
        self.numbers = []
        self.start()

    def run(self):
        try:
            while True:
                topic, payload = published(self.connection)
                call = json.loads(payload)
                self.seen.append(call["params"])
                self.numbers.append(int(topic.rsplit("/", 1)[1]))
                self.connection.publish(topic.replace("request", "response"), {"twice": call["params"] * 2}, qos=0)
        except (OSError, AssertionError, ValueError):
            return

    def close(self):
        # Closing alone does not wake who waits for something to read.
        with contextlib.suppress(OSError):
            self.connection.socket.shutdown(socket.SHUT_RDWR)
        self.connection.close()
        self.join(5)


def device_owned_by(rest, core, **fields):
    """A new device whose partition that core node owns."""
    from partitions import core_of
    while True:
        device = rest.create_device(**fields)
        if core_of(device.id) == core:
            return device
        rest.call("DELETE", "/api/device/" + device.id)


def at(device, url):
    """The same device, seen through another core node."""
    return type(device)(Rest(url), device.entity, device.token)
