#!/usr/bin/env python3
"""librdkafka's own imitation of a Kafka cluster as a process: prints its bootstrap servers and runs until it is ended.

It keeps records in memory, so it must not be killed in a test of loss. It cannot make topics when it is asked to, so those of a
cluster are made here.

usage: mock_kafka.py BROKERS INSTANCES
"""
import ctypes
import signal
import sys


SHARED = {"tb_core": 10, "tb_rule_engine.main": 10, "tb_rule_engine.hp": 10, "tb_rule_engine.sq": 10,
          "tb_transport.api.requests": 10}
#: The topics of each instance of a service.
OWN = {"core-node": ["tb_core.notifications"], "rule-engine": ["tb_core.notifications", "tb_rule_engine.notifications"],
       "mqtt-transport": ["tb_transport.notifications", "tb_transport.api.responses"],
       "http-transport": ["tb_transport.notifications", "tb_transport.api.responses"]}


def topics(instances):
    for name, partitions in SHARED.items():
        yield name, partitions
        yield name + ".dead_letters", 1
    for service, families in OWN.items():
        for number in range(1, instances + 1):
            for family in families:
                yield f"{family}.{service}-{number}", 1


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
    for name, partitions in topics(int(sys.argv[2])):
        code = library.rd_kafka_mock_topic_create(ctypes.c_void_p(cluster), name.encode(), partitions, 1)
        assert code == 0, f"{name}: {code}"
    print(library.rd_kafka_mock_cluster_bootstraps(ctypes.c_void_p(cluster)).decode(), flush=True)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
