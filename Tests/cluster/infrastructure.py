"""What a cluster stands on: PostgreSQL, Kafka, ZooKeeper, Redis. Each at a place of its own, in a folder of its own."""
import concurrent.futures
import os
import pathlib
import pwd
import random
import re
import shutil
import subprocess
import sys

from processes import LOOPBACK, Failure, accepts, free_ports, is_alive, kill, launch, wait_until

HERE = pathlib.Path(__file__).resolve().parent
POSTGRES = pathlib.Path("/usr/lib/postgresql/15/bin")
ZOOKEEPER_JAR = "/usr/share/java/zookeeper.jar"


class Postgres:
    """PostgreSQL of Debian. As root it runs as the user postgres."""

    name = "postgres-1"

    def __init__(self, folder, port=None, place=LOOPBACK):
        self.place = place
        self.folder = pathlib.Path(folder) / "postgres"
        self.log = pathlib.Path(folder) / "postgres-1.log"
        self.port = port or free_ports(1)[0]

    @property
    def url(self):
        return f"postgresql://postgres@{self.place.address}:{self.port}/thingsboard"

    @property
    def jdbc(self):
        return f"jdbc:postgresql://{self.place.address}:{self.port}/thingsboard"

    @staticmethod
    def as_postgres(*command):
        if os.geteuid() != 0:
            return list(command)
        return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command]

    def prepare(self):
        data = self.folder / "data"
        data.mkdir(parents=True)
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (self.folder, data):
                os.chown(path, user.pw_uid, user.pw_gid)
        run(self.as_postgres(POSTGRES / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale",
                             "--no-instructions"), self.log)
        settings = f"""
listen_addresses = '{self.place.address}'
port = {self.port}
unix_socket_directories = '{self.folder}'
max_connections = 200
shared_buffers = 256MB
max_wal_size = 2GB
log_min_messages = warning
"""
        # Through a program of that user: the folder is closed to others.
        subprocess.run(self.as_postgres("tee", "-a", str(data / "postgresql.conf")), input=settings.encode(), check=True,
                       stdout=subprocess.DEVNULL)
        if self.place is not LOOPBACK:
            subprocess.run(self.as_postgres("tee", "-a", str(data / "pg_hba.conf")), input=b"host all all samenet trust\n", check=True,
                           stdout=subprocess.DEVNULL)

    def launch(self):
        # A postmaster that was killed leaves its file; the number in it may be another process's by now.
        return launch(self.place.command(self.as_postgres(POSTGRES / "postgres", "-D", self.folder / "data")), self.log)

    def wait(self, pid):
        wait_until(lambda: subprocess.run([POSTGRES / "pg_isready", "-q", "-h", self.place.address, "-p",
                                           str(self.port)]).returncode == 0, 60, "PostgreSQL", pid, self.log)

    def create_database(self):
        run(["psql", "-q", "-h", self.place.address, "-p", str(self.port), "-U", "postgres", "-c", "CREATE DATABASE thingsboard"],
            self.log)


class ZooKeeper:
    name = "zookeeper-1"

    def __init__(self, folder, port=None, place=LOOPBACK):
        self.place = place
        self.folder = pathlib.Path(folder) / "zookeeper"
        self.log = pathlib.Path(folder) / "zookeeper-1.log"
        self.port = port or free_ports(1)[0]

    @property
    def address(self):
        return f"{self.place.address}:{self.port}"

    def prepare(self):
        self.folder.mkdir()
        (self.folder / "zoo.cfg").write_text(f"""tickTime=1000
dataDir={self.folder}/data
clientPort={self.port}
clientPortAddress={self.place.address}
admin.enableServer=false
maxClientCnxns=0
4lw.commands.whitelist=*
""")

    def launch(self):
        return launch(self.place.command(
            ["java", "-Xmx128m", "-Dzookeeper.log.threshold=WARN", "-cp", f"/etc/zookeeper/conf:{ZOOKEEPER_JAR}",
             "org.apache.zookeeper.server.ZooKeeperServerMain", self.folder / "zoo.cfg"]), self.log)

    def wait(self, pid):
        wait_until(lambda: accepts(self.port, self.place.address), 60, "ZooKeeper", pid, self.log)


class Redis:
    name = "redis-1"

    def __init__(self, folder, port=None, place=LOOPBACK):
        self.place = place
        self.folder = pathlib.Path(folder) / "redis"
        self.log = pathlib.Path(folder) / "redis-1.log"
        self.port = port or free_ports(1)[0]

    @property
    def address(self):
        return f"{self.place.address}:{self.port}"

    def prepare(self):
        self.folder.mkdir()

    def launch(self):
        return launch(self.place.command(["redis-server", "--port", self.port, "--bind", self.place.address, "--protected-mode", "no",
                                          "--dir", self.folder, "--save", "", "--appendonly", "no"]), self.log)

    def wait(self, pid):
        wait_until(lambda: accepts(self.port, self.place.address), 30, "Redis", pid, self.log)


