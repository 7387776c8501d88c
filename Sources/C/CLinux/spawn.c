#define _GNU_SOURCE 1
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

struct failure {
    int step;
    int error;
};

static _Noreturn void fail(int channel, int step) {
    struct failure failure = {step, errno};
    ssize_t written = write(channel, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

/* Between fork and exec in a threaded process: async-signal-safe calls only. The identity is changed by raw system
 * calls, because glibc's wrappers would synchronise with threads that do not exist here. */
static _Noreturn void child(
    int channel, uid_t uid, gid_t gid, const char *cwd, char *const argv[], char *const envp[], int output) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int number = 1; number < 65; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    setsid();
    umask(077);
    if (geteuid() == 0 && uid != 0) {
        if (syscall(SYS_setgroups, 0, NULL) != 0) fail(channel, NEEDLETAIL_SPAWN_IDENTITY);
        if (syscall(SYS_setresgid, gid, gid, gid) != 0) fail(channel, NEEDLETAIL_SPAWN_IDENTITY);
        if (syscall(SYS_setresuid, uid, uid, uid) != 0) fail(channel, NEEDLETAIL_SPAWN_IDENTITY);
    }
    if (chdir(cwd) != 0) fail(channel, NEEDLETAIL_SPAWN_DIRECTORY);

    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        fail(channel, NEEDLETAIL_SPAWN_EXEC);
    if (syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) fail(channel, NEEDLETAIL_SPAWN_EXEC);
    execve(argv[0], argv, envp);
    fail(channel, NEEDLETAIL_SPAWN_EXEC);
}

struct needletail_spawn_result needletail_spawn_as(
    uid_t uid, gid_t gid, const char *cwd, char *const argv[], char *const envp[], int output) {
    struct needletail_spawn_result result = {.pid = -1, .step = NEEDLETAIL_SPAWN_FORK};
    int channel[2];
    if (pipe2(channel, O_CLOEXEC) != 0) {
        result.error = errno;
        return result;
    }

    /* No handler of the parent may run in the child before the child has reset them. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) child(channel[1], uid, gid, cwd, argv, envp, output);
    int forkError = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(channel[1]);
    if (pid < 0) {
        close(channel[0]);
        result.error = forkError;
        return result;
    }

    struct failure failure;
    ssize_t got;
    do got = read(channel[0], &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    close(channel[0]);
    if (got == (ssize_t)sizeof failure) {
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
        }
        result.step = failure.step;
        result.error = failure.error;
        return result;
    }
    result.pid = pid;
    result.step = NEEDLETAIL_SPAWN_OK;
    return result;
}
