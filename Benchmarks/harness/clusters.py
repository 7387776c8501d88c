"""A cluster on this machine: what it stores a second, how long that takes, what it costs, and what it costs at rest."""

import contextlib
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from kafka import KCat, cluster_script
from programs import REPOSITORY, Failure, loadtest
from results import Figure, Series

sys.path.insert(0, str(REPOSITORY / "Tests/cluster"))

import processes  # noqa: E402
from cluster import SERVICES, Cluster  # noqa: E402

DEVICES = 1000
VALUES = 3
IN_FLIGHT = 4
"""Of a device. More only makes the queue longer."""
STORED_WITHIN = 180
INSTANCES = 3
MOST_SECONDS = 8
SAMPLES = 500
"""Rows that a percentile of 99 takes: five are slower."""


@contextlib.contextmanager
def one_broker():
    """One broker, PostgreSQL, ZooKeeper, Redis and one instance of each service, on the release executables."""
    cluster_script()
    cluster = Cluster(pathlib.Path(tempfile.mkdtemp(prefix="needletail-cluster.")))
    try:
        cluster.up(brokers=1, services=False)
        cluster.start_services(1)
        yield cluster
    except processes.Failure as failure:
        raise Failure(str(failure)) from failure
    finally:
        cluster.down()


def add_instance(cluster: Cluster, number: int) -> None:
    """One more of each service, ready and with its share of the partitions."""
    for service in SERVICES:
        cluster.launch_service(f"{service}-{number}", service)
    for service in SERVICES:
        cluster.wait_ready(f"{service}-{number}")
    processes.wait_until(lambda: all(value > 0 for value in owned(cluster)), 60, "a share of the partitions for everybody")


def names(cluster: Cluster, service: str) -> list[str]:
    return [name for name, process in cluster.state["processes"].items() if process.get("service") == service]


def metric(cluster: Cluster, name: str, start: str) -> float:
    """The sum of a process's metrics whose lines start so."""
    with urllib.request.urlopen(f"http://{cluster.process(name)['http']}/actuator/prometheus", timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(start))


def owned(cluster: Cluster) -> list[float]:
    return [metric(cluster, name, 'kafka_owned_partitions{topic="tb_rule_engine.main"') for name in names(cluster, "rule-engine")]


def stored(cluster: Cluster) -> float:
    """Messages that the rule engines have acknowledged: what they save is committed by then."""
    return sum(metric(cluster, name, 'ruleEngine_Main_total{statsName="successfulMsgs"')
               for name in names(cluster, "rule-engine"))


# Load


def server(cluster: Cluster, number: int = 1) -> list[str]:
    host, port = cluster.process(f"mqtt-transport-{number}")["mqtt"].split(":")
    return ["--mqtt-host", host, "--mqtt-port", port, "--rest-url", f"http://{cluster.process('core-node-1')['http']}"]


def make_devices(cluster: Cluster) -> None:
    """Makes them, and fills caches."""
    loadtest(*server(cluster), "--devices", str(DEVICES), "--closed-loop", "1", "--duration", "3")


def load(cluster: Cluster, transports: int, seconds: int) -> list[dict]:
    """Devices that are always ready to send, shared out to the transports."""
    share = DEVICES // transports
    with concurrent.futures.ThreadPoolExecutor(transports) as pool:
        runs = [pool.submit(loadtest, *server(cluster, number + 1), "--devices", str(share), "--first-device",
                            str(number * share), "--create-devices", "false", "--closed-loop", str(IN_FLIGHT),
                            "--duration", str(seconds)) for number in range(transports)]
        return [run.result() for run in runs]


class Measurement:
    """One load, from its first stored message to its last."""

    def __init__(self, cluster: Cluster, transports: int, seconds: int):
        base = settle(cluster)
        used, busy = usage(cluster), machine_seconds()
        began = None
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(load, cluster, transports, seconds)
            while not running.done():
                if began is None and stored(cluster) > base:
                    began = time.monotonic()
                time.sleep(0.02 if began is None else 0.1)
            reports = running.result()
        self.sent = sum(report["acknowledged"] for report in reports)
        during = stored(cluster) - base
        self.backlog = max(0, self.sent - during)
        deadline = time.monotonic() + STORED_WITHIN
        while stored(cluster) - base < self.sent:
            if time.monotonic() > deadline:
                raise Failure(f"{self.sent - (stored(cluster) - base):.0f} messages were not stored within {STORED_WITHIN} s")
            time.sleep(0.02)
        ended = time.monotonic()
        self.acknowledged_rate = sum(report["acknowledgedPerSecond"] for report in reports)
        self.messages_rate = self.sent / (ended - began)
        after, busy_after = usage(cluster), machine_seconds()
        self.share_of_machine = (busy_after[0] - busy[0]) / max(1e-9, busy_after[1] - busy[1])
        self.microseconds = {part: (after[part] - used.get(part, 0)) / self.sent * 1e6 for part in after}
        self.microseconds["load tester"] = sum(report["processorSeconds"] for report in reports) / self.sent * 1e6

    @property
    def points(self) -> float:
        return self.messages_rate * VALUES

    @property
    def costs(self) -> str:
        """Microseconds of a processor that a message costs, part by part."""
        return ", ".join(f"{part} {value:.1f}" for part, value in sorted(self.microseconds.items(), key=lambda p: -p[1]))

    @property
    def bound(self) -> str:
        return (f"the {os.cpu_count()} processors were busy {self.share_of_machine:.0%} of the time, most by "
                f"{max(self.microseconds, key=self.microseconds.get)}")


