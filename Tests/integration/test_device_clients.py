"""The device API with unmodified clients, by the scripts of docs/examples."""
import json
import os
import uuid

import pytest

import examples
from rest import Rest
from server import eventually


@pytest.fixture
def running():
    started = []

    def start(*arguments, **options):
        started.append(examples.Running(*arguments, **options))
        return started[-1]

    yield start
    for example in started:
        example.stop()


def save_shared(rest, device, values):
    rest.ok("POST", device.path + "/SHARED_SCOPE", values)


def call(rest, device_id, method, kind="twoway", **fields):
    return rest.ok("POST", f"/api/rpc/{kind}/{device_id}", {"method": method, "params": {"a": 1}, **fields})


def test_mosquitto_sends_telemetry_and_attributes(server, device):
    examples.run("mosquitto.sh", "127.0.0.1", server.mqtt_port, device.token, "telemetry", '{"temperature":21.5}')
    examples.run("mosquitto.sh", "127.0.0.1", server.mqtt_port, device.token, "attributes", '{"model":"m"}')
    device.await_latest({"temperature": 21.5})
    device.await_attributes("CLIENT_SCOPE", {"model": "m"})


def test_mosquitto_gets_calls_that_wait(server, rest, device, running):
    example = running("mosquitto.sh", "127.0.0.1", server.mqtt_port, device.token, "calls", 1)
    call(rest, device.id, "reboot", "oneway", timeout=20000)
    assert example.finish() == ['v1/devices/me/rpc/request/0 {"method":"reboot","params":{"a":1}}']


def test_paho_reads_attributes_hears_updates_and_answers_calls(server, rest, device, running):
    save_shared(rest, device, {"target": 20.0})
    example = running("paho_device.py", "127.0.0.1", server.mqtt_port, device.token, 2)
    heard = {example.await_line("/response/").split(" ", 1)[0] for _ in range(2)}
    assert heard == {"v1/devices/me/attributes/response/1", "v1/devices/me/rpc/response/7"}
    assert 'v1/devices/me/attributes/response/1 {"shared":{"target":20.0}}' in example.lines
    save_shared(rest, device, {"target": 21, "mode": "eco"})
    update = example.await_line("v1/devices/me/attributes ")
    assert json.loads(update.split(" ", 1)[1]) == {"target": 21, "mode": "eco"}
    assert call(rest, device.id, "first") == {"did": "first"}
    assert call(rest, device.id, "second") == {"did": "second"}
    example.finish()
    device.await_latest({"callsAnswered": 2})


def test_tb_mqtt_client_as_a_device(server, rest, device, running):
    save_shared(rest, device, {"target": 20})
    example = running("device.py", "127.0.0.1", server.mqtt_port, device.token, 1)
    assert json.loads(example.await_line("attributes ").split(" ", 1)[1]) == {
        "client": {"model": "DHT-22"}, "shared": {"target": 20}}
    save_shared(rest, device, {"target": 22})
    assert json.loads(example.await_line("update ").split(" ", 1)[1]) == {"target": 22}
    assert call(rest, device.id, "blink") == {"did": "blink"}
    example.finish()
    device.await_latest({"temperature": 41.9, "callsAnswered": 1})


def test_curl_does_all_of_the_http_api(server, rest, device, running, tmp_path):
    def curl(*arguments):
        return examples.run("http.sh", server.url, device.token, *arguments)

    curl("telemetry", '{"temperature":21.5}')
    curl("attributes", '{"model":"m"}')
    device.await_latest({"temperature": 21.5})
    device.await_attributes("CLIENT_SCOPE", {"model": "m"})
    save_shared(rest, device, {"target": 20})
    assert json.loads(curl("read", "target,none")) == {"shared": {"target": 20}}
    update = running("http.sh", server.url, device.token, "updates", 30)

    def changed():
        # The poll may begin a moment later.
        save_shared(rest, device, {"target": 21})
        return update.process.poll() is not None

    eventually(changed, 60, "the end of the poll")
    assert json.loads(update.finish()[0]) == {"target": 21}
    calls = running("http.sh", server.url, device.token, "calls", 2)
    for method in ("first", "second"):
        answer = call(rest, device.id, method, timeout=20000)["did"]
        assert (answer["method"], answer["params"]) == (method, {"a": 1})
    assert len(calls.finish()) == 2


def test_curl_offers_a_device_and_downloads_its_firmware(server, rest, device, tmp_path):
    examples.run("http.sh", server.url, device.token, "claim", "secret")
    claim(server, device, "secret")
    title, data = give_firmware(rest, device)
    examples.run("http.sh", server.url, device.token, "firmware", title, "1.1", tmp_path / "firmware")
    assert (tmp_path / "firmware").read_bytes() == data


def claim(server, device, secret):
    """A customer claims what has offered itself."""
    eventually(lambda: "claimingData" in device.attributes("SERVER_SCOPE"), 60, "the offer")
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    path = f"/api/customer/device/{device.entity['name']}/claim"
    assert customer.ok("POST", path, {"secretKey": secret})["response"] == "SUCCESS"


