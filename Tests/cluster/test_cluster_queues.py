"""Queues that come, grow, shrink and go while messages flow through every service; tenants with queues and limits of their own
(cluster.md 2.3, 4.4, 12: 39 to 41, 43)."""
import contextlib
import threading
import uuid

import pytest
import requests

import mqtt
from people import activate
from rest import Rest
from server import eventually
from partitions import topics
from test_cluster import TELEMETRY, direct, metrics, mqtt_port, publish, zookeeper_nodes

QUEUES = "/api/queues?serviceType=TB_RULE_ENGINE"
SAVE = {"type": "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode", "name": "save", "configurationVersion": 1,
        "configuration": {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}}
SWITCH = {"type": "org.thingsboard.rule.engine.filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
START = 1_700_000_000_000


class Publisher(threading.Thread):
    """Publishes one message after the other, each with its own time stamp, until it is told to stop."""

    def __init__(self, port, token):
        super().__init__(daemon=True)
        self.port, self.token = port, token
        self.acknowledged = 0
        self.ending = threading.Event()
        self.failure = None

    def run(self):
        try:
            with mqtt.connected(self.port, self.token, seconds=60) as connection:
                while not self.ending.is_set():
                    connection.publish(TELEMETRY, {"ts": START + self.acknowledged, "values": {"n": self.acknowledged}})
                    connection.puback()
                    self.acknowledged += 1
        except BaseException as failure:  # pylint: disable=broad-except
            self.failure = failure

    def go_on(self, count=20):
        """Waits for some more acknowledgements."""
        wanted = self.acknowledged + count
        eventually(lambda: self.acknowledged >= wanted or self.failure, 60, f"{wanted} acknowledgements")
        assert self.failure is None, self.failure

    def stop(self):
        self.ending.set()
        self.join(90)
        assert self.failure is None, self.failure


def test_a_queue_lives_at_run_time(cluster):
    if cluster.state["kafka"]["kind"] == "mock":
        pytest.skip("librdkafka's mock cluster neither grows nor deletes topics")
    system = [Rest(direct(cluster, f"core-node-{number}"), "sysadmin@thingsboard.org", "sysadmin") for number in (1, 2)]
    tenant = Rest(direct(cluster, "core-node-1"))
    bootstrap = cluster.state["kafka"]["bootstrap"]
    name = "Q" + uuid.uuid4().hex[:8]
    topic = "tb_rule_engine." + name

    def processed():
        """Messages that rule engines took from the queue."""
        return sum(value for number in (1, 2) for key, value in metrics(cluster, f"rule-engine-{number}").items()
                   if key.startswith(f"ruleEngine_{name}_total") and "successfulMsgs" in key)

    queue = system[0].ok("POST", QUEUES, {
        "name": name, "topic": topic, "pollInterval": 25, "partitions": 3, "consumerPerPartition": True,
        "packProcessingTimeout": 2000, "submitStrategy": {"type": "SEQUENTIAL_BY_ORIGINATOR", "batchSize": 100},
        "processingStrategy": {"type": "RETRY_FAILED_AND_TIMED_OUT", "retries": 0, "failurePercentage": 0,
                               "pauseBetweenRetries": 1, "maxPauseBetweenRetries": 1}})
    assert topics(bootstrap)[topic] == 3
    profile = tenant.create_profile("DEFAULT")
    profile = tenant.ok("POST", "/api/deviceProfile", {**profile, "defaultQueueName": name})
    device = tenant.create_device(deviceProfileId=profile["id"])
    publisher = Publisher(mqtt_port(cluster, 1), device.token)
    publisher.start()
    try:
        eventually(lambda: processed() > 20, 60, "messages in the new queue")
        for core, partitions in ((1, 6), (0, 2)):
            system[core].ok("POST", QUEUES, {**queue, "partitions": partitions})
            # A topic never has fewer partitions than it had; the rest of them drains.
            assert topics(bootstrap)[topic] == 6
            before = processed()
            eventually(lambda: processed() > before + 20, 60, f"messages in {partitions} partitions")
            publisher.go_on()
        refused = system[0].call("DELETE", "/api/queues/" + queue["id"]["id"])
        assert refused.status_code == 400 and "referenced by the device profiles" in refused.json()["message"]
        tenant.ok("POST", "/api/deviceProfile", {**tenant.ok("GET", "/api/deviceProfile/" + profile["id"]["id"]),
                                                 "defaultQueueName": None})
        publisher.go_on()
        system[1].ok("DELETE", "/api/queues/" + queue["id"]["id"])
        publisher.go_on(100)
        eventually(lambda: topic not in topics(bootstrap), 90, "the end of the topic")
        publisher.go_on()
    finally:
        publisher.stop()
    sent = publisher.acknowledged

    def stored():
        return len(device.history("n", START, START + sent, limit=100_000))

    eventually(lambda: stored() == sent, 60, f"{sent} stored messages")


def test_what_is_to_run_again_survives_the_end_of_rule_engines(cluster, rest):  # 30
    def chain_with(node, chain, engines):
        rest.save_graph(chain, [SWITCH, node], [(0, 1, "Post telemetry")], engines)

    def repeated(engine):
        return sum(value for key, value in metrics(cluster, engine).items()
                   if key.startswith("ruleEngine_HighPriority_total") and "tmpFailed" in key)

    chain = rest.ok("POST", "/api/ruleChain", {"name": "Chain " + uuid.uuid4().hex})
    chain_with({**SAVE, "configuration": {"nobodyKnowsThis": 1}}, chain, 2)
    profile = rest.ok("POST", "/api/deviceProfile", {
        **rest.create_profile("DEFAULT"), "defaultRuleChainId": chain["id"], "defaultQueueName": "HighPriority"})
    devices = [rest.create_device(deviceProfileId=profile["id"]) for _ in range(4)]
    for device in devices:
        send(cluster, device, 0, 25)
    engines = ("rule-engine-1", "rule-engine-2")
    eventually(lambda: any(repeated(engine) > 0 for engine in engines), 60, "another attempt")
    # Told to end, one gives back what it would try again; the other takes it and is killed.
    assert cluster.terminate("rule-engine-1") is not None, "it had to be killed"
    before = repeated("rule-engine-2")
    eventually(lambda: repeated("rule-engine-2") > before, 60, "another attempt of the other")
    cluster.kill("rule-engine-2")
    chain_with(SAVE, chain, 0)
    for engine in engines:
        cluster.start(engine)
    for device in devices:
        await_stored(device, 25)


# Tenants with queues of their own


def described(name, topic, partitions=2):
    return {"name": name, "topic": topic, "pollInterval": 25, "partitions": partitions, "consumerPerPartition": True,
            "packProcessingTimeout": 2000, "submitStrategy": {"type": "BURST", "batchSize": 1000},
            "processingStrategy": {"type": "RETRY_FAILED_AND_TIMED_OUT", "retries": 0, "failurePercentage": 0,
                                   "pauseBetweenRetries": 1, "maxPauseBetweenRetries": 1}}


MAIN = described("Main", "tb_rule_engine.main")


class Own:
    """A tenant with a profile of its own."""

    def __init__(self, cluster, configuration=None, queues=()):
        self.system = Rest(direct(cluster, "core-node-1"), "sysadmin@thingsboard.org", "sysadmin")
        salt = uuid.uuid4().hex[:12]
        self.profile = self.system.ok("POST", "/api/tenantProfile", {
            "name": "Own " + salt, "isolatedTbRuleEngine": bool(queues),
            "profileData": {"configuration": {"type": "DEFAULT", **(configuration or {})},
                            "queueConfiguration": list(queues) or None}})
        self.tenant = self.system.ok("POST", "/api/tenant", {"title": "Own " + salt, "tenantProfileId": self.profile["id"]})
        user = self.system.ok("POST", "/api/user?sendActivationMail=false", {
            "email": f"own-{salt}@example.com", "authority": "TENANT_ADMIN", "tenantId": self.tenant["id"]})
        activate(self.system, user, "secret-" + salt)
        self.rest = Rest(direct(cluster, "core-node-2"), user["email"], "secret-" + salt)

    @property
    def id(self):
        return self.tenant["id"]["id"]

    def set_queues(self, *queues):
        self.profile["profileData"]["queueConfiguration"] = list(queues)
        self.profile = self.system.ok("POST", "/api/tenantProfile", self.profile)

    def remove(self):
        self.system.ok("DELETE", "/api/tenant/" + self.id)
        self.system.ok("DELETE", "/api/tenantProfile/" + self.profile["id"]["id"])


@contextlib.contextmanager
def isolated(cluster, *queues):
    if cluster.state["kafka"]["kind"] == "mock":
        pytest.skip("librdkafka's mock cluster does not delete topics")
    own = Own(cluster, queues=queues)
    try:
        yield own
    finally:
        own.remove()
    bootstrap = cluster.state["kafka"]["bootstrap"]
    eventually(lambda: not [topic for topic in topics(bootstrap) if own.id in topic], 90, "the end of the tenant's topics")


def processed(cluster, engine, queue, tenant):
    return sum(value for key, value in metrics(cluster, engine).items()
               if key.startswith(f"ruleEngine_{queue}_total") and "successfulMsgs" in key and f'"{tenant}"' in key)


def send(cluster, device, first, count):
    with mqtt.connected(mqtt_port(cluster, 1), device.token, seconds=60) as connection:
        numbers = [connection.publish(TELEMETRY, {"ts": START + number, "values": {"n": number}})
                   for number in range(first, first + count)]
        for number in numbers:
            connection.puback(number)


def await_stored(device, count, seconds=60):
    eventually(lambda: len(device.history("n", START, START + count, limit=100_000)) == count, seconds, f"{count} messages")


def test_an_isolated_tenant_has_topics_and_numbers_of_its_own(cluster):  # 39, 41
    engines = ("rule-engine-1", "rule-engine-2")
    bootstrap = cluster.state["kafka"]["bootstrap"]
    with isolated(cluster, MAIN, described("Extra", "tb_rule_engine.extra", 3)) as own:
        main, extra = f"tb_rule_engine.main.isolated.{own.id}", f"tb_rule_engine.extra.isolated.{own.id}"
        eventually(lambda: {main: 2, extra: 3}.items() <= topics(bootstrap).items(), 60, "the tenant's topics")
        device = own.rest.create_device()
        publish(mqtt_port(cluster, 2), device.token, {"warm": 1}, 60)
        device.await_latest({"warm": 1}, 60)
        shared = sum(processed(cluster, engine, "Main", "system") for engine in engines)
        send(cluster, device, 0, 200)
        await_stored(device, 200)
        eventually(lambda: sum(processed(cluster, engine, "Main", own.id) for engine in engines) >= 200, 60, "its numbers")
        # Others' devices connect and fall silent meanwhile.
        assert sum(processed(cluster, engine, "Main", "system") for engine in engines) < shared + 200

        # What a queue holds when it is deleted is stored, and what comes then goes elsewhere.
        profile = own.rest.create_profile("DEFAULT")
        profile = own.rest.ok("POST", "/api/deviceProfile", {**profile, "defaultQueueName": "Extra"})
        other = own.rest.create_device(deviceProfileId=profile["id"])
        publish(mqtt_port(cluster, 1), other.token, {"warm": 1}, 60)
        other.await_latest({"warm": 1}, 60)
        try:
            for engine in engines:
                cluster.terminate(engine)
            send(cluster, other, 0, 100)
            own.set_queues(MAIN)
            send(cluster, other, 100, 100)
        finally:
            for engine in engines:
                cluster.start(engine)
        await_stored(other, 200)
        eventually(lambda: extra not in topics(bootstrap), 90, "the end of the deleted queue's topic")
        assert main in topics(bootstrap)
        send(cluster, other, 200, 10)
        await_stored(other, 210)


def test_a_dedicated_rule_engine_has_its_tenants_for_itself(cluster):  # 40
    with isolated(cluster, MAIN) as own:
        device = own.rest.create_device()
        publish(mqtt_port(cluster, 1), device.token, {"warm": 1}, 60)
        device.await_latest({"warm": 1}, 60)
        before = zookeeper_nodes(cluster)
        with cluster.another("rule-engine-3", "rule-engine",
                             {"TB_RULE_ENGINE_ASSIGNED_TENANT_PROFILES": own.profile["id"]["id"]}):
            topic = f'kafka_owned_partitions{{topic="tb_rule_engine.main.isolated.{own.id}"}}'
            shared = 'kafka_owned_partitions{topic="tb_rule_engine.main"}'
            owned = lambda: [metrics(cluster, f"rule-engine-{number}").get(topic, 0) for number in (1, 2, 3)]  # noqa: E731
            eventually(lambda: owned() == [0, 0, 2], 60, "the dedicated engine's partitions")
            assert metrics(cluster, "rule-engine-3").get(shared, 0) == 0
            others = [processed(cluster, f"rule-engine-{number}", "Main", own.id) for number in (1, 2)]
            send(cluster, device, 0, 50)
            await_stored(device, 50)
            eventually(lambda: processed(cluster, "rule-engine-3", "Main", own.id) >= 50, 60, "its numbers")
            # It stands still and is registered: nobody takes its place.
            cluster.pause("rule-engine-3")
            try:
                send(cluster, device, 50, 50)
                if len(zookeeper_nodes(cluster)) > len(before):
                    assert [processed(cluster, f"rule-engine-{number}", "Main", own.id) for number in (1, 2)] == others
                # It is no longer registered: the others do.
                await_stored(device, 100, 90)
            finally:
                cluster.resume("rule-engine-3")
            eventually(lambda: owned() == [0, 0, 2], 60, "the dedicated engine's partitions again")
        eventually(lambda: sum(metrics(cluster, f"rule-engine-{number}").get(topic, 0) for number in (1, 2)) == 2, 60,
                   "partitions without a dedicated engine")
        send(cluster, device, 100, 10)
        await_stored(device, 110)


# Limits of use


def test_a_tenant_that_has_used_up_its_messages_is_refused_everywhere(cluster):  # 43
    own = Own(cluster, {"maxTransportMessages": 100})
    device = own.rest.create_device()
    send(cluster, device, 0, 100)

    def refused(number):
        """By both protocols."""
        answer = requests.post(f"{direct(cluster, f'http-transport-{number}')}/api/v1/{device.token}/telemetry",
                               json={"n": 1}, timeout=60)
        if answer.status_code != 500:
            return False
        try:
            publish(mqtt_port(cluster, number), device.token, {"n": 1})
            return False
        except (OSError, AssertionError):
            return True

    for number in (1, 2):
        eventually(lambda: refused(number), 60, f"the refusal of transports {number}")
    for core in ("core-node-1", "core-node-2"):
        rest = Rest(direct(cluster, core))
        rest.session.headers["X-Authorization"] = own.rest.session.headers["X-Authorization"]
        found = rest.ok("POST", "/api/entitiesQuery/find", {
            "entityFilter": {"type": "apiUsageState"}, "entityFields": [], "pageLink": {"page": 0, "pageSize": 1},
            "latestValues": [{"type": "TIME_SERIES", "key": "transportApiState"}]})
        shown = lambda: rest.ok(  # noqa: E731
            "GET", f"/api/plugins/telemetry/API_USAGE_STATE/{found['data'][0]['entityId']['id']}/values/timeseries"
            "?keys=transportApiState")
        eventually(lambda: shown().get("transportApiState", [{}])[0].get("value") == "DISABLED", 60, "the state")
        assert rest.ok("GET", "/api/usage")["transportMessages"] >= 100
    # Others are served.
    publish(mqtt_port(cluster, 1), Rest(direct(cluster, "core-node-1")).create_device().token, {"n": 1})
    own.remove()
