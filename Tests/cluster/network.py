"""Hosts of a private network on one machine: network namespaces, and between them a switch whose ways can be cut and made long.

A cut is silent: nobody is told, no connection is reset; what is sent is gone. That is how a machine goes whose power or cable is
pulled, and what no signal to a process can play."""
import contextlib
import ctypes
import os
import pathlib
import random
import shutil
import subprocess

from processes import Failure, Place

HERE = pathlib.Path(__file__).resolve().parent
CLONE_NEWNET = 0x40000000
#: Of all that is sent one way.
ALL = 1_000_000


def why_not():
    """What keeps this machine from having such a network; None when nothing does."""
    if os.geteuid() != 0:
        return "network namespaces need root"
    if not shutil.which("ip", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin"):
        return "not installed: iproute2"
    if not shutil.which("cc"):
        return "no C compiler"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "no /dev/net/tun"
    name = f"needletail-try-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    if made.returncode != 0:
        return f"no network namespaces: {made.stderr.strip()}"
    # Nor does it work below a changed root.
    tried = subprocess.run(["ip", "netns", "exec", name, "true"], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", name], check=False)
    return f"no commands in network namespaces: {tried.stderr.strip()}" if tried.returncode != 0 else None


class Network:
    """Hosts by their names. The addresses are of these namespaces only, so that several networks do not meet."""

    def __init__(self, names, folder):
        self.prefix = f"needletail-{random.randrange(1 << 32):08x}"
        self.numbers = {name: number for number, name in enumerate(names, 1)}
        self.wire = None
        self.outside = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        program = pathlib.Path(folder) / "wire"
        subprocess.run(["cc", "-O2", "-o", program, HERE / "wire.c"], check=True)
        try:
            self.build(program)
        except BaseException:
            self.close()
            raise

    def build(self, program):
        for name in self.numbers:
            command("ip", "netns", "add", self.space(name))
        self.wire = subprocess.Popen([program, *map(self.space, self.numbers)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                     text=True, start_new_session=True)
        if self.wire.stdout.readline() != "ready\n":
            raise Failure("the network did not come up")
        for name, number in self.numbers.items():
            inside = ["ip", "-n", self.space(name)]
            command("ip", "netns", "exec", self.space(name), "sh", "-c", "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6")
            command(*inside, "link", "set", "lo", "up")
            command(*inside, "link", "set", "eth0", "address", f"02:4e:54:00:00:{number:02x}", "up")
            command(*inside, "address", "add", f"{self.address(name)}/24", "dev", "eth0")

    def space(self, name):
        return f"{self.prefix}-{name}"

    def address(self, name):
        return f"10.78.79.{self.numbers[name]}"

    def place(self, name):
        return Place(self.address(name), ["ip", "netns", "exec", self.space(name)])

    def close(self):
        with contextlib.suppress(OSError):
            self.leave()
        if self.wire:
            self.wire.stdin.close()
            self.wire.wait()
        for name in self.numbers:
            subprocess.run(["ip", "netns", "del", self.space(name)], capture_output=True)
        os.close(self.outside)

    # Being there

    def enter(self, name):
        """The calling thread, and what it starts, is at that host."""
        with open(f"/run/netns/{self.space(name)}") as space:
            move(space.fileno())

    def leave(self):
        move(self.outside)

    # Weather

    def set(self, source, target, delay_ms=0, lost=0):
        """One way between two hosts; None for all hosts."""
        numbers = [0 if name is None else self.numbers[name] for name in (source, target)]
        self.wire.stdin.write(f"{numbers[0]} {numbers[1]} {round(delay_ms * 1000)} {round(lost)}\n")
        self.wire.stdin.flush()
        if self.wire.stdout.readline() != "ok\n":
            raise Failure("the network has ended")

    def cut(self, first, second):
        """Nothing passes between two hosts; None for all others."""
        self.set(first, second, lost=ALL)
        self.set(second, first, lost=ALL)

    def slow(self, delay_ms, loss=0.0):
        """Every frame takes so long, and that share of them is lost."""
        self.set(None, None, delay_ms, loss * ALL)

    def heal(self):
        self.set(None, None)

    # What is open

    def connections(self, at, peer):
        """TCP connections that the host `at` holds open with the host `peer`."""
        listing = command("ip", "netns", "exec", self.space(at), "ss", "-Htn", "state", "established", "dst", self.address(peer))
        return listing.splitlines()


def move(descriptor):
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def command(*parts):
    done = subprocess.run([str(part) for part in parts], capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(map(str, parts))}: {done.stderr.strip()}")
    return done.stdout