class Kafka:
    """Brokers of TEST_KAFKA_BOOTSTRAP, else of the script TEST_KAFKA_CLUSTER, else librdkafka's mock cluster."""

    def __init__(self, folder, brokers, state=None, place=LOOPBACK):
        self.place = place
        self.folder = pathlib.Path(folder) / "kafka"
        self.log = pathlib.Path(folder) / "kafka.log"
        self.brokers = brokers
        self.script = os.environ.get("TEST_KAFKA_CLUSTER")
        self.kind, self.bootstrap, self.script = (state["kind"], state["bootstrap"], state["script"]) if state else (
            self.choose(), os.environ.get("TEST_KAFKA_BOOTSTRAP", ""), self.script)

    def choose(self):
        if os.environ.get("TEST_KAFKA_BOOTSTRAP"):
            return "outside"
        return "cluster" if self.script else "mock"

    @property
    def state(self):
        return {"kind": self.kind, "bootstrap": self.bootstrap, "script": self.script}

    @property
    def description(self):
        return {"outside": f"the Kafka of TEST_KAFKA_BOOTSTRAP ({self.bootstrap})",
                "cluster": f"a real Kafka, {self.brokers} broker(s)",
                "mock": "librdkafka's mock cluster (no real Kafka)"}[self.kind]

    @property
    def replication(self):
        return min(3, self.brokers) if self.kind == "cluster" else 1

    def environment(self):
        return {**os.environ, "KAFKA_CLUSTER_DIR": str(self.folder)}

    def begin(self):
        """Starts to start; `finish` waits. Returns what `finish` needs."""
        if self.kind == "outside":
            return None
        output = open(self.log, "wb")
        if self.kind == "mock":
            return subprocess.Popen([sys.executable, HERE / "mock_kafka.py", str(self.brokers), "3"], stdin=subprocess.DEVNULL,
                                    stdout=subprocess.PIPE, stderr=output, start_new_session=True)
        # The brokers need their own range of ports.
        base = free_base(self.brokers)
        return subprocess.Popen([self.script, "start", str(self.brokers), str(base)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=output, env=self.environment(), start_new_session=True)

    def finish(self, process):
        """Waits until the brokers serve. Returns their process ids by name."""
        if self.kind == "outside":
            return {}
        line = process.stdout.readline().decode().strip()
        if not line:
            raise Failure(f"Kafka did not start:\n{self.log.read_text()}")
        self.bootstrap = line
        if self.kind == "mock":
            return {"kafka-1": process.pid}
        return {f"kafka-{n}": self.pid(n) for n in range(1, self.brokers + 1)}

    def pid(self, number):
        return int((self.folder / f"node-{number}.pid").read_text())

    def restart(self, number):
        if self.kind != "cluster":
            raise Failure("only brokers of TEST_KAFKA_CLUSTER can be started again")
        # On a machine that is short of time a broker takes longer than the script waits.
        run(self.place.command([self.script, "restart", str(number)]), self.log, environment=self.environment(), check=False)
        if not is_alive(self.pid(number)):
            raise Failure(f"broker {number} did not start again; see {self.log}")
        return self.pid(number)

    def move(self, places):
        """Every broker, and its controller, listens at its place from now on. Returns their process ids by name."""
        if self.kind != "cluster":
            raise Failure("only brokers of TEST_KAFKA_CLUSTER can be at other places")
        numbers = range(1, self.brokers + 1)
        for number in numbers:
            kill(self.pid(number))
        for number in numbers:
            path = self.folder / f"node-{number}.properties"
            text = path.read_text().replace("://127.0.0.1:", f"://{places[number].address}:")
            path.write_text(re.sub(r"(\d+)@127\.0\.0\.1:", lambda found: f"{found[1]}@{places[int(found[1])].address}:", text))
        self.bootstrap = ",".join(address.replace("127.0.0.1", places[number].address)
                                  for number, address in enumerate(self.bootstrap.split(","), 1))
        brokers = {number: Kafka(self.folder.parent, self.brokers, self.state, places[number]) for number in numbers}
        # Each waits for the others.
        with concurrent.futures.ThreadPoolExecutor() as pool:
            pids = pool.map(lambda number: brokers[number].restart(number), numbers)
            return {f"kafka-{number}": pid for number, pid in zip(numbers, pids)}

    def down(self):
        if self.kind == "cluster":
            run([self.script, "stop"], self.log, environment=self.environment(), check=False)


def free_base(brokers):
    """A port with free neighbours, for brokers from it on and for their controllers from 100 above it."""
    for _ in range(50):
        # Below the ports that the system gives to connections.
        base = random.randrange(12_000, 32_000)
        wanted = [base + n for n in range(brokers)] + [base + 100 + n for n in range(brokers)]
        if not any(accepts(port) for port in wanted):
            return base
    raise Failure("no free range of ports")


def run(command, log, environment=None, check=True):
    with open(log, "ab") as output:
        status = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                env=environment).returncode
    if check and status != 0:
        raise Failure(f"{' '.join(str(part) for part in command)} ended with {status}:\n"
                      f"{pathlib.Path(log).read_text(errors='replace')[-2000:]}")


def missing_programs():
    """What has to be installed for a cluster."""
    wanted = {"haproxy": "haproxy", "redis-server": "redis-server", "java": "openjdk-17-jre-headless", "psql": "postgresql-15"}
    path = os.environ.get("PATH", "") + ":/usr/sbin"
    missing = [package for program, package in wanted.items() if not shutil.which(program, path=path)]
    return missing + ([] if os.path.exists(ZOOKEEPER_JAR) else ["zookeeper"])
