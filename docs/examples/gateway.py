"""A gateway on tb-mqtt-client: connects devices, sends what they measure, hands calls and attributes through.

usage: gateway.py HOST PORT TOKEN CALLS DEVICE...

Answers so many calls to the devices, and prints a line for everything that it hears.
"""
import json
import sys
import threading
import time

from tb_device_mqtt import TBPublishInfo
from tb_gateway_mqtt import TBGatewayMqttClient

host, port, token, calls, devices = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5:]
gateway = TBGatewayMqttClient(host, port, username=token)
answered, asked = threading.Semaphore(0), threading.Semaphore(0)


def show(what, content):
    print(what, json.dumps(content, separators=(",", ":")), flush=True)


def on_call(client, content):
    show("call", content)
    gateway.gw_send_rpc_reply(content["device"], content["data"]["id"], {"did": content["data"]["method"]})
    answered.release()


def on_attributes(content, error):
    show("attributes", content)
    asked.release()


gateway.gw_set_server_side_rpc_request_handler(on_call)
gateway.connect()
while not gateway.is_connected():
    time.sleep(0.05)
gateway.gw_subscribe_to_all_attributes(lambda content: show("update", content))
for device in devices:
    results = [
        gateway.gw_connect_device(device, "thermostat"),
        gateway.gw_send_telemetry(device, [{"ts": int(time.time() * 1000), "values": {"temperature": 21.5}}]),
        gateway.gw_send_attributes(device, {"model": "DHT-22"}),
    ]
    if any(result.get() != TBPublishInfo.TB_ERR_SUCCESS for result in results):
        sys.exit("not everything was sent")
    gateway.gw_request_client_attributes(device, ["model"], on_attributes)
    if not asked.acquire(timeout=30):
        sys.exit("no attributes came")
print("ready", flush=True)
for _ in range(calls):
    if not answered.acquire(timeout=60):
        sys.exit("no call came")
time.sleep(0.5)
gateway.stop()
