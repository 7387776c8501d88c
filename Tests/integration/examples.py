"""Runs the scripts of docs/examples as their users would."""
import pathlib
import subprocess
import sys

from server import ROOT

EXAMPLES = ROOT / "docs/examples"
# The Python of a client lies where Tests/integration/prepare put it.
TB_PYTHON = pathlib.Path(sys.prefix) / "tb-mqtt-client/bin/python"


def command(name, *arguments):
    path = EXAMPLES / name
    if name.endswith(".sh"):
        return [str(path), *map(str, arguments)]
    python = sys.executable if name.startswith("paho") else str(TB_PYTHON)
    return [python, str(path), *map(str, arguments)]


def run(name, *arguments, timeout=180, **options):
    """Runs an example to its end; returns what it printed."""
    done = subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=timeout, **options)
    assert done.returncode == 0, f"{name}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


class Running:
    """An example that runs beside the test."""

    def __init__(self, name, *arguments, **options):
        self.process = subprocess.Popen(
            command(name, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
        self.lines = []

    def await_line(self, part):
        """Reads until a line that holds `part`."""
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            if part in line:
                return self.lines[-1]
        raise AssertionError(f"no line with {part}: {self.lines}, {self.process.stderr.read()}")

    def finish(self, timeout=180):
        """Waits for the end; returns all lines."""
        out, error = self.process.communicate(timeout=timeout)
        self.lines += out.splitlines()
        assert self.process.returncode == 0, f"{self.process.returncode}: {self.lines}\n{error}"
        return self.lines

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
