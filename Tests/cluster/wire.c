// The network of a cluster whose processes run in network namespaces: a switch with one port in each of them, whose ways are as
// long and as bad as the tests want. In place of a bridge, because what delays and loses (netem) is no part of every kernel, and
// because a cut must be silent: the ends of a way are told nothing.
//
//   wire NAMESPACE...
//
// Makes an interface eth0 in each namespace of /run/netns; the host of the n-th has the hardware address 02:4e:54:00:00:n.
// Prints "ready". Then reads lines FROM TO DELAY LOSS from its standard input: numbers of hosts, 0 for all; microseconds;
// frames lost of a million. Answers each with "ok" once it holds. Ends with its input; the interfaces go with it.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MOST_HOSTS = 64, FRAME = 2048, MOST_WAITING = 20000 };

struct frame {
    struct frame *next;
    uint64_t due;
    ssize_t size;
    unsigned char bytes[];
};

struct way {
    uint64_t delay, loss;
    struct frame *first, *last;
    int waiting;
};

static struct way ways[MOST_HOSTS + 1][MOST_HOSTS + 1];
static int ports[MOST_HOSTS + 1], hosts;
static uint64_t dice = 88172645463325252u;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int open_port(const char *name) {
    char path[256];
    snprintf(path, sizeof path, "/run/netns/%s", name);
    int space = open(path, O_RDONLY | O_CLOEXEC);
    if (space < 0 || setns(space, CLONE_NEWNET) != 0) fail(path);
    close(space);
    int port = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    strcpy(request.ifr_name, "eth0");
    if (port < 0 || ioctl(port, TUNSETIFF, &request) != 0) fail("/dev/net/tun");
    return port;
}

static void deliver(int to, const void *bytes, ssize_t size) {
    // A full port loses frames, as a switch does.
    if (write(ports[to], bytes, size) < 0 && errno != EAGAIN && errno != EIO) fail("write");
}

static void pass(int from, int to, const void *bytes, ssize_t size) {
    struct way *way = &ways[from][to];
    dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
    if (way->loss > dice % 1000000) return;
    if (way->delay == 0 && !way->first) {
        deliver(to, bytes, size);
        return;
    }
    if (way->waiting >= MOST_WAITING) return;
    struct frame *frame = malloc(sizeof *frame + size);
    if (!frame) fail("malloc");
    *frame = (struct frame){.due = now() + way->delay, .size = size};
    memcpy(frame->bytes, bytes, size);
    if (way->first) way->last->next = frame;
    else way->first = frame;
    way->last = frame;
    way->waiting++;
}

static void take(int from) {
    unsigned char bytes[FRAME];
    for (;;) {
        ssize_t size = read(ports[from], bytes, sizeof bytes);
        if (size < 14) return;
        // To one host, or to all.
        if (!(bytes[0] & 1)) {
            if (bytes[5] >= 1 && bytes[5] <= hosts) pass(from, bytes[5], bytes, size);
            continue;
        }
        for (int to = 1; to <= hosts; to++)
            if (to != from) pass(from, to, bytes, size);
    }
}

// Delivers what is due. Returns microseconds until the next frame, -1 when none waits.
static int64_t deliver_due(void) {
    uint64_t time = now();
    int64_t next = -1;
    for (int from = 1; from <= hosts; from++)
        for (int to = 1; to <= hosts; to++) {
            struct way *way = &ways[from][to];
            while (way->first && way->first->due <= time) {
                struct frame *frame = way->first;
                way->first = frame->next;
                way->waiting--;
                deliver(to, frame->bytes, frame->size);
                free(frame);
            }
            if (way->first && (next < 0 || (int64_t)(way->first->due - time) < next)) next = way->first->due - time;
        }
    return next;
}

static void obey(const char *line) {
    int from, to;
    unsigned long delay, loss;
    if (sscanf(line, "%d %d %lu %lu", &from, &to, &delay, &loss) != 4 || from < 0 || to < 0 || from > hosts || to > hosts) {
        fprintf(stderr, "not understood: %s", line);
        exit(2);
    }
    for (int a = 1; a <= hosts; a++)
        for (int b = 1; b <= hosts; b++)
            if ((from == 0 || from == a) && (to == 0 || to == b)) ways[a][b].delay = delay, ways[a][b].loss = loss;
    puts("ok");
    fflush(stdout);
}

int main(int count, char **names) {
    hosts = count - 1;
    if (hosts < 1 || hosts > MOST_HOSTS) return fprintf(stderr, "usage: wire NAMESPACE...\n"), 2;
    struct pollfd watched[MOST_HOSTS + 1] = {{.fd = 0, .events = POLLIN}};
    for (int host = 1; host <= hosts; host++)
        watched[host] = (struct pollfd){.fd = ports[host] = open_port(names[host]), .events = POLLIN};
    puts("ready");
    fflush(stdout);
    static char input[4096];
    size_t filled = 0;
    for (;;) {
        int64_t wait = deliver_due();
        struct timespec pause = {.tv_sec = wait / 1000000, .tv_nsec = wait % 1000000 * 1000};
        if (ppoll(watched, hosts + 1, wait < 0 ? NULL : &pause, NULL) < 0 && errno != EINTR) fail("poll");
        if (watched[0].revents) {
            ssize_t size = read(0, input + filled, sizeof input - 1 - filled);
            if (size <= 0) return 0;
            filled += size;
            char *end;
            while ((end = memchr(input, '\n', filled))) {
                *end = 0;
                obey(input);
                filled -= end + 1 - input;
                memmove(input, end + 1, filled);
            }
        }
        for (int host = 1; host <= hosts; host++)
            if (watched[host].revents & POLLIN) take(host);
    }
}
