"""`needletail loadtest`: loads a server, keeps a ledger, reads everything back."""
import json
import re
import subprocess

import pytest

from rest import Rest
from server import EXECUTABLE


@pytest.mark.parametrize("api", ["MQTT", "HTTP"])
def test_every_acknowledged_message_is_read_back(server, tmp_path, api):
    report = tmp_path / "report.json"
    run = subprocess.run(
        [EXECUTABLE, "loadtest", "--rest-url", server.url, "--mqtt-host", "127.0.0.1", "--mqtt-port", str(server.mqtt_port),
         "--api", api, "--devices", "20", "--first-device", "500", "--rate", "200", "--duration", "3", "--verify",
         "--ledger", str(tmp_path / "ledger"), "--json", str(report), "--plot", str(tmp_path / "plot.svg")],
        capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    match = re.search(r"acknowledged (\d+), stored (\d+), lost (\d+)", run.stdout)
    assert match, run.stdout
    acknowledged, stored, lost = map(int, match.groups())
    assert acknowledged == stored and lost == 0
    assert acknowledged >= 100
    assert "p99" in run.stdout
    json.loads(report.read_text())
    assert (tmp_path / "plot.svg").read_text().lstrip().startswith("<")
    assert (tmp_path / "ledger").stat().st_size > 0


def test_gateways_send_for_devices_that_they_make(server, rest):
    options = ["--rest-url", server.url, "--mqtt-host", "127.0.0.1", "--mqtt-port", str(server.mqtt_port), "--gateways", "3",
               "--first-gateway", "40", "--devices", "10", "--first-device", "900"]
    run = subprocess.run(
        [EXECUTABLE, "loadtest", *options, "--rate", "100", "--duration", "3", "--verify"], capture_output=True, text=True,
        timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr
    acknowledged, stored, lost = map(int, re.search(r"acknowledged (\d+), stored (\d+), lost (\d+)", run.stdout).groups())
    assert (stored, lost) == (acknowledged, 0) and acknowledged >= 50
    gateway = rest.ok("GET", "/api/tenant/devices?deviceName=GW00000041")
    assert gateway["additionalInfo"]["gateway"] is True
    child = rest.ok("GET", "/api/tenant/devices?deviceName=DW00000901")
    assert child["additionalInfo"]["lastConnectedGateway"] == gateway["id"]["id"]
    deleted = subprocess.run(
        [EXECUTABLE, "loadtest", *options, "--load", "false", "--delete-devices", "true", "--delete-gateways", "true"],
        capture_output=True, text=True, timeout=120)
    assert deleted.returncode == 0, deleted.stdout + deleted.stderr
    for name in ("GW00000041", "DW00000901"):
        assert rest.call("GET", "/api/tenant/devices?deviceName=" + name).status_code == 404


def test_missing_values_are_counted_as_lost(server, tmp_path):
    ledger = tmp_path / "ledger"
    options = ["--rest-url", server.url, "--mqtt-host", "127.0.0.1", "--mqtt-port", str(server.mqtt_port), "--devices", "5",
               "--first-device", "600", "--ledger", str(ledger)]
    sent = subprocess.run([EXECUTABLE, "loadtest", *options, "--rate", "50", "--duration", "2"],
                          capture_output=True, text=True, timeout=120)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    removed = subprocess.run(
        [EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-c",
         "delete from ts_kv where entity_id = (select id from device where name = 'DW00000602')"],
        capture_output=True, text=True, timeout=120)
    assert int(removed.stdout.split()[-1]) > 0, removed.stderr
    verified = subprocess.run([EXECUTABLE, "loadtest", *options, "--verify-only", "--verify-grace", "0"],
                              capture_output=True, text=True, timeout=120)
    assert verified.returncode == 1
    assert int(re.search(r"lost (\d+)", verified.stdout)[1]) > 0


def test_customers_and_dashboards_are_made_and_deleted(server, rest):
    options = ["--rest-url", server.url, "--mqtt-host", "127.0.0.1", "--mqtt-port", str(server.mqtt_port), "--devices", "2",
               "--first-device", "800", "--customers", "3", "--first-customer", "70", "--dashboards", "2"]
    made = subprocess.run([EXECUTABLE, "loadtest", *options, "--load", "false"], capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr
    customer = rest.ok("GET", "/api/tenant/customers?customerTitle=C00000072")
    user = Rest(server.url, "c00000072@thingsboard.org", "customer").ok("GET", "/api/auth/user")
    assert user["customerId"] == customer["id"]
    dashboards = rest.ok("GET", "/api/tenant/dashboards?pageSize=10&page=0&textSearch=Load test&sortProperty=title&sortOrder=ASC")["data"]
    assert [one["title"] for one in dashboards] == ["Load test 0", "Load test 1"]
    # What is there is used, and goes in the end.
    again = subprocess.run([EXECUTABLE, "loadtest", *options, "--rate", "20", "--duration", "1", "--delete-surroundings", "true"],
                           capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stdout + again.stderr
    assert rest.call("GET", "/api/tenant/customers?customerTitle=C00000072").status_code == 404
    assert rest.ok("GET", "/api/tenant/dashboards?pageSize=10&page=0&textSearch=Load test")["data"] == []
