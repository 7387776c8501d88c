"""A device built on tb-mqtt-client as its own examples do it: usage tb_device.py PORT TOKEN."""
import sys

from tb_device_mqtt import TBDeviceMqttClient, TBPublishInfo

client = TBDeviceMqttClient("127.0.0.1", int(sys.argv[1]), username=sys.argv[2])
client.max_inflight_messages_set(50)
client.connect()
results = [
    client.send_telemetry({"temperature": 41.9, "enabled": False, "currentFirmwareVersion": "v1.2.2"}),
    client.send_telemetry([{"ts": 1000, "values": {"batch": 1}}, {"ts": 2000, "values": {"batch": 2}}]),
    client.send_attributes({"sensorModel": "DHT-22", "attribute_2": "value"}),
]
codes = [result.get() for result in results]
client.stop()
if any(code != TBPublishInfo.TB_ERR_SUCCESS for code in codes):
    sys.exit(f"results {codes}")
