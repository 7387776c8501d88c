"""The benchmarks. Each returns rows of the table, with the peer or the limit measured in the same run."""

import socket
import struct
import time

from clusters import cluster, cluster_idle, cluster_scale
from connections import gateway, idle, tls
from device_state import device_state
from downlinks import calls, fan_out
from http_telemetry import http_telemetry
from kafka import kafka
from programs import (Failure, bench_transport, connections_possible, database_of, limit, loadtest, mosquitto,
                      processor_seconds, server_of, standalone)
from rest import rest
from rest_login import rest_login
from rest_telemetry import rest_telemetry
from results import Figure, Series


class Settings:
    """How long and how often."""

    def __init__(self, runs: int, seconds: int, flat_minutes: int):
        self.runs = runs
        self.seconds = seconds
        self.flat_minutes = flat_minutes


def transport(settings: Settings, in_flight: int, factor: float) -> list[Figure]:
    rates = {"needletail": [], "mosquitto": []}
    # Taking turns, so that whatever else the machine does hits both.
    for _ in range(settings.runs):
        for name, server in (("mosquitto", mosquitto), ("needletail", bench_transport)):
            with server() as port:
                report = loadtest("--topic", "v1/devices/me/telemetry", "--mqtt-host", "127.0.0.1", "--mqtt-port", str(port),
                                  "--devices", "1000", "--closed-loop", str(in_flight),
                                  "--duration", str(settings.seconds), core=1)
                rates[name].append(report["acknowledgedPerSecond"])
    ours, theirs = Series(rates["needletail"], "publishes/s"), Series(rates["mosquitto"], "publishes/s")
    return [Figure(f"MQTT transport, QoS 1, 1000 connections, {in_flight} in flight", ours,
                   f">= {factor:g} x mosquitto", ours.median >= factor * theirs.median, "mosquitto", theirs,
                   "queue acknowledges at once; server on one core, generator on the other")]


def transport_1(settings: Settings) -> list[Figure]:
    return transport(settings, 1, 1.5)


def transport_20(settings: Settings) -> list[Figure]:
    return transport(settings, 20, 6)


def throughput(settings: Settings) -> list[Figure]:
    ours, copies, upserts, resident = [], [], [], []
    seconds = str(max(settings.seconds, 10))
    with standalone() as platform:
        server = server_of(platform)
        database = database_of(platform)
        loadtest(*server, "--devices", "1000", "--closed-loop", "20", "--duration", "3")
        for _ in range(settings.runs):
            copies.append(best(limit("copy", "--database", database, "--back-ends", count, "--seconds", seconds)
                               for count in ("1", "2")))
            upserts.append(best(limit("upsert", "--database", database, "--back-ends", count, "--seconds", seconds)
                                for count in ("1", "2")))
            report = loadtest(*server, "--devices", "1000", "--closed-loop", "40", "--duration", seconds)
            ours.append(report["valuesPerSecond"])
            resident.append(platform.resident_bytes() / (1 << 20))
    points = Series(ours, "points/s")
    copy, upsert = Series(copies, "rows/s"), Series(upserts, "rows/s")
    return [
        Figure("end to end: PUBLISH of 3 values -> default rule chain -> committed rows", points,
               ">= 120 000 points/s and >= 0.45 of COPY",
               points.median >= 120_000 and points.median >= 0.45 * copy.median, "bare COPY loop", copy,
               "1000 devices, 40 in flight each; the better of one and two back ends for the loop"),
        Figure("the same", points, "-", None, "bare upsert loop", upsert),
        Figure("resident memory under that load", Series(resident, "MB"), "-", None),
    ]


def best(results) -> float:
    return max(result["perSecond"] for lines in results for result in lines)


def latency(settings: Settings) -> list[Figure]:
    p50, p99, p999 = [], [], []
    with standalone() as platform:
        loadtest(*server_of(platform), "--devices", "1000", "--rate", "1000", "--duration", "5", "--warmup", "true")
        for _ in range(settings.runs):
            report = loadtest(*server_of(platform), "--devices", "1000", "--rate", "1000",
                              "--duration", str(max(settings.seconds, 20)))
            p50.append(report["latency"]["p50"])
            p99.append(report["latency"]["p99"])
            p999.append(report["latency"]["p99.9"])
    worst = Series(p99, "ms")
    return [
        Figure("end to end p99 PUBLISH -> PUBACK, 1000 msg/s from 1000 devices", worst, "< 25 ms", worst.median < 25,
               note="PUBACK means that the rows are committed; counted from the moment the message was due"),
        Figure("the same, p50", Series(p50, "ms"), "-", None),
        Figure("the same, p99.9", Series(p999, "ms"), "-", None),
    ]


