/*
 * What QEMU says on stderr is for whoever reads that, and he may have stopped: a pipe
 * that is full would stop whichever thread has something to say, with all the locks it
 * holds. So what finds no room there is dropped. What there is room for is written at
 * once, as ever: a process that aborts has said why.
 *
 * "Does not wait" is a property of the open file, which other processes may share: our
 * own is opened, where that can be. A regular file always has room; that its disk hangs
 * is the host's affair.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include <poll.h>

/* A pipe or a terminal, but for one that another user has made. */
static bool ft_stderr_reopen(void)
{
    int fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    bool ok = fd >= 0 && dup2(fd, STDERR_FILENO) == STDERR_FILENO;

    if (fd >= 0) {
        close(fd);
    }
    return ok;
}

void ft_stderr_setup(void)
{
    struct stat st;

    if (fstat(STDERR_FILENO, &st) < 0) {
        return;
    }
    if ((S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode)) && ft_stderr_reopen()) {
        return;
    }
    /* A pipe or socket is the one that this process was given (libvirt, systemd). */
    if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
        g_unix_set_fd_nonblocking(STDERR_FILENO, true, NULL);
    }
}

void ft_stderr_say(const char *format, ...)
{
    struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
    char text[512];
    va_list ap;
    int len;

    va_start(ap, format);
    len = vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT)
        || write(STDERR_FILENO, text, MIN(len, (int)sizeof(text) - 1)) < 0) {
        return;                 /* nobody reads it; query-ft and an event say it, too */
    }
}
