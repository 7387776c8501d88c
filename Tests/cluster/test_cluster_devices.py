"""Devices whose session, owner and caller are different processes (device-api.md 13, cases of cluster.md 12 by number)."""
import concurrent.futures
import hashlib
import json
import time
import uuid

import pytest
import requests

import mqtt
from devices import ATTRIBUTES, CALLS, Answering, at, device_owned_by, published, subscribe
from partitions import core_of, hash32, murmur3, partition, records
from rest import Rest
from server import eventually
from test_cluster import closed, direct, mqtt_port, publish
from test_cluster_cache import value

ONE, TWO = "core-node-1", "core-node-2"


@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        yield pool


@pytest.fixture
def first(cluster):
    """REST of the first core node."""
    return Rest(direct(cluster, ONE))


@pytest.fixture
def foreign(first):
    """A device that the second core node owns, seen through the first."""
    return device_owned_by(first, TWO)


def call(device, kind="twoway", **body):
    return device.rest.call("POST", f"/api/rpc/{kind}/{device.id}", {"method": "m", "params": 1, **body})


def http(cluster, number, device, path, body=None, seconds=60):
    url = f"{direct(cluster, f'http-transport-{number}')}/api/v1/{device.token}/{path}"
    return requests.post(url, data=body, timeout=seconds) if body is not None else requests.get(url, timeout=seconds)


# Who owns whom


def test_sessions_come_to_the_partition_of_their_device(cluster, rest):  # 26
    assert [f"{word:016x}" for word in murmur3(b"hello")] == ["cbd8a7b341bd9b02", "5b1e906a48ae1d19"]
    assert hash32("784f394c-42b6-435a-983c-b7beff2784f9") == -1365553268
    devices = [rest.create_device() for _ in range(8)]
    for device in devices:
        publish(mqtt_port(cluster), device.token, {"a": 1})

    def seen():
        found = {}
        for number, key, _ in records(cluster.state["kafka"]["bootstrap"], "tb_core"):
            found.setdefault(key.decode(errors="replace"), set()).add(number)
        return found if all(device.id in found for device in devices) else None

    found = eventually(seen, 60, "messages of all devices")
    assert {device.id: found[device.id] for device in devices} == {device.id: {partition(device.id)} for device in devices}
    assert len({partition(device.id) for device in devices}) > 1


# Calls


def test_a_hundred_calls_at_once_find_their_answers(cluster, first, pool):  # 15
    devices = [device_owned_by(first, TWO) for _ in range(4)]
    players = [Answering(mqtt_port(cluster, 2), device) for device in devices]
    try:
        def ask(number):
            answer = call(devices[number % 4], params=number, timeout=50000)
            return answer.status_code, answer.json() if answer.content else None

        assert list(pool.map(ask, range(100))) == [(200, {"twice": 2 * number}) for number in range(100)]
        assert sorted(sum((player.seen for player in players), [])) == list(range(100))
    finally:
        for player in players:
            player.close()


def test_a_one_way_call_is_done_when_it_was_sent(cluster, foreign):
    connection = subscribe(mqtt.connected(mqtt_port(cluster, 2), foreign.token), CALLS, qos=1)
    answer = call(foreign, "oneway", params={"pin": 7})
    assert (answer.status_code, answer.content) == (200, b"")
    topic, payload = published(connection)
    assert json.loads(payload) == {"method": "m", "params": {"pin": 7}}
    connection.close()


def test_a_device_without_session_is_called_in_vain(foreign, pool):  # 16
    caller = pool.submit(call, foreign, timeout=5000)
    answer = foreign.rest.call("POST", f"/api/plugins/rpc/twoway/{foreign.id}", {"method": "m", "params": 1, "timeout": 5000})
    assert (caller.result().status_code, answer.status_code) == (504, 409)


