"""Faults that are not a kill: a full disk, and more load than the machine can store."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import time

from standalone import Failure, LoadTester, Standalone, ledger_records


@contextlib.contextmanager
def small_disk(folder: pathlib.Path, megabytes: int):
    """A tmpfs of that size; only root may mount one."""
    mount = folder / "small-disk"
    mount.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tmpfs", str(mount)], check=True)
    try:
        yield mount
    finally:
        for _ in range(50):
            if subprocess.run(["umount", str(mount)], stderr=subprocess.DEVNULL).returncode == 0:
                break
            time.sleep(0.1)


def can_mount(folder: pathlib.Path) -> bool:
    if os.geteuid() != 0:
        return False
    probe = folder / "probe"
    probe.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(probe)],
                             stderr=subprocess.DEVNULL).returncode == 0
    if mounted:
        subprocess.run(["umount", str(probe)], check=True)
    return mounted


def fill(path: pathlib.Path) -> int:
    """Takes all space that is left. Returns how many bytes that was."""
    size = 0
    with open(path, "wb", buffering=0) as filler:
        for piece in (1 << 20, 1 << 12):
            with contextlib.suppress(OSError):
                while True:
                    size += filler.write(b"\0" * piece)
    return size


def disk_full(folder: pathlib.Path) -> bool:
    """No acknowledgement for what is not stored, a clear error, and recovery when space is back."""
    if not can_mount(folder):
        print("disk full: SKIPPED, mounting a tmpfs needs root (or CAP_SYS_ADMIN)")
        return True
    with small_disk(folder, 400) as disk:
        platform = Standalone(folder, disk / "data")
        try:
            return fill_under_load(platform, disk, folder)
        finally:
            platform.stop()
            time.sleep(0.5)


def fill_under_load(platform: Standalone, disk: pathlib.Path, folder: pathlib.Path) -> bool:
    platform.start()
    loader = LoadTester(platform)
    ledger = folder / "disk-full.ledger"
    offset = platform.log_size()
    load = loader.start("--devices", "100", "--rate", "1000", "--duration", "25", "--drain", "60",
                        "--in-flight", "20", "--ledger", str(ledger))
    try:
        wait_until(lambda: ledger_records(ledger) > 2000, 30, "the load's first acknowledgements")
        filler = disk / "filler"
        filled = fill(filler)
        print(f"disk full: {filled >> 20} MB taken while 1000 messages/s come in")
        full_for = wait_for_stall(platform, ledger, filler)
        stalled_at = ledger_records(ledger)
        time.sleep(3)
        during = ledger_records(ledger) - stalled_at
        complaint = complaint_about_space(platform.log_since(offset))
        filler.unlink()
        freed = time.monotonic()
        before = ledger_records(ledger)
        wait_until(lambda: ledger_records(ledger) > before, 60, "an acknowledgement after space was back")
        recovery = time.monotonic() - freed
        output, _ = load.communicate(timeout=180)
    finally:
        if load.poll() is None:
            load.kill()
    if load.returncode != 0:
        raise Failure(f"the load tester ended with status {load.returncode}:\n{output}")
    acknowledged, lost = loader.verify(ledger)
    print(f"disk full: acknowledgements stopped after {full_for:.1f} s, {during} in the 3 s after that")
    print(f"disk full: the log says: {complaint or 'NOTHING'}")
    print(f"disk full: recovered {recovery:.1f} s after space was back; acknowledged {acknowledged}, lost {lost}")
    return lost == 0 and complaint is not None


def wait_for_stall(platform: Standalone, ledger: pathlib.Path, filler: pathlib.Path) -> float:
    """Waits for a second without an acknowledgement, topping the filler up. Returns how long that took."""
    began = time.monotonic()
    last, since = ledger_records(ledger), time.monotonic()
    while time.monotonic() - since < 1:
        if time.monotonic() - began > 30:
            raise Failure("acknowledgements go on although the disk is full")
        time.sleep(0.1)
        with open(filler, "ab", buffering=0) as more, contextlib.suppress(OSError):
            while True:
                more.write(b"\0" * 4096)
        if ledger_records(ledger) != last:
            last, since = ledger_records(ledger), time.monotonic()
    return since - began


def complaint_about_space(lines: list[str]) -> str | None:
    """The first line of needletail's own log, of level warning or above, that names the cause."""
    level = re.compile(r"\b(WARN|ERROR|FATAL)\b", re.I)
    cause = re.compile(r"no space left|disk.{0,12}full|53100", re.I)
    for line in lines:
        if level.search(line) and cause.search(line):
            return line[:240]
    return None


def overload(folder: pathlib.Path, seconds: int) -> bool:
    """Three times what can be stored: memory stays flat, nothing acknowledged is lost, and it recovers by itself."""
    platform = Standalone(folder)
    try:
        platform.start()
        return overload_under(platform, folder, seconds)
    finally:
        platform.stop()


def overload_under(platform: Standalone, folder: pathlib.Path, seconds: int) -> bool:
    loader = LoadTester(platform)
    report = folder / "report.json"
    loader.run("--devices", "1000", "--closed-loop", "20", "--duration", "5", "--json", str(report))
    capacity = json.loads(report.read_text())["acknowledgedPerSecond"]
    print(f"overload: {capacity:.0f} messages/s can be stored; now {3 * capacity:.0f}/s for {seconds} s", flush=True)
    ledger = folder / "overload.ledger"
    load = loader.start("--devices", "1000", "--rate", str(int(3 * capacity)), "--duration", str(seconds),
                        "--in-flight", "200", "--drain", "60", "--ledger", str(ledger), "--json", str(report))
    resident = watch_memory(platform, load)
    output = load.communicate()[0]
    if load.returncode != 0:
        raise Failure(f"the load tester ended with status {load.returncode}:\n{output}")
    under = json.loads(report.read_text())
    acknowledged, lost = loader.verify(ledger)
    loader.run("--devices", "1000", "--rate", str(max(100, int(capacity / 10))), "--duration", "5",
               "--json", str(report))
    after = json.loads(report.read_text())["latency"]["p99"]
    third = max(1, len(resident) // 3)
    early, late = max(resident[:third]), max(resident[-third:])
    flat = late <= early * 1.25 + (16 << 20)
    print(f"overload: {under['acknowledgedPerSecond']:.0f} messages/s acknowledged, p99 {under['latency']['p99']:.0f} ms")
    print(f"overload: resident memory {early >> 20} MB in the first third, {late >> 20} MB in the last:"
          f" {'flat' if flat else 'GROWS'}")
    print(f"overload: acknowledged {acknowledged}, lost {lost}; afterwards p99 {after:.1f} ms")
    return lost == 0 and flat and after < 1000


def watch_memory(platform: Standalone, load: subprocess.Popen) -> list[int]:
    """Resident memory twice a second until the load ends."""
    samples = []
    while load.poll() is None:
        samples.append(platform.resident_bytes())
        time.sleep(0.5)
    return samples


def wait_until(condition, timeout: float, what: str) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"{what} did not come within {timeout:.0f} s")
        time.sleep(0.02)
