#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* rd_kafka_producev is variadic, which Swift cannot call. Takes `headers` over unless it fails. */
static inline rd_kafka_resp_err_t needletail_kafka_produce(
    rd_kafka_t *rk, rd_kafka_topic_t *topic, int32_t partition, const void *key, size_t key_size, const void *value,
    size_t value_size, rd_kafka_headers_t *headers, void *opaque) {
    return rd_kafka_producev(
        rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)key, key_size), RD_KAFKA_V_VALUE((void *)value, value_size),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(opaque), RD_KAFKA_V_END);
}

/* Creates the sockets of a client, as librdkafka does by itself, and makes them notice a broker that vanished without a word: by
   themselves they would wait a quarter of an hour for what was sent, and for ever for what is to come. librdkafka has a setting for
   SO_KEEPALIVE and none for its times. */
static inline int needletail_kafka_socket(int domain, int type, int protocol, void *opaque) {
    (void)opaque;
    int fd = socket(domain, type | SOCK_CLOEXEC, protocol);
    if (fd < 0) return fd;
    int on = 1, idle = 10, interval = 5, count = 2, silence = 15000;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &silence, sizeof silence);
    return fd;
}

static inline void needletail_kafka_watch_sockets(rd_kafka_conf_t *configuration) {
    rd_kafka_conf_set_socket_cb(configuration, needletail_kafka_socket);
}

/* Macros that Swift does not import. */
static const int NEEDLETAIL_KAFKA_MSG_F_COPY = RD_KAFKA_MSG_F_COPY;
static const int32_t NEEDLETAIL_KAFKA_PARTITION_UA = RD_KAFKA_PARTITION_UA;
static const int NEEDLETAIL_KAFKA_EVENT_ALL =
    RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG | RD_KAFKA_EVENT_OFFSET_COMMIT;
static const int NEEDLETAIL_KAFKA_PURGE_ALL = RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT;
