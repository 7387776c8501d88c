#pragma once
/* Whether a Git repository can be reached over HTTP, by libcurl. Blocks; safe from any thread, each call has a handle of its own. */
#include <stdbool.h>
#include <stddef.h>

enum needletail_git_outcome {
    NEEDLETAIL_GIT_REACHED = 0,
    NEEDLETAIL_GIT_FAILED = 1,      /* with a text of libcurl */
    NEEDLETAIL_GIT_STATUS = 2,      /* an answer of another status than 200 */
    NEEDLETAIL_GIT_NO_REPOSITORY = 3, /* an answer that is not Git's */
    NEEDLETAIL_GIT_FORBIDDEN = 4,   /* an address that is not to be reached */
};

struct needletail_git {
    const char *url;      /* of the list of references, with its query */
    const char *service;  /* git-upload-pack or git-receive-pack */
    const char *username; /* NULL for none */
    const char *password;
    bool only_public; /* refuse addresses of this machine and of private networks */
    long timeout_ms;
};

/* An outcome; `status` is that of the answer, 0 for none. */
int needletail_git_reach(const struct needletail_git *git, long *status, char *error, size_t error_size);
