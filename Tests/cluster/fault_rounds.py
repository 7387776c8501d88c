"""Rounds of load in which one part of a cluster fails."""
import dataclasses
import json
import random
import statistics
import subprocess
import threading
import time

from cluster import SERVICES
from fault_load import DEVICES, Load, make_devices
from processes import Failure, is_alive

#: A load lasts at least so long after the strike.
AFTERMATH = 6
PAUSE = 20
#: A service must be ready again in that time, and a client's messages be taken at full rate.
LIMIT = 90
#: So many rounds that fail one after the other end the run.
PATIENCE = 3


@dataclasses.dataclass
class Kind:
    name: str
    target: str
    action: str

    @property
    def seconds(self):
        if self.action == "SIGSTOP":
            return PAUSE + AFTERMATH
        # The brokers notice after nine seconds that one of them is gone.
        return (12 if self.target == "kafka" else 2) + AFTERMATH


@dataclasses.dataclass
class Seen:
    """What the clients of one protocol saw in a round."""
    acknowledged: int
    lost: int
    failed: int
    silence: float
    recovery: float
    out_of_order: int
    longest_wait: float = 0

    @property
    def failure_rate(self):
        """Messages that a client had to send again, or got an error for, of all."""
        return self.failed / max(1, self.acknowledged)

    def __str__(self):
        text = (f"acknowledged {self.acknowledged:5}  lost {self.lost}  failed {self.failure_rate:6.2%}"
                f"  silence {self.silence:4.1f} s  longest wait {self.longest_wait:4.1f} s"
                f"  recovered in {self.recovery:4.1f} s")
        return text + (f"  OUT OF ORDER {self.out_of_order}" if self.out_of_order else "")


