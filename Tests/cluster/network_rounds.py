"""Rounds of load in which the network fails: links that are cut without a word, hosts that vanish, ways that are long and bad."""
import dataclasses
import json
import threading
import time
import urllib.error
import urllib.request

from cluster import SERVICES
from fault_rounds import LIMIT, Kind, Rounds
from network import ALL
from processes import Failure, is_alive
from weather import processor_seconds

#: What a load needs after the link is back: connections that were given up are made again with pauses of some seconds.
RETURN = 20
#: The peers of a host that is gone must have given it up in that time.
GIVEN_UP = 60
#: A service whose link is cut must say within so long that it is not ready, where its readiness is at stake.
TOLD = 15
#: What every one of a service owns a part of.
PARTITIONED = {"core-node": ["tb_core"], "rule-engine": ["tb_rule_engine.main"], "mqtt-transport": [], "http-transport": []}
#: What it needs after links between brokers: they settle who leads, and what waited for one that could not answer is sent again.
BROKERS_RETURN = 60
#: How long the long cuts are, seconds.
LONG = 75
#: Of one core, while a link is cut: more is a circle that somebody turns in.
BUSY = 0.6


@dataclasses.dataclass
class NetworkKind(Kind):
    #: The other end of the link.
    peer: str = ""
    pause: float = 25
    #: Whether the service must say meanwhile that it is not ready.
    tells: bool = False
    #: What is cut at the same time: pairs of a service and the other end.
    also: tuple = ()

    @property
    def seconds(self):
        if self.action == "rolling":
            return 100
        if self.action == "lose":
            return 40
        return round(self.pause + (BROKERS_RETURN if self.target == "kafka" else min(RETURN, self.pause)))


def network_kinds(pause):
    """Every fault of a network."""
    def cut(service, peer, tells, action="cut"):
        sign = {"cut": "x", "mute": "x>", "deafen": "<x"}[action]
        return NetworkKind(f"{service} {sign} {peer.rsplit('-', 1)[0]}", service, action, peer, pause, tells)

    def pair(first, second):
        return dataclasses.replace(first, name=f"{first.name} and {second.name}", also=((second.target, second.peer),))

    def long(kind):
        return dataclasses.replace(kind, name=f"{kind.name}, {LONG} s", pause=LONG)

    brokers = NetworkKind("broker x broker", "kafka", "cut", "kafka-1", pause)
    kinds = [cut("core-node", "postgres-1", True), cut("rule-engine", "postgres-1", True),
             cut("core-node", "zookeeper-1", False), cut("rule-engine", "zookeeper-1", False),
             cut("core-node", "kafka-1", False), cut("rule-engine", "kafka-1", False),
             cut("mqtt-transport", "kafka-1", False), cut("http-transport", "kafka-1", False),
             cut("core-node", "redis-1", False),
             # One direction only: what the service sends, or what it is sent, is lost.
             cut("rule-engine", "postgres-1", True, "mute"), cut("rule-engine", "postgres-1", True, "deafen"),
             cut("core-node", "zookeeper-1", False, "deafen"), cut("mqtt-transport", "kafka-1", False, "mute"),
             cut("rule-engine", "kafka-1", False, "deafen")]
    kinds += [pair(cut("core-node", "kafka-1", False), cut("rule-engine", "kafka-1", False)),
              pair(cut("core-node", "zookeeper-1", False), cut("rule-engine", "postgres-1", True)),
              pair(cut("mqtt-transport", "kafka-1", False), cut("core-node", "kafka-1", False))]
    # Longer than every patience.
    kinds += map(long, [cut("core-node", "kafka-1", False), cut("rule-engine", "kafka-1", False), cut("core-node", "zookeeper-1", False),
                        cut("rule-engine", "postgres-1", True), cut("mqtt-transport", "kafka-1", False),
                        cut("http-transport", "kafka-1", False), brokers])
    kinds += [brokers, NetworkKind("broker x all other brokers", "kafka", "isolate", "kafka-1", pause)]
    kinds += [NetworkKind(f"lost: {service}", service, "lose") for service in SERVICES]
    kinds += [NetworkKind("50 ms, 1 % lost", "core-node", "slow", pause=pause),
              NetworkKind("rolling restart, 20 ms", "core-node", "rolling")]
    return kinds


