"""Calls to devices as their callers see them, and what the rule engine hears (device-api.md 7, rest-api.md 4.10)."""
import concurrent.futures
import json
import time
import uuid

import pytest
import requests

from rest import Rest
from rpc_device import CalledDevice
from server import Server, eventually

@pytest.fixture
def pool():
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        yield pool


def call(device, kind="twoway", form="/api/rpc", **body):
    return device.rest.call("POST", f"{form}/{kind}/{device.id}", {"method": "m", "params": {"p": 1}, **body})


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'{"params":1}', b'{"method":"m","requestUUID":"x"}'])
@pytest.mark.parametrize("form", ["/api/rpc", "/api/plugins/rpc"])
def test_wrong_bodies(device, form, body):
    answer = device.rest.session.post(
        f"{device.rest.url}{form}/twoway/{device.id}", data=body, headers={"Content-Type": "application/json"}, timeout=60)
    assert (answer.status_code, answer.json()["message"]) == (400, "Invalid request body")


def test_unknown_and_foreign_devices(server, device):
    unknown = "00000000-0000-1000-8000-000000000000"
    answer = device.rest.call("POST", f"/api/rpc/twoway/{unknown}", {"method": "m", "params": 1})
    assert (answer.status_code, answer.text) == (404, "Device with requested id wasn't found!")
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    answer = customer.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "m", "params": 1})
    assert answer.status_code == 403
    system = Rest(server.url, "sysadmin@thingsboard.org", "sysadmin")
    assert system.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "m", "params": 1}).status_code == 403


@pytest.mark.parametrize("form,status", [("/api/rpc", 504), ("/api/plugins/rpc", 409)])
def test_a_device_that_is_offline(device, form, status):
    start = time.monotonic()
    answer = call(device, form=form, timeout=1)
    assert (answer.status_code, answer.content) == (status, b"")
    # No less than the least time.
    assert 4.5 < time.monotonic() - start < 30


def test_a_time_that_is_over_is_answered_at_once(device):
    start = time.monotonic()
    assert call(device, expirationTime=1000).status_code == 504
    # Not after the least time that a call has.
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("expiration,status", [(2 ** 63 - 1, 200), (-(2 ** 63), 504)])
def test_a_time_at_the_end_of_all_numbers(server, device, expiration, status):
    with CalledDevice(server.mqtt_port, device.token):
        assert call(device, "oneway", expirationTime=expiration).status_code == status
    assert requests.get(server.url + "/health/ready", timeout=30).status_code == 200


