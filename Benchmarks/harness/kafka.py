"""Kafka: messages into it and out of it, beside Kafka's own performance tool, on the same broker in the same run."""

import os
import pathlib
import re
import subprocess
import tempfile

from programs import Failure, limit
from results import Figure, Series

PARTITIONS = 12
RECORDS = 500_000
RECORD_BYTES = 250


def kafka(settings) -> list[Figure]:
    """Needs the script that $TEST_KAFKA_CLUSTER names: kafka-cluster start, topics, perf, stop."""
    script = os.environ.get("TEST_KAFKA_CLUSTER")
    if not script or not os.access(script, os.X_OK):
        raise Failure("TEST_KAFKA_CLUSTER names no script that runs a Kafka")
    produced, consumed, theirs = Series([], "msg/s"), Series([], "msg/s"), Series([], "msg/s")
    with tempfile.TemporaryDirectory(prefix="needletail-kafka-") as folder:
        environment = dict(os.environ, KAFKA_CLUSTER_DIR=folder)

        def call(*arguments: str) -> str:
            done = subprocess.run([script, *arguments], env=environment, capture_output=True, text=True)
            if done.returncode != 0:
                raise Failure(f"{pathlib.Path(script).name} {arguments[0]}: {done.stderr.strip()[-300:]}")
            return done.stdout

        bootstrap = call("start", "1", "25092").split()[-1]
        try:
            for run in range(settings.runs):
                topic = f"peer-{run}"
                call("topics", "--create", "--topic", topic, "--partitions", str(PARTITIONS))
                out = call("perf", "--topic", topic, "--num-records", str(RECORDS), "--record-size", str(RECORD_BYTES),
                           "--throughput", "-1", "--producer-props", f"bootstrap.servers={bootstrap}", "acks=all",
                           "linger.ms=5", "enable.idempotence=true")
                theirs.values.append(float(re.findall(r"([0-9.]+) records/sec", out)[-1]))
                for result in limit("kafka", "--bootstrap", bootstrap, "--seconds", str(settings.seconds)):
                    into = produced if result["name"] == "kafka produce" else consumed
                    into.values.append(result["perSecond"])
        finally:
            call("stop")
    peer = "kafka-producer-perf-test"
    return [Figure("into Kafka, acks=all, 12 partitions", produced, "-", None, peer, theirs),
            Figure("out of Kafka, acknowledged and committed", consumed, "-", None)]
