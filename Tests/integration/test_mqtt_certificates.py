"""Devices and gateways that are known by who signed their certificates (device-api.md 8.4)."""
import base64
import hashlib
import json
import subprocess
import uuid

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mqtt import TELEMETRY
from rest import Device, Rest
from server import eventually
from test_mqtt_tls import TLSServer, connect_reason, create_device_with_certificate, openssl


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    running = TLSServer(tmp_path_factory.mktemp("certificates"))
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def rest(tls):
    return Rest(tls.url)


def salt():
    return uuid.uuid4().hex[:8]


class Signer:
    """A certificate that signs others; the root signs itself."""

    def __init__(self, folder, parent=None):
        self.folder, self.parent, self.name = folder, parent, "ca-" + salt()
        self.certificate, self.key = self.make(self.name, self.name, "basicConstraints=critical,CA:true", parent)

    def make(self, name, common_name, extensions, signer):
        key, request, certificate, options = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem", "ext"))
        options.write_text(extensions + "\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                "/O=Factory/CN=" + common_name, "-keyout", key, "-out", request)
        by = ["-CA", signer.certificate, "-CAkey", signer.key, "-CAcreateserial"] if signer else ["-signkey", key]
        openssl("x509", "-req", "-in", request, *by, "-days", 30, "-extfile", options, "-out", certificate)
        return certificate, key

    def chain(self):
        return self.certificate.read_text() + (self.parent.chain() if self.parent else "")

    def issue(self, common_name):
        """A leaf with its whole chain in one file, as clients present it, and its key."""
        certificate, key = self.make("leaf-" + salt(), common_name, "keyUsage=digitalSignature", self)
        text = credentials_text(certificate)
        certificate.write_text(certificate.read_text() + self.chain())
        return certificate, key, text


def credentials_text(certificate):
    """The first certificate of a file as the platform keeps it: base64 of the DER on one line."""
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout
    return base64.b64encode(der).decode()


@pytest.fixture(scope="module")
def factory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("factory")
    root = Signer(folder)
    return Signer(folder, root)


def chain_profile(rest, signer, creates=True, pattern="(.*)\\.factory"):
    name = "Chain " + salt()
    return rest.ok("POST", "/api/deviceProfile", {
        "name": name, "type": "DEFAULT", "transportType": "MQTT", "provisionType": "X509_CERTIFICATE_CHAIN",
        "profileData": {
            "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "MQTT"}, "alarms": [],
            "provisionConfiguration": {
                "type": "X509_CERTIFICATE_CHAIN", "provisionDeviceSecret": signer.certificate.read_text(),
                "certificateRegExPattern": pattern, "allowCreateNewDevicesByX509Certificate": creates}}})


@pytest.fixture
def signer(factory, tmp_path):
    """An intermediate of its own, so that tests do not meet in one profile."""
    return Signer(tmp_path, factory)


def find_device(rest, name):
    answer = rest.call("GET", f"/api/tenant/devices?deviceName={name}")
    return Device(rest, answer.json(), None) if answer.status_code == 200 else None


def credentials(rest, device):
    return rest.ok("GET", f"/api/device/{device.id}/credentials")


def publish(tls, certificate, key, topic, payload, protocol=MQTTProtocolVersion.MQTTv311):
    heard = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="c" + salt(), protocol=protocol)
    client.tls_set(str(tls.authority.file), str(certificate), str(key))
    client.on_connect = lambda c, u, flags, reason, properties: heard.append(reason.value)
    client.connect("127.0.0.1", tls.tls_port)
    client.loop_start()
    try:
        eventually(lambda: heard, 60, "a CONNACK")
        assert heard == [0]
        client.publish(topic, json.dumps(payload), qos=1).wait_for_publish(60)
    finally:
        client.disconnect()
        client.loop_stop()


def test_a_leaf_of_a_known_signer_registers_its_device_and_is_its_credentials(tls, rest, signer):
    profile = chain_profile(rest, signer)
    assert profile["provisionDeviceKey"] == hashlib.sha3_256(credentials_text(signer.certificate).encode()).hexdigest()
    name = "Chained-" + salt()
    certificate, key, text = signer.issue(name + ".factory")
    publish(tls, certificate, key, TELEMETRY, {"first": 1})
    device = find_device(rest, name)
    device.await_latest({"first": 1})
    assert device.entity["deviceProfileId"]["id"] == profile["id"]["id"]
    assert device.attributes("SERVER_SCOPE")["provisionState"] == "provisioned"
    kept = credentials(rest, device)
    assert (kept["credentialsType"], kept["credentialsValue"]) == ("X509_CERTIFICATE", text)
    # The same certificate is the same device.
    publish(tls, certificate, key, TELEMETRY, {"second": 2})
    device.await_latest({"second": 2})


