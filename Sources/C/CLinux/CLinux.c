#define _GNU_SOURCE 1
#include "CLinux.h"
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

int needletail_accept4(int fd, struct sockaddr *address, socklen_t *length, int flags) {
    return accept4(fd, address, length, flags);
}

void needletail_lower_thread_priority(void) {
    /* On Linux a nice value belongs to a thread, which 0 stands for. */
    setpriority(PRIO_PROCESS, 0, 15);
}

void needletail_set_thread_name(const char *name) {
    prctl(PR_SET_NAME, name, 0, 0, 0);
}

int needletail_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* ---- Readiness ---- */

int needletail_epoll_create(void) {
    return epoll_create1(EPOLL_CLOEXEC);
}

static int control(int epoll, int operation, int fd, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data = {.u64 = data}};
    return epoll_ctl(epoll, operation, fd, &event);
}

int needletail_epoll_add(int epoll, int fd, uint32_t events, uint64_t data) {
    return control(epoll, EPOLL_CTL_ADD, fd, events, data);
}

int needletail_epoll_modify(int epoll, int fd, uint32_t events, uint64_t data) {
    return control(epoll, EPOLL_CTL_MOD, fd, events, data);
}

int needletail_epoll_remove(int epoll, int fd) {
    return control(epoll, EPOLL_CTL_DEL, fd, 0, 0);
}

/* Set once the kernel, or a sandbox around it, has refused epoll_pwait2. */
static atomic_int coarse_only;

int needletail_epoll_wait(int epoll, struct epoll_event *events, int maximum, int64_t nanoseconds) {
    if (nanoseconds <= 0) {
        return epoll_wait(epoll, events, maximum, nanoseconds < 0 ? -1 : 0);
    }
#ifdef SYS_epoll_pwait2
    if (!atomic_load_explicit(&coarse_only, memory_order_relaxed)) {
        struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        int count = (int)syscall(SYS_epoll_pwait2, epoll, events, maximum, &timeout, NULL, 0);
        if (count >= 0 || (errno != ENOSYS && errno != EPERM)) {
            return count;
        }
        atomic_store_explicit(&coarse_only, 1, memory_order_relaxed);
    }
#endif
    int64_t milliseconds = (nanoseconds + 999999) / 1000000;
    return epoll_wait(epoll, events, maximum, milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds);
}

int needletail_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

void needletail_eventfd_signal(int fd) {
    uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
}

void needletail_wait_readable(int fd) {
    struct pollfd wanted = {.fd = fd, .events = POLLIN};
    while (poll(&wanted, 1, -1) < 0 && errno == EINTR) {
    }
}

/* ---- Threads ---- */

struct thread_start {
    void (*body)(void *);
    void *argument;
};

static void *thread_main(void *raw) {
    struct thread_start start = *(struct thread_start *)raw;
    free(raw);
    start.body(start.argument);
    return NULL;
}

int needletail_start_thread(void (*body)(void *), void *argument) {
    struct thread_start *start = malloc(sizeof *start);
    if (start == NULL) {
        return ENOMEM;
    }
    start->body = body;
    start->argument = argument;
    pthread_t thread;
    int code = pthread_create(&thread, NULL, thread_main, start);
    if (code != 0) {
        free(start);
        return code;
    }
    pthread_detach(thread);
    return 0;
}

void needletail_block_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    static const int signals[] = {SIGPIPE, SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGCHLD, SIGALRM};
    for (size_t index = 0; index < sizeof signals / sizeof signals[0]; index++) {
        sigaddset(&set, signals[index]);
    }
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static _Thread_local void *current_loop;

void *needletail_current_loop(void) {
    return current_loop;
}

void needletail_set_current_loop(void *loop) {
    current_loop = loop;
}

/* ---- Sockets ---- */

int needletail_parse_ip(const char *host, uint16_t port, struct needletail_address *address) {
    memset(address, 0, sizeof *address);
    struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        address->length = sizeof *v4;
        return 1;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        address->length = sizeof *v6;
        return 1;
    }
    return 0;
}

