"""How the activity of devices is reported, and where their state is kept (device-api.md 6.1, rule-engine.md 9)."""
import contextlib
import time

import pytest
import requests

import mqtt
from mqtt import TELEMETRY
from rest import Rest, now_ms
from server import eventually

BASE = {"NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS": "0", "TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT": "1500"}


def publish(connection):
    """When it was sent, and when it was acknowledged."""
    sent = now_ms()
    connection.publish(TELEMETRY, {"a": 1})
    connection.puback()
    return sent - 20, now_ms()


def last_activity(device):
    return device.attributes("SERVER_SCOPE").get("lastActivityTime", 0)


@contextlib.contextmanager
def burst(own, device, silence=0.0):
    """A session with messages close together, then a silence; when the last one was sent and acknowledged."""
    with mqtt.connected(own.mqtt_port, device.token) as connection:
        for _ in range(8):
            last = publish(connection)
            time.sleep(0.1)
        time.sleep(silence)
        yield last


@pytest.mark.parametrize("strategy", ["LAST", "FIRST_AND_LAST", "ALL"])
def test_the_last_activity_of_a_period_is_reported(own, configured, strategy):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY=strategy)
    # A server that gets no processor takes a message for older than it is.
    for _ in range(4):
        with burst(own, device) as (sent, acknowledged), contextlib.suppress(AssertionError):
            eventually(lambda: sent <= last_activity(device) <= acknowledged, 8, "the report of the last message")
            return
    pytest.fail("the last activity is not reported")


def test_only_the_first_activity_of_a_period_is_reported(own, configured):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY="FIRST")
    # The last message may happen to be the first of a period.
    for _ in range(4):
        began = now_ms() - 20
        # More than a period.
        with burst(own, device, 3.2) as (sent, _):
            reported = eventually(lambda: (found := last_activity(device)) >= began and found, what="a report")
        if reported < sent:
            return
    pytest.fail("the last activity is reported")


def test_every_activity_is_reported_at_once(own, configured):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY="ALL", TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT="600000")
    with mqtt.connected(own.mqtt_port, device.token) as connection:
        for _ in range(3):
            time.sleep(0.2)
            sent, _ = publish(connection)
            eventually(lambda: last_activity(device) >= sent, 60, "the report, long before the end of the period")


def telemetry(device):
    return device.latest("active", "lastActivityTime", "inactivityAlarmTime", "lastConnectTime")


def info(device):
    page = device.rest.ok("GET", "/api/tenant/deviceInfos?pageSize=10&page=0&textSearch=" + device.entity["name"])
    return page["data"][0]["active"]


def test_the_state_may_be_telemetry(own, configured):
    device = configured(PERSIST_STATE_TO_TELEMETRY="true", DEFAULT_INACTIVITY_TIMEOUT="4")
    assert "active" not in device.attributes("SERVER_SCOPE")
    assert info(device) is False
    before = now_ms()
    answer = requests.post(f"{own.url}/api/v1/{device.token}/telemetry", data='{"a":1}', timeout=60)
    assert answer.status_code == 200
    eventually(lambda: telemetry(device).get("active") is True, 60, "active")
    assert telemetry(device)["lastActivityTime"] >= before
    assert info(device) is True
    eventually(lambda: telemetry(device)["active"] is False, 60, "inactive")
    found = telemetry(device)
    assert 4000 <= found["inactivityAlarmTime"] - found["lastActivityTime"] < 7900
    assert info(device) is False
    assert [value for _, value in device.history("active", 0, 10**14, orderBy="ASC")][-2:] == [True, False]
    # It is read from there at the next start, and nothing is told again.
    own.terminate()
    own.start()
    device.rest = Rest(own.url)
    time.sleep(5)
    assert telemetry(device)["inactivityAlarmTime"] == found["inactivityAlarmTime"]
    # The timeout is an attribute all the same.
    device.rest.ok("POST", device.path + "/SERVER_SCOPE", {"inactivityTimeout": 600000})
    eventually(lambda: telemetry(device)["active"] is True, 60, "active again")
    assert "active" not in device.attributes("SERVER_SCOPE")


def test_times_beyond_all_measure_stop_nothing(own, configured):
    device = configured(DEFAULT_INACTIVITY_TIMEOUT="600")
    rest = device.rest
    for value in (2**63 - 1, -2**63, 1e300, -1e300, 5e18):
        odd = rest.create_device()
        rest.ok("POST", odd.path + "/SERVER_SCOPE", {"inactivityTimeout": value})
        assert requests.post(f"{own.url}/api/v1/{odd.token}/telemetry", data='{"a":1}', timeout=30).status_code == 200
        rest.ok("POST", odd.path + "/SERVER_SCOPE", {
            "inactivityTimeout": value, "lastActivityTime": value, "lastConnectTime": value, "inactivityAlarmTime": value})
    # They are read again at the next start, together with all others.
    own.terminate(20)
    read = len(own.log())
    own.start()
    device.rest = Rest(own.url)
    assert requests.post(f"{own.url}/api/v1/{device.token}/telemetry", data='{"a":1}', timeout=30).status_code == 200
    eventually(lambda: device.attributes("SERVER_SCOPE").get("active") is True, 30, "active")
    assert "the states of devices cannot be read" not in own.log()[read:]
