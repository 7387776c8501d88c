"""Results of benchmarks: kept one file each, so that parts can be run alone, and rendered together."""

import dataclasses
import json
import os
import pathlib
import platform
import re
import statistics
import subprocess
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STORE = REPOSITORY / ".build/benchmarks"
PAGE = REPOSITORY / "docs/benchmarks.md"
BUSY = 1.0
"""Load average beyond which figures do not hold."""
BEGIN, END = "<!-- results: written by Benchmarks/run -->", "<!-- end of results -->"


@dataclasses.dataclass
class Series:
    """The values of several runs of one thing."""

    values: list[float]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self) -> str:
        if len(self.values) == 1:
            return f"{number(self.median)} {self.unit}"
        return f"{number(self.median)} {self.unit} ({number(min(self.values))} to {number(max(self.values))})"


@dataclasses.dataclass
class Figure:
    """One row of the table."""

    name: str
    ours: Series
    target: str
    met: bool | None
    """None where there is no target."""
    peer: str = ""
    theirs: Series | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours.median / self.theirs.median if self.theirs and self.theirs.median else None

    def cells(self) -> list[str]:
        theirs = f"{self.peer}: {self.theirs.text()}" if self.theirs else "-"
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else "-"
        verdict = {True: "met", False: "**missed**", None: "-"}[self.met]
        return [self.name, self.ours.text(), theirs, ratio, self.target, verdict]


def number(value: float) -> str:
    """Three or more significant digits, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"


def save(name: str, figures: list[Figure], load: float) -> None:
    """Keeps the figures, with the load average that the machine had before."""
    STORE.mkdir(parents=True, exist_ok=True)
    content = {"when": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "commit": commit(),
               "load": load, "figures": [dataclasses.asdict(figure) for figure in figures]}
    (STORE / f"{name}.json").write_text(json.dumps(content, indent=1))


def load(name: str) -> tuple[str, list[Figure]] | None:
    path = STORE / f"{name}.json"
    if not path.exists():
        return None
    content = json.loads(path.read_text())
    figures = []
    for figure in content["figures"]:
        figure["ours"] = Series(**figure["ours"])
        figure["theirs"] = Series(**figure["theirs"]) if figure["theirs"] else None
        figures.append(Figure(**figure))
    busy = f", on a busy machine (load {content['load']:.1f})" if content["load"] > BUSY else ""
    return f"{content['when']} UTC, {content['commit']}{busy}", figures


HEADS = ["what", "needletail", "peer or limit", "ratio", "target", ""]


def table(figures: list[Figure]) -> str:
    """For a terminal."""
    rows = [HEADS] + [figure.cells() for figure in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def markdown(names: list[str]) -> str:
    lines = ["Machine: " + machine(), ""]
    lines += ["| " + " | ".join(HEADS) + " |", "|" + "---|" * len(HEADS)]
    notes, runs = [], []
    for name in names:
        found = load(name)
        if not found:
            continue
        when, figures = found
        runs.append(f"`{name}` {when}")
        for figure in figures:
            lines.append("| " + " | ".join(figure.cells()) + " |")
            if figure.note:
                notes.append(f"- {figure.name}: {figure.note}")
    lines += ["", *notes, "", "Measured: " + "; ".join(runs) + "."]
    return "\n".join(lines)


def write_page(names: list[str]) -> None:
    """Replaces the results in the page; what people wrote around them stays."""
    page = PAGE.read_text() if PAGE.exists() else ""
    if BEGIN not in page:
        page = f"# Benchmarks\n\n{BEGIN}\n{END}\n"
    head, rest = page.split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    PAGE.write_text(f"{head}{BEGIN}\n\n{markdown(names)}\n\n{END}{tail}")


def commit() -> str:
    done = subprocess.run(["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    return f"commit {done.stdout.strip()}" if done.returncode == 0 else "no commit"


def machine() -> str:
    text = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", text)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / (1 << 20)
    system = re.search(r'PRETTY_NAME="(.*)"', pathlib.Path("/etc/os-release").read_text())
    return (f"{os.cpu_count()} cores ({model.group(1) if model else platform.machine()}), {memory:.0f} GB, "
            f"{system.group(1) if system else platform.system()}, Linux {platform.release()}; generator, server and "
            f"database share it")
