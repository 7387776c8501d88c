"""How the activity of devices is reported (device-api.md 6.1)."""
import time

import pytest

import mqtt
from mqtt import TELEMETRY
from rest import Rest, now_ms
from server import Server, eventually

BASE = {"NEEDLETAIL_DEVICE_STATE_WRITE_INTERVAL_MS": "0", "TB_TRANSPORT_SESSIONS_REPORT_TIMEOUT": "1500"}


@pytest.fixture(scope="module")
def own():
    """A server of this file's that a test may start with other settings."""
    server = Server(dict(BASE))
    try:
        yield server.start()
    finally:
        server.remove()


@pytest.fixture
def configured(own):
    def configured(**settings):
        wanted = {**BASE, **settings}
        if own.environment != wanted:
            own.terminate(20)
            own.environment = wanted
            own.start()
        return Rest(own.url).create_device()

    return configured


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
