"""Rounds of load in which one part of a cluster fails."""
import dataclasses
import json
import pathlib
import random
import re
import statistics
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "faults"))

from cluster import SERVICES, executables
from processes import Failure, is_alive
from standalone import ledger_records

DEVICES = 40
#: A load lasts at least so long after the strike.
AFTERMATH = 8
PAUSE = 20
#: A service must be ready again in that time, and a client's messages be taken at full rate.
LIMIT = 90


@dataclasses.dataclass
class Kind:
    name: str
    target: str
    action: str

    @property
    def seconds(self):
        return {"SIGSTOP": PAUSE}.get(self.action, 2) + AFTERMATH


@dataclasses.dataclass
class Result:
    kind: str
    acknowledged: int
    lost: int
    resent: int
    connections_lost: int
    connects_failed: int
    silence: float
    recovery: float
    order_errors: int

    @property
    def failure_rate(self):
        """Messages that a client had to send again, of all."""
        return self.resent / max(1, self.acknowledged)


def kinds(cluster):
    """Every fault that this cluster can have."""
    found = []
    for service in SERVICES:
        found += [Kind(f"kill -9 {service}", service, "kill"), Kind(f"SIGSTOP 20 s {service}", service, "SIGSTOP"),
                  Kind(f"SIGTERM {service}", service, "SIGTERM")]
    if cluster.state["kafka"]["kind"] == "cluster":
        # A broker that stands still is fenced by the others, and comes back to a partition that has another leader.
        found += [Kind("kill -9 kafka", "kafka", "kill"), Kind("SIGSTOP 20 s kafka", "kafka", "SIGSTOP")]
    found += [Kind(f"kill -9 {name}", name, "kill") for name in ("zookeeper", "redis", "postgres")]
    return found


