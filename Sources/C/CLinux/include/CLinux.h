#pragma once
/* Linux calls and macros that the Glibc module does not expose. */
#include <errno.h>
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
/* pidfd_open(2); -1 and errno on failure. */
int needletail_pidfd_open(pid_t pid);
