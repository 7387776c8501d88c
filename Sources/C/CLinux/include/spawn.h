#pragma once
/* Starting a program as another user. */
#include <sys/types.h>

/* Where starting failed; `error` is its errno. */
enum needletail_spawn_step {
    NEEDLETAIL_SPAWN_OK = 0,
    NEEDLETAIL_SPAWN_FORK,
    NEEDLETAIL_SPAWN_IDENTITY,
    NEEDLETAIL_SPAWN_DIRECTORY,
    NEEDLETAIL_SPAWN_EXEC,
};

struct needletail_spawn_result {
    pid_t pid; /* -1 on failure */
    int step;
    int error;
};

/* Starts argv[0] (an absolute path) in directory `cwd` and in a session of its own, as `uid` and `gid` without
 * supplementary groups when the caller is root and `uid` is another. Standard input is /dev/null, output and errors go
 * to `output`; every other descriptor is closed, all signals have their defaults and nothing is blocked. Returns when
 * the program runs or has failed to; the caller waits for the child. */
struct needletail_spawn_result needletail_spawn_as(
    uid_t uid, gid_t gid, const char *cwd, char *const argv[], char *const envp[], int output);
