"""A standalone server of its own: a fresh data folder with demo data, free ports, stopped by process id."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import requests

from ports import free_ports

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = os.environ.get("NEEDLETAIL", str(ROOT / ".build/release/needletail"))


def eventually(condition, seconds=60, what="the condition"):
    """Waits until `condition()` is true, and returns what it gave."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what} did not hold within {seconds} s (last: {result!r})"
        time.sleep(0.02)


class Server:
    def __init__(self, environment=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="needletail."))
        # The private Postgres runs as another user when the tests run as root.
        self.folder.chmod(0o755)
        self.log_path = self.folder / "log"
        self.http_port, self.mqtt_port = free_ports(2)
        self.url = f"http://127.0.0.1:{self.http_port}"
        self.environment = environment or {}
        self.process = None

    def start(self, seconds=120):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [EXECUTABLE, "standalone", "--data", str(self.folder / "data"), "--demo", "--bind", "127.0.0.1",
                 "--http-port", str(self.http_port), "--mqtt-port", str(self.mqtt_port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, **self.environment})
        eventually(self.is_ready, seconds, "readiness of the server")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"the server ended with {self.process.returncode}:\n{self.log()[-4000:]}"
        try:
            return requests.get(self.url + "/health/ready", timeout=20).status_code == 200
        except requests.RequestException:
            return False

    def terminate(self, seconds=60):
        """SIGTERM; returns the exit status and how long it took."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(seconds)
        return status, time.monotonic() - began

    def kill(self):
        self.process.kill()
        self.process.wait(60)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def metrics(self):
        """Metrics by name with labels, as numbers."""
        text = requests.get(self.url + "/metrics", timeout=60).text
        lines = [line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in lines}

    def remove(self):
        if self.process and self.process.poll() is None:
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class ConfigurableServer(Server):
    """A server that is started anew when a test wants other settings than it has."""

    def __init__(self, **environment):
        super().__init__(dict(environment))
        self.base = environment

    def configured(self, **settings):
        wanted = {**self.base, **settings}
        if self.environment != wanted:
            self.terminate()
            self.environment = wanted
            self.start()
