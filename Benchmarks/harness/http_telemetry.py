"""Telemetry of devices over HTTP, by wrk."""

import http.client
import json

from programs import standalone
from rest import CONNECTIONS, call, login, wrk
from results import Figure, Series

DEVICES = 100

# Posts a second that the HTTP transport of ThingsBoard 4.0.2 answers on a machine of this size.
THINGSBOARD = 485


def http_telemetry(settings) -> list[Figure]:
    rates = []
    body = json.dumps({"temperature": 21.5, "humidity": 60, "state": "on"})
    with standalone() as platform:
        address = ("127.0.0.1", platform.http_port)
        token = login(address)
        connection = http.client.HTTPConnection(*address, timeout=30)
        names = [f"HTTP{number:08d}" for number in range(DEVICES)]
        for name in names:
            call(connection, "POST", "/api/device?accessToken=" + name, token, {"name": name, "type": "default"})
        paths = [f"/api/v1/{name}/telemetry" for name in names]
        wrk(address, None, paths[0], 2, body, paths)
        rates += [wrk(address, None, paths[0], settings.seconds, body, paths) for _ in range(settings.runs)]
    posts = Series(rates, "posts/s")
    return [Figure("HTTP telemetry: posts of 3 values", posts, f">= {10 * THINGSBOARD}",
                   posts.median >= 10 * THINGSBOARD, "ThingsBoard 4.0.2", Series([THINGSBOARD], "posts/s"),
                   f"200 means that the rows are committed; {DEVICES} devices; wrk with {CONNECTIONS} connections on the "
                   "same two cores")]
