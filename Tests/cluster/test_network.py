"""Links that are cut without a word (Tests/cluster/faults --network plays all of them)."""
import os
import re
import subprocess

import pytest

from cluster import ROOT
from network import why_not


def test_links_that_are_cut_without_a_word_lose_nothing():
    reason = why_not() or (None if os.environ.get("TEST_KAFKA_CLUSTER") else "no real Kafka of our own")
    if reason:
        pytest.skip(f"hosts of their own: {reason}")
    # What is stored has to wait; what is owned has to be given up.
    run = subprocess.run([ROOT / "Tests/cluster/faults", "--network", "--rounds", "2", "--pause", "12", "--rate", "100", "--http-rate",
                          "20", "--kind", "rule-engine x postgres", "--kind", "core-node <x zookeeper"],
                         capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert re.search(r"^2 passed, 0 failed$", run.stdout, re.M), run.stdout[-6000:]
