"""Processes that outlive the script that started them: started, found again by their id, ended."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "integration"))

from ports import free_ports  # noqa: E402, F401 - for those who import it from here


class Failure(Exception):
    """Something did not start, stop or answer as it must."""


class Place:
    """Where processes run: an address of their own, and what starts them there."""

    def __init__(self, address="127.0.0.1", prefix=()):
        self.address = address
        self.prefix = list(prefix)

    def command(self, command):
        return [*self.prefix, *command]


LOOPBACK = Place()


def launch(command, log, environment=None, folder=None):
    """Starts a process in a session of its own; returns its id."""
    with open(log, "ab") as output:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, **(environment or {})}, cwd=folder, start_new_session=True)
    return process.pid


def is_alive(pid):
    """Whether the process runs; one that has ended and waits for its parent does not."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "ZX"


def signal_process(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def terminate(pid, seconds, number=signal.SIGTERM):
    """Asks to end, and ends it after that time. Returns how long it took, None when it had to be killed."""
    began = time.monotonic()
    signal_process(pid, number)
    signal_process(pid, signal.SIGCONT)
    while is_alive(pid):
        if time.monotonic() - began > seconds:
            kill(pid)
            return None
        time.sleep(0.02)
    return time.monotonic() - began


def children(pid):
    return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(pid):
    signal_process(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.01)


def wait_until(condition, seconds, what, pid=None, log=None):
    """Waits until `condition()` is true and returns what it gave; `pid` must live that long."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if pid and not is_alive(pid):
            raise Failure(f"{what}: the process ended\n{tail(log)}")
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds} s\n{tail(log)}")
        time.sleep(0.05)


def tail(log, lines=25):
    if not log or not pathlib.Path(log).exists():
        return ""
    return "\n".join(pathlib.Path(log).read_text(errors="replace").splitlines()[-lines:])


def accepts(port, host="127.0.0.1"):
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False
