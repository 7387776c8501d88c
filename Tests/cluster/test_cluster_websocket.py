"""WebSocket sessions across nodes (cluster.md 5.5, section 12, cases 13 and 14)."""
import uuid

import pytest

from rest import Rest
from server import eventually
from socket_client import PATIENCE, Closed, opened


@pytest.fixture
def at(cluster, rest):
    """The administrator at each core node."""
    def at(number):
        return Rest.without_login("http://" + cluster.process(f"core-node-{number}")["http"], rest.token)
    return at


def of(device):
    return {"entityType": "DEVICE", "entityId": device.id}


def tell(rest, device, values):
    """Telemetry by one core node; `False` while that cannot be had."""
    try:
        return rest.call("POST", f"{device.path}/timeseries/ANY", values).status_code == 200
    except OSError:
        return False


def test_what_any_node_commits_reaches_the_sessions_of_any_core(cluster, rest, at, device):
    """By the other core node, and by whichever rule engine the device's messages go to."""
    sessions = [opened(at(number)) for number in (1, 2)]
    for session in sessions:
        session.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(device)},
                         {"type": "ATTRIBUTES", "cmdId": 2, "keys": "a", "scope": "SERVER_SCOPE", **of(device)},
                         {"type": "ALARM_STATUS", "cmdId": 3, "originatorId": {"entityType": "DEVICE", "id": device.id}})
        for command in (1, 2, 3):
            assert session.answer(command)["errorCode"] == 0
    for number in (1, 2):
        at(number).ok("POST", device.path + "/timeseries/ANY", {"t": f"core {number}"})
        at(number).ok("POST", device.path + "/attributes/SERVER_SCOPE", {"a": f"core {number}"})
        for session in sessions:
            session.until(1, lambda m: m["data"]["t"][-1][1] == f"core {number}")
            session.until(2, lambda m: m["data"]["a"][-1][1] == f"core {number}")
    import requests
    url = "http://" + cluster.status()["http"]
    value = "device " + uuid.uuid4().hex
    assert requests.post(f"{url}/api/v1/{device.token}/telemetry", json={"t": value}, timeout=30).status_code == 200
    at(1).ok("POST", "/api/alarm", {"type": "Hot", "severity": "MAJOR", "originator": {"entityType": "DEVICE", "id": device.id}})
    for session in sessions:
        session.until(1, lambda m: m["data"]["t"][-1][1] == value)
        session.until(3, lambda m: m["active"])
        session.close()


def test_updates_flow_again_on_the_same_session_when_other_nodes_are_killed(cluster, rest, at, device):
    """The session's own core lives; the other core and a rule engine die and come back."""
    session = opened(at(1))
    session.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(device)})
    assert session.answer(1)["errorCode"] == 0
    cluster.kill("core-node-2")
    cluster.kill("rule-engine-1")
    import requests
    url = "http://" + cluster.status()["http"]

    def reaches(send):
        value = uuid.uuid4().hex
        if not send(value):
            return False
        try:
            session.until(1, lambda m: m["data"]["t"][-1][1] == value, seconds=5)
        except Closed:
            raise
        except Exception as silence:
            assert "timed out" in str(silence), silence
            return False
        return True

    def by_device(value):
        try:
            answer = requests.post(f"{url}/api/v1/{device.token}/telemetry", json={"t": value}, timeout=10)
            return answer.status_code == 200
        except requests.RequestException:
            return False

    eventually(lambda: reaches(by_device), 90, "an update by the rule engine that is left")
    for name in ("core-node-2", "rule-engine-1"):
        cluster.start(name)
        cluster.wait_ready(name)
    eventually(lambda: reaches(lambda value: tell(at(2), device, {"t": value})), 90, "an update by the core that came back")
    eventually(lambda: reaches(by_device), 90, "an update by the rule engines")
    session.close()


def test_what_nobody_looks_at_does_not_travel(cluster, rest, at, device):
    """Only watched entities are sent from node to node."""
    import requests

    def notifications(number):
        text = requests.get("http://" + cluster.process(f"core-node-{number}")["http"] + "/metrics", timeout=10).text
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("ws_remote_changes_total"))

    other = rest.create_device()
    session = opened(at(1))
    session.commands({"type": "TIMESERIES", "cmdId": 1, "keys": "t", **of(device)})
    assert session.answer(1)["errorCode"] == 0
    before = notifications(1)
    for _ in range(20):
        at(2).ok("POST", other.path + "/timeseries/ANY", {"t": 1})
    at(2).ok("POST", device.path + "/timeseries/ANY", {"t": "end"})
    session.until(1, lambda m: m["data"]["t"][-1][1] == "end")
    eventually(lambda: notifications(1) > before, PATIENCE, "the change that travels")
    assert notifications(1) <= before + 5, "changes travelled that nobody looks at"
    session.close()
