"""How the activity of devices is reported, and where their state is kept (device-api.md 6.1, rule-engine.md 9)."""
import time

import pytest
import requests

import mqtt
from mqtt import TELEMETRY
from rest import Rest, now_ms
from server import eventually

BASE = {"NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS": "0", "TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT": "1500"}


def publish(connection):
    connection.publish(TELEMETRY, {"a": 1})
    connection.puback()
    return now_ms()


def last_activity(device):
    return device.attributes("SERVER_SCOPE").get("lastActivityTime", 0)


def burst(own, device):
    """A session with messages close together, then a silence of more than a period; when the last one was sent."""
    with mqtt.connected(own.mqtt_port, device.token) as connection:
        for _ in range(8):
            last = publish(connection)
            time.sleep(0.1)
        time.sleep(3.2)
        return last, last_activity(device)


@pytest.mark.parametrize("strategy", ["LAST", "FIRST_AND_LAST", "ALL"])
def test_the_last_activity_of_a_period_is_reported(own, configured, strategy):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY=strategy)
    last, reported = burst(own, device)
    assert abs(reported - last) < 100


def test_only_the_first_activity_of_a_period_is_reported(own, configured):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY="FIRST")
    # The last message may happen to be the first of a period.
    for _ in range(4):
        last, reported = burst(own, device)
        assert last - 5000 < reported
        if reported < last - 80:
            return
    pytest.fail("the last activity is reported")


def test_every_activity_is_reported_at_once(own, configured):
    device = configured(TB_TRANSPORT_ACTIVITY_REPORTING_STRATEGY="ALL", TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT="60000")
    with mqtt.connected(own.mqtt_port, device.token) as connection:
        for _ in range(3):
            time.sleep(0.2)
            sent = publish(connection)
            eventually(lambda: last_activity(device) > sent - 100, 15, "the report, long before the end of the period")


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
    answer = requests.post(f"{own.url}/api/v1/{device.token}/telemetry", data='{"a":1}', timeout=30)
    assert answer.status_code == 200
    eventually(lambda: telemetry(device).get("active") is True, 10, "active")
    assert telemetry(device)["lastActivityTime"] >= before
    assert info(device) is True
    eventually(lambda: telemetry(device)["active"] is False, 15, "inactive")
    found = telemetry(device)
    assert 4000 <= found["inactivityAlarmTime"] - found["lastActivityTime"] <= 5000
    assert info(device) is False
    assert [value for _, value in device.history("active", 0, 10**14, orderBy="ASC")][-2:] == [True, False]
    # It is read from there at the next start, and nothing is told again.
    own.terminate(20)
    own.start()
    device.rest = Rest(own.url)
    time.sleep(5)
    assert telemetry(device)["inactivityAlarmTime"] == found["inactivityAlarmTime"]
    # The timeout is an attribute all the same.
    device.rest.ok("POST", device.path + "/SERVER_SCOPE", {"inactivityTimeout": 600000})
    eventually(lambda: telemetry(device)["active"] is True, 10, "active again")
    assert "active" not in device.attributes("SERVER_SCOPE")
