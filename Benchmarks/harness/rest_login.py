"""Logins beside bcrypt alone, and what devices notice of them."""

import concurrent.futures
import ctypes
import http.client
import json
import os
import time

from programs import loadtest, server_of, standalone
from rest import call, wrk
from results import Figure, Series

PASSWORD = "tenant"
SETTING = b"$2a$10$abcdefghijklmnopqrstuu"
"""Of the cost that the platform's hashes have."""
CREDENTIALS = {"username": "tenant@thingsboard.org", "password": PASSWORD}


def bcrypt(seconds: float) -> float:
    """Hashes a second of one process, by the library that the platform uses."""
    crypt = ctypes.CDLL("libcrypt.so.1").crypt
    crypt.restype = ctypes.c_char_p
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        if not crypt(PASSWORD.encode(), SETTING):
            raise RuntimeError("libcrypt lacks bcrypt")
        count += 1
    return count / (time.monotonic() - began)


def one_after_the_other(address, seconds: float) -> float:
    """Logins a second over one connection."""
    connection = http.client.HTTPConnection(*address, timeout=30)
    began, count = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        call(connection, "POST", "/api/auth/login", None, CREDENTIALS)
        count += 1
    return count / (time.monotonic() - began)


def rest_login(settings) -> list[Figure]:
    alone, single, hashes, logins, quiet, disturbed = [], [], [], [], [], []
    # As many as the platform has.
    threads = max(1, min(4, (os.cpu_count() or 1) - 1))
    with standalone() as platform, concurrent.futures.ProcessPoolExecutor(threads) as pool:
        address = ("127.0.0.1", platform.http_port)
        one_after_the_other(address, 1)
        devices = [*server_of(platform), "--devices", "1000", "--rate", "1000", "--duration", str(settings.seconds)]
        loadtest(*server_of(platform), "--devices", "1000", "--load", "false")
        for _ in range(settings.runs):
            # Taking turns, so that whatever else the machine does hits both.
            alone.append(1000 / pool.submit(bcrypt, settings.seconds / 2).result())
            single.append(1000 / one_after_the_other(address, settings.seconds / 2))
            hashes.append(sum(pool.map(bcrypt, [settings.seconds / 2] * threads)))
            quiet.append(loadtest(*devices)["latency"]["p99"])
            with concurrent.futures.ThreadPoolExecutor(1) as load:
                report = load.submit(loadtest, *devices)
                logins.append(wrk(address, None, "/api/auth/login", settings.seconds, body=json.dumps(CREDENTIALS)))
                disturbed.append(report.result()["latency"]["p99"])
    one, hash_time = Series(single, "ms"), Series(alone, "ms")
    worst = Series(disturbed, "ms")
    return [
        Figure("REST: a login", one, "<= 1.5 x bcrypt", one.median <= 1.5 * hash_time.median, "bcrypt alone", hash_time,
               "one after the other over one connection"),
        Figure("REST: logins by 16 clients, beside 1000 msg/s from 1000 devices", Series(logins, "logins/s"), "-", None,
               f"bcrypt alone, processes: {threads}", Series(hashes, "hashes/s")),
        Figure("p99 PUBLISH -> PUBACK of these devices meanwhile", worst, "< 25 ms", worst.median < 25,
               "without logins", Series(quiet, "ms"), "hashes keep all processors busy but one"),
    ]
