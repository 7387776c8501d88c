"""Rules and dashboard are what Prometheus and Grafana take. Tests/cluster/test_cluster_watching.py asks a cluster with them."""
import json
import pathlib
import re
import subprocess

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from test_deploy import ROOT, built

PROMETHEUS = ROOT / "docker/prometheus"
RULES = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())
ALERTS = [rule["alert"] for group in RULES["groups"] for rule in group["rules"]]
DASHBOARDS = sorted((ROOT / "docker/grafana/dashboards").glob("*.json"))


def promtool(*arguments):
    result = subprocess.run(["promtool", *arguments], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_prometheus_takes_its_configuration_and_the_rules():
    assert f"{len(ALERTS)} rules found" in promtool("check", "config", str(PROMETHEUS / "prometheus.yml"))


def test_every_alert_comes_with_its_cause_and_not_with_health():
    promtool("test", "rules", str(ROOT / "Tests/deploy/alerts.yml"))


@pytest.mark.parametrize("alert", ALERTS)
def test_every_alert_is_tried_both_ways_and_explained(alert):
    tests = [test for case in yaml.safe_load((ROOT / "Tests/deploy/alerts.yml").read_text())["tests"]
             for test in case["alert_rule_test"] if test["alertname"] == alert]
    assert {bool(test["exp_alerts"]) for test in tests} == {True, False}
    assert f"| `{alert}` |" in (ROOT / "docs/operations.md").read_text()


def metrics_in(expression):
    plain = re.sub(r'"[^"]*"|\[[^\]]*\]', "", expression)
    plain = re.sub(r"\{[^}]*\}|\b(?:by|without|on|ignoring)\s*\([^)]*\)", "", plain)
    return {name for name in re.findall(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+", plain)
            if name not in ("histogram_quantile", "max_over_time")}


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist():
    known = "\n".join(path.read_text() for path in (ROOT / "Sources").rglob("*.swift"))
    expressions = [target["expr"] for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"]
                   for target in panel.get("targets", [])]
    expressions += [rule["expr"] for group in RULES["groups"] for rule in group["rules"]]
    names = {name for expression in expressions for name in metrics_in(expression)}
    assert len(names) > 20
    assert not sorted(name for name in names
                      if f'"{name}"' not in known and f'"{re.sub("_(bucket|sum|count)$", "", name)}"' not in known)


def differences(ours, theirs, path=""):
    """What `theirs` lacks, or has otherwise; what it has besides does not count."""
    if isinstance(ours, dict):
        for key, value in ours.items():
            yield from differences(value, theirs[key], f"{path}.{key}") if key in theirs else [f"{path}.{key}"]
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs)):
            yield from differences(one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield f"{path}: {ours!r}, {theirs!r}"


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)
def test_grafana_knows_every_field_of_the_dashboard(path):
    """Read and written again with Grafana's own types, of the version that the compose file has, it is the same."""
    compose = yaml.safe_load((ROOT / "docker/docker-compose.yml").read_text())
    version = compose["services"]["grafana"]["image"].rpartition(":")[2]
    requirements = (ROOT / "Tests/integration/requirements.txt").read_text()
    assert re.search(rf"^grafana-foundation-sdk==\d+!{re.escape(version)}$", requirements, re.M)
    register_default_plugins()
    ours = json.loads(path.read_text())
    theirs = json.loads(JSONEncoder(sort_keys=True).encode(Dashboard.from_json(ours)))
    assert not list(differences(ours, theirs))
    assert len({panel["id"] for panel in ours["panels"]}) == len(ours["panels"])


def test_the_dashboard_finds_its_data_source_and_grafana_the_dashboard():
    provisioning = ROOT / "docker/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/needletail.yml").read_text())["providers"]
    compose = yaml.safe_load((ROOT / "docker/docker-compose.yml").read_text())
    mounts = dict(volume.split(":")[:2][::-1] for volume in compose["services"]["grafana"]["volumes"])
    assert pathlib.Path(ROOT / "docker" / mounts[provider["options"]["path"]]) == DASHBOARDS[0].parent
    assert source["url"] == "http://prometheus:9090" and "prometheus" in compose["services"]
    for path in DASHBOARDS:
        assert {panel["datasource"]["uid"] for panel in json.loads(path.read_text())["panels"]} == {source["uid"]}


def test_kubernetes_has_the_same_alerts_about_jobs_of_the_same_names():
    documents = built("k8s/overlays/production")
    (rules,) = [one for one in documents if one["kind"] == "PrometheusRule"]
    assert rules["spec"] == RULES
    (monitor,) = [one for one in documents if one["kind"] == "ServiceMonitor"]
    label = monitor["spec"]["jobLabel"]
    jobs = {one["metadata"]["labels"][label] for one in documents if one["kind"] == "Service"
            and monitor["spec"]["selector"]["matchLabels"].items() <= one["metadata"]["labels"].items()}
    configured = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    assert jobs == {job["job_name"] for job in configured} - {"haproxy"}