def test_tb_mqtt_client_offers_itself(server, rest, device):
    examples.run("device.py", "127.0.0.1", server.mqtt_port, device.token, 0, env={**os.environ, "SECRET": "pump-7"})
    claim(server, device, "pump-7")


def create_gateway(rest, **information):
    return rest.create_device(additionalInfo={"gateway": True, **information})


def device_by_name(rest, name):
    return rest.call("GET", "/api/tenant/devices?deviceName=" + name)


def test_tb_mqtt_client_as_a_gateway(server, rest, running):
    gateway = create_gateway(rest)
    names = ["gw-" + uuid.uuid4().hex[:8] for _ in range(2)]
    example = running("gateway.py", "127.0.0.1", server.mqtt_port, gateway.token, 2, *names)
    example.await_line("ready")
    answers = [line for line in example.lines if line.startswith("attributes")]
    assert [json.loads(line.split(" ", 1)[1])["value"] for line in answers] == ["DHT-22", "DHT-22"]
    found = [device_by_name(rest, name).json() for name in names]
    assert [child["type"] for child in found] == ["thermostat", "thermostat"]
    assert all(child["additionalInfo"]["lastConnectedGateway"] == gateway.id for child in found)
    relations = rest.ok("GET", f"/api/relations?fromId={gateway.id}&fromType=DEVICE")
    assert {(relation["to"]["id"], relation["type"]) for relation in relations} == {
        (child["id"]["id"], "Created") for child in found}
    for name, child in zip(names, found):
        path = "/api/plugins/telemetry/DEVICE/" + child["id"]["id"]
        rest.ok("POST", path + "/SHARED_SCOPE", {"target": 5})
        assert json.loads(example.await_line("update ").split(" ", 1)[1]) == {"device": name, "data": {"target": 5}}
        assert call(rest, child["id"]["id"], "blink") == {"did": "blink"}
        latest = rest.ok("GET", path + "/values/timeseries?useStrictDataTypes=true&keys=temperature")
        assert latest["temperature"][0]["value"] == 21.5
    example.finish()


def test_tb_mqtt_client_registers_itself(server, rest):
    profile = rest.create_profile("DEFAULT")
    key, secret = "k" + uuid.uuid4().hex[:19], "s" + uuid.uuid4().hex[:19]
    profile.update(provisionType="ALLOW_CREATE_NEW_DEVICES", provisionDeviceKey=key)
    profile["profileData"]["provisionConfiguration"] = {
        "type": "ALLOW_CREATE_NEW_DEVICES", "provisionDeviceSecret": secret}
    rest.ok("POST", "/api/deviceProfile", profile)
    name = "self-" + uuid.uuid4().hex[:8]
    credentials = json.loads(examples.run("provision.py", "127.0.0.1", server.mqtt_port, key, secret, name).splitlines()[0])
    assert credentials["credentialsType"] == "ACCESS_TOKEN" and credentials["status"] == "SUCCESS"
    child = device_by_name(rest, name).json()
    assert child["deviceProfileId"]["id"] == profile["id"]["id"]
    path = f"/api/plugins/telemetry/DEVICE/{child['id']['id']}/values/timeseries?useStrictDataTypes=true&keys=registered"
    eventually(lambda: rest.ok("GET", path)["registered"][0]["value"] is True, 60, "telemetry of the new device")


def give_firmware(rest, device):
    """Assigns a package; returns its title and content."""
    data = os.urandom(50_000)
    profile = rest.ok("GET", "/api/deviceProfileInfo/default")
    info = rest.ok("POST", "/api/otaPackage", {
        "title": "fw " + uuid.uuid4().hex[:8], "version": "1.1", "type": "FIRMWARE", "deviceProfileId": profile["id"]})
    path = f"/api/otaPackage/{info['id']['id']}?checksumAlgorithm=SHA256"
    answer = rest.session.post(rest.url + path, files={"file": ("firmware.bin", data)}, timeout=60)
    assert answer.status_code == 200, answer.text
    entity = rest.ok("GET", "/api/device/" + device.id)
    entity["firmwareId"] = {"entityType": "OTA_PACKAGE", "id": info["id"]["id"]}
    rest.ok("POST", "/api/device", entity)
    device.await_attributes("SHARED_SCOPE", {"fw_version": "1.1", "fw_size": len(data)})
    return info["title"], data


def test_tb_mqtt_client_downloads_its_firmware(server, rest, device, tmp_path):
    _, data = give_firmware(rest, device)
    target = tmp_path / "firmware"
    examples.run("firmware.py", "127.0.0.1", server.mqtt_port, device.token, 16384, target)
    assert target.read_bytes() == data
    # Bigger than one chunk of a message, as a whole.
    examples.run("firmware.py", "127.0.0.1", server.mqtt_port, device.token, 0, target)
    assert target.read_bytes() == data
