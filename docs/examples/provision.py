"""A device that registers itself with tb-mqtt-client, and then connects with what it was given.

usage: provision.py HOST PORT KEY SECRET NAME

Prints the credentials.
"""
import json
import sys

from tb_device_mqtt import TBDeviceMqttClient, TBPublishInfo

host, port, key, secret, name = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
credentials = TBDeviceMqttClient.provision(host, key, secret, port=port, device_name=name)
if credentials is None:
    sys.exit("not registered")
print(json.dumps(credentials), flush=True)
client = TBDeviceMqttClient(host, port, username=credentials["credentialsValue"])
client.connect()
if client.send_telemetry({"registered": True}).get() != TBPublishInfo.TB_ERR_SUCCESS:
    sys.exit("not sent")
client.stop()
