"""A device on paho-mqtt: reads its attributes, hears of changes, answers calls, and calls the platform.

usage: [TRANSPORT=websockets] paho_device.py HOST PORT TOKEN CALLS [CA [CERT KEY]]

With TRANSPORT=websockets the port is that of MQTT over WebSocket. Answers so many calls with what they asked for, and prints a line for everything that it hears.
"""
import json
import os
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

host, port, token, calls = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
answered = threading.Semaphore(0)


def on_connect(client, userdata, flags, reason, properties):
    if reason.is_failure:
        sys.exit(f"refused: {reason}")
    client.subscribe([("v1/devices/me/attributes", 1), ("v1/devices/me/attributes/response/+", 1),
                      ("v1/devices/me/rpc/request/+", 1), ("v1/devices/me/rpc/response/+", 1)])


def on_subscribe(client, userdata, mid, reasons, properties):
    client.publish("v1/devices/me/attributes/request/1", '{"sharedKeys":"target,mode"}', qos=1)
    client.publish("v1/devices/me/rpc/request/7", '{"method":"getSessionLimits","params":{}}', qos=1)


def on_message(client, userdata, message):
    content = json.loads(message.payload)
    print(message.topic, json.dumps(content, separators=(",", ":")), flush=True)
    if message.topic.startswith("v1/devices/me/rpc/request/"):
        number = message.topic.rsplit("/", 1)[1]
        client.publish("v1/devices/me/rpc/response/" + number, json.dumps({"did": content["method"]}), qos=1)
        answered.release()


client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="paho-device", protocol=MQTTProtocolVersion.MQTTv5,
                     transport=os.environ.get("TRANSPORT", "tcp"))
if token != "-":
    client.username_pw_set(token)
if len(sys.argv) > 5:
    client.tls_set(sys.argv[5], *sys.argv[6:8])
client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
client.connect(host, port)
client.loop_start()
for _ in range(calls):
    if not answered.acquire(timeout=60):
        sys.exit("no call came")
client.publish("v1/devices/me/telemetry", json.dumps({"callsAnswered": calls}), qos=1).wait_for_publish(10)
client.disconnect()
client.loop_stop()
