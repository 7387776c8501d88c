"""One cluster for all tests; each leaves it as it found it."""
import os
import pathlib
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from cluster import Cluster, EXECUTOR, SERVICES  # noqa: E402
from processes import is_alive  # noqa: E402
from rest import Rest  # noqa: E402


@pytest.fixture(scope="session")
def whole_cluster():
    # PostgreSQL runs as another user when the tests run as root, and must reach it.
    made = Cluster(pathlib.Path(tempfile.mkdtemp(prefix="needletail-cluster.")))
    try:
        made.up(brokers=1, environment={"TB_QUEUE_RULE_ENGINE_TOPIC_DELETION_DELAY_SEC": "3",
                                         "USAGE_STATS_REPORT_INTERVAL": "2",
                                         "REMOTE_JS_SANDBOX_MAX_BLACKLIST_DURATION_SEC": "5",
                                         "REMOTE_JS_MAX_EVAL_REQUEST_TIMEOUT": "10000"})
        print(f"\nthe cluster stands on {made.state['kafka']['description']}")
        yield made
    finally:
        made.down(keep=bool(os.environ.get("NEEDLETAIL_KEEP")))


@pytest.fixture
def cluster(whole_cluster, request):
    """The cluster, whole and ready; what a test has stopped runs again after it."""
    yield whole_cluster
    for name, process in whole_cluster.state["processes"].items():
        if not is_alive(process["pid"]):
            whole_cluster.start(name)
    for name, process in whole_cluster.state["processes"].items():
        if "service" in process:
            whole_cluster.wait_ready(name)
    whole_cluster.wait_balanced()


@pytest.fixture
def rest(cluster):
    return Rest("http://" + cluster.status()["http"])


@pytest.fixture
def device(rest):
    return rest.create_device()


@pytest.fixture
def kafka(cluster):
    """Skips a test that needs a Kafka which can be stopped."""
    if cluster.state["kafka"]["kind"] != "cluster":
        pytest.skip("no real Kafka of our own")
    return cluster.state["kafka"]["bootstrap"]


@pytest.fixture(autouse=True)
def show_logs(request):
    yield
    if "cluster" in request.fixturenames:
        made = request.getfixturevalue("whole_cluster")
        for service in [*SERVICES, EXECUTOR]:
            for number in (1, 2):
                text = made.log(f"{service}-{number}").read_text(errors="replace")
                request.node.add_report_section("call", f"{service}-{number}", text[-1500:])
