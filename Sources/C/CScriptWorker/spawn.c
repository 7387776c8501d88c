#define _GNU_SOURCE 1
#include "CScriptWorker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

int needletail_worker_spawn(char *const argv[], char *const envp[], int socket, int page, pid_t *process) {
    /* Far from the descriptors of the child, so that moving one does not overwrite the other. */
    int high_socket = fcntl(socket, F_DUPFD_CLOEXEC, 16);
    int high_page = fcntl(page, F_DUPFD_CLOEXEC, 16);
    int code = high_socket < 0 || high_page < 0 ? errno : 0;

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (code == 0) code = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (code == 0) code = posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, high_socket, NEEDLETAIL_WORKER_SOCKET);
    if (code == 0) code = posix_spawn_file_actions_adddup2(&actions, high_page, NEEDLETAIL_WORKER_PAGE);
    if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(&actions, NEEDLETAIL_WORKER_PAGE + 1);
    if (code == 0) code = posix_spawn_file_actions_addchdir_np(&actions, "/");
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    if (code == 0) code = posix_spawnattr_setsigdefault(&attributes, &all);
    if (code == 0) code = posix_spawnattr_setsigmask(&attributes, &none);
    if (code == 0)
        code = posix_spawnattr_setflags(
            &attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    if (code == 0) code = posix_spawn(process, argv[0], &actions, &attributes, argv, envp);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (high_socket >= 0) close(high_socket);
    if (high_page >= 0) close(high_page);
    return code;
}

int needletail_worker_wait(pid_t process) {
    siginfo_t info;
    while (waitid(P_PID, (id_t)process, &info, WEXITED | WNOWAIT) < 0) {
        if (errno != EINTR) return 0;
    }
    return info.si_code == CLD_EXITED ? info.si_status : -info.si_status;
}

void needletail_worker_reap(pid_t process) {
    while (waitpid(process, NULL, 0) < 0 && errno == EINTR) {
    }
}
