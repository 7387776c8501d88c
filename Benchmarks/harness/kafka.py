"""Kafka: messages into it and out of it, beside kcat (librdkafka) and Kafka's own tool, on the same broker in the same run."""

import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from programs import Failure, limit
from results import Figure, Series

PARTITIONS = 12
RECORDS = 500_000
RECORD_BYTES = 250
#: A run leaves up to a gigabyte on the broker.
LONGEST = 5


def cluster_script() -> str:
    """The script that $TEST_KAFKA_CLUSTER names: kafka-cluster start, topics, perf, stop."""
    script = os.environ.get("TEST_KAFKA_CLUSTER")
    if not script or not os.access(script, os.X_OK):
        raise Failure("TEST_KAFKA_CLUSTER names no script that runs a Kafka")
    return script


class Broker:
    """One broker, fresh, through the script."""

    def __init__(self, folder: pathlib.Path):
        self.script = cluster_script()
        self.environment = dict(os.environ, KAFKA_CLUSTER_DIR=str(folder / "kafka"))
        self.bootstrap = ""

    def call(self, *arguments: str) -> str:
        done = subprocess.run([self.script, *arguments], env=self.environment, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f"{pathlib.Path(self.script).name} {arguments[0]}: {(done.stderr or done.stdout).strip()[-300:]}")
        return done.stdout

    def create(self, topic: str) -> None:
        self.call("topics", "--create", "--topic", topic, "--partitions", str(PARTITIONS))


@contextlib.contextmanager
def broker():
    with tempfile.TemporaryDirectory(prefix="needletail-kafka-") as folder:
        made = Broker(pathlib.Path(folder))
        try:
            made.bootstrap = made.call("start", "1", "25092").split()[-1]
            yield made
        finally:
            made.call("stop")


class KCat:
    """kcat: a thin program around librdkafka."""

    def __init__(self, bootstrap: str, folder: pathlib.Path):
        self.program = shutil.which("kcat")
        if not self.program:
            raise Failure("kcat is missing: apt-get install kafkacat")
        self.bootstrap = bootstrap
        self.lines = folder / "records"
        line = ("0123456789abcdef" * RECORD_BYTES)[:RECORD_BYTES] + "\n"
        self.lines.write_text(line * RECORDS)

    def produce(self, topic: str) -> float:
        """Records a second, all of them confirmed."""
        return self.timed("-P", "-t", topic, "-l", str(self.lines), "-X", "acks=all", "-X", "enable.idempotence=true",
                          "-X", "linger.ms=5", "-X", "queue.buffering.max.messages=1000000")

    def consume(self, topic: str) -> float:
        return self.timed("-C", "-t", topic, "-o", "beginning", "-e", "-q", "-f", "")

    def timed(self, *arguments: str) -> float:
        began = time.monotonic()
        done = subprocess.run([self.program, "-b", self.bootstrap, *arguments], stdin=subprocess.DEVNULL,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, timeout=300)
        if done.returncode != 0:
            raise Failure(f"kcat {' '.join(arguments)}: {done.stderr.strip()[-300:]}")
        return RECORDS / (time.monotonic() - began)


def kafka(settings) -> list[Figure]:
    """Needs the script that $TEST_KAFKA_CLUSTER names, and kcat."""
    produced, consumed, java = Series([], "msg/s"), Series([], "msg/s"), Series([], "msg/s")
    into, out = Series([], "msg/s"), Series([], "msg/s")
    with broker() as server, tempfile.TemporaryDirectory(prefix="needletail-kcat-") as folder:
        kcat = KCat(server.bootstrap, pathlib.Path(folder))
        for run in range(settings.runs):
            topic = f"peer-{run}"
            server.create(topic)
            into.values.append(kcat.produce(topic))
            out.values.append(kcat.consume(topic))
            topic = f"perf-{run}"
            server.create(topic)
            text = server.call(
                "perf", "--topic", topic, "--num-records", str(RECORDS), "--record-size", str(RECORD_BYTES),
                "--throughput", "-1", "--producer-props", f"bootstrap.servers={server.bootstrap}", "acks=all", "linger.ms=5",
                "enable.idempotence=true")
            java.values.append(float(re.findall(r"([0-9.]+) records/sec", text)[-1]))
            for result in limit("kafka", "--bootstrap", server.bootstrap, "--seconds", str(min(settings.seconds, LONGEST))):
                rates = produced if result["name"] == "kafka produce" else consumed
                rates.values.append(result["perSecond"])
    return [Figure("into Kafka, acks=all, 12 partitions", produced, "-", None, "kcat (librdkafka)", into,
                   "uplinks of 3 values from 1000 devices, encoded, each with its delivery report; kcat: lines of 250 bytes"),
            Figure("the same", produced, "-", None, "kafka-producer-perf-test", java),
            Figure("out of Kafka, decoded, acknowledged and committed", consumed, "-", None, "kcat (librdkafka)", out,
                   "from the assignment of the partitions on; kcat: from its start to the end of the topic, nothing decoded")]
