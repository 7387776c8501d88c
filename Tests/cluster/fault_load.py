"""The load of a round of faults: devices over MQTT and over HTTP, each with a ledger of what was acknowledged."""
import json
import pathlib
import re
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "faults"))

from cluster import executables
from processes import Failure
from standalone import ledger_records

#: Devices of each protocol: their first number, and how many.
DEVICES = {"mqtt": (0, 40), "http": (40, 20)}


def tester(cluster, *arguments):
    """The load tester, through the balancer."""
    status = cluster.status()
    host, port = status["mqtt"].split(":")
    return subprocess.Popen([executables() / "needletail", "loadtest", "--quiet", "--mqtt-host", host, "--mqtt-port", port,
                             "--rest-url", f"http://{status['http']}", *map(str, arguments)], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def make_devices(cluster):
    making = tester(cluster, "--devices", sum(count for _, count in DEVICES.values()), "--load", "false")
    output, _ = making.communicate(timeout=120)
    if making.returncode != 0:
        raise Failure(f"the devices could not be made:\n{output}")


class Load:
    """One load tester, from its start to the check of its ledger."""

    def __init__(self, cluster, folder, number, protocol, rate, seconds):
        self.cluster, self.protocol, self.rate, self.seconds = cluster, protocol, rate, seconds
        self.ledger = folder / f"round-{number}-{protocol}.ledger"
        self.report = folder / f"round-{number}-{protocol}.json"
        #: Times and counts of acknowledged messages.
        self.samples = []
        first, count = DEVICES[protocol]
        self.process = tester(cluster, "--api", protocol.upper(), "--first-device", first, "--devices", count, "--rate", rate,
                              "--duration", seconds, "--in-flight", 200, "--drain", 120, "--ledger", self.ledger,
                              "--json", self.report)

    @property
    def is_running(self):
        return self.process.poll() is None

    @property
    def has_begun(self):
        if not self.is_running:
            raise Failure(f"the load tester ended before its first acknowledgements:\n{self.process.communicate()[0]}")
        return ledger_records(self.ledger) > self.rate // 2

    def sample(self):
        self.samples.append((time.monotonic(), ledger_records(self.ledger)))

    def end(self, kind):
        output, _ = self.process.communicate(timeout=300)
        if self.process.returncode != 0:
            raise Failure(f"{kind}: the load tester ended with {self.process.returncode}:\n{output}")
        report = json.loads(self.report.read_text())
        #: Messages that were sent again after their connection was lost, or answered with an error.
        self.failed = report["resent"] + report["refused"]
        #: Seconds from the first sending of a message to its acknowledgement, at most.
        self.longest_wait = report["latency"]["max"] / 1000

    def begin_verifying(self, grace):
        """Reads the ledger's messages back; in a cluster they are acknowledged before they are stored."""
        self.process = tester(self.cluster, "--verify-only", "--ledger", self.ledger, "--verify-grace", grace)

    def verify(self, kind):
        output, _ = self.process.communicate(timeout=600)
        found = re.search(r"^acknowledged (\d+), stored (\d+), lost (\d+)$", output, re.M)
        if not found:
            raise Failure(f"{kind}: the ledger could not be verified:\n{output}")
        if found.group(3) != "0":
            print(output)
        self.acknowledged, self.lost = int(found.group(1)), int(found.group(3))

    def kill(self):
        if self.is_running:
            self.process.kill()
            self.process.wait()

    # What the samples say, up to the end of the load: what comes after it are late answers.

    @property
    def until(self):
        began = next((at for at, count in self.samples if count > 0), self.samples[0][0])
        return began + self.seconds

    def silence(self, struck):
        """The longest time after the strike without an acknowledgement."""
        longest, last_time, last_count = 0.0, struck, None
        for at, count in self.samples:
            if not struck <= at <= self.until:
                continue
            if last_count is not None and count != last_count:
                longest = max(longest, at - last_time)
                last_time = at
            last_count = count
        return max(longest, self.until - last_time if last_count is not None else 0.0)

    def recovery(self, struck):
        """From the strike to the last moment at which less than 60 % of the rate were taken in the two seconds before: of the
        rate before the strike, where the machine is too slow for the one that was asked for."""
        before = [sample for sample in self.samples if struck - 2 <= sample[0] <= struck]
        rate = self.rate
        if len(before) > 1 and before[-1][0] > before[0][0]:
            rate = min(rate, (before[-1][1] - before[0][1]) / (before[-1][0] - before[0][0]))
        slow = struck
        start = 0
        for at, count in self.samples:
            while self.samples[start][0] < at - 2:
                start += 1
            if struck + 2 <= at <= self.until and count - self.samples[start][1] < 0.6 * rate * (at - self.samples[start][0]):
                slow = at
        return slow - struck
