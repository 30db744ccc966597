/*
 * Delays the guest's writes while its drives are copied at an attach, if it writes faster
 * than the copy gets on. What is decided is in copy_pace.hpp.
 *
 * The delay is a sleep of the write's own coroutine, after the write has reached the image
 * and its chunks are marked as changed. The coroutine holds no lock that another request
 * wants, so no read, no flush, no other drive and no vCPU waits for it. The cut and a drain
 * wait for all requests: they wake those that sleep, and so does the end of the attach.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "accel/ft/glue/trace.h"
#include "qemu/coroutine.h"

/* A delayed write; on the stack of its coroutine. */
typedef struct FtDelayed {
    QemuCoSleep sleep;
    bool woken;
    QTAILQ_ENTRY(FtDelayed) next;
} FtDelayed;

/* BQL. pace: NULL: no drive is being copied. */
static FtCopyPace *pace;
static QTAILQ_HEAD(, FtDelayed) delayed = QTAILQ_HEAD_INITIALIZER(delayed);

void ft_pace_begin(unsigned drives)
{
    ft_pace_end();
    pace = ftc_copy_pace_new(drives);
    g_assert(pace);
}

void ft_pace_end(void)
{
    g_clear_pointer(&pace, ftc_copy_pace_free);
    ft_copy_hurry();
}

/* A coroutine that is woken runs at once, so it leaves the list before that. */
void ft_copy_hurry(void)
{
    FtDelayed *w;

    while ((w = QTAILQ_FIRST(&delayed))) {
        QTAILQ_REMOVE(&delayed, w, next);
        w->woken = true;
        qemu_co_sleep_wake(&w->sleep);
    }
}

void ft_pace_looked_at_all(void)
{
    ftc_copy_pace_begin(pace);
}

void ft_pace_copied(uint64_t bytes, uint64_t ns)
{
    if (bytes) {                /* holes say nothing of the link */
        ftc_copy_pace_copied(pace, bytes, ns);
    }
}

bool ft_pace_is_hopeless(uint64_t left, uint64_t few)
{
    return ftc_copy_pace_hopeless(pace, ft_now_ns(), left, few);
}

unsigned ft_pace_why(uint64_t left, FtError *why)
{
    return ftc_copy_pace_why(pace, ft_now_ns(), left, why);
}

static void coroutine_fn ft_delay(FtDisk *d, uint64_t ns)
{
    FtDelayed w = { .woken = false };

    trace_ft_disk_delay(d->name, ns);
    QTAILQ_INSERT_TAIL(&delayed, &w, next);
    qemu_co_sleep_ns_wakeable(&w.sleep, QEMU_CLOCK_REALTIME, ns);
    if (!w.woken) {
        QTAILQ_REMOVE(&delayed, &w, next);
    }
}

void coroutine_fn ft_pace_write(FtDisk *d, int64_t offset, int64_t bytes)
{
    FtCopyWrite w = { .now_ns = ft_now_ns(), .bytes = bytes, .waiting = d->delayed };
    uint64_t before, ns;

    if (!d->copy) {
        return;
    }
    before = ftc_copy_map_left(d->copy);
    ftc_copy_map_written(d->copy, offset, bytes);
    w.anew = ftc_copy_map_left(d->copy) - before;
    w.link_rate = ft_attach_link_carries(NANOSECONDS_PER_SECOND);
    ns = ftc_copy_pace_written(pace, d->id, &w);
    if (ns && !ft_node.posts_wait && !d->bs->quiesce_counter) {
        d->delayed++;
        ft_delay(d, ns);
        d->delayed--;
    }
}
