"""Provisioning, claiming and OTA over MQTT, case by case (device-api.md 8, 9, 13; the number in a comment is the case's)."""
import hashlib
import json
import uuid

import pytest
import requests

import mqtt
from mqtt import ATTRIBUTES, TELEMETRY
from rest import Device, Rest
from server import eventually

REQUEST, RESPONSE = "/provision/request", "/provision/response"


def profile_of(rest, kind="ALLOW_CREATE_NEW_DEVICES"):
    salt = uuid.uuid4().hex[:12]
    profile = rest.ok("POST", "/api/deviceProfile", {
        "name": "Provisioning " + salt, "type": "DEFAULT", "transportType": "DEFAULT", "provisionType": kind,
        "provisionDeviceKey": "key-" + salt,
        "profileData": {
            "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}, "alarms": [],
            "provisionConfiguration": {"type": kind, "provisionDeviceSecret": "secret-" + salt}}})
    return profile, {"provisionDeviceKey": "key-" + salt, "provisionDeviceSecret": "secret-" + salt}


@pytest.fixture
def provision(open_connection):
    def provision(request, version=4):
        """The answer to one request on a connection of its own."""
        connection = open_connection(version)
        assert connection.connect(username="provision") == 0
        connection.publish(REQUEST, request)
        topic, answer = connection.json()
        assert topic == RESPONSE
        return answer

    return provision


NOT_FOUND = {"errorMsg": "Provision data was not found!", "status": "NOT_FOUND"}
FAILURE = {"errorMsg": "Failed to provision device!", "status": "FAILURE"}


@pytest.mark.parametrize("version", [4, 5])
def test_a_new_device_gets_a_token(rest, provision, connect, version):  # 93
    _, keys = profile_of(rest)
    called = "P-" + uuid.uuid4().hex[:10]
    answer = provision({**keys, "deviceName": called}, version)
    assert (answer["status"], answer["credentialsType"]) == ("SUCCESS", "ACCESS_TOKEN")
    connection = connect(answer["credentialsValue"], version)
    connection.publish(TELEMETRY, {"a": 1})
    connection.puback()
    assert provision({**keys, "deviceName": called}, version) == FAILURE


def test_a_device_that_was_made_before(rest, provision):  # 94
    profile, keys = profile_of(rest, "CHECK_PRE_PROVISIONED_DEVICES")
    device = rest.create_device(type=profile["name"], deviceProfileId=profile["id"])
    assert provision({**keys, "deviceName": "nobody"}) == FAILURE
    answer = provision({**keys, "deviceName": device.entity["name"]})
    assert (answer["status"], answer["credentialsValue"]) == ("SUCCESS", device.token)
    assert device.attributes("SERVER_SCOPE")["provisionState"] == "provisioned"
    assert provision({**keys, "deviceName": device.entity["name"]}) == FAILURE


def test_wrong_keys_are_not_found(rest, provision):  # 95
    _, keys = profile_of(rest)
    _, disabled = profile_of(rest, "DISABLED")
    for request in ({**keys, "provisionDeviceKey": "no"}, {**keys, "provisionDeviceSecret": "no"}, disabled):
        assert provision(request) == NOT_FOUND


def test_basic_credentials_and_gateways(rest, provision):  # 96, 97
    _, keys = profile_of(rest)
    salt = uuid.uuid4().hex[:10]
    answer = provision({**keys, "deviceName": "B-" + salt, "credentialsType": "MQTT_BASIC", "clientId": "c-" + salt,
                        "username": "u-" + salt, "password": "p"})
    assert answer["credentialsValue"] == {"clientId": "c-" + salt, "userName": "u-" + salt, "password": "p"}
    assert provision({**keys, "deviceName": "G-" + salt, "gateway": True})["status"] == "SUCCESS"
    assert rest.ok("GET", "/api/tenant/devices?deviceName=G-" + salt)["additionalInfo"]["gateway"] is True


def test_a_connection_to_be_provisioned_is_for_nothing_else(open_connection):  # 98
    connection = open_connection(5)
    assert connection.connect(username="provision") == 0
    assert connection.subscribe(ATTRIBUTES, RESPONSE) == [0x8F, 1]
    connection.publish(TELEMETRY, {"a": 1})
    assert connection.puback() == 0x90
    connection.expect_disconnect(0x90)


