"""Changes while messages flow: chains, profiles, names, limits, members (cases of cluster.md 12 by number)."""
import threading
import time
import uuid

import pytest
import requests

import mqtt
from devices import ATTRIBUTES, at
from partitions import owner, partition, records
from people import activate
from rest import Rest
from server import eventually
from test_cluster import TELEMETRY, closed, direct, metrics, mqtt_port, publish, zookeeper_nodes

KIND = "org.thingsboard.rule.engine."
SWITCH = {"type": KIND + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}


def attributes_node(scope):
    return {"type": KIND + "telemetry.TbMsgAttributesNode", "name": "save", "configurationVersion": 3,
            "configuration": {"processingSettings": {"type": "ON_EVERY_MESSAGE"}, "scope": scope, "notifyDevice": False,
                              "sendAttributesUpdatedNotification": False, "updateAttributesOnlyOnValueChange": True}}


def save_chain(rest, chain, scope):
    """A chain that saves the attributes of devices in that scope."""
    found = rest.ok("GET", f"/api/ruleChain/{chain['id']['id']}")
    return rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "version": found.get("version"), "firstNodeIndex": 0,
        "nodes": [SWITCH, attributes_node(scope)],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "Post attributes"}]})


def make_chain(rest, scope):
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    save_chain(rest, chain, scope)
    return chain


@pytest.fixture
def profiled(rest):
    """A profile with a chain of its own, which saves in the client scope, and a queue that retries; and devices of it."""
    chain = make_chain(rest, "CLIENT_SCOPE")
    profile = rest.create_profile("DEFAULT")
    profile = rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": chain["id"],
                                                     "defaultQueueName": "HighPriority"})
    engines = ["rule-engine-1", "rule-engine-2"]
    devices = []
    while {owner(partition(device.id), engines, "rule_engine.HighPriority") for device in devices} != set(engines) or len(devices) < 4:
        devices.append(rest.create_device(deviceProfileId=profile["id"], type=profile["name"]))
    return chain, profile, devices


class Sender(threading.Thread):
    """A device that publishes an attribute of a new name every few milliseconds, each acknowledged."""

    def __init__(self, port, device, pause=0.008):
        super().__init__(daemon=True)
        self.port, self.device, self.pause = port, device, pause
        self.acknowledged = []
        self.failure = None
        self.ends = threading.Event()
        self.start()

    def run(self):
        try:
            with mqtt.connected(self.port, self.device.token, seconds=60) as connection:
                while not self.ends.is_set():
                    name = f"k{len(self.acknowledged):05}"
                    connection.publish(ATTRIBUTES, {name: 1})
                    connection.puback()
                    self.acknowledged.append((name, time.monotonic()))
                    time.sleep(self.pause)
        except (OSError, AssertionError) as failure:
            self.failure = failure

    def finish(self):
        self.ends.set()
        self.join()
        assert self.failure is None, self.failure
        return self.acknowledged


def test_an_edited_chain_rules_every_engine_and_loses_nothing(cluster, rest, profiled):  # 24
    chain, _, devices = profiled
    senders = [Sender(mqtt_port(cluster, 1 + index % 2), device) for index, device in enumerate(devices)]
    for sender in senders:
        eventually(lambda: sender.device.attributes("CLIENT_SCOPE"), 60, "the first attributes")
    save_chain(rest, chain, "SERVER_SCOPE")
    ruled = []
    for sender in senders:
        eventually(lambda: any(key[1:].isdigit() for key in sender.device.attributes("SERVER_SCOPE")), what="the new chain")
        ruled.append(time.monotonic())
    time.sleep(2)
    for sender, since in zip(senders, ruled):
        sent = sender.finish()
        old, new = set(), set()

        def stored():
            old.update(sender.device.attributes("CLIENT_SCOPE"))
            new.update(sender.device.attributes("SERVER_SCOPE"))
            return {name for name, _ in sent} <= old | new

        eventually(stored, 60, "all attributes")
        assert {name for name, when in sent if when > since} <= new, "the old chain is still in force"


