"""Rounds of load in which something is killed, and after each of which every acknowledged message must be there."""

import dataclasses
import pathlib
import random
import statistics
import subprocess
import time

from standalone import Failure, LoadTester, Standalone, join_ledgers, ledger_records

DEVICES = 100
RATE = 2000
SECONDS = 3


@dataclasses.dataclass
class Round:
    number: int
    killed: str
    acknowledged: int
    lost: int
    recovery: float
    seconds: float

    def line(self) -> str:
        return (f"round {self.number:4}  {self.killed:<28} acknowledged {self.acknowledged:6}  lost {self.lost}"
                f"  recovered in {self.recovery:5.2f} s  ({self.seconds:.1f} s)")


class Rounds:
    def __init__(self, platform: Standalone, folder: pathlib.Path, seed: int):
        self.platform = platform
        self.loader = LoadTester(platform)
        self.folder = folder
        self.random = random.Random(seed)
        self.done: list[Round] = []
        self.ledgers: list[pathlib.Path] = []

    def run(self, count: int, graceful: bool = False) -> bool:
        """Returns whether nothing was lost."""
        began = time.monotonic()
        for number in range(1, count + 1):
            kind = "SIGTERM" if graceful else self.random.choice(["needletail", "postmaster"])
            self.done.append(self.round(number, kind))
            print(self.done[-1].line(), flush=True)
        return self.summary(time.monotonic() - began)

    def round(self, number: int, kind: str) -> Round:
        began = time.monotonic()
        ledger = self.folder / f"round-{number}.ledger"
        self.ledgers.append(ledger)
        load = self.loader.start("--devices", str(DEVICES), "--rate", str(RATE), "--duration", str(SECONDS),
                                 "--in-flight", "50", "--drain", "60", "--ledger", str(ledger))
        try:
            self.wait_for(lambda: ledger_records(ledger) > 0, 30, load, "the first acknowledgement")
            time.sleep(self.random.uniform(0.05, SECONDS - 1))
            killed, recovery = self.strike(kind, ledger, load)
            output, _ = load.communicate(timeout=120)
        finally:
            if load.poll() is None:
                load.kill()
        if load.returncode != 0:
            raise Failure(f"the load tester ended with status {load.returncode}:\n{output}")
        acknowledged, lost = self.loader.verify(ledger)
        return Round(number, killed, acknowledged, lost, recovery, time.monotonic() - began)

    def strike(self, kind: str, ledger: pathlib.Path, load: subprocess.Popen) -> tuple[str, float]:
        """Kills, restarts what nobody else restarts, and waits for the next acknowledgement."""
        killed = kind
        at = time.monotonic()
        if kind == "postmaster":
            if not self.platform.kill_postmaster():
                raise Failure("the private Postgres does not run")
        elif kind == "SIGTERM":
            offset = self.platform.log_size()
            took = self.platform.terminate()
            killed = f"SIGTERM, ended in {took:.2f} s"
            errors = self.platform.errors_since(offset)
            if errors:
                raise Failure("errors in the log of a graceful end:\n" + "\n".join(errors[:10]))
            self.platform.launch()
        else:
            self.platform.kill()
            killed += self.twice()
            self.platform.launch()
        # What was acknowledged before the kill reaches the ledger within a few milliseconds.
        time.sleep(0.05)
        before = ledger_records(ledger)
        self.wait_for(lambda: ledger_records(ledger) > before or load.poll() is not None, 60, None,
                      f"an acknowledgement after the kill of {kind}")
        return killed, time.monotonic() - at

    def twice(self) -> str:
        """One time in five the process is killed again while it starts, or its Postgres with it."""
        dice = self.random.random()
        if dice < 0.1:
            self.platform.launch()
            time.sleep(self.random.uniform(0, 0.6))
            self.platform.kill()
            return " twice"
        if dice < 0.2:
            return " and postmaster" if self.platform.kill_postmaster() else ""
        return ""

    def wait_for(self, condition, timeout: float, load: subprocess.Popen | None, what: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if load and load.poll() is not None:
                raise Failure(f"the load tester ended before {what}:\n{load.communicate()[0]}")
            if self.platform.process.poll() is not None:
                raise Failure(f"needletail ended by itself with status {self.platform.process.returncode}; "
                              f"see {self.platform.log_path}")
            if time.monotonic() > deadline:
                raise Failure(f"{what} did not come within {timeout:.0f} s; see {self.platform.log_path}")
            time.sleep(0.01)

    def summary(self, seconds: float) -> bool:
        """Reads everything back once more: a later crash must not take what an earlier one left."""
        whole = self.folder / "all.ledger"
        join_ledgers(self.ledgers, whole)
        acknowledged, lost = self.loader.verify(whole)
        recoveries = [round.recovery for round in self.done]
        kinds = ", ".join(f"{sum(round.killed.startswith(kind) for round in self.done)} x {kind}"
                          for kind in ("needletail", "postmaster", "SIGTERM")
                          if any(round.killed.startswith(kind) for round in self.done))
        print(f"\n{len(self.done)} rounds in {seconds:.0f} s: {kinds}")
        print(f"recovery: median {statistics.median(recoveries):.2f} s, longest {max(recoveries):.2f} s")
        print(f"all rounds together: acknowledged {acknowledged}, lost {lost}")
        return lost == 0 and all(round.lost == 0 for round in self.done)
