"""Persistent calls to devices while a transport is killed (device-api.md 7.4, cluster.md 5.4)."""
import concurrent.futures
import uuid

import requests

from rpc_device import LivingDevice
from server import eventually

CALLS = 8


def test_persistent_calls_survive_a_killed_transport(cluster, rest):
    """Each reaches its device and is answered; one that comes again has the number that it had."""
    devices = [rest.create_device() for _ in range(3)]
    ports = [int(cluster.process(f"mqtt-transport-{number}")["mqtt"].split(":")[1]) for number in (1, 2)]
    living = [LivingDevice(ports, device.token, pause=0.1) for device in devices]
    wanted = {}

    def ask(index):
        for number in range(CALLS):
            name = str(uuid.uuid4())
            body = {"method": "m", "params": number, "persistent": True, "requestUUID": name, "timeout": 120000}

            def is_accepted():
                try:
                    path = f"{rest.url}/api/rpc/twoway/{devices[index].id}"
                    return requests.post(path, json=body, headers=rest.session.headers, timeout=10).status_code == 200
                except requests.RequestException:
                    return False

            # The same id makes it one call, however often it is asked for.
            eventually(is_accepted, 60, f"call {number} of device {index}")
            wanted[name] = (index, number)

    def answered(name, number):
        found = rest.call("GET", f"/api/rpc/persistent/{name}")
        return found.status_code == 200 and found.json()["status"] == "SUCCESSFUL" and found.json()["response"] == number

    try:
        with concurrent.futures.ThreadPoolExecutor(len(devices)) as pool:
            asking = [pool.submit(ask, index) for index in range(len(devices))]
            eventually(lambda: len(wanted) > len(devices) * CALLS // 3, 60, "a third of the calls")
            cluster.kill("mqtt-transport-1")
            for one in asking:
                one.result()
        for name, (index, number) in wanted.items():
            eventually(lambda: answered(name, number), 60, f"the end of call {number} of device {index}")
    finally:
        for device in living:
            device.stop()
    for device in living:
        assert {params for _, params in device.seen} == set(range(CALLS))
        assert len(set(device.seen)) == CALLS, "a call came again under another number"