def test_the_next_message_takes_the_chain_of_the_changed_profile(cluster, rest, profiled):  # 23
    _, profile, devices = profiled
    other = make_chain(rest, "SERVER_SCOPE")
    for device in devices:
        with mqtt.connected(mqtt_port(cluster), device.token) as connection:
            connection.publish(ATTRIBUTES, {"before": 1})
            connection.puback()
        device.await_attributes("CLIENT_SCOPE", {"before": 1})
    rest.ok("POST", "/api/deviceProfile", {**profile, "defaultRuleChainId": other["id"]})
    for index, device in enumerate(devices):
        def arrives():
            with mqtt.connected(mqtt_port(cluster, 1 + index % 2), device.token) as connection:
                connection.publish(ATTRIBUTES, {"after": uuid.uuid4().hex})
                connection.puback()
            return "after" in device.attributes("SERVER_SCOPE")

        eventually(arrives, 60, "the new chain")


def test_messages_carry_the_new_name_of_a_renamed_device(cluster, rest, device):  # 22
    connection = mqtt.connected(mqtt_port(cluster, 1), device.token)
    connection.publish(TELEMETRY, {"a": 1})
    connection.puback()
    name = "Renamed " + uuid.uuid4().hex[:12]
    other = at(device, direct(cluster, "core-node-2"))
    other.rest.ok("POST", "/api/device", {**rest.ok("GET", f"/api/device/{device.id}"), "name": name})

    def renamed():
        connection.publish(TELEMETRY, {"a": 2})
        connection.puback()
        mine = [value for _, key, value in records(cluster.state["kafka"]["bootstrap"], "tb_rule_engine.main")
                if key.decode(errors="replace") == device.id and b"POST_TELEMETRY" in value]
        return mine and name.encode() in mine[-1]

    eventually(renamed, 60, "the new name")
    connection.close()


def test_a_lowered_limit_holds_on_every_transport(cluster):  # 25
    system = Rest("http://" + cluster.status()["http"], "sysadmin@thingsboard.org", "sysadmin")
    salt = uuid.uuid4().hex[:12]
    configuration = {"type": "DEFAULT"}
    profile = system.ok("POST", "/api/tenantProfile", {"name": "Limits " + salt, "profileData": {"configuration": configuration}})
    tenant = system.ok("POST", "/api/tenant", {"title": "Tenant " + salt, "tenantProfileId": profile["id"]})
    user = system.ok("POST", "/api/user?sendActivationMail=false", {
        "email": f"admin-{salt}@example.com", "authority": "TENANT_ADMIN", "tenantId": tenant["id"]})
    activate(system, user, "secret-" + salt)
    administrator = Rest(system.url, user["email"], "secret-" + salt)
    connections = [mqtt.connected(mqtt_port(cluster, number), administrator.create_device().token) for number in (1, 2)]
    for connection in connections:
        for _ in range(5):
            connection.publish(TELEMETRY, {"a": 1})
            connection.puback()
    configuration["transportDeviceTelemetryMsgRateLimit"] = "1:600"
    system.ok("POST", "/api/tenantProfile", {**profile, "profileData": {"configuration": configuration}})
    for connection in connections:
        def limited():
            try:
                connection.publish(TELEMETRY, {"a": 2})
                connection.puback()
                return False
            except (OSError, AssertionError):
                return True

        eventually(limited, 60, "the limit")
        assert closed(connection)


# Members