def test_a_persistent_call_outlives_the_owner_of_its_device(cluster, foreign):  # 17
    rpc = call(foreign, persistent=True, timeout=120000).json()["rpcId"]

    def state():
        return foreign.rest.ok("GET", f"/api/rpc/persistent/{rpc}")["status"]

    assert state() == "QUEUED"
    cluster.kill(TWO)
    connection = mqtt.connected(mqtt_port(cluster, 2), foreign.token, seconds=60)
    subscribe(connection, CALLS, qos=1)
    topic, payload = published(connection)
    assert json.loads(payload) == {"method": "m", "params": 1}
    eventually(lambda: state() == "DELIVERED", 60, "the delivery")
    connection.publish(topic.replace("request", "response"), {"done": True})
    eventually(lambda: state() == "SUCCESSFUL", 60, "the answer")
    connection.timeout = 2
    with pytest.raises((AssertionError, TimeoutError)):
        while True:
            topic, payload = published(connection)
            assert "request" not in topic, "the call came twice"
    connection.close()


def test_an_owner_that_is_killed_in_the_middle_of_a_call(cluster, foreign, pool):
    connection = subscribe(mqtt.connected(mqtt_port(cluster, 1), foreign.token, seconds=60), CALLS)
    # The next owner finds the session where this one has stored it, a moment after the subscription.
    eventually(lambda: value(cluster, "sessions" + foreign.id), 60, "the session")
    caller = pool.submit(call, foreign, timeout=6000)
    topic, _ = published(connection)
    cluster.kill(TWO)
    connection.publish(topic.replace("request", "response"), {"twice": 2})
    connection.puback()
    player = Answering(connection=connection)
    # Whoever had the call in memory is gone: its caller hears so at its time, unless the call was read again.
    answer = caller.result(60)
    assert answer.status_code == 504 or answer.json() == {"twice": 2}

    def answered():
        answer = call(foreign, params=5, timeout=5000)
        return answer.status_code == 200 and answer.json() == {"twice": 10}

    eventually(answered, 60, "a call by way of the new owner")
    # An answer to a call of before is none to a call of now.
    assert player.numbers[-1] > 1000
    player.close()


def test_a_poll_for_a_call_crosses_services(cluster, foreign, pool):
    poll = pool.submit(http, cluster, 2, foreign, "rpc?timeout=50000")
    caller = pool.submit(call, foreign, params=[1], timeout=50000)
    request = poll.result().json()
    assert (request["method"], request["params"]) == ("m", [1])
    # Any transport takes the answer.
    assert http(cluster, 1, foreign, f"rpc/{request['id']}", '{"done":1}').status_code == 200
    assert caller.result().json() == {"done": 1}


# Attributes


def test_shared_attributes_reach_subscriptions_and_polls_elsewhere(cluster, foreign, pool):  # 18
    connection = subscribe(mqtt.connected(mqtt_port(cluster, 2), foreign.token), ATTRIBUTES)
    began = time.monotonic()
    foreign.rest.ok("POST", foreign.path + "/SHARED_SCOPE", {"limit": 7})
    assert json.loads(published(connection)[1]) == {"limit": 7}
    assert time.monotonic() - began < 20
    foreign.rest.ok("POST", foreign.path + "/SERVER_SCOPE", {"hidden": 1})
    foreign.rest.ok("DELETE", foreign.path + "/SHARED_SCOPE?keys=limit")
    assert json.loads(published(connection)[1]) == {"deleted": ["limit"]}
    connection.publish(ATTRIBUTES + "/request/3", {"sharedKeys": "limit"})
    connection.close()
    poll = pool.submit(http, cluster, 1, foreign, "attributes/updates?timeout=50000")

    def changed():
        foreign.rest.ok("POST", foreign.path + "/SHARED_SCOPE", {"at": time.time_ns()})
        return poll.done()

    eventually(lambda: changed() or time.sleep(0.5), 60, "the end of the poll")
    assert list(poll.result().json()) == ["at"]


def test_a_poll_after_its_owner_was_killed(cluster, foreign, pool):
    cluster.kill(TWO)

    def told():
        poll = pool.submit(http, cluster, 2, foreign, "attributes/updates?timeout=4000")
        time.sleep(1)
        foreign.rest.ok("POST", foreign.path + "/SHARED_SCOPE", {"at": time.time_ns()})
        answer = poll.result()
        return answer.status_code == 200 and list(answer.json()) == ["at"]

    eventually(told, 60, "a poll by way of the new owner")