class Watch:
    """What one service says about itself while its link is cut, and how many partitions all of its kind own together."""

    def __init__(self, cluster, name):
        self.cluster, self.name = cluster, name
        #: Seconds since the start until it was first heard to be not ready, owned nothing, and others owned what was its own.
        self.told = self.let_go = self.taken = None
        self.most_owned = {}
        self.topics = PARTITIONED[name.rsplit("-", 1)[0]]
        self.owned_before = self.partitions(owned_partitions(cluster, name))
        self.began = time.monotonic()
        self.used = {other: processor_seconds(cluster.pid(other)) for other in self.services()}
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def services(self):
        return [name for name, process in self.cluster.state["processes"].items() if "service" in process]

    def run(self):
        service = self.name.rsplit("-", 1)[0]
        # The one whose link is cut last: what others took until they were looked at, it had given up before.
        names = sorted((name for name in self.services() if name.startswith(service)), key=lambda name: name == self.name)
        while not self.ends.wait(0.2):
            if self.told is None and not ready(self.cluster, self.name):
                self.told = time.monotonic() - self.began
            owned = [owned_partitions(self.cluster, name) for name in names]
            for topic in set().union(*owned):
                self.most_owned[topic] = max(self.most_owned.get(topic, 0), sum(one.get(topic, 0) for one in owned))
            if self.owned_before and self.let_go is None and self.partitions(owned[-1]) == 0:
                self.let_go = time.monotonic() - self.began
            if self.let_go and self.taken is None and all(
                    sum(one.get(topic, 0) for one in owned[:-1]) == 10 for topic in self.topics):
                self.taken = time.monotonic() - self.began

    def partitions(self, owned):
        """How many of those that have one owner at a time; None when nothing could be heard."""
        return sum(owned.get(topic, 0) for topic in self.topics) if owned else None

    def __str__(self):
        text = f"{self.name} " + ("was ready all the while" if self.told is None else f"not ready after {self.told:.1f} s")
        if self.let_go:
            text += f"; let go after {self.let_go:.1f} s, " + (f"taken over after {self.taken:.1f} s" if self.taken else "not taken over")
        return text

    def end(self):
        """Ends it; returns the service that used most of a core, and how much."""
        seconds = time.monotonic() - self.began
        shares = {name: (processor_seconds(self.cluster.pid(name)) - used) / seconds for name, used in self.used.items()
                  if is_alive(self.cluster.pid(name))}
        self.ends.set()
        self.thread.join()
        return max(shares.items(), key=lambda item: item[1])


class Reader:
    """Somebody who reads by the REST API of one core node all the while, one request after the other."""

    def __init__(self, cluster, name):
        self.url = f"http://{cluster.process(name)['http']}"
        self.counts = {}
        self.longest = 0.0
        self.ends = threading.Event()
        self.token = self.login()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def login(self):
        body = json.dumps({"username": "tenant@thingsboard.org", "password": "tenant"}).encode()
        request = urllib.request.Request(self.url + "/api/auth/login", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())["token"]

    def run(self):
        request = urllib.request.Request(self.url + "/api/tenant/devices?pageSize=10&page=0",
                                         headers={"X-Authorization": "Bearer " + self.token})
        while not self.ends.wait(0.1):
            began = time.monotonic()
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    status = answer.status
            except urllib.error.HTTPError as error:
                status = error.code
            except OSError:
                status = 0
            self.counts[status] = self.counts.get(status, 0) + 1
            self.longest = max(self.longest, time.monotonic() - began)

    def end(self):
        self.ends.set()
        self.thread.join()
        return f"its REST API answered {self.counts}, at the latest after {self.longest:.1f} s"


