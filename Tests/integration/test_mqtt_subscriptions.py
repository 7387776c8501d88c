"""SUBSCRIBE and UNSUBSCRIBE: literal filters only (device-api.md 2.7)."""
import struct

import pytest

import mqtt


def subscribe(connection, *filters, qos=1, identifier=9):
    properties = b"\x00" if connection.version == 5 else b""
    body = struct.pack(">H", identifier) + properties
    body += b"".join(mqtt.text(name) + bytes([qos]) for name in filters)
    connection.send(mqtt.packet(mqtt.SUBSCRIBE, body, flags=2))
    answer = connection.expect(mqtt.SUBACK).body
    assert struct.unpack(">H", answer[:2])[0] == identifier
    return list(answer[3 if connection.version == 5 else 2:])


@pytest.mark.parametrize("version", [3, 4, 5])
def test_known_filters_are_granted_up_to_qos_1(connect, device, version):
    connection = connect(device.token, version)
    assert subscribe(connection, "v1/devices/me/attributes", qos=2) == [1]
    assert subscribe(connection, "v1/devices/me/rpc/request/+", qos=0) == [0]


@pytest.mark.parametrize("version,refused", [(4, 0x80), (5, 0x8F)])
def test_other_filters_are_refused_one_by_one(connect, device, version, refused):
    connection = connect(device.token, version)
    filters = ["#", "v1/devices/me/attributes", "v1/devices/me/#", "some/topic", "$share/g/v1/devices/me/attributes"]
    assert subscribe(connection, *filters) == [refused, 1, refused, refused, refused]
    connection.ping()