@dataclasses.dataclass
class Result:
    kind: str
    seen: dict
    #: Why the round came to no end.
    failure: str = ""
    #: What else was seen.
    notes: str = ""

    @property
    def held(self):
        return not self.failure and all(one.lost == 0 and one.out_of_order == 0 for one in self.seen.values())


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
    def __init__(self, cluster, folder, rates, seed, json_path=None):
        self.cluster = cluster
        self.folder = folder
        self.rates = rates
        self.random = random.Random(seed)
        self.json_path = json_path
        self.results = []

    def run(self, wanted, count, seconds):
        """Up to `count` rounds; none begins after that time. Whether all of them held."""
        began = time.monotonic()
        make_devices(self.cluster)
        queue = []
        for number in range(1, count + 1):
            if not queue:
                queue = self.random.sample(wanted, len(wanted))
            self.results.append(self.attempt(number, queue.pop()))
            self.write()
            if all(result.failure for result in self.results[-PATIENCE:]) and len(self.results) >= PATIENCE:
                print("the cluster does not come back; the run ends")
                break
            if time.monotonic() - began > seconds:
                break
        self.summary(time.monotonic() - began)
        return all(result.held for result in self.results)

    def attempt(self, number, kind):
        try:
            result = self.round(number, kind)
        except (Failure, subprocess.TimeoutExpired) as failure:
            result = Result(kind.name, {}, str(failure))
            print(f"round {number:3}  {kind.name}: FAILED\n{failure}", flush=True)
            return result
        for protocol, seen in result.seen.items():
            print(f"round {number:3}  {kind.name:<26} {protocol}  {seen}", flush=True)
        if result.notes:
            print(f"           {result.notes}", flush=True)
        return result

    # One round

    def round(self, number, kind):
        loads = [Load(self.cluster, self.folder, number, protocol, rate, 4 + kind.seconds)
                 for protocol, rate in self.rates.items()]
        ends = threading.Event()
        sampling = threading.Thread(target=self.sample, args=(loads, ends), daemon=True)
        sampling.start()
        try:
            self.wait(lambda: all([load.has_begun for load in loads]), LIMIT, "the first acknowledgements")
            time.sleep(self.random.uniform(0.5, 1.5))
            name = self.choose(kind.target)
            struck = time.monotonic()
            self.strike(kind, name)
            self.watch(loads)
            ends.set()
            sampling.join()
            for load in loads:
                load.end(kind.name)
            self.everybody_is_back(kind)
            for load in loads:
                load.begin_verifying(LIMIT)
            for load in loads:
                load.verify(kind.name)
        finally:
            ends.set()
            for load in loads:
                load.kill()
        disorder = self.out_of_order()
        return Result(kind.name, {
            load.protocol: Seen(load.acknowledged, load.lost, load.failed, load.silence(struck), load.recovery(struck),
                                self.disorder(load, disorder), load.longest_wait) for load in loads})

    def choose(self, target):
        names = [name for name in self.cluster.state["processes"] if name.rsplit("-", 1)[0] == target]
        return self.random.choice(names)

    def strike(self, kind, name):
        """Does it, and heals it as an orchestrator would: what has ended is started again."""
        if kind.action == "SIGSTOP":
            self.cluster.pause(name)
            try:
                time.sleep(PAUSE)
            finally:
                self.cluster.resume(name)
            return
        if kind.action == "SIGTERM":
            if self.cluster.terminate(name) is None:
                raise Failure(f"{name} did not end after SIGTERM")
        else:
            self.cluster.kill(name)
            time.sleep(self.random.uniform(0.2, 2))
        self.cluster.start(name, wait=False)

    def sample(self, loads, ends):
        """The body of a thread: starting a process again may take a while."""
        while not ends.wait(0.05):
            for load in loads:
                load.sample()

    def watch(self, loads):
        deadline = time.monotonic() + 300
        while any(load.is_running for load in loads):
            time.sleep(0.2)
            if time.monotonic() > deadline:
                raise Failure("the load does not end")

    def everybody_is_back(self, kind):
        for name, process in self.cluster.state["processes"].items():
            if not is_alive(process["pid"]):
                self.cluster.start(name, wait=False)
                raise Failure(f"{kind.name}: {name} has ended; see {self.cluster.log(name)}")
        for name, process in self.cluster.state["processes"].items():
            if "service" in process:
                self.cluster.wait_ready(name, LIMIT)

    # What is stored

    def out_of_order(self):
        """Numbers of devices, one for each of their series whose value that was processed last is not the newest one. The
        cluster keeps the last, not the newest."""
        statement = ("SELECT d.name FROM ts_kv_latest l JOIN device d ON d.id = l.entity_id JOIN"
                     " (SELECT entity_id, key, max(ts) AS newest FROM ts_kv GROUP BY 1, 2) h USING (entity_id, key)"
                     " WHERE l.ts <> h.newest AND d.name LIKE 'DW%'")
        return [int(name[2:]) for name in self.ask(statement).split()]

    def ask(self, statement):
        done = subprocess.run(["psql", "-qAt", self.cluster.state["postgres"]["url"], "-c", statement], capture_output=True,
                              text=True)
        if done.returncode != 0:
            raise Failure(f"the database cannot be asked: {done.stderr}")
        return done.stdout.strip()

    def disorder(self, load, devices):
        # A request that a client gave up and sent again may be done twice, the second time late: over HTTP only rounds in
        # which every request was answered say something about order.
        if load.protocol == "http" and load.failed > 0:
            return 0
        first, count = DEVICES[load.protocol]
        return sum(first <= device < first + count for device in devices)

    def wait(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"{what}: not within {seconds} s")
            time.sleep(0.02)

    # Reports

    def write(self):
        if self.json_path:
            self.json_path.write_text(json.dumps([dataclasses.asdict(result) for result in self.results], indent=1))

    def summary(self, seconds):
        print(f"\n{len(self.results)} rounds in {seconds:.0f} s; per kind and protocol: rounds, messages that clients had to send"
              " again or got an error for, longest silence, longest wait of a message, time until messages are taken at full rate again")
        for name in sorted({result.kind for result in self.results}):
            for protocol in self.rates:
                mine = [result.seen[protocol] for result in self.results if result.kind == name and protocol in result.seen]
                if mine:
                    print(f"  {name:<26} {protocol}  {len(mine):3}  {statistics.mean(s.failure_rate for s in mine):7.2%}"
                          f"  {max(s.silence for s in mine):5.1f} s  {max(s.longest_wait for s in mine):5.1f} s"
                          f"  {statistics.median(s.recovery for s in mine):5.1f} s"
                          f" (longest {max(s.recovery for s in mine):.1f} s)")
        seen = [one for result in self.results for one in result.seen.values()]
        print(f"acknowledged {sum(s.acknowledged for s in seen)}, lost {sum(s.lost for s in seen)},"
              f" out of order {sum(s.out_of_order for s in seen)}")
        passed = sum(result.held for result in self.results)
        print(f"{passed} passed, {len(self.results) - passed} failed")
