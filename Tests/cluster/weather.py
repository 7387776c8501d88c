"""What bad weather is made of: services of odd settings, a broker with secured listeners or a small disk, a clock that jumps."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import time

from cluster import executables
from infrastructure import HERE, POSTGRES, Postgres
from processes import free_ports, is_alive, launch, terminate, wait_until

class Extra:
    """One more process of a service, with settings of its own."""

    def __init__(self, cluster, service, name, **environment):
        self.log = cluster.folder / f"{name}.log"
        http, mqtt = free_ports(2)
        self.port, self.mqtt = http, mqtt
        self.url = f"http://127.0.0.1:{http}"
        self.pid = launch([executables() / service], self.log, {
            **cluster.state["shared"], "TB_SERVICE_ID": name, "HTTP_BIND_PORT": str(http), "MQTT_BIND_PORT": str(mqtt),
            **environment})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.took = terminate(self.pid, 30)

    def text(self):
        return self.log.read_text(errors="replace")

    @property
    def is_alive(self):
        return is_alive(self.pid)

    def processor_seconds(self):
        return processor_seconds(self.pid)


class Processors:
    """What the services of a cluster use of the processors from now on."""

    def __init__(self, cluster):
        self.pids = {name: process["pid"] for name, process in cluster.state["processes"].items() if "service" in process}
        self.used = {name: processor_seconds(pid) for name, pid in self.pids.items()}
        self.began = time.monotonic()

    def assert_calm(self, most=0.5):
        """None of them used more than that share of a core: whoever cannot go on waits."""
        seconds = time.monotonic() - self.began
        shares = {name: (processor_seconds(pid) - self.used[name]) / seconds for name, pid in self.pids.items()}
        assert max(shares.values()) < most, f"one turns in a circle: {shares}"


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# Brokers


def libraries(cluster):
    """The folder of Kafka's jars, beside the script that runs brokers."""
    return pathlib.Path(cluster.state["kafka"]["script"]).resolve().parent / "libs"


def configure_topic(cluster, topic, change):
    subprocess.run(["java", "-cp", f"{libraries(cluster)}/*", "kafka.admin.ConfigCommand", "--bootstrap-server",
                    cluster.state["kafka"]["bootstrap"], "--alter", "--entity-type", "topics", "--entity-name", topic, *change],
                   check=True, capture_output=True, timeout=60)


def certificates(folder):
    """A certificate for 127.0.0.1 that signs itself, key and certificate in one file as Kafka's PEM stores have it."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "broker.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    both.write_text(key.read_text() + certificate.read_text())
    return certificate, both


def secure_broker(cluster, folder):
    """Gives the broker listeners with TLS and SASL beside the plain one, and starts it anew. Returns their addresses by name, and
    the file of the authority that signed the broker's certificate."""
    authority, store = certificates(folder)
    names = ["SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    addresses = {name: f"127.0.0.1:{port}" for name, port in zip(names, free_ports(len(names)))}
    path = cluster.folder / "kafka/node-1.properties"
    lines = dict(line.split("=", 1) for line in path.read_text().splitlines())
    for key in ("listeners", "advertised.listeners"):
        lines[key] += "".join(f",{name}://{address}" for name, address in addresses.items())
    lines["listener.security.protocol.map"] += "".join(f",{name}:{name}" for name in names)
    lines |= {"ssl.keystore.type": "PEM", "ssl.keystore.location": str(store), "sasl.enabled.mechanisms": "PLAIN"}
    for name in ("sasl_plaintext", "sasl_ssl"):
        lines[f"listener.name.{name}.plain.sasl.jaas.config"] = (
            'org.apache.kafka.common.security.plain.PlainLoginModule required user_device="the-right-word";')
    path.write_text("".join(f"{key}={value}\n" for key, value in lines.items()))
    cluster.kill("kafka-1")
    cluster.start("kafka-1")
    return addresses, authority


@contextlib.contextmanager
def small_broker_disk(cluster, megabytes):
    """The broker's log folder lies on a disk of that size for a while. Yields the folder."""
    data = cluster.folder / "kafka/node-1"
    aside = data.with_name("node-1.aside")

    def copy(source, target):
        # Its index files are mostly holes.
        subprocess.run(["cp", "-a", "--sparse=always", f"{source}/.", target], check=True)

    cluster.kill("kafka-1")
    data.rename(aside)
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", data], check=True)
    try:
        copy(aside, data)
        shutil.rmtree(aside)
        cluster.start("kafka-1")
        yield data
    finally:
        if is_alive(cluster.pid("kafka-1")):
            cluster.kill("kafka-1")
        if not aside.exists():
            aside.mkdir()
            copy(data, aside)
        # The memory maps of a killed broker go a moment after it.
        wait_until(lambda: subprocess.run(["umount", data], capture_output=True).returncode == 0, 60, "the end of the small disk")
        data.rmdir()
        aside.rename(data)
        cluster.start("kafka-1")


def can_mount(folder):
    if os.geteuid() != 0:
        return False
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode != 0:
        return False
    subprocess.run(["umount", folder], check=True)
    return True


# The database


def restart_postgres(cluster, *options):
    process = cluster.process("postgres-1")
    if is_alive(process["pid"]):
        terminate(process["pid"], 30, signal.SIGINT)
    part = Postgres(cluster.folder, process["port"])
    process["pid"] = launch(part.as_postgres(POSTGRES / "postgres", "-D", part.folder / "data", *options), part.log)
    cluster.save()
    part.wait(process["pid"])


# Clocks


@contextlib.contextmanager
def movable_clocks(cluster, names, folder):
    """These processes run on clocks of their own for a while. Yields a function that moves one by seconds."""
    library = folder / "movable_clock.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, HERE / "movable_clock.c", "-ldl"], check=True)
    paths = {name: folder / f"{name}.clock" for name in names}

    def move(name, seconds):
        temporary = paths[name].with_suffix(".new")
        temporary.write_text(f"{seconds * 1000}\n")
        temporary.rename(paths[name])

    def restart(name, environment):
        assert cluster.terminate(name) is not None
        process = cluster.process(name)
        process["environment"] = environment
        cluster.start(name)

    own = {name: dict(cluster.process(name)["environment"]) for name in names}
    try:
        for name in names:
            move(name, 0)
            restart(name, {**own[name], "LD_PRELOAD": str(library), "MOVABLE_CLOCK": str(paths[name])})
        yield move
    finally:
        for name in names:
            if is_alive(cluster.pid(name)):
                cluster.kill(name)
            cluster.process(name)["environment"] = own[name]
        for name in names:
            cluster.start(name, wait=False)
        for name in names:
            cluster.wait_ready(name)
