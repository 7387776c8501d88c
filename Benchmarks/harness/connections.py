"""Connections: TLS handshakes beside openssl's own server, idle ones with two subscriptions, and one that is a busy gateway."""

import contextlib
import http.client
import pathlib
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import time

from programs import (Failure, bench_transport, connections_possible, free_port, loadtest, pinned, running, server_of,
                      standalone)
from rest import call, login
from results import Figure, Series

FILTERS = ["v1/devices/me/attributes", "v1/devices/me/rpc/request/+"]
GATEWAY_DEVICES = 10
GATEWAY_KEYS = 10


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def packet(first: int, body: bytes) -> bytes:
    length, out = len(body), bytearray([first])
    while True:
        length, low = divmod(length, 128)
        out.append(low | (0x80 if length else 0))
        if not length:
            return bytes(out) + body


def connect_packet(token: str) -> bytes:
    return packet(0x10, text("MQTT") + b"\x04\x82\x00\x00" + text("") + text(token))


def receive(connection, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(65536)
        if not more:
            raise Failure("the server closed a connection")
        data += more
    return data


@contextlib.contextmanager
def certificate():
    """A folder with a certificate of RSA 2048 and its key."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        folder.chmod(0o755)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                        "-keyout", folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)
        yield folder


def tls_settings(folder: pathlib.Path, port: int) -> dict[str, str]:
    return {"MQTT_SSL_ENABLED": "true", "MQTT_SSL_BIND_ADDRESS": "127.0.0.1", "MQTT_SSL_BIND_PORT": str(port),
            "MQTT_SSL_PEM_CERT": str(folder / "cert.pem"), "MQTT_SSL_PEM_KEY": str(folder / "key.pem")}


# Handshakes

@contextlib.contextmanager
def our_server(folder):
    port = free_port()
    with bench_transport(tls_settings(folder, port)):
        yield port


@contextlib.contextmanager
def openssl_server(folder):
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", str(folder / "cert.pem"),
               "-key", str(folder / "key.pem"), "-www", "-quiet"]
    with running(pinned(0, command), port):
        yield port


def handshakes(port: int, version: str, seconds: int) -> float:
    """New connections a second, one after the other, by `openssl s_time`."""
    command = pinned(1, ["openssl", "s_time", "-connect", f"127.0.0.1:{port}", "-new", "-time", str(seconds), version])
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds + 60)
    found = re.search(r"(\d+) connections in \d+ real seconds", done.stdout)
    if done.returncode != 0 or not found or int(found[1]) == 0:
        raise Failure(f"{' '.join(command)}: {done.stdout[-500:]}")
    return int(found[1]) / seconds


def tls(settings) -> list[Figure]:
    figures = []
    with certificate() as folder:
        for name, version in (("1.3", "-tls1_3"), ("1.2", "-tls1_2")):
            rates = {"needletail": [], "openssl": []}
            # Taking turns, so that whatever else the machine does hits both.
            for _ in range(settings.runs):
                for server_name, server in (("openssl", openssl_server), ("needletail", our_server)):
                    with server(folder) as port:
                        rates[server_name].append(handshakes(port, version, settings.seconds))
            ours, theirs = Series(rates["needletail"], "handshakes/s"), Series(rates["openssl"], "handshakes/s")
            figures.append(Figure(
                f"TLS {name}: new connections, one after the other", ours, ">= 0.9 x openssl s_server",
                ours.median >= 0.9 * theirs.median, "openssl s_server", theirs,
                "openssl s_time on one core, the server on the other; RSA 2048, full handshakes; ours asks for a "
                "certificate of the client besides"))
    return figures


# Memory

def idle(settings) -> list[Figure]:
    """Resident memory of the platform with idle devices that subscribed to attributes and calls."""
    figures = []
    with certificate() as folder:
        for name, count, secure in (("plain", 10_000, False), ("TLS", 5_000, True)):
            count = connections_possible(2 * count) // 2
            port = free_port()
            with standalone(tls_settings(folder, port) if secure else {}) as platform:
                # Devices are made, and caches filled, before memory is looked at.
                loadtest(*server_of(platform), "--devices", str(count), "--load", "false")
                close(subscribed(platform, port if secure else None, 200))
                time.sleep(3)
                before = platform.resident_bytes()
                clients = subscribed(platform, port if secure else None, count)
                time.sleep(6)
                during = platform.resident_bytes()
                close(clients)
            figures.append(Figure(
                f"memory of an idle MQTT connection with two subscriptions, {name}",
                Series([(during - before) / count / 1024], "KB"), "-", None,
                note=f"resident memory of the process with {count} connections, less that before, each; the state of "
                     "the device in the core included"))
    return figures


def subscribed(platform, tls_port: int | None, count: int) -> list:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    hello = packet(0x82, struct.pack(">H", 1) + b"".join(text(one) + b"\x01" for one in FILTERS))
    clients = []
    for number in range(count):
        client = socket.create_connection(("127.0.0.1", tls_port or platform.mqtt_port), 30)
        if tls_port:
            client = context.wrap_socket(client)
        client.sendall(connect_packet(f"DW{number:08d}") + hello)
        clients.append(client)
    for client in clients:
        if receive(client, 10) != b"\x20\x02\x00\x00\x90\x04\x00\x01\x01\x01":
            raise Failure("a device was not let in, or not subscribed")
    return clients


def close(clients: list) -> None:
    for client in clients:
        client.close()


# A gateway

def gateway(settings) -> list[Figure]:
    rates = []
    with standalone() as platform:
        address = ("127.0.0.1", platform.http_port)
        token = login(address)
        connection = http.client.HTTPConnection(*address, timeout=30)
        call(connection, "POST", "/api/device?accessToken=BUSYGATEWAY", token,
             {"name": "Busy gateway", "type": "default", "additionalInfo": {"gateway": True}})
        with socket.create_connection(("127.0.0.1", platform.mqtt_port), 30) as client:
            client.sendall(connect_packet("BUSYGATEWAY"))
            if receive(client, 4) != b"\x20\x02\x00\x00":
                raise Failure("the gateway was not let in")
            sender = GatewaySender(client)
            sender.run(2)
            for _ in range(settings.runs):
                rates.append(sender.run(settings.seconds))
        last = call(connection, "GET", f"/api/tenant/devices?deviceName=Behind{GATEWAY_DEVICES - 1}", token)
        stored = call(connection, "GET", f"/api/plugins/telemetry/DEVICE/{last['id']['id']}/values/timeseries?keys=k0", token)
        if int(stored["k0"][0]["ts"]) != sender.time - 1:
            raise Failure("the last record that was acknowledged is not stored")
    series = Series(rates, "values/s")
    return [Figure("values through one connection of a gateway, end to end", series, ">= 50 000 values/s",
                   series.median >= 50_000,
                   note=f"messages of {GATEWAY_DEVICES} devices with {GATEWAY_KEYS} values each, QoS 1, 64 in flight; "
                        "acknowledged means committed")]


class GatewaySender:
    """Keeps messages in flight on one connection; every record has a time of its own."""

    def __init__(self, client: socket.socket):
        self.client = client
        self.time = 1_700_000_000_000
        self.identifier = 0
        values = ",".join(f'"k{key}":{key}.5' for key in range(GATEWAY_KEYS))
        self.template = ("{" + ",".join(f'"Behind{device}":[{{"ts":TTTTTTTTTTTTT,"values":{{{values}}}}}]'
                                        for device in range(GATEWAY_DEVICES)) + "}").encode()

    def message(self) -> bytes:
        self.identifier = self.identifier % 65_535 + 1
        payload = self.template.replace(b"TTTTTTTTTTTTT", b"%d" % self.time)
        self.time += 1
        return packet(0x32, text("v1/gateway/telemetry") + struct.pack(">H", self.identifier) + payload)

    def run(self, seconds: int, window: int = 64) -> float:
        """Values acknowledged a second; nothing is in flight before and after."""
        began = time.monotonic()
        sent, acknowledged, rest = window, 0, 0
        self.client.sendall(b"".join(self.message() for _ in range(window)))
        while acknowledged < sent:
            rest += len(receive(self.client, 1))
            done, rest = divmod(rest, 4)
            acknowledged += done
            if time.monotonic() - began < seconds:
                self.client.sendall(b"".join(self.message() for _ in range(done)))
                sent += done
        return acknowledged * GATEWAY_DEVICES * GATEWAY_KEYS / (time.monotonic() - began)
