"""The REST API: reads by wrk over 16 connections, and devices created by eight clients at a time."""

import concurrent.futures
import http.client
import json
import re
import shutil
import subprocess
import tempfile
import time

from programs import Failure, standalone
from results import Figure, Series

DEVICES = 10_000
CLIENTS = 8
CONNECTIONS = "16"

# Answers a second of ThingsBoard 4.0.2 on a machine of this size (16 connections, warm).
THINGSBOARD = {"a device by id": 880, "a page of 20 devices": 264}


def call(connection, method: str, path: str, token: str | None, body=None):
    headers = {"Content-Type": "application/json"}
    if token:
        headers["X-Authorization"] = "Bearer " + token
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != 200:
        raise Failure(f"{method} {path}: {answer.status} {content[:200]!r}")
    return json.loads(content) if content else None


def login(address) -> str:
    connection = http.client.HTTPConnection(*address, timeout=30)
    return call(connection, "POST", "/api/auth/login", None,
                {"username": "tenant@thingsboard.org", "password": "tenant"})["token"]


def create(address, token: str, prefix: str, first: int, count: int) -> str:
    """Creates devices one after the other; returns the id of the last."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    for number in range(first, first + count):
        name = f"{prefix}{number:08d}"
        device = call(connection, "POST", "/api/device?accessToken=" + name, token, {"name": name, "type": "default"})
    return device["id"]["id"]


def wrk(address, token: str | None, path: str, seconds: int, body: str | None = None, paths: list[str] = ()) -> float:
    """Answers a second; every answer must be 200. A body is posted; where there are several paths, they take turns."""
    command = ["wrk", "-t", "1", "-c", CONNECTIONS, "-d", f"{seconds}s", "--timeout", "10s"]
    if token:
        command += ["-H", "X-Authorization: Bearer " + token]
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body:
            turns = ", ".join(json.dumps(one) for one in paths or [path])
            script.write(f"""
                wrk.method, wrk.body, wrk.headers["Content-Type"] = "POST", {json.dumps(body)}, "application/json"
                local paths, turn = {{{turns}}}, 0
                function request()
                    turn = turn % #paths + 1
                    return wrk.format(nil, paths[turn])
                end""")
            script.flush()
            command += ["-s", script.name]
        command.append(f"http://{address[0]}:{address[1]}{path}")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=600)
    if done.returncode != 0 or "Non-2xx" in done.stdout:
        raise Failure(f"wrk {path}:\n{done.stdout}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", done.stdout)[1])


def rest(settings) -> list[Figure]:
    if not shutil.which("wrk"):
        raise Failure("wrk is missing: apt-get install wrk")
    creations, rates = [], {name: [] for name in [*THINGSBOARD, "a page of 20 found by text"]}
    with standalone() as platform:
        address = ("127.0.0.1", platform.http_port)
        token = login(address)
        for run in range(settings.runs):
            began = time.monotonic()
            with concurrent.futures.ProcessPoolExecutor(CLIENTS) as pool:
                share = DEVICES // CLIENTS
                ids = list(pool.map(create, [address] * CLIENTS, [token] * CLIENTS, [f"R{run}"] * CLIENTS,
                                    range(0, DEVICES, share), [share] * CLIENTS))
            creations.append(time.monotonic() - began)
            if run:
                continue
            # Read while there are as many as the figures compared with were measured at.
            page = "/api/tenant/devices?pageSize=20&page=0"
            for name, path in [("a device by id", "/api/device/" + ids[0]), ("a page of 20 devices", page),
                               ("a page of 20 found by text", page + "&textSearch=0004&sortProperty=createdTime&sortOrder=DESC")]:
                wrk(address, token, path, 2)
                rates[name] += [wrk(address, token, path, settings.seconds) for _ in range(settings.runs)]
    took = Series(creations, "s")
    figures = [Figure(f"REST: {DEVICES} devices created by {CLIENTS} clients", took, "< 10 s", took.median < 10,
                      note="each with credentials, its attribute and its rule engine message, committed")]
    for name, values in rates.items():
        series = Series(values, "answers/s")
        known = THINGSBOARD.get(name)
        figures.append(Figure(
            f"REST: {name}", series, f">= {10 * known}" if known else "-", series.median >= 10 * known if known else None,
            "ThingsBoard 4.0.2" if known else "", Series([known], "answers/s") if known else None,
            f"{DEVICES} devices; wrk with {CONNECTIONS} connections on the same two cores"))
    return figures
