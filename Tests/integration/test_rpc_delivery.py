"""Persistent calls over MQTT: every state, retries, strategies, and what a kill leaves of them (device-api.md 7)."""
import subprocess
import threading
import time
import uuid

import requests

from people import limited_tenant
from rest import Rest
from rpc_device import CalledDevice, LivingDevice
from server import EXECUTABLE, eventually

BASE = {"MQTT_TIMEOUT": "2000", "SQL_RPC_TTL_CHECKING_INTERVAL": "300"}


def call(device, kind="twoway", **body):
    answer = device.rest.call("POST", f"/api/rpc/{kind}/{device.id}", {"method": "m", "params": {"p": 1}, **body})
    assert answer.status_code == 200, answer.text
    return answer.json()["rpcId"] if body.get("persistent") else answer


def persistent(device, kind="twoway", **body):
    return call(device, kind, persistent=True, **{"timeout": 300000, **body})


def stored(device, rpc):
    return device.rest.ok("GET", f"/api/rpc/persistent/{rpc}")


def await_state(device, rpc, expected):
    eventually(lambda: stored(device, rpc)["status"] == expected, what=f"state {expected}")


def background(function, *arguments, **options):
    """Runs a call that waits for its device; `join` returns what it gave."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*arguments, **options)))
    thread.start()

    def join():
        thread.join()
        return result[0]

    return join


# States


def test_every_state_of_a_call_until_it_is_answered(own, configured):
    device = configured()
    rpc = persistent(device)
    found = stored(device, rpc)
    assert found["status"] == "QUEUED"
    assert set(found["request"]) == {"id", "tenantId", "deviceId", "oneway", "expirationTime", "body", "persisted"}
    with CalledDevice(own.mqtt_port, device.token) as listener:
        first = listener.next_call()
        # It is seen as sent for two seconds only.
        eventually(lambda: stored(device, rpc)["status"] in ("SENT", "TIMEOUT"), what="a call that was sent")
        await_state(device, rpc, "TIMEOUT")
        # It is not sent again for another one's sake.
        other = persistent(device, "oneway", params="other")
        assert (second := listener.next_call()).params == "other"
        listener.acknowledge(second)
        await_state(device, other, "DELIVERED")
        listener.expect_no_call()
        # It may come late.
        listener.acknowledge(first)
        await_state(device, rpc, "DELIVERED")
        listener.answer(first, {"done": True})
        await_state(device, rpc, "SUCCESSFUL")
    assert stored(device, rpc)["response"] == {"done": True}


def test_an_answer_without_acknowledgement_counts(own, configured):
    device = configured()
    rpc = persistent(device)
    with CalledDevice(own.mqtt_port, device.token) as listener:
        request = listener.next_call()
        await_state(device, rpc, "TIMEOUT")
        listener.answer(request, {"late": 1})
        await_state(device, rpc, "SUCCESSFUL")


def test_with_qos_0_written_is_delivered(own, configured):
    device = configured()
    with CalledDevice(own.mqtt_port, device.token, qos=0) as listener:
        rpc = persistent(device, "oneway")
        assert listener.next_call().qos == 0
        await_state(device, rpc, "DELIVERED")


def test_a_timed_out_call_is_sent_again_with_the_same_number_and_fails_in_the_end(own, configured):
    device = configured()
    rpc = persistent(device, retries=1)
    numbers = []
    for expected in ("TIMEOUT", "FAILED"):
        with CalledDevice(own.mqtt_port, device.token) as listener:
            numbers.append(listener.next_call().number)
            await_state(device, rpc, expected)
    assert numbers == [0, 0]
    assert "retry attempts have been exhausted" in stored(device, rpc)["response"]["error"]
    with CalledDevice(own.mqtt_port, device.token) as listener:
        listener.expect_no_call()


def test_an_answer_for_another_call_changes_nothing(own, configured):
    device = configured()
    rpc = persistent(device)
    with CalledDevice(own.mqtt_port, device.token) as listener:
        request = listener.next_call()
        listener.acknowledge(request)
        await_state(device, rpc, "DELIVERED")
        listener.connection.publish("v1/devices/me/rpc/response/77", {"x": 1})
        listener.connection.puback()
        listener.answer(request, [1, 2])
        await_state(device, rpc, "SUCCESSFUL")
    assert stored(device, rpc)["response"] == [1, 2]


def test_the_rule_chain_hears_every_state(own, configured):
    device = configured()
    rest = device.rest
    kind = "org.thingsboard.rule.engine."
    script = "return '\\nIncoming message:\\n' + JSON.stringify(msg) + '\\nIncoming metadata:\\n' + JSON.stringify(metadata);"
    log = {"type": kind + "action.TbLogNode", "name": "log",
           "configuration": {"scriptLang": "JS", "jsScript": script, "tbelScript": script}}
    switch = {"type": kind + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
    request = {"type": kind + "rpc.TbSendRPCRequestNode", "name": "call", "configuration": {"timeoutInSeconds": 60}}
    states = ["RPC Queued", "RPC Sent", "RPC Delivered", "RPC Successful"]
    chain = rest.ok("POST", "/api/ruleChain", {"name": "States " + uuid.uuid4().hex})
    rest.save_graph(chain, [switch, request, log], [(0, 1, "RPC Request to Device"), *((0, 2, state) for state in states)])
    profile = rest.create_profile("DEFAULT")
    profile["defaultRuleChainId"] = chain["id"]
    profile = rest.ok("POST", "/api/deviceProfile", profile)
    device = rest.create_device(type=profile["name"], deviceProfileId=profile["id"])
    with CalledDevice(own.mqtt_port, device.token) as listener:
        rpc = persistent(device)
        call = listener.next_call()
        listener.acknowledge(call)
        await_state(device, rpc, "DELIVERED")
        listener.answer(call, {"ok": 1})
        await_state(device, rpc, "SUCCESSFUL")

    def told():
        lines = [line for line in own.log().splitlines() if "rule chain log node" in line and rpc in line]
        return [state.split()[1].upper() for line in lines for state in states if state.split()[1].upper() in line]

    eventually(lambda: told() == ["QUEUED", "SENT", "DELIVERED", "SUCCESSFUL"], 60, "four messages of the rule engine")


# Strategies


def test_burst_sends_everything_at_once_and_again_what_has_no_answer(own, configured):
    device = configured()
    rpcs = [persistent(device, params=number) for number in range(3)]
    with CalledDevice(own.mqtt_port, device.token) as listener:
        calls = [listener.next_call() for _ in rpcs]
        assert [(call.number, call.params) for call in calls] == [(0, 0), (1, 1), (2, 2)]
        for one in calls:
            listener.acknowledge(one)
        listener.answer(calls[1], "1")
        await_state(device, rpcs[1], "SUCCESSFUL")
        await_state(device, rpcs[2], "DELIVERED")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        assert [(again.number, again.params) for again in (listener.next_call(), listener.next_call())] == [(0, 0), (2, 2)]
        listener.expect_no_call()


def another_call(listener, former):
    """The next call that is not the former one once more, as it comes when its acknowledgement was late."""
    while (call := listener.next_call()).params == former.params:
        listener.acknowledge(call)
    return call


def test_one_call_after_the_other_by_acknowledgement(own, configured):
    device = configured(ACTORS_RPC_SUBMIT_STRATEGY_TYPE="SEQUENTIAL_ON_ACK_FROM_DEVICE")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        rpcs = [persistent(device, params=number) for number in range(2)]
        waiting = background(call, device, params=2, timeout=30000)
        first = listener.next_call()
        # Without PUBACK the same one comes again, and no other.
        again = listener.next_call()
        assert (again.number, again.params) == (first.number, 0)
        listener.acknowledge(again)
        second = another_call(listener, again)
        assert second.params == 1
        listener.expect_no_call()
        listener.acknowledge(second)
        third = another_call(listener, second)
        assert third.params == 2
        listener.acknowledge(third)
        # Answers may come in any order.
        for one in (third, first, second):
            listener.answer(one, {"n": one.params})
        for rpc in rpcs:
            await_state(device, rpc, "SUCCESSFUL")
        assert waiting().json() == {"n": 2}


def test_one_call_after_the_other_by_answer(own, configured):
    device = configured(ACTORS_RPC_SUBMIT_STRATEGY_TYPE="SEQUENTIAL_ON_RESPONSE_FROM_DEVICE",
                        ACTORS_RPC_RESPONSE_TIMEOUT_MS="1500")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        rpcs = [persistent(device, params=number) for number in range(3)]
        first = listener.next_call()
        listener.acknowledge(first)
        await_state(device, rpcs[0], "DELIVERED")
        listener.expect_no_call()
        listener.answer(first, "true")
        silent = listener.next_call()
        assert silent.params == 1
        listener.acknowledge(silent)
        # It is never answered; after its time the next one goes.
        third = listener.next_call()
        assert third.params == 2
        await_state(device, rpcs[1], "FAILED")
        assert "timeout" in stored(device, rpcs[1])["response"]["error"]
        listener.acknowledge(third)
        listener.answer(third, "true")
        await_state(device, rpcs[2], "SUCCESSFUL")
    # Calls that are done when they were sent hold up nobody.
    waiting = [background(call, device, "oneway", params=number, timeout=20000) for number in (3, 4)]
    time.sleep(0.5)
    with CalledDevice(own.mqtt_port, device.token) as listener:
        assert {listener.next_call().params for _ in waiting} == {3, 4}
        assert [one().content for one in waiting] == [b"", b""]


def test_a_device_that_never_acknowledges_can_be_cut_off_instead(own, configured):
    device = configured(ACTORS_RPC_CLOSE_SESSION_ON_RPC_DELIVERY_TIMEOUT="true")
    rpc = persistent(device, retries=0)
    with CalledDevice(own.mqtt_port, device.token) as listener:
        listener.next_call()
        listener.connection.expect_closed()
        await_state(device, rpc, "QUEUED")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        request = listener.next_call()
        listener.acknowledge(request)
        listener.answer(request, {"better": True})
        await_state(device, rpc, "SUCCESSFUL")


# Limits and records


def test_calls_that_wait_for_a_device_are_limited(own, configured):
    device = configured(NEEDLETAIL_RPC_MAX_PENDING_PER_DEVICE="3")
    for _ in range(3):
        persistent(device)
    answer = device.rest.call("POST", f"/api/rpc/twoway/{device.id}", {"method": "m", "params": 1, "persistent": True})
    assert (answer.status_code, answer.content) == (503, b"")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        first, *_ = [listener.next_call() for _ in range(3)]
        listener.acknowledge(first)
        listener.answer(first, "1")
    eventually(lambda: device.rest.call("POST", f"/api/rpc/oneway/{device.id}",
                                        {"method": "m", "params": 1, "persistent": True}).status_code == 200, 60, "room")


def audited(device):
    path = f"/api/audit/logs/entity/DEVICE/{device.id}?pageSize=20&page=0&actionTypes=RPC_CALL"
    return device.rest.ok("GET", path + "&sortProperty=createdTime&sortOrder=ASC")["data"]


def test_calls_are_in_the_audit_log(own, configured):
    device = configured()
    with CalledDevice(own.mqtt_port, device.token) as listener:
        waiting = background(call, device)
        request = listener.next_call()
        listener.acknowledge(request)
        listener.answer(request, {"ok": True})
        assert waiting().status_code == 200
    answer = device.rest.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "late", "params": 1, "expirationTime": 1000})
    assert answer.status_code == 504
    customer = Rest(own.url, "customer@thingsboard.org", "customer")
    assert customer.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "no", "params": 1}).status_code == 403
    records = eventually(lambda: (found := audited(device)) and len(found) == 3 and found, 60, "three records")
    seen = {record["actionData"]["method"]: record for record in records}
    assert seen["m"]["actionStatus"] == "SUCCESS"
    assert seen["m"]["actionData"] == {"entityId": device.id, "oneWay": False, "method": "m", "params": '{"p":1}'}
    assert (seen["late"]["actionStatus"], seen["late"]["actionFailureDetails"]) == ("FAILURE", "RPC Error: TIMEOUT")
    assert (seen["no"]["actionStatus"], seen["no"]["userName"]) == ("FAILURE", "customer@thingsboard.org")


def sql(server, statement):
    done = subprocess.run([EXECUTABLE, "psql", "--data", str(server.folder / "data"), "--", "-At", "-c", statement],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_calls_older_than_the_tenant_keeps_them_are_deleted(own, configured):
    configured()
    rest, limit = limited_tenant(own.url)
    device = rest.create_device()
    old, new = persistent(device), persistent(device)
    sql(own, f"UPDATE rpc SET created_time = created_time - 3 * 86400000 WHERE id = '{old}'")
    time.sleep(0.7)
    assert stored(device, old)["status"] == "QUEUED"
    limit(rpcTtlDays=2)
    eventually(lambda: device.rest.call("GET", f"/api/rpc/persistent/{old}").status_code == 404, 60, "the end of the old call")
    assert stored(device, new)["status"] == "QUEUED"


# Calls of devices


def test_a_rule_chain_answers_calls_of_devices(own, configured):
    rest = configured().rest
    kind = "org.thingsboard.rule.engine."
    switch = {"type": kind + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
    reply = {"type": kind + "rpc.TbSendRPCReplyNode", "name": "reply", "configuration": {
        "serviceIdMetaDataAttribute": "serviceId", "sessionIdMetaDataAttribute": "", "requestIdMetaDataAttribute": "requestId"}}
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Reply " + uuid.uuid4().hex})
    rest.save_graph(chain, [switch, reply], [(0, 1, "RPC Request from Device")])
    profile = rest.create_profile("DEFAULT")
    profile["defaultRuleChainId"] = chain["id"]
    profile = rest.ok("POST", "/api/deviceProfile", profile)
    device = rest.create_device(type=profile["name"], deviceProfileId=profile["id"])
    with CalledDevice(own.mqtt_port, device.token) as listener:
        listener.connection.publish("v1/devices/me/rpc/request/42", {"method": "getTime", "params": {"zone": "UTC"}})
        packets = {packet.type: packet for packet in (listener.connection.receive(), listener.connection.receive())}
        assert set(packets) == {3, 4}
        assert b"v1/devices/me/rpc/response/42" in packets[3].body
        assert packets[3].body.endswith(b'{"method":"getTime","params":{"zone":"UTC"}}')
    answer = requests.post(f"{own.url}/api/v1/{device.token}/rpc", json={"method": "getTime", "params": 5}, timeout=60)
    assert (answer.status_code, answer.json()) == (200, {"method": "getTime", "params": 5})


# Kills


def test_persistent_calls_survive_kills_of_the_server(own, configured):
    """Every call that was accepted reaches its device and is answered; what comes twice has its number again."""
    configured()
    devices = [Rest(own.url).create_device() for _ in range(4)]
    living = [LivingDevice([own.mqtt_port], device.token, pause=0.01) for device in devices]
    wanted = {}
    stop = threading.Event()

    def ask(index):
        device, number = devices[index], 0
        while not stop.is_set():
            name, number = str(uuid.uuid4()), number + 1
            body = {"method": "m", "params": number, "persistent": True, "requestUUID": name, "timeout": 600000}
            # Until it is accepted: the same id makes it one call.
            while not accepted(device, body):
                time.sleep(0.1)
            wanted[name] = (index, number)
            time.sleep(0.01)

    def accepted(device, body):
        try:
            url = f"{own.url}/api/rpc/twoway/{device.id}"
            return requests.post(url, json=body, headers=device.rest.session.headers, timeout=60).status_code == 200
        except requests.RequestException:
            return False

    askers = [threading.Thread(target=ask, args=[index]) for index in range(len(devices))]
    try:
        for asker in askers:
            asker.start()
        for pause in (1.0, 0.6, 1.3):
            time.sleep(pause)
            own.kill()
            own.start()
        time.sleep(0.5)
        eventually(lambda: len(wanted) > 20, what="calls that are accepted")
        stop.set()
        for asker in askers:
            asker.join()
        rest = Rest(own.url)
        for name, (index, number) in wanted.items():
            eventually(lambda: rest.ok("GET", f"/api/rpc/persistent/{name}")["status"] == "SUCCESSFUL", 120,
                       f"the end of call {number} of device {index}: {rest.ok('GET', f'/api/rpc/persistent/{name}')}")
            assert rest.ok("GET", f"/api/rpc/persistent/{name}")["response"] == number
    finally:
        stop.set()
        for device in living:
            device.stop()
    for index, device in enumerate(living):
        assert {params for _, params in device.seen} == {number for where, number in wanted.values() if where == index}
        # A call that comes again has the number that it had.
        numbers = {params: {number for number, seen in device.seen if seen == params} for _, params in device.seen}
        assert all(len(found) == 1 for found in numbers.values()), numbers
        assert device.connections > 3


def test_an_answer_to_a_call_of_before_a_kill_counts(own, configured):
    device = configured()
    rpc = persistent(device)
    with CalledDevice(own.mqtt_port, device.token) as listener:
        request = listener.next_call()
        listener.acknowledge(request)
        await_state(device, rpc, "DELIVERED")
    own.kill()
    own.start()
    device.rest = Rest(own.url)
    assert stored(device, rpc)["status"] == "DELIVERED"
    # A new call gets another number.
    persistent(device, params="new")
    with CalledDevice(own.mqtt_port, device.token) as listener:
        again, new = listener.next_call(), listener.next_call()
        assert (again.number, new.number, new.params) == (request.number, request.number + 1, "new")
        listener.answer(request, {"after": "the kill"})
        await_state(device, rpc, "SUCCESSFUL")
    assert stored(device, rpc)["response"] == {"after": "the kill"}
