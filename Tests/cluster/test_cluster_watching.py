"""What operators see of a cluster: Prometheus with the configuration and the rules of docker/, and the dashboard's panels."""
import json
import re
import subprocess

import pytest
import requests
import yaml

import mqtt
from cluster import EXECUTOR, ROOT, SERVICES
from processes import free_ports, launch, terminate
from server import eventually
from test_cluster import TELEMETRY, mqtt_port

DASHBOARD = json.loads((ROOT / "docker/grafana/dashboards/needletail.json").read_text())
RULES = [rule for group in yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text())["groups"]
         for rule in group["rules"]]


def expressions_of(panel):
    return [target["expr"] for target in panel["targets"]]


class Prometheus:
    """Debian's Prometheus with docker/'s configuration; names that Docker would resolve are the processes of the cluster."""

    def __init__(self, cluster, folder):
        configuration = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
        configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        configuration["rule_files"] = [str(ROOT / "docker/prometheus" / name) for name in configuration["rule_files"]]
        for job in configuration["scrape_configs"]:
            if "dns_sd_configs" in job:
                (discovery,) = job.pop("dns_sd_configs")
                (service,) = discovery["names"]
                targets = [process["http"] for process in cluster.state["processes"].values()
                           if process.get("service") == service.removeprefix("tb-")]
            else:
                assert job["static_configs"] == [{"targets": ["haproxy:9999"]}]
                targets = [f"127.0.0.1:{cluster.state['ports']['stats']}"]
            job["static_configs"] = [{"targets": targets}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
        self.log = folder / "log"
        (port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{port}/api/v1"
        self.pid = launch(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                           f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"], self.log)

    def get(self, path, **parameters):
        try:
            answer = requests.get(self.url + path, params=parameters, timeout=60)
        except requests.ConnectionError:
            return {}
        assert answer.status_code in (200, 503), answer.text
        return answer.json()["data"] if answer.status_code == 200 else {}

    def query(self, expression):
        return self.get("/query", query=expression).get("result", [])


@pytest.fixture(scope="module")
def prometheus(whole_cluster, tmp_path_factory):
    made = Prometheus(whole_cluster, tmp_path_factory.mktemp("prometheus"))
    yield made
    terminate(made.pid, 20)


def test_prometheus_finds_every_instance_and_takes_every_rule(cluster, prometheus):
    wanted = sorted([*SERVICES, EXECUTOR] * 2 + ["haproxy"])
    eventually(lambda: sorted(one["metric"]["job"] for one in prometheus.query("up == 1")) == wanted, 60, "all instances")
    rules = eventually(lambda: [rule for group in prometheus.get("/rules")["groups"] for rule in group["rules"]
                                if rule["health"] != "unknown"], 60, "an evaluation of the rules")
    assert {rule["name"]: rule["health"] for rule in rules} == {rule["alert"]: "ok" for rule in RULES}


def test_every_panel_of_the_dashboard_shows_something(cluster, prometheus, device, rest):
    with mqtt.connected(mqtt_port(cluster), device.token) as connection:
        connection.publish(TELEMETRY, {"seen": 1})
        connection.puback()
        device.await_latest({"seen": 1}, 60)
        for panel in DASHBOARD["panels"]:
            for expression in expressions_of(panel):
                # A rate needs two samples.
                eventually(lambda: prometheus.query(expression), 60, f"{panel['title']}: {expression}")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_watches_metrics_that_are_there_before_anything_happens(cluster, prometheus, rule):
    """A counter that appears with its first event shows no increase."""
    plain = re.sub(r"\{[^}]*\}|\[[^\]]*\]|by \([^)]*\)", "", rule["expr"])
    names = set(re.findall(r"\b(?:up|[a-z]+(?:_[a-z]+)+)\b", plain)) - {"max_over_time"}
    assert names
    for name in names:
        eventually(lambda: prometheus.query(name), 60, name)
    # What it alerts for is read in labels that these metrics have.
    for selector in re.findall(r"[a-z_]+\{[^}]*\}", rule["expr"]):
        eventually(lambda: prometheus.query(selector), 60, selector)


def test_what_services_serve_is_written_as_prometheus_writes_it(cluster):
    for name, process in cluster.state["processes"].items():
        if "service" in process:
            text = requests.get(f"http://{process['http']}/actuator/prometheus", timeout=60).content
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
            # Status 3 is about names that good style would choose otherwise: those are the platform's.
            assert checked.returncode in (0, 3), (name, checked.stderr.decode())
