"""Whether and since when devices are connected and active (rule-engine.md 9)."""
import time

import pytest
import requests

import mqtt
from rest import Rest, now_ms
from server import Server, eventually


@pytest.fixture(scope="module")
def quick_server():
    """A server on which devices count as inactive after three seconds."""
    server = Server({"DEFAULT_INACTIVITY_TIMEOUT": "3", "TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT": "500",
                     "NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS": "500"})
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def quick(quick_server):
    return Rest(quick_server.url).create_device()


def post(server, device):
    answer = requests.post(f"{server.url}/api/v1/{device.token}/telemetry", data='{"a":1}', timeout=60)
    assert answer.status_code == 200


def state(device):
    return device.attributes("SERVER_SCOPE")


def test_a_device_becomes_active_and_inactive_to_the_second(quick_server, quick):
    assert state(quick)["active"] is False
    before = now_ms()
    post(quick_server, quick)
    quick.await_attributes("SERVER_SCOPE", {"active": True})
    assert before <= state(quick)["lastActivityTime"] <= now_ms()
    quick.await_attributes("SERVER_SCOPE", {"active": False})
    found = state(quick)
    assert 3000 <= found["inactivityAlarmTime"] - found["lastActivityTime"] < 5900
    post(quick_server, quick)
    quick.await_attributes("SERVER_SCOPE", {"active": True})


def test_activity_keeps_a_device_active(quick_server, quick):
    def stays_active():
        """Whether it was, for longer than its timeout; `None` when this machine was too slow to tell."""
        post(quick_server, quick)
        quick.await_attributes("SERVER_SCOPE", {"active": True})
        seen = []
        for _ in range(8):
            began = time.monotonic()
            post(quick_server, quick)
            time.sleep(0.5)
            seen.append(state(quick)["active"])
            if time.monotonic() - began > 1.5:
                return None
        return seen
    assert all(eventually(stays_active, 120, "eight messages in time"))
    assert now_ms() - state(quick)["lastActivityTime"] < 60_000


def test_a_device_that_never_sent_anything_is_reported_once(quick_server, quick):
    eventually(lambda: "inactivityAlarmTime" in state(quick), 60, "inactivity is reported")
    first = state(quick)["inactivityAlarmTime"]
    time.sleep(4)
    assert state(quick)["inactivityAlarmTime"] == first
    assert state(quick)["active"] is False


def test_the_timeout_of_one_device(quick_server, quick):
    quick.rest.ok("POST", quick.path + "/SERVER_SCOPE", {"inactivityTimeout": 60000})
    post(quick_server, quick)
    quick.await_attributes("SERVER_SCOPE", {"active": True})
    time.sleep(4.5)
    assert state(quick)["active"] is True
    quick.rest.ok("DELETE", quick.path + "/SERVER_SCOPE?keys=inactivityTimeout")
    quick.await_attributes("SERVER_SCOPE", {"active": False})
    quick.rest.ok("POST", quick.path + "/SERVER_SCOPE", {"inactivityTimeout": 60000})
    quick.await_attributes("SERVER_SCOPE", {"active": True})


def test_connecting_and_disconnecting(quick_server, quick):
    quick.rest.ok("POST", quick.path + "/SERVER_SCOPE", {"inactivityTimeout": 600000})
    before = now_ms()
    with mqtt.connected(quick_server.mqtt_port, quick.token):
        eventually(lambda: state(quick).get("lastConnectTime", 0) >= before, 60, "the connect is written")
        assert state(quick)["active"] is True
    eventually(lambda: state(quick).get("lastDisconnectTime", 0) >= before, 60, "the disconnect is written")
    # Only the time makes a device inactive.
    assert state(quick)["active"] is True
    quick.rest.ok("DELETE", quick.path + "/SERVER_SCOPE?keys=inactivityTimeout")
    quick.await_attributes("SERVER_SCOPE", {"active": False})


def test_states_survive_a_restart():
    server = Server({"DEFAULT_INACTIVITY_TIMEOUT": "4"})
    try:
        server.start()
        device = Rest(server.url).create_device()
        post(server, device)
        # Somebody else's device, whose attributes are no times.
        odd = Rest(server.url).create_device()
        numbers = {"inactivityTimeout": 2 ** 63 - 1, "lastActivityTime": 2 ** 63 - 1, "inactivityAlarmTime": -(2 ** 63)}
        odd.rest.ok("POST", odd.path + "/SERVER_SCOPE", numbers)
        post(server, odd)
        eventually(lambda: state(device).get("lastActivityTime"), what="the activity is written")
        server.kill()
        server.start()
        device.rest = Rest(server.url)
        eventually(lambda: state(device)["active"] is False, 60, "inactivity is noticed after the restart")
        alarm = state(device)["inactivityAlarmTime"]
        server.terminate()
        server.start()
        device.rest = Rest(server.url)
        time.sleep(5)
        assert state(device)["inactivityAlarmTime"] == alarm
    finally:
        server.remove()


def test_credentials_that_change_close_the_session(server, device):
    with mqtt.connected(server.mqtt_port, device.token) as connection:
        credentials = device.rest.ok("GET", f"/api/device/{device.id}/credentials")
        device.rest.ok("POST", "/api/device/credentials", {**credentials, "credentialsId": "new-" + device.token})
        connection.expect_closed()
