/* Moves the wall clock of one process, for tests (LD_PRELOAD): by the milliseconds that the file $MOVABLE_CLOCK holds as text, read
 * anew every 100 ms. Other clocks stand as they are. Waits until a time of the wall clock end when the moved clock says so, as they
 * do where an administrator sets the clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static const long long second = 1000000000;

static long long now(clockid_t clock) {
    struct timespec time;
    syscall(SYS_clock_gettime, clock, &time);
    return time.tv_sec * second + time.tv_nsec;
}

static long long offset(void) {
    static _Atomic long long value, readAt = -1000000000;
    long long time = now(CLOCK_MONOTONIC);
    if (time - readAt < second / 10) return value;
    readAt = time;
    char text[32] = {0};
    const char *path = getenv("MOVABLE_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return value;
    if (read(file, text, sizeof text - 1) > 0) value = atoll(text) * 1000000;
    close(file);
    return value;
}

static long long wall(void) { return now(CLOCK_REALTIME) + offset(); }

static struct timespec split(long long time) { return (struct timespec){time / second, time % second}; }

int clock_gettime(clockid_t clock, struct timespec *time) {
    if (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE) return syscall(SYS_clock_gettime, clock, time);
    *time = split(wall());
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    long long value = wall();
    time->tv_sec = value / second;
    time->tv_usec = value % second / 1000;
    return 0;
}

time_t time(time_t *result) {
    time_t value = wall() / second;
    if (result) *result = value;
    return value;
}

int timespec_get(struct timespec *time, int base) {
    *time = split(wall());
    return base;
}

/* C11's condition variables wait by the wall clock; those of pthreads may be set to another, and keep the real one here. */
int cnd_timedwait(cnd_t *restrict condition, mtx_t *restrict mutex, const struct timespec *restrict until) {
    static int (*wait)(cnd_t *, mtx_t *, const struct timespec *);
    if (!wait) wait = dlsym(RTLD_NEXT, "cnd_timedwait");
    long long end = until->tv_sec * second + until->tv_nsec;
    while (wall() < end) {
        long long left = end - wall();
        struct timespec step = split(now(CLOCK_REALTIME) + (left < second / 10 ? left : second / 10));
        int code = wait(condition, mutex, &step);
        if (code != thrd_timedout) return code;
    }
    return thrd_timedout;
}
