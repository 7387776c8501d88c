"""The programs that take part: the platform, its load tester, the measuring loops, and mosquitto."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "Tests/faults"))

from standalone import Failure, Standalone, free_port, program  # noqa: E402


CLUSTER = ["mqtt-transport", "http-transport", "core-node", "rule-engine"]


def build(cluster: bool = False) -> None:
    """Builds the platform and the measuring loops in release, and the executables of a cluster where they take part."""
    environment = {**os.environ, "NEEDLETAIL_BENCHMARKS": "1"}
    products = ["needletail-benchmarks"]
    if "NEEDLETAIL" not in os.environ:
        # Scripts in JavaScript run in workers of js-executor.
        products += ["needletail", "js-executor", *(CLUSTER if cluster else [])]
    for product in products:
        subprocess.run(["swift", "build", "-c", "release", "--product", product], cwd=REPOSITORY, env=environment,
                       check=True)


def pinned(core: int, command: list[str]) -> list[str]:
    """Keeps a single-threaded peer and its generator from sharing a core, where there are two."""
    return ["taskset", "-c", str(core), *command] if (os.cpu_count() or 1) > 1 and shutil.which("taskset") else command


def loadtest(*arguments: str, core: int | None = None, timeout: float = 3600) -> dict:
    """Runs the load tester and returns its report."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [program(), "loadtest", "--quiet", "--json", report.name, *arguments]
        done = subprocess.run(pinned(core, command) if core is not None else command, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if done.returncode != 0:
            raise Failure(f"{' '.join(command)} ended with status {done.returncode}:\n{done.stdout}")
        return json.loads(pathlib.Path(report.name).read_text())


def limit(*arguments: str, given: str | None = None) -> list[dict]:
    """Runs the measuring loops, those beside $NEEDLETAIL if there are any, and returns their results.

    They read `given` from their standard input.
    """
    beside = pathlib.Path(program()).with_name("needletail-benchmarks")
    loops = beside if beside.exists() else REPOSITORY / ".build/release/needletail-benchmarks"
    command = [str(loops), *arguments]
    done = subprocess.run(command, input=given or "", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def connections_possible(wanted: int) -> int:
    """Raises the limit of descriptors, which children inherit, and returns how many connections fit."""
    reserve = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        hard = max(hard, wanted + reserve)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - reserve)


def wait_for_port(port: int, process: subprocess.Popen, timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise Failure(f"{process.args} does not listen on port {port}")


@contextlib.contextmanager
def running(command: list[str], port: int, environment: dict[str, str] | None = None):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               env={**os.environ, **(environment or {})})
    try:
        wait_for_port(port, process)
        yield process
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def mosquitto():
    """mosquitto on a free port, without limits that would slow it."""
    executable = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not os.access(executable, os.X_OK):
        raise Failure("mosquitto is missing: apt-get install mosquitto")
    port = free_port()
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.write(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_inflight_messages 0\n"
                            "max_queued_messages 0\nlog_type error\npersistence false\nset_tcp_nodelay true\n")
        configuration.flush()
        with running(pinned(0, [executable, "-c", configuration.name]), port):
            yield port


@contextlib.contextmanager
def bench_transport(environment: dict[str, str] | None = None):
    """The MQTT transport in front of a queue that acknowledges at once."""
    port = free_port()
    with running(pinned(0, [program(), "bench-transport", "--mqtt-port", str(port)]), port, environment):
        yield port


@contextlib.contextmanager
def standalone(environment: dict[str, str] | None = None):
    """A fresh platform in a folder of its own, started and ready."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="needletail-benchmark-"))
    # The private Postgres runs as another user when this is root.
    folder.chmod(0o755)
    platform = Standalone(folder, environment=environment)
    try:
        platform.start()
        yield platform
    finally:
        platform.stop()
        shutil.rmtree(folder, ignore_errors=True)


def server_of(platform: Standalone) -> list[str]:
    """Options that point the load tester at a platform."""
    return ["--mqtt-host", "127.0.0.1", "--mqtt-port", str(platform.mqtt_port),
            "--rest-url", f"http://127.0.0.1:{platform.http_port}"]


def processor_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def database_of(platform: Standalone) -> str:
    """libpq's connection string of the platform's private Postgres."""
    run = platform.data / "postgres/run"
    elsewhere = platform.data / "postgres/socket-folder"
    folder = elsewhere.read_text().strip() if elsewhere.exists() else str(run)
    return f"host={folder} port=5432 user=needletail dbname=needletail"
