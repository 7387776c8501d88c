"""MQTT over WebSocket, plain and over TLS, with paho-mqtt."""
import json
import ssl
import threading
import uuid

import paho.mqtt.client as paho
import pytest
import requests
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mqtt import ATTRIBUTES, TELEMETRY
from ports import free_ports
from rest import Rest
from server import eventually
from test_mqtt_tls import TLSServer, create_device_with_certificate
import examples

VERSIONS = [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]


class WebSocketServer(TLSServer):
    def __init__(self, folder):
        self.ws_port, self.wss_port = free_ports(2)
        super().__init__(folder, {
            "MQTT_SSL_ENABLED": "false",
            "NEEDLETAIL_MQTT_WS_ENABLED": "true", "NEEDLETAIL_MQTT_WS_BIND_ADDRESS": "127.0.0.1",
            "NEEDLETAIL_MQTT_WS_BIND_PORT": str(self.ws_port),
            "NEEDLETAIL_MQTT_WSS_ENABLED": "true", "NEEDLETAIL_MQTT_WSS_BIND_ADDRESS": "127.0.0.1",
            "NEEDLETAIL_MQTT_WSS_BIND_PORT": str(self.wss_port)})


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    running = WebSocketServer(tmp_path_factory.mktemp("websocket"))
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def rest(web):
    return Rest(web.url)


class Client:
    """A paho client behind a WebSocket; `with` it, it is connected."""

    def __init__(self, web, token=None, protocol=MQTTProtocolVersion.MQTTv311, secure=False, certificate=None, key=None):
        self.heard, self.messages, self.acknowledged = [], [], threading.Event()
        self.port = web.wss_port if secure else web.ws_port
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="w" + uuid.uuid4().hex[:8], protocol=protocol,
                                  transport="websockets")
        self.client.ws_set_options(path="/mqtt")
        if token:
            self.client.username_pw_set(token)
        if secure:
            self.client.tls_set(str(web.authority.file), certificate and str(certificate), key and str(key))
        self.client.on_connect = lambda c, u, flags, reason, properties: self.heard.append(reason.value)
        self.client.on_message = lambda c, u, message: self.messages.append((message.topic, json.loads(message.payload)))
        self.client.on_subscribe = lambda *_: self.acknowledged.set()

    def __enter__(self):
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        eventually(lambda: self.heard, 60, "a CONNACK")
        return self

    def __exit__(self, *_):
        self.client.disconnect()
        self.client.loop_stop()

    def publish(self, payload):
        self.client.publish(TELEMETRY, json.dumps(payload), qos=1).wait_for_publish(60)


@pytest.mark.parametrize("protocol", VERSIONS)
def test_paho_over_websocket_sends_and_hears(web, rest, protocol):
    device = rest.create_device()
    with Client(web, device.token, protocol) as client:
        assert client.heard == [0]
        client.client.subscribe(ATTRIBUTES, 1)
        assert client.acknowledged.wait(60)
        long = "x" * 60_000
        client.publish({"overWebSocket": 1})
        client.publish({"long": long})
        device.await_latest({"overWebSocket": 1})
        device.await_latest({"long": long})
        rest.ok("POST", f"/api/plugins/telemetry/DEVICE/{device.id}/SHARED_SCOPE", {"told": long})
        eventually(lambda: client.messages, 60, "an attribute update")
        assert client.messages == [(ATTRIBUTES, {"told": long})]


def test_paho_over_websocket_pipelines_publishes(web, rest):
    device = rest.create_device()
    with Client(web, device.token) as client:
        sent = [client.client.publish(TELEMETRY, json.dumps({"n": n}), qos=1) for n in range(500)]
        for one in sent:
            one.wait_for_publish(60)
    device.await_latest({"n": 499})


def test_paho_over_websocket_and_tls_with_a_token(web, rest):
    device = rest.create_device()
    with Client(web, device.token, MQTTProtocolVersion.MQTTv5, secure=True) as client:
        assert client.heard == [0]
        client.publish({"secure": True})
    device.await_latest({"secure": True})


def test_paho_over_websocket_and_tls_with_a_certificate(web, rest, tmp_path):
    device = create_device_with_certificate(rest, examples.run("certificate.sh", "web", tmp_path))
    with Client(web, secure=True, certificate=tmp_path / "web.pem", key=tmp_path / "web.key") as client:
        assert client.heard == [0]
        client.publish({"byCertificate": True})
    device.await_latest({"byCertificate": True})


def test_the_example_runs_over_websocket(web, rest):
    device = rest.create_device()
    examples.run("paho_device.py", "127.0.0.1", web.ws_port, device.token, 0, env={"PATH": "/usr/bin:/bin", "TRANSPORT": "websockets"})
    device.await_latest({"callsAnswered": 0})


def test_wrong_token_is_refused_over_websocket(web):
    with Client(web, "nobody", MQTTProtocolVersion.MQTTv5) as client:
        assert client.heard == [0x86]


def test_certificates_of_websockets_are_loaded_again_without_the_mqtt_listener(web):
    def served():
        return ssl.get_server_certificate(("127.0.0.1", web.wss_port))
    before = served()
    certificate, key = web.authority.issue("renewed-for-websockets")
    web.key.write_bytes(key.read_bytes())
    web.certificate.write_bytes(certificate.read_bytes())
    eventually(lambda: served() != before, 60, "the new certificate")


def test_a_request_that_asks_for_no_websocket_is_told_so(web):
    url = f"http://127.0.0.1:{web.ws_port}"
    assert requests.get(url + "/mqtt", timeout=60).status_code == 426
    assert requests.get(url + "/", timeout=60).status_code == 404


def test_open_websockets_do_not_delay_the_end(web, rest):
    """The server ends while a client is connected, and starts again for the other tests."""
    device = rest.create_device()
    try:
        with Client(web, device.token) as client:
            status, seconds = web.terminate()
            assert status == 0 and seconds < 30
            eventually(lambda: not client.client.is_connected(), what="the end of the connection")
    finally:
        web.start()
