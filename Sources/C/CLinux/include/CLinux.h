#pragma once
/* Linux calls and macros that the Glibc module does not expose. */
#include <errno.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include "spawn.h"

/* accept4 needs _GNU_SOURCE. */
int needletail_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
/* Names the calling thread (at most 15 bytes are kept). */
void needletail_set_thread_name(const char *name);
/* Lets the calling thread stand back for others when the processors are busy. */
void needletail_lower_thread_priority(void);
/* pidfd_open(2); -1 and errno on failure. */
int needletail_pidfd_open(pid_t pid);

/* ---- Readiness ---- */

static const uint32_t NEEDLETAIL_EPOLLIN = EPOLLIN;
static const uint32_t NEEDLETAIL_EPOLLOUT = EPOLLOUT;
static const uint32_t NEEDLETAIL_EPOLLERR = EPOLLERR;
static const uint32_t NEEDLETAIL_EPOLLHUP = EPOLLHUP;
static const uint32_t NEEDLETAIL_EPOLLRDHUP = EPOLLRDHUP;
static const uint32_t NEEDLETAIL_EPOLLET = EPOLLET;

/* epoll_create1 with close-on-exec; -1 and errno on failure. */
int needletail_epoll_create(void);
/* The three operations of epoll_ctl(2); 0, or -1 and errno. */
int needletail_epoll_add(int epoll, int fd, uint32_t events, uint64_t data);
int needletail_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data);
int needletail_epoll_remove(int epoll, int fd);
/* epoll_pwait2 (epoll_wait where the kernel has no such call): `nanoseconds` below 0 waits for ever, 0 does not wait. */
int needletail_epoll_wait(int epoll, struct epoll_event *events, int maximum, int64_t nanoseconds);
static inline uint64_t needletail_event_data(const struct epoll_event *events, int index) {
    return events[index].data.u64;
}
static inline uint32_t needletail_event_set(const struct epoll_event *events, int index) {
    return events[index].events;
}

/* eventfd(2), non-blocking and close-on-exec; -1 and errno on failure. */
int needletail_eventfd(void);
/* Adds one to an eventfd. */
void needletail_eventfd_signal(int fd);
/* Blocks until `fd` is readable. */
void needletail_wait_readable(int fd);

/* ---- Threads ---- */

/* Starts a detached thread; 0 or an error number. */
int needletail_start_thread(void (*body)(void *), void *argument);
/* Keeps the signals a process handles elsewhere, and SIGPIPE, away from the calling thread. */
void needletail_block_signals(void);
/* A pointer of the calling thread: the event loop that runs on it. */
void *needletail_current_loop(void);
void needletail_set_current_loop(void *loop);

/* ---- Sockets ---- */

struct needletail_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* The other end of a socket. `length` is 4 or 16 bytes of address, 0 for a Unix socket. */
struct needletail_peer {
    uint64_t words[2];
    uint16_t port;
    uint8_t length;
};

/* Fills `address` from a numeric IPv4 or IPv6 address; 0 when `host` is none. */
int needletail_parse_ip(const char *host, uint16_t port, struct needletail_address *address);
/* Fills `address` for a Unix socket; 0 when the path is empty or too long. */
int needletail_unix_address(const char *path, struct needletail_address *address);
/* getaddrinfo(3), blocking. The number of addresses written, or a negative EAI_ code. */
int needletail_resolve(const char *host, uint16_t port, int passive, struct needletail_address *addresses, int maximum);

/* A non-blocking, close-on-exec stream socket for the family of `address`; -1 and errno on failure. */
int needletail_stream_socket(const struct needletail_address *address);
int needletail_bind(int fd, const struct needletail_address *address);
int needletail_connect(int fd, const struct needletail_address *address);
/* accept4, non-blocking and close-on-exec. */
int needletail_accept(int fd, struct needletail_peer *peer);
void needletail_address_peer(const struct needletail_address *address, struct needletail_peer *peer);
/* Writes the address without port as text; `capacity` of 46 is enough. */
void needletail_peer_text(const struct needletail_peer *peer, char *text, socklen_t capacity);
/* The bound TCP port, 0 for other sockets. */
int needletail_local_port(int fd);
/* setsockopt with an int; 0, or -1 and errno. */
int needletail_set_option(int fd, int level, int option, int value);
/* Takes the pending error of a socket. */
int needletail_take_error(int fd);
/* Makes close(2) send a reset and drop what was not sent. */
void needletail_reset_on_close(int fd);
/* The process's limit of open descriptors. */
int needletail_descriptor_limit(void);
/* The number that the next descriptor will get; -1 when there is none. `fd` is any open one. */
int needletail_lowest_free_descriptor(int fd);
/* send(2) with MSG_NOSIGNAL. */
ssize_t needletail_send(int fd, const void *bytes, size_t count);
/* shutdown(2) of the sending direction. */
void needletail_shutdown_output(int fd);
