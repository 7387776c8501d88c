"""A whole cluster on the loopback interface. Its state is a file, so that every call of `run`, and every test, finds it."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from infrastructure import Kafka, Postgres, Redis, ZooKeeper, missing_programs
from processes import LOOPBACK, Failure, accepts, children, free_ports, is_alive, kill, launch, signal_process, tail, terminate, wait_until

ROOT = pathlib.Path(__file__).resolve().parents[2]
SERVICES = ["core-node", "rule-engine", "mqtt-transport", "http-transport"]
#: Runs scripts for them; no member of the cluster.
EXECUTOR = "js-executor"
#: A service that does not end in this time after SIGTERM is killed.
GRACE = 30


def executables():
    """The folder with the executables: that of $NEEDLETAIL, or the release build."""
    named = os.environ.get("NEEDLETAIL")
    return pathlib.Path(named).parent if named else ROOT / ".build/release"


class Cluster:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.state_path = self.folder / "state.json"
        self.state = json.loads(self.state_path.read_text()) if self.state_path.exists() else None

    def place(self, name):
        """Where the process of that name runs."""
        return LOOPBACK

    # State

    @property
    def is_there(self):
        return self.state is not None

    def save(self):
        temporary = self.state_path.with_suffix(".new")
        temporary.write_text(json.dumps(self.state, indent=2))
        temporary.rename(self.state_path)

    def status(self):
        """What `status --json` prints."""
        s = self.state
        balancer = self.place("haproxy-1").address
        return {"http": f"{balancer}:{s['ports']['http']}", "mqtt": f"{balancer}:{s['ports']['mqtt']}",
                "postgres": s["postgres"]["url"], "kafka": s["kafka"]["bootstrap"], "zookeeper": s["zookeeper"],
                "redis": s["redis"], "kafkaKind": s["kafka"]["kind"],
                "processes": {name: {"pid": p["pid"], "alive": is_alive(p["pid"]), **({"http": p["http"]} if "http" in p else {})}
                              for name, p in s["processes"].items()}}

    def pid(self, name):
        return self.process(name)["pid"]

    def process(self, name):
        try:
            return self.state["processes"][name]
        except KeyError:
            raise Failure(f"no process {name}; there are {', '.join(self.state['processes'])}") from None

    def log(self, name):
        return self.folder / f"{name}.log"

    # Up

    def up(self, brokers=1, count=2, environment=None, services=True):
        if self.is_there:
            raise Failure(f"a cluster is up in {self.folder}; take it down first")
        missing = missing_programs()
        if missing:
            raise Failure(f"not installed: apt-get install {' '.join(missing)}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        self.state = {"processes": {}, "ports": {}, "count": count, "environment": environment or {}}
        try:
            self.start_infrastructure(brokers)
            self.install()
            if services:
                self.start_services(count)
                self.start_balancer(count)
        except BaseException:
            self.save()
            raise
        self.save()

    def start_infrastructure(self, brokers):
        kafka = Kafka(self.folder, brokers, place=self.place("kafka-1"))
        starting = kafka.begin()
        parts = [kind(self.folder, place=self.place(kind.name)) for kind in (Postgres, ZooKeeper, Redis)]
        for part in parts:
            part.prepare()
        for part in parts:
            self.state["processes"][part.name] = {"pid": part.launch(), "port": part.port}
        for part in parts:
            part.wait(self.pid(part.name))
        postgres, zookeeper, redis = parts
        postgres.create_database()
        for name, pid in kafka.finish(starting).items():
            self.state["processes"][name] = {"pid": pid}
        if kafka.place is not LOOPBACK:
            places = {number: self.place(f"kafka-{number}") for number in range(1, brokers + 1)}
            self.state["processes"] |= {name: {"pid": pid} for name, pid in kafka.move(places).items()}
        self.state |= {"kafka": {**kafka.state, "brokers": brokers, "description": kafka.description},
                       "zookeeper": zookeeper.address, "redis": redis.address,
                       "postgres": {"url": postgres.url, "jdbc": postgres.jdbc}}
        self.state["shared"] = {
            "TB_QUEUE_TYPE": "kafka", "TB_KAFKA_SERVERS": kafka.bootstrap,
            "TB_QUEUE_KAFKA_REPLICATION_FACTOR": str(kafka.replication), "ZOOKEEPER_ENABLED": "true",
            "ZOOKEEPER_URL": zookeeper.address, "CACHE_TYPE": "redis", "REDIS_HOST": redis.place.address, "REDIS_PORT": str(redis.port),
            "SPRING_DATASOURCE_URL": postgres.jdbc, "SPRING_DATASOURCE_USERNAME": "postgres", "METRICS_ENABLED": "true",
            "HTTP_BIND_ADDRESS": "127.0.0.1", "MQTT_BIND_ADDRESS": "127.0.0.1", "NEEDLETAIL_IO_THREADS": "1",
            "NEEDLETAIL_RULE_ENGINE_THREADS": "1", "JS_EVALUATOR": "remote", **self.state["environment"]}

    def install(self):
        with open(self.log("install"), "ab") as output:
            status = subprocess.run(self.place("core-node-1").command([executables() / "core-node"]), stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                    env={**os.environ, **self.state["shared"], "INSTALL_TB": "true", "LOAD_DEMO": "true"})
        if status.returncode != 0:
            raise Failure(f"the installation ended with {status.returncode}:\n{tail(self.log('install'))}")

    def start_services(self, count):
        for service in [*SERVICES, EXECUTOR]:
            for number in range(1, count + 1):
                self.launch_service(f"{service}-{number}", service)
        for name, process in self.state["processes"].items():
            if "service" in process:
                self.wait_ready(name)

    def launch_service(self, name, service, environment=None):
        http, mqtt = free_ports(2)
        address = self.place(name).address
        environment = {**self.state["shared"], "TB_SERVICE_ID": name, "HTTP_BIND_ADDRESS": address, "MQTT_BIND_ADDRESS": address,
                       "HTTP_BIND_PORT": str(http), **(environment or {})}
        process = {"service": service, "http": f"{address}:{http}"}
        if service == "mqtt-transport":
            environment["MQTT_BIND_PORT"] = str(mqtt)
            process["mqtt"] = f"{address}:{mqtt}"
        if service == EXECUTOR:
            environment["HTTP_PORT"] = str(http)
        process["environment"] = environment
        process["pid"] = launch(self.place(name).command([executables() / service]), self.log(name), environment)
        self.state["processes"][name] = process

    @contextlib.contextmanager
    def another(self, name, service, environment=None, ready=True):
        """One more process of a service, for as long as the context lasts."""
        self.launch_service(name, service, environment)
        try:
            if ready:
                self.wait_ready(name)
            yield self.process(name)
        finally:
            terminate(self.pid(name), GRACE)
            del self.state["processes"][name]

    def start_balancer(self, count):
        http, mqtt, stats = free_ports(3)
        self.state["ports"] |= {"http": http, "mqtt": mqtt, "stats": stats}
        environment = {"BIND_ADDRESS": self.place("haproxy-1").address, "HTTP_PORT": str(http), "MQTT_PORT": str(mqtt), "STATS_PORT": str(stats),
                       "CONNECTIONS_PER_IP": "100000", "MAX_CONNECTIONS": "4000", "API_REQUESTS_10S": "1000000", "API_REQUESTS_1M": "1000000",
                       "STATS_USER": "admin", "STATS_PASSWORD": "admin", "CHECK_INTERVAL": "1s"}
        for number in (1, 2):
            instance = min(number, count)
            processes = self.state["processes"]
            environment[f"CORE_{number}"] = processes[f"core-node-{instance}"]["http"]
            environment[f"HTTP_TRANSPORT_{number}"] = processes[f"http-transport-{instance}"]["http"]
            environment[f"MQTT_TRANSPORT_{number}"] = processes[f"mqtt-transport-{instance}"]["mqtt"]
            environment[f"MQTT_HEALTH_{number}"] = processes[f"mqtt-transport-{instance}"]["http"].split(":")[1]
        self.state["processes"]["haproxy-1"] = {"pid": 0, "environment": environment}
        self.launch_balancer()
        self.wait_balanced()

    def wait_balanced(self):
        """Waits until the balancer sends requests to cores and to HTTP transports, and connections to MQTT transports."""
        http, mqtt = self.state["ports"]["http"], self.state["ports"]["mqtt"]
        name = "haproxy-1"
        host = self.place(name).address
        wait_until(lambda: answers(f"http://{host}:{http}/health/ready"), 30, "a core behind the balancer", self.pid(name),
                   self.log(name))
        wait_until(lambda: status_of(f"http://{host}:{http}/api/v1/none/telemetry") in (400, 401, 404, 405), 30,
                   "an HTTP transport behind the balancer", self.pid(name), self.log(name))
        wait_until(lambda: accepts(mqtt, host), 30, "an MQTT transport behind the balancer", self.pid(name), self.log(name))

    def launch_balancer(self):
        program = shutil.which("haproxy") or "/usr/sbin/haproxy"
        process = self.state["processes"]["haproxy-1"]
        command = self.place("haproxy-1").command([program, "-db", "-f", ROOT / "docker/haproxy/haproxy.cfg"])
        process["pid"] = launch(command, self.log("haproxy-1"), process["environment"])

    def is_ready(self, name):
        return answers(f"http://{self.process(name)['http']}/health/ready")

    def wait_ready(self, name, seconds=120):
        wait_until(lambda: self.is_ready(name), seconds, name, self.pid(name), self.log(name))

    # One process

    def kill(self, name):
        """kill -9. Of PostgreSQL that is one process; those of its connections end when they notice, and nothing starts before."""
        pid = self.pid(name)
        others = children(pid) if name == "postgres-1" else []
        kill(pid)
        wait_until(lambda: not any(map(is_alive, others)), 60, f"the end of {name}")

    def pause(self, name):
        signal_process(self.pid(name), signal.SIGSTOP)

    def resume(self, name):
        signal_process(self.pid(name), signal.SIGCONT)

    def terminate(self, name, seconds=GRACE):
        """SIGTERM; returns how long it took, None when it had to be killed."""
        return terminate(self.pid(name), seconds)

    def start(self, name, wait=True):
        """Starts a process that is not alive, under its name and with its data and ports."""
        process = self.process(name)
        if is_alive(process["pid"]):
            raise Failure(f"{name} is alive")
        if name.startswith("kafka-"):
            process["pid"] = Kafka(self.folder, self.state["kafka"]["brokers"], self.state["kafka"],
                                   self.place(name)).restart(int(name[6:]))
        elif name == "haproxy-1":
            self.launch_balancer()
        elif "service" in process:
            command = self.place(name).command([executables() / process["service"]])
            process["pid"] = launch(command, self.log(name), process["environment"])
        else:
            part = {"postgres-1": Postgres, "zookeeper-1": ZooKeeper, "redis-1": Redis}[name](
                self.folder, process["port"], self.place(name))
            process["pid"] = part.launch()
            if wait:
                part.wait(process["pid"])
        self.save()
        if wait and "service" in process:
            self.wait_ready(name)

    # Down

    def down(self, keep=False):
        """Ends everything this state names, services first, and removes the folder."""
        processes = self.state["processes"] if self.is_there else {}
        order = sorted(processes, key=lambda name: "service" not in processes[name] and name != "haproxy-1")
        for name in order:
            if "service" in processes[name] or name == "haproxy-1":
                signal_process(processes[name]["pid"], signal.SIGTERM)
                signal_process(processes[name]["pid"], signal.SIGCONT)
        for name in order:
            is_service = "service" in processes[name]
            if is_alive(processes[name]["pid"]):
                terminate(processes[name]["pid"], 15 if is_service else 5,
                          signal.SIGINT if name.startswith("postgres") else signal.SIGTERM)
        if self.is_there and self.state.get("kafka"):
            Kafka(self.folder, self.state["kafka"]["brokers"], self.state["kafka"]).down()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.state = None


def answers(url):
    """Whether a GET is answered with 200."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def status_of(url):
    """The status of the answer to a GET; 0 without one."""
    try:
        with urllib.request.urlopen(url, timeout=15) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def default_folder():
    return pathlib.Path(os.environ.get("NEEDLETAIL_CLUSTER_DIR", pathlib.Path(tempfile.gettempdir()) / "needletail-cluster"))
