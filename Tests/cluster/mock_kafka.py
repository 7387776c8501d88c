#!/usr/bin/env python3
"""librdkafka's own imitation of a Kafka cluster as a process: prints its bootstrap servers and runs until it is ended.

It keeps records in memory, so it must not be killed in a test of loss. Topics appear when they are asked for.

usage: mock_kafka.py BROKERS
"""
import ctypes
import signal
import sys


def main():
    library = ctypes.CDLL("librdkafka.so.1")
    for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
        getattr(library, name).restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    text = ctypes.create_string_buffer(256)
    client = library.rd_kafka_new(0, ctypes.c_void_p(library.rd_kafka_conf_new()), text, 256)
    assert client, text.value
    cluster = library.rd_kafka_mock_cluster_new(ctypes.c_void_p(client), int(sys.argv[1]))
    assert cluster, "no mock cluster"
    print(library.rd_kafka_mock_cluster_bootstraps(ctypes.c_void_p(cluster)).decode(), flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