@pytest.mark.parametrize("version", [4, 5])
def test_a_request_without_secret(open_connection, server, version):  # 99
    connection = open_connection(version)
    assert connection.connect(username="provision") == 0
    connection.publish(REQUEST, {"provisionDeviceKey": "k"})
    assert connection.puback() == (0x83 if version == 5 else 0)
    connection.expect_disconnect(0x83)
    answer = requests.post(server.url + "/api/v1/provision", json={"provisionDeviceKey": "k"}, timeout=60)
    assert answer.status_code == 500


# Claiming


def test_a_customer_claims_a_device_that_offered_itself(server, rest, device, connect):  # 100
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    other = Rest(server.url, "customerA@thingsboard.org", "customer")
    path = f"/api/customer/device/{device.entity['name']}/claim"
    connection = connect(device.token)

    def offer():
        connection.publish("v1/devices/me/claim", {"secretKey": "s", "durationMs": 60000})
        connection.puback()
        eventually(lambda: "claimingData" in device.attributes("SERVER_SCOPE"), 60, "the offer")

    offer()
    assert customer.call("POST", path, {"secretKey": "guess"}).json() == "FAILURE"
    # A wrong secret uses the offer up.
    eventually(lambda: "claimingData" not in device.attributes("SERVER_SCOPE"), 60, "the end of the offer")
    offer()
    assert customer.ok("POST", path, {"secretKey": "s"})["response"] == "SUCCESS"
    late = other.call("POST", path, {"secretKey": "s"})
    assert (late.status_code, late.json()) == (400, "CLAIMED")


def test_a_gateway_offers_its_devices(server, rest, connect):
    gateway = rest.create_device(additionalInfo={"gateway": True})
    called = "D-" + uuid.uuid4().hex[:10]
    connection = connect(gateway.token)
    connection.publish("v1/gateway/claim", {called: {"secretKey": "s", "durationMs": 60000}})
    connection.puback()
    found = Device(rest, rest.ok("GET", "/api/tenant/devices?deviceName=" + called), None)
    eventually(lambda: "claimingData" in found.attributes("SERVER_SCOPE"), 60, "the offer")
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    assert customer.ok("POST", f"/api/customer/device/{called}/claim", {"secretKey": "s"})["response"] == "SUCCESS"


# OTA


@pytest.fixture
def package(rest):
    data = bytes(range(25))
    profile = rest.ok("GET", "/api/deviceProfileInfo/default")
    made = rest.ok("POST", "/api/otaPackage", {
        "type": "FIRMWARE", "title": "T " + uuid.uuid4().hex[:8], "version": "1.0", "deviceProfileId": profile["id"]})
    answer = rest.session.post(f"{rest.url}/api/otaPackage/{made['id']['id']}?checksumAlgorithm=SHA256",
                               files={"file": ("image.bin", data)}, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json(), data


def assign(device, package):
    entity = device.rest.ok("GET", "/api/device/" + device.id)
    device.rest.ok("POST", "/api/device", {**entity, "firmwareId": package["id"]})


@pytest.mark.parametrize("version", [4, 5])
def test_a_package_comes_in_chunks(device, package, connect, version):  # 101
    info, data = package
    assign(device, info)
    connection = connect(device.token, version)
    connection.subscribe("v2/fw/response/+/chunk/+")
    for chunk in range(4):
        connection.publish(f"v2/fw/request/1/chunk/{chunk}", "10")
        message = connection.message()
        assert (message.topic, message.payload) == (f"v2/fw/response/1/chunk/{chunk}", data[chunk * 10:chunk * 10 + 10])


@pytest.mark.parametrize("version", [4, 5])
def test_a_device_without_a_package(device, connect, version):  # 102
    connection = connect(device.token, version)
    connection.subscribe("v2/fw/error")
    connection.publish("v2/fw/request/1/chunk/0", "10")
    message = connection.message()
    assert (message.topic, message.payload) == ("v2/fw/error", b"NOT_FOUND")
    while (found := connection.receive()) is not None:
        assert found.type in (mqtt.DISCONNECT, mqtt.PUBACK)


def test_a_subscribed_device_hears_of_its_package(device, package, connect):  # 103
    info, data = package
    connection = connect(device.token)
    connection.subscribe(ATTRIBUTES)
    assign(device, info)
    topic, told = connection.json()
    assert topic == ATTRIBUTES
    assert told == {"fw_title": info["title"], "fw_version": "1.0", "fw_size": 25, "fw_checksum_algorithm": "SHA256",
                    "fw_checksum": hashlib.sha256(data).hexdigest(), **{key: told[key] for key in told if key == "fw_tag"}}
    history = [value for _, value in sorted(device.history("fw_state", 0, 10**14))]
    assert history == ["QUEUED", "INITIATED"], json.dumps(history)