def test_a_device_reads_its_attributes_over_any_transport(cluster, foreign):
    foreign.rest.ok("POST", foreign.path + "/SHARED_SCOPE", {"s": 1})
    for number in (1, 2):
        assert http(cluster, number, foreign, "attributes", json.dumps({f"c{number}": number})).status_code == 200
        foreign.await_attributes("CLIENT_SCOPE", {f"c{number}": number})
        assert http(cluster, number, foreign, f"attributes?clientKeys=c{number}&sharedKeys=s").json() == {
            "client": {f"c{number}": number}, "shared": {"s": 1}}
        with mqtt.connected(mqtt_port(cluster, number), foreign.token) as connection:
            connection.publish(ATTRIBUTES + "/request/1", {"sharedKeys": "s"}, qos=0)
            topic, payload = published(connection)
            assert (topic, json.loads(payload)) == (ATTRIBUTES + "/response/1", {"shared": {"s": 1}})


# Gateways


def test_a_child_that_two_gateways_connect_is_one_device(cluster, rest):  # 38
    gateway = rest.create_device(additionalInfo={"gateway": True})
    other = rest.create_device(additionalInfo={"gateway": True})
    name = "Child " + uuid.uuid4().hex[:12]
    connections = [mqtt.connected(mqtt_port(cluster, number), one.token, seconds=60)
                   for number, one in ((1, gateway), (2, other))]
    for connection in connections:
        connection.publish("v1/gateway/connect", {"device": name})
    for connection in connections:
        connection.puback()
    found = rest.ok("GET", "/api/tenant/devices", params={"pageSize": 10, "page": 0, "textSearch": name})
    assert found["totalElements"] == 1
    child = type(gateway)(rest, found["data"][0], None)
    for number, connection in enumerate(connections):
        connection.publish("v1/gateway/telemetry", {name: [{f"v{number}": number}]})
        connection.puback()
    child.await_latest({"v0": 0, "v1": 1})
    for connection in connections:
        connection.close()


def test_a_gateway_is_called_and_told_for_its_child(cluster, first, pool):
    gateway = device_owned_by(first, ONE, additionalInfo={"gateway": True})
    child = device_owned_by(first, TWO)
    connection = mqtt.connected(mqtt_port(cluster, 2), gateway.token, seconds=60)
    connection.publish("v1/gateway/connect", {"device": child.entity["name"]})
    connection.puback()
    first.ok("POST", child.path + "/SHARED_SCOPE", {"s": 1})
    topic, payload = published(connection)
    assert (topic, json.loads(payload)) == ("v1/gateway/attributes", {"device": child.entity["name"], "data": {"s": 1}})
    caller = pool.submit(call, child, timeout=50000)
    topic, payload = published(connection)
    data = json.loads(payload)
    assert (topic, data["device"], data["data"]["method"]) == ("v1/gateway/rpc", child.entity["name"], "m")
    connection.publish("v1/gateway/rpc", {"device": child.entity["name"], "id": data["data"]["id"], "data": {"ok": True}}, qos=0)
    assert caller.result().json() == {"ok": True}
    connection.close()


# Claims, provisioning, packages


def test_a_device_is_claimed_through_another_core(cluster, foreign):
    customer = Rest(direct(cluster, ONE), "customer@thingsboard.org", "customer")
    assert http(cluster, 2, foreign, "claim", '{"secretKey":"s","durationMs":60000}').status_code == 200
    path = f"/api/customer/device/{foreign.entity['name']}/claim"

    def claimed():
        answer = customer.call("POST", path, {"secretKey": "s"})
        return answer.status_code == 200 and answer.json().get("response") == "SUCCESS"

    eventually(lambda: "claimingData" in foreign.attributes("SERVER_SCOPE"), 60, "the offer")
    eventually(claimed, 60, "the claim")
    assert Rest(direct(cluster, TWO)).ok("GET", f"/api/device/{foreign.id}")["customerId"]["id"] != foreign.entity["customerId"]["id"]


