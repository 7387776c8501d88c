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
        self.cluster, self.protocol, self.rate = cluster, protocol, rate
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
        self.sample()
        return self.samples[-1][1] > self.rate // 2

    def sample(self):
        self.samples.append((time.monotonic(), ledger_records(self.ledger)))

    def end(self, kind):
        output, _ = self.process.communicate(timeout=300)
        if self.process.returncode != 0:
            raise Failure(f"{kind}: the load tester ended with {self.process.returncode}:\n{output}")
        report = json.loads(self.report.read_text())
        #: Messages that were sent again after their connection was lost, or answered with an error.
        self.failed = report["resent"] + report["refused"]

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

    # What the samples say

    def silence(self, struck):
        """The longest time after the strike without an acknowledgement, up to the last one."""
        longest, last_time, last_count = 0.0, struck, None
        for at, count in self.samples:
            if at < struck:
                continue
            if last_count is None or count != last_count:
                if last_count is not None:
                    longest = max(longest, at - last_time)
                last_time, last_count = at, count
        return longest

    def recovery(self, struck):
        """From the strike to the last moment at which less than 60 % of the rate were taken in the two seconds before: of the
        rate before the strike, where the machine is too slow for the one that was asked for. The end of the load is no loss of
        rate."""
        before = [sample for sample in self.samples if struck - 2 <= sample[0] <= struck]
        final = self.samples[-1][1]
        rate = self.rate
        if len(before) > 1 and before[-1][0] > before[0][0]:
            rate = min(rate, (before[-1][1] - before[0][1]) / (before[-1][0] - before[0][0]))
        slow = struck
        start = 0
        for at, count in self.samples:
            while self.samples[start][0] < at - 2:
                start += 1
            if at - struck < 2 or count >= final - 2 * rate:
                continue
            if count - self.samples[start][1] < 0.6 * rate * (at - self.samples[start][0]):
                slow = at
        return slow - struck
