"""Telemetry over REST: latest values, raw points and averages of a device with a million points, by wrk."""

import http.client
import subprocess

from programs import Failure, database_of, standalone
from rest import CONNECTIONS, call, login, wrk
from results import Figure, Series

POINTS = 1_000_000
START = 1_700_000_000_000
HOUR = 3_600_000

# Answers a second of ThingsBoard 4.0.2 on a machine of this size (16 connections, warm).
THINGSBOARD = {"latest values of a device": 331, "100 raw points": 150, "an hour's averages by the minute": 44}


def rest_telemetry(settings) -> list[Figure]:
    rates = {name: [] for name in THINGSBOARD}
    with standalone() as platform:
        address = ("127.0.0.1", platform.http_port)
        token = login(address)
        base = prepare(platform, address, token) + "/values/timeseries"
        history = f"{base}?keys=temperature&startTs={START}&endTs="
        paths = [base, history + f"{START + 10 * HOUR}&limit=100", history + f"{START + HOUR}&agg=AVG&interval=60000"]
        for name, path in zip(THINGSBOARD, paths):
            wrk(address, token, path, 2)
            rates[name] += [wrk(address, token, path, settings.seconds) for _ in range(settings.runs)]
    figures = []
    for name, values in rates.items():
        series, known = Series(values, "answers/s"), THINGSBOARD[name]
        figures.append(Figure(
            f"REST: {name}", series, f">= {10 * known}", series.median >= 10 * known, "ThingsBoard 4.0.2",
            Series([known], "answers/s"),
            f"{POINTS} points of the key, one a second; wrk with {CONNECTIONS} connections on the same two cores"))
    return figures


def prepare(platform, address, token: str) -> str:
    """A device with a million points, written straight into the table; returns the path of its telemetry."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    device = call(connection, "POST", "/api/device", token, {"name": "Read"})["id"]["id"]
    path = f"/api/plugins/telemetry/DEVICE/{device}"
    values = {"temperature": 21.5, "humidity": 60, "state": "on"}
    call(connection, "POST", path + "/timeseries/ANY", token, {"ts": START, "values": values})
    statement = f"""
        INSERT INTO ts_kv (entity_id, key, ts, dbl_v)
        SELECT '{device}', key_id, {START} + n * 1000, 20 + n % 10 FROM key_dictionary, generate_series(1, {POINTS}) n
        WHERE key = 'temperature';
        ANALYZE ts_kv"""
    done = subprocess.run(["psql", "-v", "ON_ERROR_STOP=1", "-q", "-d", database_of(platform), "-c", statement],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
    if done.returncode != 0:
        raise Failure(done.stdout)
    return path
