"""MQTT over TLS, and devices that are known by their certificates (device-api.md 2.2, 8.4)."""
import shutil
import ssl
import subprocess
import uuid

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

import examples
from ports import free_ports
from rest import Rest
from server import EXECUTABLE, Server, eventually


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=120)


class Authority:
    def __init__(self, folder):
        self.folder = folder
        self.file = folder / "ca.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=ca-" + uuid.uuid4().hex[:8],
                "-keyout", folder / "ca.key", "-out", self.file)

    def issue(self, name, days=30, extensions="subjectAltName=IP:127.0.0.1"):
        key, request, certificate = (self.folder / f"{name}.{end}" for end in ("key", "csr", "pem"))
        options = self.folder / (name + ".ext")
        options.write_text(extensions + "\n")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key", "-CAcreateserial",
                "-days", days, "-extfile", options, "-out", certificate)
        return certificate, key


class TLSServer(Server):
    def __init__(self, folder, environment=None):
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("server")
        self.certificate, self.key = folder / "live.pem", folder / "live.key"
        shutil.copy(certificate, self.certificate)
        shutil.copy(key, self.key)
        self.tls_port, = free_ports(1)
        super().__init__({
            "MQTT_SSL_ENABLED": "true", "MQTT_SSL_BIND_PORT": str(self.tls_port), "MQTT_SSL_BIND_ADDRESS": "127.0.0.1",
            "MQTT_SSL_PEM_CERT": str(self.certificate), "MQTT_SSL_PEM_KEY": str(self.key),
            "TB_TRANSPORT_SSL_CERTIFICATE_RELOAD_CHECK_INTERVAL_SECONDS": "1", **(environment or {})})


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    running = TLSServer(tmp_path_factory.mktemp("tls"))
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def rest(tls):
    return Rest(tls.url)


def create_device_with_certificate(rest, text):
    from rest import Device
    created = rest.ok("POST", "/api/device-with-credentials", {
        "device": {"name": "X " + uuid.uuid4().hex[:8], "type": "default"},
        "credentials": {"credentialsType": "X509_CERTIFICATE", "credentialsValue": text}})
    return Device(rest, created, None)


def connect_reason(tls, protocol, certificate=None, key=None, token=None):
    """What a paho client hears when it connects over TLS."""
    heard = []
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="p" + uuid.uuid4().hex[:8], protocol=protocol)
    if token:
        client.username_pw_set(token)
    client.tls_set(str(tls.authority.file), certificate and str(certificate), key and str(key))
    client.on_connect = lambda c, u, flags, reason, properties: heard.append(reason.value)
    client.connect("127.0.0.1", tls.tls_port)
    client.loop_start()
    try:
        eventually(lambda: heard, 60, "a CONNACK")
    finally:
        client.disconnect()
        client.loop_stop()
    return heard[0]


def test_mosquitto_over_tls_with_a_token(tls, rest):
    device = rest.create_device()
    examples.run("mosquitto.sh", "127.0.0.1", tls.tls_port, device.token, "telemetry", '{"secure":1}',
                 env={"PATH": "/usr/bin:/bin", "CA": str(tls.authority.file)})
    device.await_latest({"secure": 1})


def test_mosquitto_with_a_certificate(tls, rest, tmp_path):
    text = examples.run("certificate.sh", "plain", tmp_path)
    device = create_device_with_certificate(rest, text)
    examples.run("mosquitto.sh", "127.0.0.1", tls.tls_port, "-", "telemetry", '{"byCertificate":true}',
                 env={"PATH": "/usr/bin:/bin", "CA": str(tls.authority.file), "CERT": str(tmp_path / "plain.pem"),
                      "KEY": str(tmp_path / "plain.key")})
    device.await_latest({"byCertificate": True})


def test_paho_over_tls_with_a_certificate(tls, rest, tmp_path):
    device = create_device_with_certificate(rest, examples.run("certificate.sh", "paho", tmp_path))
    examples.run("paho_device.py", "127.0.0.1", tls.tls_port, "-", 0, tls.authority.file, tmp_path / "paho.pem",
                 tmp_path / "paho.key")
    device.await_latest({"callsAnswered": 0})


@pytest.mark.parametrize("protocol,code", [(MQTTProtocolVersion.MQTTv311, 5), (MQTTProtocolVersion.MQTTv5, 0x87)])
def test_unknown_certificate_is_refused_even_with_a_token(tls, rest, tmp_path, protocol, code):
    examples.run("certificate.sh", "stranger", tmp_path)
    device = rest.create_device()
    heard = connect_reason(tls, protocol, tmp_path / "stranger.pem", tmp_path / "stranger.key", device.token)
    # paho names the codes of MQTT 3 like those of MQTT 5.
    assert heard == 0x87, code


def test_expired_certificate_is_refused(tls, rest, tmp_path):
    key, certificate = tmp_path / "old.key", tmp_path / "old.pem"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=old", "-keyout", key, "-out", certificate,
            "-days", "30", "-set_serial", "7")
    openssl("x509", "-in", certificate, "-signkey", key, "-days", "-1", "-out", certificate)
    text = subprocess.run(f"openssl x509 -in {certificate} -outform DER | base64 -w 0", shell=True, check=True,
                          capture_output=True, text=True).stdout
    create_device_with_certificate(rest, text)
    assert connect_reason(tls, MQTTProtocolVersion.MQTTv5, certificate, key) == 0x87


def test_chain_with_a_wrong_signature_fails_the_handshake(tls, tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    leaf, key = Authority(tmp_path / "one").issue("leaf")
    other = Authority(tmp_path / "two").file
    chain = tmp_path / "chain.pem"
    chain.write_text(leaf.read_text() + other.read_text())
    context = ssl.create_default_context(cafile=str(tls.authority.file))
    context.load_cert_chain(str(chain), str(key))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    import socket
    with socket.create_connection(("127.0.0.1", tls.tls_port), 10) as plain:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(plain, server_hostname="127.0.0.1").recv(1)


def test_certificates_are_loaded_again_when_they_change(tls):
    def served():
        return ssl.get_server_certificate(("127.0.0.1", tls.tls_port))
    before = served()
    certificate, key = tls.authority.issue("renewed")
    shutil.copy(key, tls.key)
    shutil.copy(certificate, tls.certificate)
    eventually(lambda: served() != before, 60, "the new certificate")
    assert "certificates loaded again" in tls.log()
    # What cannot be loaded changes nothing.
    after = served()
    tls.certificate.write_text("no certificate")
    eventually(lambda: "changed certificates cannot be loaded" in tls.log(), 60, "a complaint")
    assert served() == after
    shutil.copy(certificate, tls.certificate)


def test_the_load_tester_over_tls(tls):
    options = ["--rest-url", tls.url, "--mqtt-host", "127.0.0.1", "--mqtt-port", str(tls.tls_port), "--tls", "true", "--tls-ca",
               str(tls.authority.file), "--devices", "3", "--rate", "30", "--duration", "1", "--verify"]
    run = subprocess.run([EXECUTABLE, "loadtest", *options], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "lost 0" in run.stdout
