"""Calculated fields in a cluster: the owner of an entity computes, whoever hears of the values (docs/calculated-fields.md)."""
import uuid

from server import eventually
from test_calculated_fields import argument, await_latest, latest, put, save, simple


def test_fields_are_computed_by_the_owners_of_entities(cluster, rest):
    """Values of devices and of REST, a field of a profile, and one that uses an asset of another owner; a rule engine is killed
    meanwhile, and the last results are those of the last values."""
    profile = rest.create_profile("DEFAULT")
    place = rest.ok("POST", "/api/asset", {"name": "Place " + uuid.uuid4().hex[:12], "type": "default"})
    devices = [rest.create_device(deviceProfileId=profile["id"]) for _ in range(4)]
    save(rest, simple(profile["id"], "t * 2 + base", "sum", {
        "t": argument("t"), "base": argument("base", refEntityId=place["id"], defaultValue="0")}))
    put(rest, place["id"], {"base": 100})
    for number, device in enumerate(devices):
        device.save({"t": number})
    for number, device in enumerate(devices):
        await_latest(rest, device.entity["id"], "sum", 100.0 + 2 * number)
    engines = [name for name, process in cluster.state["processes"].items() if process.get("service") == "rule-engine"]
    cluster.kill(sorted(engines)[0])
    for round in range(1, 6):
        for device in devices:
            device.save({"t": round})
    # What was acknowledged is computed; a new owner begins with what the database has.
    for device in devices:
        eventually(lambda: latest(rest, device.entity["id"], "sum") == 110.0, 90, "the result of the last value")
    # The values of the asset reach the owners of the devices.
    put(rest, place["id"], {"base": 200})
    for device in devices:
        await_latest(rest, device.entity["id"], "sum", 210.0)