class NetworkRounds(Rounds):
    def round(self, number, kind):
        self.notes = ""
        self.lost_host = None
        try:
            result = super().round(number, kind)
        finally:
            self.cluster.network.heal()
            if self.lost_host:
                self.cluster.start(self.lost_host)
        result.notes = self.notes
        return result

    def strike(self, kind, name):
        network = self.cluster.network
        if kind.action == "lose":
            return self.lose(name)
        if kind.action == "rolling":
            return self.restart_all()
        struck, name = name, name if "service" in self.cluster.process(name) else "core-node-1"
        watch = Watch(self.cluster, name)
        reader = Reader(self.cluster, name) if name.startswith("core-node") else None
        if kind.action == "slow":
            network.slow(50, 0.01)
        for first, second in self.links(kind, struck):
            if kind.action != "deafen":
                network.set(first, second, lost=ALL)
            if kind.action != "mute":
                network.set(second, first, lost=ALL)
        try:
            time.sleep(kind.pause)
        finally:
            network.heal()
            busiest, share = watch.end()
        self.notes += f"{watch}; most processor time: {busiest} {share:.0%}"
        self.await_return(name)
        if reader:
            self.notes += "; " + reader.end()
            if set(reader.counts) - {200, 503}:
                raise Failure(f"{kind.name}: {self.notes}")
        if kind.tells and (watch.told is None or watch.told > TOLD):
            raise Failure(f"{kind.name}: {self.notes}")
        if share > BUSY:
            raise Failure(f"{kind.name}: {busiest} turns in a circle: {share:.0%} of a core")
        # Questions of transports may be answered twice.
        double = {topic: count for topic, count in watch.most_owned.items() if count > 10 and topic != "tb_transport.api.requests"}
        if double:
            raise Failure(f"{kind.name}: partitions with two owners: {double}")

    def links(self, kind, name):
        """What is cut: each end of a link may be one of several brokers."""
        if kind.action == "slow":
            return []
        brokers = [broker for broker in self.cluster.state["processes"] if broker.startswith("kafka-")]
        if kind.target == "kafka":
            others = [broker for broker in brokers if broker != name]
            self.notes = f"{name} "
            return [(name, other) for other in (others if kind.action == "isolate" else [self.random.choice(others)])]
        ends = [(name, kind.peer), *((self.choose(target), peer) for target, peer in kind.also)]
        return [(first, second) for first, peer in ends for second in (brokers if peer == "kafka-1" else [peer])]

    def await_return(self, name):
        """Waits until the service is ready, and of every device something is stored that was sent after the link was back: a
        device's messages are stored in order, so nothing waits any more that was sent before."""
        began, healed = time.monotonic(), int(time.time() * 1000)
        self.wait(lambda: ready(self.cluster, name), LIMIT, f"{name} is ready again")
        is_ready = time.monotonic() - began

        behind = (f"SELECT count(*) FROM (SELECT max(l.ts) AS newest FROM ts_kv_latest l JOIN device d ON d.id = l.entity_id"
                  f" WHERE d.name LIKE 'DW%' GROUP BY d.id) m WHERE newest < {healed}")
        self.wait(lambda: self.ask(behind) == "0", LIMIT, "what was sent meanwhile is stored")
        self.notes += f"; once healed, ready after {is_ready:.1f} s, caught up after {time.monotonic() - began:.1f} s"

    def lose(self, name):
        """The host goes and does not come back in this round; nobody is told."""
        network = self.cluster.network
        began = time.monotonic()
        network.cut(name, None)
        self.cluster.kill(name)
        self.lost_host = name
        self.wait(lambda: not network.connections("postgres-1", name), GIVEN_UP, "the database gives up its connections to " + name)
        self.notes = f"PostgreSQL gave up the connections of {name} within {time.monotonic() - began:.0f} s"

    def restart_all(self):
        self.cluster.network.slow(20)
        began = time.monotonic()
        longest = 0
        for name, process in list(self.cluster.state["processes"].items()):
            if "service" not in process:
                continue
            took = self.cluster.terminate(name)
            if took is None:
                raise Failure(f"{name} did not end after SIGTERM")
            longest = max(longest, took)
            self.cluster.start(name)
        self.notes = f"all services within {time.monotonic() - began:.0f} s, the slowest end took {longest:.1f} s"

    def everybody_is_back(self, kind):
        self.cluster.network.heal()
        if not self.lost_host:
            return super().everybody_is_back(kind)
        self.cluster.network.cut(self.lost_host, None)
        for name, process in self.cluster.state["processes"].items():
            if name != self.lost_host and not is_alive(process["pid"]):
                raise Failure(f"{kind.name}: {name} has ended; see {self.cluster.log(name)}")
            if name != self.lost_host and "service" in process:
                self.cluster.wait_ready(name, LIMIT)


def ready(cluster, name):
    """Whether the service says so."""
    try:
        with urllib.request.urlopen(f"http://{cluster.process(name)['http']}/health/ready", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def owned_partitions(cluster, name):
    """Topics, and how many of their partitions it owns."""
    found = lines(cluster, name, "kafka_owned_partitions{")
    return {key.split('topic="')[1].split('"')[0]: value for key, value in found}


def lines(cluster, name, start):
    try:
        with urllib.request.urlopen(f"http://{cluster.process(name)['http']}/metrics", timeout=5) as answer:
            text = answer.read().decode()
    except OSError:
        return []
    found = [line.rsplit(" ", 1) for line in text.splitlines() if line.startswith(start)]
    return [(key, float(value)) for key, value in found]