class Rounds:
    def __init__(self, cluster, folder, rate, seed):
        self.cluster = cluster
        self.folder = folder
        self.rate = rate
        self.random = random.Random(seed)
        self.results = []

    def run(self, wanted, count):
        began = time.monotonic()
        queue = []
        for number in range(1, count + 1):
            if not queue:
                queue = self.random.sample(wanted, len(wanted))
            result = self.round(number, queue.pop())
            self.results.append(result)
            print(f"round {number:3}  {result.kind:<26} acknowledged {result.acknowledged:6}  lost {result.lost}"
                  f"  again {result.failure_rate:6.2%}  silence {result.silence:5.1f} s  recovered in {result.recovery:5.1f} s"
                  + (f"  OUT OF ORDER {result.order_errors}" if result.order_errors else ""), flush=True)
        self.summary(time.monotonic() - began)
        return all(result.lost == 0 and result.order_errors == 0 for result in self.results)

    # One round

    def round(self, number, kind):
        ledger, report = self.folder / f"round-{number}.ledger", self.folder / f"round-{number}.json"
        load = self.load("--devices", str(DEVICES), "--rate", str(self.rate), "--duration", str(4 + kind.seconds),
                         "--in-flight", "200", "--drain", "120", "--ledger", str(ledger), "--json", str(report))
        try:
            self.wait(lambda: ledger_records(ledger) > self.rate, 60, "the first acknowledgements", load)
            time.sleep(self.random.uniform(0, 1))
            name = self.choose(kind.target)
            struck = time.monotonic()
            samples = self.strike(kind, name, ledger)
            samples += self.watch(ledger, load)
            output, _ = load.communicate(timeout=300)
        finally:
            if load.poll() is None:
                load.kill()
        if load.returncode != 0:
            raise Failure(f"{kind.name}: the load tester ended with {load.returncode}:\n{output}")
        self.everybody_is_back(kind)
        acknowledged, lost = self.verify(ledger, kind)
        seen = json.loads(report.read_text())
        return Result(kind.name, acknowledged, lost, seen["resent"], seen["connectionsLost"], seen["connectsFailed"],
                      longest_silence(samples, struck), recovery(samples, struck, self.rate), self.out_of_order())

    def choose(self, target):
        names = [name for name in self.cluster.state["processes"] if name.rsplit("-", 1)[0] == target]
        return self.random.choice(names)

    def strike(self, kind, name, ledger):
        """Does it, and heals it as an orchestrator would: what has ended is started again. Returns what was seen meanwhile."""
        if kind.action == "SIGSTOP":
            self.cluster.pause(name)
            samples = self.sample(ledger, PAUSE)
            self.cluster.resume(name)
            return samples
        if kind.action == "SIGTERM":
            if self.cluster.terminate(name) is None:
                raise Failure(f"{name} did not end after SIGTERM")
            self.cluster.start(name, wait=False)
            return self.sample(ledger, 0.2)
        self.cluster.kill(name)
        samples = self.sample(ledger, self.random.uniform(0.2, 2))
        self.cluster.start(name, wait=False)
        return samples

    def sample(self, ledger, seconds):
        """Times and counts of acknowledged messages."""
        samples = []
        end = time.monotonic() + seconds
        while not samples or time.monotonic() < end:
            samples.append((time.monotonic(), ledger_records(ledger)))
            time.sleep(0.05)
        return samples

    def watch(self, ledger, load):
        samples = []
        deadline = time.monotonic() + 300
        while load.poll() is None:
            samples += self.sample(ledger, 0.2)
            if time.monotonic() > deadline:
                raise Failure("the load does not end")
        return samples

    def everybody_is_back(self, kind):
        for name, process in self.cluster.state["processes"].items():
            if not is_alive(process["pid"]):
                raise Failure(f"{kind.name}: {name} has ended; see {self.cluster.log(name)}")
            if "service" in process:
                self.cluster.wait_ready(name, LIMIT)

    # What is stored

    def load(self, *arguments):
        status = self.cluster.status()
        host, port = status["mqtt"].split(":")
        return subprocess.Popen([executables() / "needletail", "loadtest", "--quiet", "--mqtt-host", host, "--mqtt-port", port,
                                 "--rest-url", f"http://{status['http']}", *arguments], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def verify(self, ledger, kind):
        """Reads the ledger's messages back; in a cluster they are acknowledged before they are stored."""
        checking = self.load("--verify-only", "--ledger", str(ledger), "--verify-grace", str(LIMIT))
        output, _ = checking.communicate(timeout=600)
        found = re.search(r"^acknowledged (\d+), stored (\d+), lost (\d+)$", output, re.M)
        if not found:
            raise Failure(f"{kind.name}: the ledger could not be verified:\n{output}")
        if found.group(3) != "0":
            print(output)
        return int(found.group(1)), int(found.group(3))

    def out_of_order(self):
        """Series whose value that was processed last is not the newest one. The cluster keeps the last, not the newest."""
        statement = ("SELECT count(*) FROM ts_kv_latest l JOIN (SELECT entity_id, key, max(ts) AS newest FROM ts_kv GROUP BY 1, 2)"
                     " h USING (entity_id, key) WHERE l.ts <> h.newest")
        done = subprocess.run(["psql", "-qAt", self.cluster.state["postgres"]["url"], "-c", statement], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Failure(f"the order cannot be read: {done.stderr}")
        return int(done.stdout)

    def wait(self, condition, seconds, what, load):
        deadline = time.monotonic() + seconds
        while not condition():
            if load.poll() is not None:
                raise Failure(f"the load tester ended before {what}:\n{load.communicate()[0]}")
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {seconds} s")
            time.sleep(0.02)

    def summary(self, seconds):
        print(f"\n{len(self.results)} rounds in {seconds:.0f} s; per kind: rounds, messages that clients sent again, longest silence,"
              " time until messages are taken at full rate again")
        for name in sorted({result.kind for result in self.results}):
            mine = [result for result in self.results if result.kind == name]
            print(f"  {name:<26} {len(mine):3}  {statistics.mean(r.failure_rate for r in mine):7.2%}"
                  f"  {max(r.silence for r in mine):5.1f} s  {statistics.median(r.recovery for r in mine):5.1f} s"
                  f" (longest {max(r.recovery for r in mine):.1f} s)")
        print(f"acknowledged {sum(r.acknowledged for r in self.results)}, lost {sum(r.lost for r in self.results)},"
              f" out of order {sum(r.order_errors for r in self.results)}")
        passed = sum(r.lost == 0 and r.order_errors == 0 for r in self.results)
        print(f"{passed} passed, {len(self.results) - passed} failed")


def longest_silence(samples, struck):
    """The longest time after the strike without an acknowledgement, up to the last one."""
    longest, last_time, last_count = 0.0, struck, None
    for at, count in samples:
        if last_count is None or count != last_count:
            if last_count is not None:
                longest = max(longest, at - last_time)
            last_time, last_count = at, count
    return longest


def recovery(samples, struck, rate):
    """From the strike to the last moment at which less than 60 % of the rate were taken in the two seconds before. The end of the
    load is no loss of rate."""
    if not samples:
        return 0.0
    final = samples[-1][1]
    slow = struck
    start = 0
    for index, (at, count) in enumerate(samples):
        while samples[start][0] < at - 2:
            start += 1
        if at - struck < 2 or count >= final - 2 * rate:
            continue
        if count - samples[start][1] < 0.6 * rate * (at - samples[start][0]):
            slow = at
    return slow - struck