def persistent(device, kind="twoway", **body):
    answer = call(device, kind, persistent=True, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()["rpcId"]


def state(device, rpc):
    return device.rest.ok("GET", f"/api/rpc/persistent/{rpc}")["status"]


def await_state(device, rpc, expected, seconds=60):
    eventually(lambda: state(device, rpc) == expected, seconds, f"state {expected}")


def http(server, device, path, body=None):
    url = f"{server.url}/api/v1/{device.token}/{path}"
    return requests.post(url, data=body, timeout=120) if body is not None else requests.get(url, timeout=120)


def test_a_persistent_call_lives_until_it_is_answered(server, device):
    rpc = persistent(device, retries=2, additionalInfo={"why": "test"}, timeout=300000)
    stored = device.rest.ok("GET", f"/api/rpc/persistent/{rpc}")
    assert stored["status"] == "QUEUED"
    assert stored["request"]["body"] == {"method": "m", "params": '{"p":1}'}
    assert stored["additionalInfo"] == {"why": "test"}
    request = http(server, device, "rpc?timeout=50000").json()
    await_state(device, rpc, "DELIVERED")
    http(server, device, f"rpc/{request['id']}", '{"done":true}')
    await_state(device, rpc, "SUCCESSFUL")
    assert device.rest.ok("GET", f"/api/rpc/persistent/{rpc}")["response"] == {"done": True}


def test_a_persistent_one_way_call_ends_when_it_is_delivered(server, device):
    rpc = persistent(device, "oneway", timeout=300000)
    http(server, device, "rpc?timeout=50000")
    await_state(device, rpc, "DELIVERED")
    assert http(server, device, "rpc?timeout=500").status_code == 408


def test_a_persistent_call_that_expires(device):
    rpc = persistent(device, expirationTime=int(time.time() * 1000) + 1500)
    await_state(device, rpc, "EXPIRED")
    assert state(device, persistent(device, expirationTime=1000)) == "EXPIRED"


@pytest.mark.parametrize("time, status", [
    ({"expirationTime": -2**63}, "EXPIRED"), ({"expirationTime": 2**63 - 1}, "QUEUED"), ({"timeout": 2**63 - 1}, "QUEUED"),
])
def test_the_ends_of_time_are_times_too(device, time, status):
    assert state(device, persistent(device, **time)) == status
    assert call(device, expirationTime=-2**63).status_code == 504


def test_pages_of_persistent_calls(device):
    rpcs = []
    for _ in range(3):
        rpcs.append(persistent(device, timeout=300000))
        # Each has a millisecond of its own.
        time.sleep(0.005)
    path = f"/api/rpc/persistent/device/{device.id}?pageSize=2&page=0"
    page = device.rest.ok("GET", path + "&sortProperty=createdTime&sortOrder=DESC")
    assert (page["totalElements"], [entry["id"]["id"] for entry in page["data"]]) == (3, rpcs[:0:-1])
    assert device.rest.ok("GET", path + "&rpcStatus=QUEUED")["totalElements"] == 3
    assert device.rest.ok("GET", path + "&rpcStatus=SUCCESSFUL")["totalElements"] == 0
    for status in ("DELETED", "NONSENSE"):
        assert device.rest.call("GET", path + "&rpcStatus=" + status).status_code == 400


def test_a_persistent_call_that_is_deleted_is_not_delivered(server, device):
    rpc = persistent(device, timeout=300000)
    device.rest.ok("DELETE", f"/api/rpc/persistent/{rpc}")
    answer = device.rest.call("GET", f"/api/rpc/persistent/{rpc}")
    assert (answer.status_code, answer.json()["message"]) == (404, f"Rpc with id [{rpc}] is not found")
    assert http(server, device, "rpc?timeout=500").status_code == 408


def test_the_same_id_asks_once(server, device):
    name = str(uuid.uuid4())
    assert persistent(device, requestUUID=name, timeout=300000) == name
    assert persistent(device, requestUUID=name, timeout=300000) == name
    assert device.rest.ok("GET", f"/api/rpc/persistent/device/{device.id}?pageSize=10&page=0")["totalElements"] == 1
    assert http(server, device, "rpc?timeout=50000").status_code == 200


def test_persistent_calls_survive_a_restart():
    server = Server()
    try:
        server.start()
        device = Rest(server.url).create_device()
        rpcs = [persistent(device, params=number, timeout=120000) for number in range(3)]
        server.kill()
        server.start()
        device.rest = Rest(server.url)
        seen = []
        for _ in rpcs:
            request = http(server, device, "rpc?timeout=50000").json()
            seen.append(request["params"])
            http(server, device, f"rpc/{request['id']}", json.dumps(request["params"] * 10))
        assert seen == [0, 1, 2]
        for number, rpc in enumerate(rpcs):
            await_state(device, rpc, "SUCCESSFUL")
            assert device.rest.ok("GET", f"/api/rpc/persistent/{rpc}")["response"] == number * 10
    finally:
        server.remove()


def test_many_calls_at_once(server, rest, pool):
    devices = [rest.create_device() for _ in range(20)]

    def answer(device):
        for _ in range(5):
            request = http(server, device, "rpc?timeout=50000").json()
            http(server, device, f"rpc/{request['id']}", json.dumps(request["params"]))

    workers = [pool.submit(answer, device) for device in devices]
    with concurrent.futures.ThreadPoolExecutor(100) as callers:
        calls = [(number, callers.submit(call, device, params=number, timeout=100000))
                 for number, device in enumerate(devices * 5)]
        assert all(future.result().json() == number for number, future in calls)
    for worker in workers:
        worker.result()