int needletail_unix_address(const char *path, struct needletail_address *address) {
    memset(address, 0, sizeof *address);
    struct sockaddr_un *local = (struct sockaddr_un *)&address->storage;
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof local->sun_path) {
        return 0;
    }
    local->sun_family = AF_UNIX;
    memcpy(local->sun_path, path, length);
    address->length = sizeof *local;
    return 1;
}

int needletail_resolve(const char *host, uint16_t port, int passive, struct needletail_address *addresses, int maximum) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = passive ? AI_PASSIVE : 0};
    struct addrinfo *found = NULL;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0) {
        return code < 0 ? code : -code;
    }
    int count = 0;
    for (struct addrinfo *one = found; one != NULL && count < maximum; one = one->ai_next) {
        if (one->ai_family != AF_INET && one->ai_family != AF_INET6) {
            continue;
        }
        struct needletail_address *address = &addresses[count++];
        memset(address, 0, sizeof *address);
        memcpy(&address->storage, one->ai_addr, one->ai_addrlen);
        address->length = one->ai_addrlen;
        if (one->ai_family == AF_INET) {
            ((struct sockaddr_in *)&address->storage)->sin_port = htons(port);
        } else {
            ((struct sockaddr_in6 *)&address->storage)->sin6_port = htons(port);
        }
    }
    freeaddrinfo(found);
    return count > 0 ? count : EAI_NONAME;
}

int needletail_stream_socket(const struct needletail_address *address) {
    return socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

int needletail_bind(int fd, const struct needletail_address *address) {
    return bind(fd, (const struct sockaddr *)&address->storage, address->length);
}

int needletail_connect(int fd, const struct needletail_address *address) {
    return connect(fd, (const struct sockaddr *)&address->storage, address->length);
}

int needletail_accept(int fd, struct needletail_peer *peer) {
    struct needletail_address address;
    address.storage.ss_family = AF_UNSPEC;
    address.length = sizeof address.storage;
    int accepted = accept4(fd, (struct sockaddr *)&address.storage, &address.length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
        needletail_address_peer(&address, peer);
    }
    return accepted;
}

void needletail_address_peer(const struct needletail_address *address, struct needletail_peer *peer) {
    memset(peer, 0, sizeof *peer);
    if (address->storage.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
        memcpy(peer->words, &v4->sin_addr, 4);
        peer->port = ntohs(v4->sin_port);
        peer->length = 4;
    } else if (address->storage.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;
        peer->port = ntohs(v6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
            memcpy(peer->words, (const char *)&v6->sin6_addr + 12, 4);
            peer->length = 4;
        } else {
            memcpy(peer->words, &v6->sin6_addr, 16);
            peer->length = 16;
        }
    }
}

void needletail_peer_text(const struct needletail_peer *peer, char *text, socklen_t capacity) {
    text[0] = 0;
    if (peer->length != 0) {
        inet_ntop(peer->length == 4 ? AF_INET : AF_INET6, peer->words, text, capacity);
    }
}

int needletail_local_port(int fd) {
    struct sockaddr_storage storage;
    socklen_t length = sizeof storage;
    if (getsockname(fd, (struct sockaddr *)&storage, &length) != 0) {
        return 0;
    }
    if (storage.ss_family == AF_INET) {
        return ntohs(((struct sockaddr_in *)&storage)->sin_port);
    }
    if (storage.ss_family == AF_INET6) {
        return ntohs(((struct sockaddr_in6 *)&storage)->sin6_port);
    }
    return 0;
}

int needletail_set_option(int fd, int level, int option, int value) {
    return setsockopt(fd, level, option, &value, sizeof value);
}

int needletail_take_error(int fd) {
    int error = 0;
    socklen_t length = sizeof error;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

void needletail_reset_on_close(int fd) {
    struct linger linger = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
}

int needletail_descriptor_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > INT_MAX) {
        return INT_MAX;
    }
    return (int)limit.rlim_cur;
}

int needletail_lowest_free_descriptor(int fd) {
    int lowest = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (lowest >= 0) {
        close(lowest);
    }
    return lowest;
}

ssize_t needletail_send(int fd, const void *bytes, size_t count) {
    return send(fd, bytes, count, MSG_NOSIGNAL);
}

void needletail_shutdown_output(int fd) {
    shutdown(fd, SHUT_WR);
}