def test_a_third_rule_engine_takes_its_part_and_gives_it_back(cluster, rest):  # 27, 28
    profiles = [rest.ok("POST", "/api/deviceProfile", {**rest.create_profile("DEFAULT"), "defaultQueueName": name})
                for name in ("HighPriority", "SequentialByOriginator")]
    devices = [rest.create_device(deviceProfileId=profiles[index % 2]["id"]) for index in range(6)]
    senders = [Sender(mqtt_port(cluster, 1 + index % 2), device, 0.02) for index, device in enumerate(devices)]
    topic = 'kafka_owned_partitions{topic="tb_rule_engine.hp"}'

    def owned(*numbers):
        counts = [metrics(cluster, f"rule-engine-{number}")[topic] for number in numbers]
        return counts if sum(counts) == 10 and min(counts) > 0 else None

    before = zookeeper_nodes(cluster)
    with cluster.another("rule-engine-3", "rule-engine"):
        engines = [f"rule-engine-{number}" for number in (1, 2, 3)]
        expected = [sum(owner(number, engines, "rule_engine.HighPriority") == engine for number in range(10)) for engine in engines]
        eventually(lambda: owned(1, 2, 3) == expected if min(expected) else True, 60, "the new division")
        time.sleep(1)
        assert len(zookeeper_nodes(cluster)) == len(before) + 1
    assert zookeeper_nodes(cluster) == before
    eventually(lambda: owned(1, 2), 60, "the former division")
    for sender in senders:
        sent = {name for name, _ in sender.finish()}
        eventually(lambda: sent <= set(sender.device.attributes("CLIENT_SCOPE")), 60, "all attributes")


def test_a_device_whose_owner_was_killed_becomes_inactive_once(cluster, rest, device):  # 42
    rest.ok("POST", device.path + "/SERVER_SCOPE", {"inactivityTimeout": 6000})
    publish(mqtt_port(cluster, 1), device.token, {"a": 1})
    device.await_attributes("SERVER_SCOPE", {"active": True})
    victim = owner(partition(device.id), ["core-node-1", "core-node-2"])
    witness = at(device, direct(cluster, "core-node-1" if victim == "core-node-2" else "core-node-2"))
    cluster.kill(victim)
    witness.await_attributes("SERVER_SCOPE", {"active": False}, 60)

    def events():
        return sum(key.decode(errors="replace") == device.id and b"INACTIVITY_EVENT" in value
                   for _, key, value in records(cluster.state["kafka"]["bootstrap"], "tb_rule_engine.main"))

    eventually(lambda: events() == 1, 60, "the event")
    # The owner of before finds nothing to tell.
    cluster.start(victim)
    publish(mqtt_port(cluster, 2), rest.create_device().token, {"a": 1})
    time.sleep(2)
    assert events() == 1
    assert witness.attributes("SERVER_SCOPE")["active"] is False


# Tokens


def test_tokens_that_are_over_are_over_on_every_core_node_at_once(cluster, rest):
    one, two = Rest(direct(cluster, "core-node-1")), Rest(direct(cluster, "core-node-2"))

    def refused(node, token):
        answer = requests.get(node.url + "/api/auth/user", headers={"X-Authorization": "Bearer " + token}, timeout=60)
        return answer.status_code == 401

    def heard():
        return sum(count for name, count in metrics(cluster, "core-node-2").items()
                   if name.startswith("kafka_notifications_received_total"))

    for _ in range(3):
        token = one.ok("POST", "/api/auth/login", {"username": "tenant@thingsboard.org", "password": "tenant"})["token"]
        assert not refused(two, token)
        before = heard()
        assert requests.post(one.url + "/api/auth/logout", headers={"X-Authorization": "Bearer " + token}, timeout=60).ok
        eventually(lambda: refused(two, token), 60, "the end of the token on the other node")
        assert refused(one, token)
        eventually(lambda: heard() > before, 60, "the notification")
    # A changed password ends every token of the person.
    email = f"people{uuid.uuid4().hex[:12]}@example.com"
    user = one.ok("POST", "/api/user?sendActivationMail=false", {"email": email, "authority": "TENANT_ADMIN"})
    activate(one, user, "a-first-word-1")
    tokens = [Rest(node.url, email, "a-first-word-1").token for node in (one, two)]
    changed = requests.post(one.url + "/api/auth/changePassword", headers={"X-Authorization": "Bearer " + tokens[0]},
                            json={"currentPassword": "a-first-word-1", "newPassword": "a-second-word-2"}, timeout=60)
    assert changed.ok, changed.text
    for token in tokens:
        eventually(lambda: refused(two, token), 60, "the end of the old tokens on the other node")
    one.ok("DELETE", f"/api/user/{user['id']['id']}")
