#pragma once
/* Workers that run scripts: how they are started, what they may do, and who watches them. */
#include <stdint.h>
#include <sys/types.h>

/* Descriptors of a worker: its connection with its parent, and the page that both see. */
enum { NEEDLETAIL_WORKER_SOCKET = 3, NEEDLETAIL_WORKER_PAGE = 4 };

/* Exit statuses of a worker that its guard ended. */
enum { NEEDLETAIL_WORKER_MEMORY = 83, NEEDLETAIL_WORKER_TIME = 84 };

/* ---- The page that both sides see ---- */

typedef struct needletail_worker_page needletail_worker_page;

/* Makes a page; its descriptor goes to `descriptor`. NULL and errno on failure. */
needletail_worker_page *needletail_worker_page_create(int *descriptor);
/* The page behind a descriptor; NULL and errno on failure. */
needletail_worker_page *needletail_worker_page_map(int descriptor);
void needletail_worker_page_unmap(needletail_worker_page *page);
/* Number of the call that runs now; 0 for none. */
uint64_t needletail_worker_page_current(const needletail_worker_page *page);

/* ---- The parent's side ---- */

/* Starts argv[0] (an absolute path) in a session of its own with the two descriptors of a worker, standard input and
 * output /dev/null, errors to those of the caller; every other descriptor is closed, all signals have their defaults.
 * Returns 0 and the process, or an error number. */
int needletail_worker_spawn(char *const argv[], char *const envp[], int socket, int page, pid_t *process);
/* Waits for the end of a child: its exit status, or minus the number of the signal that ended it. Blocks. Its number stays
 * its own until it is reaped. */
int needletail_worker_wait(pid_t process);
void needletail_worker_reap(pid_t process);

/* ---- The worker's side ---- */

/* Closes every descriptor but standard ones and those of a worker, and lets go of what a worker does not need: other
 * users' rights, core dumps, new privileges. Call while there is one thread. Returns 0 or an error number. */
int needletail_worker_drop_privileges(void);
/* From now on no thread of the process can open files or connections or start processes: such calls fail with EPERM.
 * Returns 0 or an error number. */
int needletail_worker_forbid(void);
/* Starts the thread that ends the process when a call takes longer than `limit_ns` of processor time, or four times as
 * long by the clock, when it makes the process's own memory larger than `memory` bytes, and when the parent is gone
 * while a call runs. Call on the thread that will run the calls. Returns 0 or an error number. */
int needletail_worker_guard(needletail_worker_page *page, int64_t limit_ns, int64_t memory);
/* The next call begins. */
void needletail_worker_begin(uint64_t call);
/* It is done. */
void needletail_worker_end(void);
/* Changes the bound of the process's own memory. */
void needletail_worker_limit_memory(int64_t memory);
/* Bytes of the process's own memory. */
int64_t needletail_worker_memory(void);
