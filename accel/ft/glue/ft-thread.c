/*
 * Threads that FT makes when it needs them. qemu_thread_create() ends the process where
 * none can be made (RLIMIT_NPROC, the pids of a cgroup, no memory for a stack); a guest
 * must not end because of a peer that connects. So failing is a value here.
 *
 * What a takeover needs is made when the node starts (ft-claim.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "qemu/cutils.h"
#include <sched.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

typedef struct FtThread {
    char name[16];              /* as long as Linux takes                   */
    void *(*run)(void *opaque);
    void *opaque;
} FtThread;

static void *ft_thread_begin(void *opaque)
{
    g_autofree FtThread *t = opaque;

    pthread_setname_np(pthread_self(), t->name);
    return t->run(t->opaque);
}

/* Signals are the main thread's, but those that the thread itself causes. */
static void ft_block_signals(sigset_t *before)
{
    sigset_t set;

    sigfillset(&set);
    sigdelset(&set, SIGSEGV);
    sigdelset(&set, SIGBUS);
    sigdelset(&set, SIGFPE);
    sigdelset(&set, SIGILL);
    pthread_sigmask(SIG_SETMASK, &set, before);
}

/* THREAD: any, no lock needed. OWNERSHIP: @opaque is @run's, if it is called. */
bool ft_thread_new(const char *name, void *(*run)(void *), void *opaque, Error **errp)
{
    FtThread *t = g_new0(FtThread, 1);
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t before;
    int error;

    pstrcpy(t->name, sizeof(t->name), name);
    t->run = run;
    t->opaque = opaque;
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    ft_block_signals(&before);
    error = pthread_create(&thread, &attr, ft_thread_begin, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (error) {
        g_free(t);
        error_setg(errp, "this host makes no thread '%s' for user %u: %s (look at ulimit -u, "
                   "at pids.max of the cgroup, and at its memory)", name,
                   (unsigned)geteuid(), strerror(error));
    }
    return error == 0;
}

/*
 * THREAD: one of its own, for itself. From here on it has a table of descriptors of its
 * own, in which only @keep (above 2; or -1) and the standard ones are open. False: a filter
 * may kill those who ask for what it forbids, so the table is still everybody's.
 */
bool ft_thread_own_descriptors(int keep)
{
    int open[] = { 0, 1, 2, keep };

    if (prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER || unshare(CLONE_FILES) != 0) {
        return false;
    }
    qemu_close_all_open_fd(open, keep < 0 ? 3 : 4);
    return true;
}
