"""Unmodified clients that people use: they store values and read them back."""
import os
import pathlib
import queue
import subprocess
import sys
import uuid

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from mqtt import ATTRIBUTES, TELEMETRY

HERE = pathlib.Path(__file__).resolve().parent


# mosquitto_pub

@pytest.mark.parametrize("version", ["31", "311", "5"])
@pytest.mark.parametrize("qos", ["0", "1"])
def test_mosquitto_pub(server, device, version, qos):
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(server.mqtt_port), "-V", "mqttv" + version, "-q", qos, "-i", "pub1",
         "-t", TELEMETRY, "-u", device.token, "-m", '{"temperature":21.5}'], check=True, timeout=120)
    device.await_latest({"temperature": 21.5})


def test_mosquitto_pub_of_many_lines(server, device):
    lines = "".join('{"ts":%d,"values":{"n":%d}}\n' % (1000 + n, n) for n in range(500))
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(server.mqtt_port), "-q", "1", "-t", TELEMETRY, "-u", device.token,
         "-l"], input=lines, text=True, check=True, timeout=120)
    assert device.history("n", 0, 10_000, limit=1000, orderBy="ASC") == [(1000 + n, n) for n in range(500)]


def test_mosquitto_pub_says_why_it_is_refused(server, rest):
    run = subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(server.mqtt_port), "-t", TELEMETRY, "-u", "wrong", "-m", "{}"],
        capture_output=True, text=True, timeout=120)
    assert run.returncode != 0
    assert "Not authorized" in run.stderr or "not authorised" in run.stderr.lower()


# paho-mqtt

class Paho:
    """A paho client whose events wait in queues."""

    def __init__(self, server, token, protocol):
        self.connects, self.publishes, self.disconnects = queue.Queue(), queue.Queue(), queue.Queue()
        self.client = paho.Client(CallbackAPIVersion.VERSION2, client_id="p" + uuid.uuid4().hex[:8], protocol=protocol)
        self.client.username_pw_set(token)
        self.client.on_connect = lambda c, u, flags, reason, properties: self.connects.put(reason)
        self.client.on_publish = lambda c, u, mid, reason, properties: self.publishes.put((mid, reason))
        self.client.on_disconnect = lambda c, u, flags, reason, properties: self.disconnects.put(reason)
        self.client.max_inflight_messages_set(100)
        self.client.connect("127.0.0.1", server.mqtt_port)
        self.client.loop_start()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.client.disconnect()
        self.client.loop_stop()


PROTOCOLS = [MQTTProtocolVersion.MQTTv31, MQTTProtocolVersion.MQTTv311, MQTTProtocolVersion.MQTTv5]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_paho_stores_telemetry_and_attributes(server, device, protocol):
    with Paho(server, device.token, protocol) as p:
        assert p.connects.get(timeout=60) == 0
        p.client.publish(TELEMETRY, '{"paho":1}', qos=1).wait_for_publish(60)
        p.client.publish(ATTRIBUTES, '{"firmware":"v1.2"}', qos=1).wait_for_publish(60)
        assert [p.publishes.get(timeout=60)[1] for _ in range(2)] == [0, 0]
    assert device.latest("paho") == {"paho": 1}
    device.await_attributes("CLIENT_SCOPE", {"firmware": "v1.2"})


@pytest.mark.parametrize("protocol,code", [
    (MQTTProtocolVersion.MQTTv31, "Not authorized"), (MQTTProtocolVersion.MQTTv311, "Not authorized"),
    (MQTTProtocolVersion.MQTTv5, "Bad user name or password")])
def test_paho_hears_why_a_token_is_refused(server, rest, protocol, code):
    with Paho(server, "wrong-token", protocol) as p:
        assert str(p.connects.get(timeout=60)) == code


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_paho_pipelines_publishes(server, device, protocol):
    with Paho(server, device.token, protocol) as p:
        p.connects.get(timeout=60)
        sent = [p.client.publish(TELEMETRY, '{"ts":%d,"values":{"n":%d}}' % (1000 + n, n), qos=1) for n in range(1000)]
        for message in sent:
            message.wait_for_publish(60)
    assert device.history("n", 0, 10_000, limit=2000, orderBy="ASC") == [(1000 + n, n) for n in range(1000)]


def test_paho_5_hears_of_an_invalid_payload(server, device):
    with Paho(server, device.token, MQTTProtocolVersion.MQTTv5) as p:
        p.connects.get(timeout=60)
        p.client.publish(TELEMETRY, "not json", qos=1)
        assert p.publishes.get(timeout=60)[1].value == 0x99
        p.client.publish(TELEMETRY, '{"after":1}', qos=1)
        assert p.publishes.get(timeout=60)[1] == 0
        assert p.disconnects.empty()


# tb-mqtt-client

def test_tb_mqtt_client_sends_telemetry_and_attributes(server, device):
    python = pathlib.Path(sys.prefix) / "tb-mqtt-client/bin/python"
    if not python.exists():
        pytest.skip("Tests/integration/prepare has not made the environment of tb-mqtt-client")
    run = subprocess.run(
        [str(python), str(HERE / "tb_device.py"), str(server.mqtt_port), device.token],
        capture_output=True, text=True, timeout=120, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert run.returncode == 0, run.stdout + run.stderr
    device.await_latest({"temperature": 41.9, "enabled": False, "currentFirmwareVersion": "v1.2.2"})
    assert device.history("batch", 0, 10_000, orderBy="ASC") == [(1000, 1), (2000, 2)]
    device.await_attributes("CLIENT_SCOPE", {"sensorModel": "DHT-22", "attribute_2": "value"})


# tb-rest-client

def test_tb_rest_client_logs_in_creates_a_device_and_reads_telemetry(server):
    from tb_rest_client.models import Device, DeviceId
    from tb_rest_client.rest_client import RestClient

    name = "Rest " + uuid.uuid4().hex[:8]
    with RestClient(server.url) as client:
        client.login("tenant@thingsboard.org", "tenant")
        token = "rest-" + uuid.uuid4().hex[:12]
        created = client.save_device(body=Device(name=name, type="default"), access_token=token)
        assert created.name == name
        assert client.get_device_by_id(DeviceId(id=created.id.id, entity_type="DEVICE")).name == name
        subprocess.run(
            ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(server.mqtt_port), "-q", "1", "-t", TELEMETRY, "-u", token, "-m",
             '{"humidity":77}'], check=True, timeout=120)
        latest = client.get_latest_timeseries(created.id, keys="humidity")
        assert latest["humidity"][0].value == "77"
        client.delete_device(created.id)


def test_curl_alone_is_enough(server, device):
    """What the quick start prints."""
    def curl(*arguments):
        return subprocess.run(["curl", "-sf", *arguments], check=True, capture_output=True, text=True, timeout=120).stdout

    curl("-d", '{"temperature":21.5}', f"{server.url}/api/v1/{device.token}/telemetry")
    answer = curl("-H", "Content-Type: application/json", "-d",
                  '{"username":"tenant@thingsboard.org","password":"tenant"}', f"{server.url}/api/auth/login")
    token = answer.split('"token":"')[1].split('"')[0]
    latest = curl("-H", f"X-Authorization: Bearer {token}", f"{server.url}{device.path}/values/timeseries?keys=temperature")
    assert '"value":"21.5"' in latest