def idle_connections(settings: Settings) -> list[Figure]:
    count = connections_possible(20_000)
    with standalone() as platform:
        server = server_of(platform)
        # Devices are made, and caches filled, before memory is looked at.
        loadtest(*server, "--devices", str(count), "--load", "false")
        loadtest(*server, "--idle", "100", "--duration", "2")
        before = platform.resident_bytes()
        report, during = while_loading(platform, [*server, "--idle", str(count), "--duration", "10",
                                                  "--create-devices", "false"])
        if report["openConnections"] != count:
            raise Failure(f"only {report['openConnections']} of {count} connections were open")
    each = Series([(max(during) - before) / count / 1024], "KB")
    return [Figure("memory of an idle MQTT connection", each, "< 4 KB", each.median < 4,
                   note=f"resident memory of the process with {count} connections, less that before, each")]


def while_loading(platform, arguments: list[str]) -> tuple[dict, list[int]]:
    """Resident memory, a sample a second, while the load tester runs."""
    import concurrent.futures
    samples = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(loadtest, *arguments)
        while not load.done():
            samples.append(platform.resident_bytes())
            time.sleep(1)
        return load.result(), samples


def start(settings: Settings) -> list[Figure]:
    times = []
    with standalone() as platform:
        token = first_device(platform)
        for _ in range(max(settings.runs, 5)):
            platform.terminate()
            began = time.monotonic()
            platform.launch()
            while not accepts_connect(platform.mqtt_port, token):
                time.sleep(0.002)
                if time.monotonic() - began > 30:
                    raise Failure("no CONNECT was accepted within 30 s")
            times.append(time.monotonic() - began)
    series = Series(times, "s")
    return [Figure("start to first accepted CONNECT, initialised data folder", series, "< 1 s", series.median < 1)]


def first_device(platform) -> str:
    loadtest(*server_of(platform), "--devices", "1", "--load", "false")
    return "DW00000000"


def accepts_connect(port: int, token: str) -> bool:
    """Whether a CONNECT with this access token is answered by a CONNACK that accepts it."""
    name = token.encode()
    body = b"\x00\x04MQTT\x04\x82\x00\x3c" + struct.pack(">H", 5) + b"start" + struct.pack(">H", len(name)) + name
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            connection.settimeout(5)
            connection.sendall(bytes([0x10, len(body)]) + body)
            return connection.recv(4) == b"\x20\x02\x00\x00"
    except OSError:
        return False


def at_rest(settings: Settings) -> list[Figure]:
    with standalone() as platform:
        time.sleep(3)
        before, began = processor_seconds(platform.process.pid), time.monotonic()
        time.sleep(max(settings.seconds, 20))
        used = (processor_seconds(platform.process.pid) - before) / (time.monotonic() - began) * 100
        resident = platform.resident_bytes() / (1 << 20)
    memory, processor = Series([resident], "MB"), Series([used], "%")
    return [Figure("resident memory, idle", memory, "< 60 MB", resident < 60, note="the process, without PostgreSQL"),
            Figure("processor time, idle", processor, "< 1 %", used < 1)]


def flat(settings: Settings) -> list[Figure]:
    """Resident memory at the end of a long load against that at its tenth."""
    with standalone() as platform:
        duration = settings.flat_minutes * 60
        report, samples = while_loading(platform, [*server_of(platform), "--devices", "1000", "--rate", "10000",
                                                   "--duration", str(duration)])
    tenth = max(1, len(samples) // 10)
    early, late = max(samples[tenth:2 * tenth]) / (1 << 20), max(samples[-tenth:]) / (1 << 20)
    return [Figure(f"resident memory after {settings.flat_minutes} min of 10 000 msg/s", Series([late], "MB"), "flat",
                   late <= early * 1.1 + 4, "after a tenth of that", Series([early], "MB"),
                   f"{report['acknowledged']} messages acknowledged")]


def micro(settings: Settings) -> list[Figure]:
    gathered: dict[str, Series] = {}
    for _ in range(settings.runs):
        for result in limit("micro", "--seconds", "2"):
            gathered.setdefault(result["name"], Series([], result["unit"])).values.append(result["perSecond"])
    return [Figure(name, series, "-", None) for name, series in gathered.items()]


def scripts(settings: Settings) -> list[Figure]:
    gathered: dict[str, Series] = {}
    for _ in range(settings.runs):
        for result in limit("scripts", "--seconds", "3"):
            gathered.setdefault(result["name"], Series([], result["unit"])).values.append(result["perSecond"])
    direct, worker = gathered.values()
    (direct_name, worker_name) = gathered
    return [Figure(direct_name, direct, "-", None), Figure(worker_name, worker, "-", None, direct_name, direct)]


ALL = {
    "transport-1": transport_1,
    "transport-20": transport_20,
    "throughput": throughput,
    "latency": latency,
    "idle-connections": idle_connections,
    "idle-subscribed": idle,
    "tls": tls,
    "gateway": gateway,
    "start": start,
    "at-rest": at_rest,
    "flat": flat,
    "rest": rest,
    "rest-telemetry": rest_telemetry,
    "rest-login": rest_login,
    "http-telemetry": http_telemetry,
    "fan-out": fan_out,
    "calls": calls,
    "device-state": device_state,
    "kafka": kafka,
    "cluster": cluster,
    "cluster-scale": cluster_scale,
    "cluster-idle": cluster_idle,
    "micro": micro,
    "scripts": scripts,
}
