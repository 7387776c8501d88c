"""A standalone platform under test: started, watched, killed and started again on the same data folder."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.request

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def program() -> str:
    """The needletail executable: $NEEDLETAIL, or the release build of this repository."""
    path = os.environ.get("NEEDLETAIL") or str(REPOSITORY / ".build/release/needletail")
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path} is missing; build it with: swift build -c release --product needletail")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Failure(Exception):
    """The platform did not do what it must."""


class Standalone:
    """One platform. Whoever makes it stops it."""

    def __init__(self, folder: pathlib.Path, data: pathlib.Path | None = None, environment: dict[str, str] | None = None):
        self.folder = folder
        self.environment = environment or {}
        self.data = data or folder / "data"
        self.log_path = folder / "needletail.log"
        self.http_port = free_port()
        self.mqtt_port = free_port()
        self.process: subprocess.Popen | None = None

    # Life

    def start(self, timeout: float = 60) -> float:
        """Starts the process and waits until it is ready. Returns how long that took, in seconds."""
        began = time.monotonic()
        self.launch()
        self.wait_until_ready(timeout)
        return time.monotonic() - began

    def launch(self) -> None:
        command = [program(), "standalone", "--data", str(self.data), "--bind", "127.0.0.1", "--demo",
                   "--http-port", str(self.http_port), "--mqtt-port", str(self.mqtt_port)]
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True, env={**os.environ, **self.environment})

    def wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"needletail ended by itself with status {self.process.returncode}; see {self.log_path}")
            if self.is_ready():
                return
            time.sleep(0.02)
        raise Failure(f"needletail was not ready within {timeout:.0f} s; see {self.log_path}")

    def is_ready(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self.http_port}/health/ready"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self) -> None:
        """kill -9 of the process; its Postgres lives on."""
        self.process.kill()
        self.process.wait()

    def terminate(self, timeout: float = 10) -> float:
        """SIGTERM. Returns how long the process took to end, in seconds."""
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure(f"needletail did not end within {timeout:.0f} s of SIGTERM") from None
        if status != 0:
            raise Failure(f"needletail ended with status {status} after SIGTERM; see {self.log_path}")
        return time.monotonic() - began

    def stop(self) -> None:
        """Ends whatever is left, gently if it lets us."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        postmaster = self.postmaster()
        if postmaster:
            os.kill(postmaster, signal.SIGQUIT)

    # The private Postgres

    def postmaster(self) -> int | None:
        """Process id of the private Postgres's postmaster, when it runs."""
        try:
            pid = int((self.data / "postgres/data/postmaster.pid").read_text().split("\n")[0])
            executable = os.readlink(f"/proc/{pid}/exe")
        except (OSError, ValueError, IndexError):
            return None
        return pid if executable.endswith("/postgres") else None

    def kill_postmaster(self) -> bool:
        """kill -9 of the postmaster. False when there is none right now."""
        pid = self.postmaster()
        if pid is None:
            return False
        os.kill(pid, signal.SIGKILL)
        return True

    # Looking

    def resident_bytes(self) -> int:
        """Resident memory of the needletail process, without Postgres."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) * 1024

    def log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.exists() else 0

    def log_since(self, offset: int) -> list[str]:
        with open(self.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace").splitlines()

    def errors_since(self, offset: int) -> list[str]:
        """Lines of level ERROR and FATAL, and traces of a crash."""
        pattern = re.compile(r"^\S+ +(ERROR|FATAL)\b|\"level\":\"(error|critical)\"|Fatal error|\*\*\* ", re.I)
        return [line for line in self.log_since(offset) if pattern.search(line)]


class LoadTester:
    """`needletail loadtest` against one platform."""

    def __init__(self, platform: Standalone):
        self.platform = platform

    def command(self, *arguments: str) -> list[str]:
        return [program(), "loadtest", "--quiet", "--mqtt-host", "127.0.0.1",
                "--mqtt-port", str(self.platform.mqtt_port),
                "--rest-url", f"http://127.0.0.1:{self.platform.http_port}", *arguments]

    def start(self, *arguments: str) -> subprocess.Popen:
        return subprocess.Popen(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def run(self, *arguments: str, timeout: float = 300) -> str:
        """Runs to the end and returns what it printed; any exit status but 0 is a failure."""
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=timeout)
        if done.returncode != 0:
            raise Failure(f"loadtest {' '.join(arguments)} ended with status {done.returncode}:\n{done.stdout}")
        return done.stdout

    def verify(self, ledger: pathlib.Path) -> tuple[int, int]:
        """Reads the ledger's messages back. Returns how many were acknowledged and how many of them are lost."""
        command = self.command("--verify-only", "--ledger", str(ledger))
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=1800)
        found = re.search(r"^acknowledged (\d+), stored (\d+), lost (\d+)$", done.stdout, re.M)
        if not found or (done.returncode == 0) != (found.group(3) == "0"):
            raise Failure(f"the ledger could not be verified:\n{done.stdout}")
        if found.group(3) != "0":
            print(done.stdout, end="")
        return int(found.group(1)), int(found.group(3))


HEADER_SIZE = 16
RECORD_SIZE = 12


def ledger_records(path: pathlib.Path) -> int:
    """Whole records in a ledger that may still be growing."""
    try:
        return max(0, path.stat().st_size - HEADER_SIZE) // RECORD_SIZE
    except FileNotFoundError:
        return 0


def join_ledgers(parts: list[pathlib.Path], whole: pathlib.Path) -> None:
    """Writes the records of all parts behind one header."""
    with open(whole, "wb") as out:
        for index, part in enumerate(parts):
            data = part.read_bytes()
            if index == 0:
                out.write(data[:HEADER_SIZE])
            out.write(data[HEADER_SIZE:HEADER_SIZE + ledger_records(part) * RECORD_SIZE])
