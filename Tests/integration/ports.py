"""Ports for servers of tests."""
import fcntl
import pathlib
import random
import socket
import tempfile

LOCKS = pathlib.Path(tempfile.gettempdir()) / "needletail-ports"
HELD = []  # Open files: their locks end with this process.


def free_ports(count):
    """Ports that nobody has, and that nobody else gets here while this process lives, so that a server may stop and start again.

    They lie below those that the system gives to outgoing connections: none of these takes the port of a stopped server, nor is a
    client that tries again connected to itself.
    """
    LOCKS.mkdir(mode=0o777, exist_ok=True)
    first_of_clients = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    candidates = range(10_000, first_of_clients if first_of_clients > 12_000 else 32_768)
    found = []
    while len(found) < count:
        port = random.SystemRandom().choice(candidates)
        if is_taken(port):
            found.append(port)
    return found


def is_taken(port):
    """Whether the port was free and is now ours."""
    lock = open(LOCKS / str(port), "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("", port))
    except OSError:
        lock.close()
        return False
    HELD.append(lock)
    return True