def test_the_root_may_be_the_known_signer(tls, rest, tmp_path):
    root = Signer(tmp_path)
    chain_profile(rest, root)
    name = "Rooted-" + salt()
    certificate, key, _ = Signer(tmp_path, root).issue(name + ".factory")
    publish(tls, certificate, key, TELEMETRY, {"n": 1}, MQTTProtocolVersion.MQTTv5)
    find_device(rest, name).await_latest({"n": 1})


def test_another_leaf_with_the_same_name_replaces_the_certificate(tls, rest, signer):
    chain_profile(rest, signer)
    name = "Renewed-" + salt()
    old = signer.issue(name + ".factory")
    new = signer.issue(name + ".factory")
    publish(tls, *old[:2], TELEMETRY, {"n": 1})
    publish(tls, *new[:2], TELEMETRY, {"n": 2})
    device = find_device(rest, name)
    device.await_latest({"n": 2})
    assert credentials(rest, device)["credentialsValue"] == new[2]


@pytest.mark.parametrize("protocol", [MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5])
def test_a_leaf_that_may_not_register_is_refused(tls, rest, signer, protocol):
    chain_profile(rest, signer, creates=False)
    name = "Unwanted-" + salt()
    certificate, key, _ = signer.issue(name + ".factory")
    # paho names the codes of MQTT 3 like those of MQTT 5.
    assert connect_reason(tls, protocol, certificate, key) == 0x87
    assert find_device(rest, name) is None


def test_a_name_that_the_pattern_does_not_find_is_refused(tls, rest, signer):
    chain_profile(rest, signer)
    certificate, key, _ = signer.issue("Elsewhere-" + salt())
    assert connect_reason(tls, MQTTProtocolVersion.MQTTv5, certificate, key) == 0x87


def test_without_creation_a_device_that_is_there_gets_its_certificate_renewed(tls, rest, signer):
    profile = chain_profile(rest, signer, creates=False)
    name = "Known-" + salt()
    old = signer.issue(name + ".factory")
    created = rest.ok("POST", "/api/device-with-credentials", {
        "device": {"name": name, "deviceProfileId": profile["id"]},
        "credentials": {"credentialsType": "X509_CERTIFICATE", "credentialsValue": old[2]}})
    new = signer.issue(name + ".factory")
    publish(tls, *new[:2], TELEMETRY, {"renewed": True})
    device = Device(rest, created, None)
    device.await_latest({"renewed": True})
    assert credentials(rest, device)["credentialsValue"] == new[2]


def test_a_device_with_other_credentials_keeps_them(tls, rest, signer):
    profile = chain_profile(rest, signer)
    name = "Token-" + salt()
    device = Device(rest, rest.ok("POST", "/api/device", {"name": name, "deviceProfileId": profile["id"]}), None)
    before = credentials(rest, device)
    certificate, key, _ = signer.issue(name + ".factory")
    assert connect_reason(tls, MQTTProtocolVersion.MQTTv5, certificate, key) == 0x87
    assert credentials(rest, device) == before


def test_a_device_of_another_profile_is_not_taken_over(tls, rest, signer):
    chain_profile(rest, signer)
    name = "Foreign-" + salt()
    device = Device(rest, rest.ok("POST", "/api/device", {"name": name, "type": "default"}), None)
    before = credentials(rest, device)
    certificate, key, _ = signer.issue(name + ".factory")
    assert connect_reason(tls, MQTTProtocolVersion.MQTTv5, certificate, key) == 0x87
    assert credentials(rest, device) == before


def test_a_chain_of_unknown_signers_is_refused_at_connect(tls, tmp_path):
    certificate, key, _ = Signer(tmp_path, Signer(tmp_path)).issue("stranger.factory")
    assert connect_reason(tls, MQTTProtocolVersion.MQTTv5, certificate, key) == 0x87


def test_a_gateway_is_known_by_its_certificate(tls, rest, signer):
    certificate, key, text = signer.issue("Gateway-" + salt())
    gateway = create_device_with_certificate(rest, text)
    rest.ok("POST", "/api/device", {**rest.ok("GET", "/api/device/" + gateway.id), "additionalInfo": {"gateway": True}})
    name = "Behind-" + salt()
    publish(tls, certificate, key, "v1/gateway/telemetry", {name: [{"behind": 1}]})
    find_device(rest, name).await_latest({"behind": 1})
