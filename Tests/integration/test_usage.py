"""What tenants use, and their limits (rule-engine.md 8.5, cluster.md 12: 43)."""
import uuid

import pytest

import mqtt
from rest import Rest
from server import Server, eventually

MONTHLY = "transportMsgCount,transportDataPointsCount,ruleEngineExecutionCount,storageDataPointsCount"


@pytest.fixture(scope="module")
def reporting():
    """A server that reports every second."""
    running = Server({"USAGE_STATS_REPORT_INTERVAL": "1"})
    try:
        yield running.start()
    finally:
        running.remove()


def publishes(port, token):
    """Whether a message is taken."""
    with mqtt.Connection(port) as connection:
        connection.send(mqtt.connect_packet(4, username=token))
        accepted = connection.receive()
        if accepted is None or accepted.body[1] != 0:
            return False
        connection.publish(mqtt.TELEMETRY, {"a": 1, "b": 2, "c": 3})
        answer = connection.receive()
        return answer is not None and answer.type == mqtt.PUBACK


def test_usage_is_counted_and_its_limit_refuses_the_tenant(reporting):
    system = Rest(reporting.url, "sysadmin@thingsboard.org", "sysadmin")
    tenant = Rest(reporting.url)
    device = tenant.create_device()
    port = reporting.mqtt_port
    for _ in range(5):
        assert publishes(port, device.token)
    eventually(lambda: tenant.ok("GET", "/api/usage")["transportMessages"] == 5, 30, "five counted messages")
    found = tenant.ok("POST", "/api/entitiesQuery/find", {
        "entityFilter": {"type": "apiUsageState"}, "entityFields": [], "latestValues": [],
        "pageLink": {"page": 0, "pageSize": 1}})
    path = "/api/plugins/telemetry/API_USAGE_STATE/" + found["data"][0]["entityId"]["id"] + "/values/timeseries"

    def counted(*keys):
        answer = tenant.ok("GET", f"{path}?useStrictDataTypes=true&keys={','.join(keys)}")
        return [answer[key][0]["value"] for key in keys]

    messages, points, executions, stored = counted(*MONTHLY.split(","))
    assert (messages, points, stored) == (5, 15, 15) and executions >= 10
    assert counted("transportMsgCountHourly")[0] <= 5

    # A limit that is reached: transports refuse the tenant.
    own = system.ok("GET", "/api/tenants?pageSize=1&page=0&textSearch=Tenant")["data"][0]
    profile = system.ok("POST", "/api/tenantProfile", {
        "name": "Little " + uuid.uuid4().hex[:8],
        "profileData": {"configuration": {"type": "DEFAULT", "maxTransportMessages": 8, "warnThreshold": 0.5}}})
    system.ok("POST", "/api/tenant", {**own, "tenantProfileId": profile["id"], "version": None})
    for _ in range(3):
        publishes(port, device.token)
    eventually(lambda: not publishes(port, device.token), 30, "a refusal")
    assert tenant.ok("GET", "/api/usage")["maxTransportMessages"] == 8
    # What was refused is not counted.
    assert tenant.ok("GET", "/api/usage")["transportMessages"] >= 8
    profile["profileData"]["configuration"]["maxTransportMessages"] = 1_000_000
    system.ok("POST", "/api/tenantProfile", profile)
    eventually(lambda: publishes(port, device.token), 30, "a message that is taken again")