def settle(cluster: Cluster) -> float:
    """Waits until nothing is being stored any more; returns how much has been."""
    before = -1.0
    while (now := stored(cluster)) != before:
        before = now
        time.sleep(0.5)
    return now


# Processors and memory


def processor_seconds(pid: int) -> float:
    """Of a process and its children, those that have ended too."""
    total = 0.0
    with contextlib.suppress(OSError):
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total = sum(int(field) for field in fields[11:15]) / os.sysconf("SC_CLK_TCK")
        for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            total += sum(processor_seconds(int(child)) for child in children.read_text().split())
    return total


def usage(cluster: Cluster) -> dict[str, float]:
    """Processor seconds by part: all instances of a service together."""
    parts: dict[str, float] = {}
    for name, process in cluster.state["processes"].items():
        part = process.get("service") or name.rsplit("-", 1)[0]
        if part != "http-transport":
            parts[part] = parts.get(part, 0) + processor_seconds(process["pid"])
    return parts


def machine_seconds() -> tuple[float, float]:
    """What all processors did since the machine started: busy, and altogether."""
    fields = [int(field) for field in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    total = sum(fields)
    return total - fields[3] - fields[4], total


def resident_megabytes(pid: int) -> float:
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


# Benchmarks


def cluster(settings) -> list[Figure]:
    """One instance of each service: how much, and how fast."""
    points, ours, theirs = [], [], []
    seconds = min(settings.seconds, MOST_SECONDS)
    with one_broker() as running, tempfile.TemporaryDirectory(prefix="needletail-kcat-") as folder:
        make_devices(running)
        kcat = KCat(running.state["kafka"]["bootstrap"], pathlib.Path(folder))
        last = None
        for _ in range(settings.runs):
            theirs.append(produce_alone(running, kcat) * VALUES)
            last = Measurement(running, 1, seconds)
            points.append(last.points)
            ours.append(last.acknowledged_rate * VALUES)
        slow = slowness(running, max(settings.seconds, 45))
    stored_points, written = Series(points, "points/s"), Series(ours, "points/s")
    return [
        Figure("cluster of one broker: PUBLISH of 3 values -> Kafka -> default rule chain -> committed rows", stored_points,
               ">= 55 000 points/s", stored_points.median >= 55_000, "kcat (librdkafka), records alone",
               Series(theirs, "points/s"),
               f"{DEVICES} devices, {IN_FLIGHT} in flight each, one instance of each service, from the first stored message "
               f"to the last; microseconds of a processor for a message: {last.costs}"),
        Figure("the same, acknowledged while the load lasts", written, "-", None),
        *slow,
    ]


def produce_alone(running: Cluster, kcat: KCat) -> float:
    topic = f"peer-{time.monotonic_ns()}"
    script = kafka_tool(running)
    script("topics", "--create", "--topic", topic, "--partitions", "10")
    try:
        return kcat.produce(topic)
    finally:
        script("topics", "--delete", "--topic", topic)


def kafka_tool(running: Cluster):
    """Kafka's own tools on the cluster's broker."""
    def call(*arguments: str) -> None:
        done = subprocess.run([cluster_script(), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "KAFKA_CLUSTER_DIR": str(running.folder / "kafka")}, timeout=120)
        if done.returncode != 0:
            raise Failure(f"kafka-cluster {arguments[0]}: {done.stderr.strip()[-300:]}")

    return call


class Disk:
    """How long the disk of a folder takes to make 8 KB durable, as often as a writer commits, while something else runs."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.took: list[float] = []
        self.ending = threading.Event()

    def __enter__(self):
        self.thread = threading.Thread(target=self.measure, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *error):
        self.ending.set()
        self.thread.join()

    def measure(self):
        # Written over in place, as PostgreSQL's log is.
        with tempfile.TemporaryFile(dir=self.folder, buffering=0) as file:
            block = os.urandom(8192)
            file.write(block * 128)
            os.fsync(file.fileno())
            number = 0
            while not self.ending.wait(0.005):
                os.pwrite(file.fileno(), block, number % 128 * len(block))
                began = time.monotonic()
                os.fdatasync(file.fileno())
                self.took.append((time.monotonic() - began) * 1000)
                number += 1

    def percentile(self, share: float) -> Series:
        took = sorted(self.took)
        return Series([took[min(len(took) - 1, int(len(took) * share))]], "ms")


def slowness(running: Cluster, seconds: int) -> list[Figure]:
    """What one message waits. The load is the second of its kind: connections to the database, partitions of tables, caches and
    the connects of the devices are behind it, and one message of each device goes ahead."""
    loadtest(*server(running), "--devices", str(DEVICES), "--rate", "1000", "--duration", "5", "--warmup", "true")
    settle(running)
    with Disk(running.folder) as disk:
        report = loadtest(*server(running), "--devices", str(DEVICES), "--create-devices", "false", "--rate", "1000",
                          "--duration", str(seconds), "--warmup", "true", "--verify")
    if report["verification"]["lost"]:
        raise Failure(f"{report['verification']['lost']} acknowledged messages were lost")
    latency, rows = report["latency"], report["rowLatency"]
    if rows["count"] < SAMPLES:
        raise Failure(f"only {rows['count']} rows were waited for; {SAMPLES} are needed")
    durable = "fdatasync of 8 KB on the same disk at the same time"
    return [
        Figure("cluster: p99 PUBLISH -> PUBACK, 1000 msg/s from 1000 devices", Series([latency["p99"]], "ms"), "< 40 ms",
               latency["p99"] < 40,
               note="PUBACK means that Kafka has it on every in-sync replica; counted from the moment the message was due"),
        Figure("the same, p50", Series([latency["p50"]], "ms"), "-", None),
        Figure("cluster: p99 PUBLISH -> row visible over REST", Series([rows["p99"]], "ms"), "< 100 ms", rows["p99"] < 100,
               f"{durable}, p99", disk.percentile(0.99),
               f"{rows['count']} messages, each asked for every 2 ms until its row was there, from the moment it was due; after one "
               f"load of the same kind and a message of each device. The slowest took {rows['max']:.0f} ms, the slowest fdatasync "
               f"beside it {disk.percentile(1).median:.0f} ms: a row is visible when its commit is on the disk"),
        Figure("the same, p50", Series([rows["p50"]], "ms"), "-", None, f"{durable}, p50", disk.percentile(0.5)),
    ]


def cluster_scale(settings) -> list[Figure]:
    """One, two and three instances of each service, all on this machine."""
    figures = []
    seconds = min(settings.seconds, MOST_SECONDS)
    with one_broker() as running:
        make_devices(running)
        for count in range(1, INSTANCES + 1):
            if count > 1:
                add_instance(running, count)
                make_devices(running)
            runs = [Measurement(running, count, seconds) for _ in range(min(settings.runs, 2))]
            series = Series([run.points for run in runs], "points/s")
            cost = Series([sum(run.microseconds.values()) for run in runs], "µs")
            last = runs[-1]
            plural = "instance" if count == 1 else "instances"
            figures += [
                Figure(f"cluster: {count} {plural} of each service, rows committed", series, "-", None,
                       note=f"{last.bound}; {last.backlog:.0f} messages waited in Kafka when the load ended"),
                Figure(f"cluster: {count} {plural} of each service, processor time of a message", cost, "-", None,
                       note=last.costs),
            ]
    return figures


def cluster_idle(settings) -> list[Figure]:
    """Each service with nothing to do, as part of a cluster."""
    with one_broker() as running:
        time.sleep(5)
        pids = {service: running.pid(f"{service}-1") for service in SERVICES}
        before = {service: processor_seconds(pid) for service, pid in pids.items()}
        began = time.monotonic()
        time.sleep(max(settings.seconds, 20))
        passed = time.monotonic() - began
        used = {service: (processor_seconds(pid) - before[service]) / passed * 100 for service, pid in pids.items()}
        resident = {service: resident_megabytes(pid) for service, pid in pids.items()}
    figures = []
    for service in SERVICES:
        figures += [
            Figure(f"{service}, idle in a cluster: resident memory", Series([resident[service]], "MB"), "< 60 MB",
                   resident[service] < 60),
            Figure(f"{service}, idle in a cluster: processor time", Series([used[service]], "%"), "< 1 %",
                   used[service] < 1),
        ]
    return figures
