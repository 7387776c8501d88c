#define _GNU_SOURCE 1
#include "page.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often it looks while a call runs, and after how many looks at an idle worker it sleeps. */
enum { LOOK_MS = 5, IDLE_LOOKS = 40 };

static struct {
    needletail_worker_page *page;
    int64_t limit;
    _Atomic int64_t memory;
    int statm;
    clockid_t clock;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    /* Whether the guard sleeps until it is woken. */
    _Atomic int parked;
} guard = {.statm = -1, .mutex = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static int64_t time_of(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

int64_t needletail_worker_memory(void) {
    char text[128];
    ssize_t count = pread(guard.statm, text, sizeof text - 1, 0);
    if (count <= 0) return 0;
    text[count] = 0;
    char *rest = text;
    strtoll(rest, &rest, 10);
    long long resident = strtoll(rest, &rest, 10);
    long long shared = strtoll(rest, &rest, 10);
    return (resident - shared) * sysconf(_SC_PAGESIZE);
}

static int is_parent_gone(void) {
    struct pollfd poller = {.fd = NEEDLETAIL_WORKER_SOCKET, .events = POLLRDHUP};
    return poll(&poller, 1, 0) > 0 && (poller.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static void park(void) {
    pthread_mutex_lock(&guard.mutex);
    atomic_store(&guard.parked, 1);
    while (atomic_load(&guard.parked) && atomic_load(&guard.page->current) == 0)
        pthread_cond_wait(&guard.wake, &guard.mutex);
    atomic_store(&guard.parked, 0);
    pthread_mutex_unlock(&guard.mutex);
}

static void *watch(void *unused) {
    (void)unused;
    uint64_t seen = 0;
    int64_t began = 0, began_by_clock = 0;
    int idle = 0;
    for (;;) {
        struct timespec pause = {0, LOOK_MS * 1000000L};
        nanosleep(&pause, NULL);
        uint64_t current = atomic_load(&guard.page->current);
        if (current == 0) {
            seen = 0;
            if (++idle >= IDLE_LOOKS) {
                park();
                idle = 0;
            }
            continue;
        }
        idle = 0;
        if (needletail_worker_memory() > atomic_load(&guard.memory)) _exit(NEEDLETAIL_WORKER_MEMORY);
        if (current != seen) {
            seen = current;
            began = time_of(guard.clock);
            began_by_clock = time_of(CLOCK_MONOTONIC);
            continue;
        }
        if (is_parent_gone()) _exit(0);
        if (time_of(guard.clock) - began > guard.limit) _exit(NEEDLETAIL_WORKER_TIME);
        if (time_of(CLOCK_MONOTONIC) - began_by_clock > 4 * guard.limit) _exit(NEEDLETAIL_WORKER_TIME);
    }
    return NULL;
}

int needletail_worker_guard(needletail_worker_page *page, int64_t limit_ns, int64_t memory) {
    guard.page = page;
    guard.limit = limit_ns;
    needletail_worker_limit_memory(memory);
    guard.statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (guard.statm < 0) return errno;
    int code = pthread_getcpuclockid(pthread_self(), &guard.clock);
    if (code != 0) return code;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    code = pthread_create(&thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code == 0) pthread_detach(thread);
    return code;
}

void needletail_worker_limit_memory(int64_t memory) {
    atomic_store(&guard.memory, memory);
}

void needletail_worker_begin(uint64_t call) {
    atomic_store(&guard.page->current, call);
    if (atomic_load(&guard.parked)) {
        pthread_mutex_lock(&guard.mutex);
        atomic_store(&guard.parked, 0);
        pthread_cond_signal(&guard.wake);
        pthread_mutex_unlock(&guard.mutex);
    }
}

void needletail_worker_end(void) {
    atomic_store_explicit(&guard.page->current, 0, memory_order_release);
}