def test_devices_are_provisioned_over_every_transport(cluster, rest):
    salt = uuid.uuid4().hex[:12]
    kind = "ALLOW_CREATE_NEW_DEVICES"
    rest.ok("POST", "/api/deviceProfile", {
        "name": "Provisioning " + salt, "type": "DEFAULT", "transportType": "DEFAULT", "provisionType": kind,
        "provisionDeviceKey": "key-" + salt,
        "profileData": {
            "configuration": {"type": "DEFAULT"}, "transportConfiguration": {"type": "DEFAULT"}, "alarms": [],
            "provisionConfiguration": {"type": kind, "provisionDeviceSecret": "secret-" + salt}}})
    keys = {"provisionDeviceKey": "key-" + salt, "provisionDeviceSecret": "secret-" + salt}
    for number in (1, 2):
        answer = requests.post(direct(cluster, f"http-transport-{number}") + "/api/v1/provision",
                               json={**keys, "deviceName": f"H{number} {salt}"}, timeout=60).json()
        assert answer["status"] == "SUCCESS"
        publish(mqtt_port(cluster, number), answer["credentialsValue"], {"a": 1})
        with mqtt.connected(mqtt_port(cluster, number), "provision", seconds=60) as connection:
            subscribe(connection, "/provision/response")
            connection.publish("/provision/request", {**keys, "deviceName": f"M{number} {salt}"}, qos=0)
            answer = json.loads(published(connection)[1])
        assert answer["status"] == "SUCCESS"
        publish(mqtt_port(cluster, 3 - number), answer["credentialsValue"], {"a": 1})
    # A name is taken once, whichever core is asked.
    again = [requests.post(direct(cluster, f"http-transport-{number}") + "/api/v1/provision",
                           json={**keys, "deviceName": f"M1 {salt}"}, timeout=60).json()["status"] for number in (1, 2)]
    assert again == ["FAILURE", "FAILURE"]


def test_packages_reach_devices_of_every_transport(cluster, first, foreign):
    data = bytes(range(250)) * 4000
    title = "T " + uuid.uuid4().hex[:8]
    profile = first.ok("GET", "/api/deviceProfileInfo/default")
    made = first.ok("POST", "/api/otaPackage", {"type": "FIRMWARE", "title": title, "version": "1.0", "deviceProfileId": profile["id"]})
    answer = requests.post(
        f"{first.url}/api/otaPackage/{made['id']['id']}?checksumAlgorithm=SHA256&checksum={hashlib.sha256(data).hexdigest()}",
        files={"file": ("image.bin", data, "application/x-image")}, headers={"X-Authorization": "Bearer " + first.token}, timeout=60)
    assert answer.status_code == 200, answer.text
    connection = subscribe(mqtt.connected(mqtt_port(cluster, 2), foreign.token, seconds=60), ATTRIBUTES)
    first.ok("POST", "/api/device", {**foreign.entity, "firmwareId": made["id"]})
    told = json.loads(published(connection)[1])
    assert (told["fw_title"], told["fw_size"]) == (title, len(data))
    for chunk, expected in ((0, data[:1000]), (999, data[999_000:]), (1000, b"")):
        connection.publish(f"v2/fw/request/1/chunk/{chunk}", b"1000", qos=0)
        # Attributes that the assignment removed may be told in between.
        answer = next(one for one in iter(lambda: published(connection), None) if one[0] != ATTRIBUTES)
        assert answer == (f"v2/fw/response/1/chunk/{chunk}", expected)
    connection.close()
    for number in (1, 2):
        answer = http(cluster, number, foreign, f"firmware?title={title}&version=1.0")
        assert (answer.status_code, answer.content == data) == (200, True)


# Credentials


@pytest.mark.parametrize("number", [1, 2])
def test_credentials_changed_on_another_core_close_the_session(cluster, foreign, number):
    connection = mqtt.connected(mqtt_port(cluster, number), foreign.token, version=5)
    publish(mqtt_port(cluster, 3 - number), at(foreign, direct(cluster, TWO)).rest.create_device().token, {"a": 1})
    credentials = foreign.rest.ok("GET", f"/api/device/{foreign.id}/credentials")
    foreign.rest.ok("POST", "/api/device/credentials", {**credentials, "credentialsId": "new-" + uuid.uuid4().hex[:12]})
    connection.expect_disconnect(0x98)
    assert closed(connection)

    def refused():
        again = mqtt.Connection(mqtt_port(cluster, 3 - number))
        code = again.connect(username=foreign.token)
        again.close()
        return code == 5

    eventually(refused, 60, "the refusal of the old token")
