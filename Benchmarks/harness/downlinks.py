"""What the platform sends to devices: changes of shared attributes, and calls; all receivers are connected over MQTT."""

import http.client

from programs import Failure, connections_possible, limit, loadtest, server_of, standalone
from rest import call, login
from results import Figure, Series

DEVICES = 10_000
CALLS = 1_000
SAVERS = 16
PAGE = 1_000


def fan_out(settings) -> list[Figure]:
    with standalone() as platform:
        count = connections_possible(DEVICES)
        given = prepare(platform, count)
        saves = run(platform, "attribute-saves", given, settings.runs, "--connections", str(SAVERS))
        imports = run(platform, "attribute-import", given, settings.runs)
    what = f"a shared attribute of {count} connected devices"
    return (rows(f"{what}, saved one by one: save -> device", saves,
                 f"REST over {SAVERS} connections, as fast as it answers; from each save to the receipt of its device")
            + rows(f"{what}, changed by one import: request -> device", imports,
                   "`/api/device/bulk_import`, which also saves every device; from the one request to each receipt"))


def calls(settings) -> list[Figure]:
    with standalone() as platform:
        results = run(platform, "calls", prepare(platform, CALLS), settings.runs)
    return rows(f"{CALLS} two-way calls at once by REST: request -> answer of the device", results,
                "a device and a connection for each; through the rule chain, with QoS 1 both ways")


def prepare(platform, count: int) -> str:
    """Makes devices; returns what the measuring loop reads: the user's token, then token and id of each device."""
    loadtest(*server_of(platform), "--devices", str(count), "--load", "false")
    address = ("127.0.0.1", platform.http_port)
    token = login(address)
    connection = http.client.HTTPConnection(*address, timeout=30)
    lines, page = [], {"hasNext": True}
    number = 0
    while page["hasNext"]:
        page = call(connection, "GET", f"/api/tenant/devices?pageSize={PAGE}&page={number}&textSearch=DW0", token)
        lines += [f"{device['name']} {device['id']['id']}" for device in page["data"]]
        number += 1
    if len(lines) != count:
        raise Failure(f"{len(lines)} devices instead of {count}")
    return "\n".join([token, *lines]) + "\n"


def run(platform, name: str, given: str, rounds: int, *options: str) -> list[dict]:
    results = limit(name, "--mqtt-port", str(platform.mqtt_port), "--http-port", str(platform.http_port),
                    "--rounds", str(rounds), *options, given=given)
    for result in results:
        wrong = {what: result[what] for what in ("missing", "doubled", "refused") if result[what]}
        if wrong:
            raise Failure(f"{name}: {wrong}")
    return results


def rows(name: str, results: list[dict], note: str) -> list[Figure]:
    def series(what: str) -> Series:
        return Series([result[what] for result in results], "ms")

    return [Figure(f"{name}, p50", series("p50"), "-", None, note=note + "; none lost, none doubled"),
            Figure("the same, p99", series("p99"), "-", None),
            Figure("the same, from the first to the last", series("last"), "-", None)]
