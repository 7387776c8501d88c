#define _GNU_SOURCE 1
#include "CScriptWorker.h"

#include <errno.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no architecture of the system calls"
#endif

/* Whose rights a worker of root keeps: nobody's. */
enum { NOBODY = 65534 };

int needletail_worker_drop_privileges(void) {
    /* Also where the system has no close_range. */
    closefrom(NEEDLETAIL_WORKER_PAGE + 1);
    /* A root without the right to become somebody else, as in some containers, stays what it is. */
    if (geteuid() == 0 && setgroups(0, NULL) == 0) {
        if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0) return errno;
    }
    struct rlimit none = {0, 0};
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    if (setrlimit(RLIMIT_FSIZE, &none) != 0) return errno;
    struct rlimit few = {64, 64};
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) return errno;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    /* Not to be read or traced by others of the same user; dumps nothing. */
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno;
    return 0;
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, (value))
#define DENIED (SECCOMP_RET_ERRNO | (EPERM & SECCOMP_RET_DATA))
#define DENY(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), RETURN(DENIED)

int needletail_worker_forbid(void) {
    struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
#if defined(__x86_64__)
        /* System calls of the x32 form. */
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
        RETURN(SECCOMP_RET_KILL_PROCESS),
#endif
        /* Threads, but no processes: glibc falls back from clone3 to clone, whose flags can be seen. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone3, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_clone, 0, 4),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1),
        RETURN(SECCOMP_RET_ALLOW),
        RETURN(DENIED),
#ifdef __NR_fork
        DENY(fork),
        DENY(vfork),
        DENY(open),
        DENY(creat),
        DENY(unlink),
        DENY(rename),
        DENY(mkdir),
        DENY(rmdir),
        DENY(link),
        DENY(symlink),
        DENY(chmod),
        DENY(chown),
#endif
        DENY(execve),
        DENY(execveat),
        DENY(openat),
        DENY(openat2),
        DENY(open_by_handle_at),
        DENY(unlinkat),
        DENY(renameat2),
        DENY(mkdirat),
        DENY(linkat),
        DENY(symlinkat),
        DENY(fchmodat),
        DENY(fchownat),
        DENY(mount),
        DENY(umount2),
        DENY(chroot),
        DENY(pivot_root),
        DENY(setns),
        DENY(unshare),
        DENY(socket),
        DENY(socketpair),
        DENY(connect),
        DENY(bind),
        DENY(listen),
        DENY(accept),
        DENY(accept4),
        DENY(sendto),
        DENY(sendmsg),
        DENY(sendmmsg),
        DENY(recvmsg),
        DENY(kill),
        DENY(pidfd_open),
        DENY(pidfd_send_signal),
        DENY(pidfd_getfd),
        DENY(ptrace),
        DENY(process_vm_readv),
        DENY(process_vm_writev),
        DENY(bpf),
        DENY(perf_event_open),
        DENY(userfaultfd),
        DENY(io_uring_setup),
        DENY(io_uring_enter),
        DENY(keyctl),
        DENY(add_key),
        DENY(request_key),
        DENY(memfd_create),
        DENY(shmget),
        DENY(msgget),
        DENY(semget),
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0) return errno;
    return 0;
}
