"""A device that downloads the firmware assigned to it with tb-mqtt-client, in chunks, and checks it.

usage: firmware.py HOST PORT TOKEN CHUNK_SIZE FILE
"""
import sys
import threading

from tb_device_mqtt import TBDeviceMqttClient

received = threading.Event()


def on_firmware(client, data, version):
    with open(sys.argv[5], "wb") as file:
        file.write(data)
    print("firmware", version, len(data), flush=True)
    client.update_firmware_info(version=version)
    received.set()


client = TBDeviceMqttClient(sys.argv[1], int(sys.argv[2]), username=sys.argv[3], chunk_size=int(sys.argv[4]))
client.set_on_firmware_received_callback(on_firmware)
client.connect()
client.get_firmware_update()
if not received.wait(60):
    sys.exit("no firmware came")
client.stop()
