"""Queues that come, grow, shrink and go while messages flow through every service (cluster.md 2.3, 12: 39, 41)."""
import threading
import uuid

import pytest

import mqtt
from rest import Rest
from server import eventually
from partitions import topics
from test_cluster import TELEMETRY, direct, metrics, mqtt_port

QUEUES = "/api/queues?serviceType=TB_RULE_ENGINE"
SAVE = {"type": "org.thingsboard.rule.engine.telemetry.TbMsgTimeseriesNode", "name": "save", "configurationVersion": 1,
        "configuration": {"defaultTTL": 0, "useServerTs": False, "processingSettings": {"type": "ON_EVERY_MESSAGE"}}}
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


def test_a_queue_lives_at_run_time(cluster):  # 39, 41
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

    eventually(lambda: stored() == sent, 30, f"{sent} stored messages")
