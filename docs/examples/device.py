"""A device on tb-mqtt-client: telemetry, attributes, calls in both directions, claiming.

usage: device.py HOST PORT TOKEN CALLS

Answers so many calls, and prints a line for everything that it hears. With SECRET in the environment it offers itself for
claiming first.
"""
import json
import os
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient, TBPublishInfo

client = TBDeviceMqttClient(sys.argv[1], int(sys.argv[2]), username=sys.argv[3])
answered, asked = threading.Semaphore(0), threading.Event()


def show(what, content):
    print(what, json.dumps(content, separators=(",", ":")), flush=True)


def on_call(request_id, content):
    show("call", content)
    client.send_rpc_reply(request_id, {"did": content["method"]})
    answered.release()


def on_attributes(content, error):
    show("attributes", content)
    asked.set()


client.set_server_side_rpc_request_handler(on_call)
client.connect()
results = [client.send_telemetry({"temperature": 41.9}), client.send_attributes({"model": "DHT-22"})]
if os.environ.get("SECRET"):
    results.append(client.claim(os.environ["SECRET"], 60000))
if any(result.get() != TBPublishInfo.TB_ERR_SUCCESS for result in results):
    sys.exit("not everything was sent")
client.subscribe_to_all_attributes(lambda content, error: show("update", content))
client.request_attributes(client_keys=["model"], shared_keys=["target"], callback=on_attributes)
if not asked.wait(30):
    sys.exit("no attributes came")
for _ in range(int(sys.argv[4])):
    if not answered.acquire(timeout=60):
        sys.exit("no call came")
# Messages leave in order: behind this one the answers are out.
client.send_telemetry({"callsAnswered": int(sys.argv[4])}).get()
client.stop()
