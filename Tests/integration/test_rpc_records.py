"""Calls over MQTT: their records, and the answers of rule chains (device-api.md 7, rule-engine.md 8.1)."""
import threading
import uuid

import requests

from rest import Rest
from rpc_device import CalledDevice
from server import eventually


def call(device, kind, body):
    return device.rest.call("POST", f"/api/rpc/{kind}/{device.id}", body)


def background(function, *arguments, **options):
    """Runs a call that waits for its device; `join` returns what it gave."""
    result = []
    thread = threading.Thread(target=lambda: result.append(function(*arguments, **options)))
    thread.start()

    def join():
        thread.join(60)
        return result[0]

    return join


def audited(device):
    path = f"/api/audit/logs/entity/DEVICE/{device.id}?pageSize=20&page=0&actionTypes=RPC_CALL"
    return device.rest.ok("GET", path + "&sortProperty=createdTime&sortOrder=ASC")["data"]


def test_calls_are_in_the_audit_log(server, rest, device):
    with CalledDevice(server.mqtt_port, device.token) as listener:
        waiting = background(call, device, "twoway", {"method": "m", "params": {"p": 1}})
        request = listener.next_call()
        listener.acknowledge(request)
        listener.answer(request, {"ok": True})
        assert waiting().status_code == 200
    answer = device.rest.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "late", "params": 1, "expirationTime": 1000})
    assert answer.status_code == 504
    customer = Rest(server.url, "customer@thingsboard.org", "customer")
    assert customer.call("POST", f"/api/rpc/oneway/{device.id}", {"method": "no", "params": 1}).status_code == 403
    records = eventually(lambda: (found := audited(device)) and len(found) == 3 and found, 10, "three records")
    seen = {record["actionData"]["method"]: record for record in records}
    assert seen["m"]["actionStatus"] == "SUCCESS"
    assert seen["m"]["actionData"] == {"entityId": device.id, "oneWay": False, "method": "m", "params": '{"p":1}'}
    assert (seen["late"]["actionStatus"], seen["late"]["actionFailureDetails"]) == ("FAILURE", "RPC Error: TIMEOUT")
    assert (seen["no"]["actionStatus"], seen["no"]["userName"]) == ("FAILURE", "customer@thingsboard.org")


def test_a_rule_chain_answers_calls_of_devices(server, rest):
    kind = "org.thingsboard.rule.engine."
    switch = {"type": kind + "filter.TbMsgTypeSwitchNode", "name": "switch", "configuration": {"version": 0}}
    reply = {"type": kind + "rpc.TbSendRPCReplyNode", "name": "reply", "configuration": {
        "serviceIdMetaDataAttribute": "serviceId", "sessionIdMetaDataAttribute": "", "requestIdMetaDataAttribute": "requestId"}}
    chain = rest.ok("POST", "/api/ruleChain", {"name": "Reply " + uuid.uuid4().hex})
    rest.ok("POST", "/api/ruleChain/metadata", {
        "ruleChainId": chain["id"], "firstNodeIndex": 0, "nodes": [switch, reply],
        "connections": [{"fromIndex": 0, "toIndex": 1, "type": "RPC Request from Device"}]})
    profile = rest.create_profile("DEFAULT")
    profile["defaultRuleChainId"] = chain["id"]
    profile = rest.ok("POST", "/api/deviceProfile", profile)
    device = rest.create_device(type=profile["name"], deviceProfileId=profile["id"])
    with CalledDevice(server.mqtt_port, device.token) as listener:
        listener.connection.publish("v1/devices/me/rpc/request/42", {"method": "getTime", "params": {"zone": "UTC"}})
        packets = {packet.type: packet for packet in (listener.connection.receive(), listener.connection.receive())}
        assert set(packets) == {3, 4}
        assert b"v1/devices/me/rpc/response/42" in packets[3].body
        assert packets[3].body.endswith(b'{"method":"getTime","params":{"zone":"UTC"}}')
    answer = requests.post(f"{server.url}/api/v1/{device.token}/rpc", json={"method": "getTime", "params": 5}, timeout=20)
    assert (answer.status_code, answer.json()) == (200, {"method": "getTime", "params": 5})
