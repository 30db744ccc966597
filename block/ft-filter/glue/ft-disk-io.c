/*
 * How requests get to the images, and their answers back, without the main loop.
 *
 * For each answer the main loop would have to take the replay mutex, that is, to
 * throw the vCPU out of its turn and let it wait until both have changed threads
 * twice. So what runs below the filter for a request has an AioContext of its own
 * ("io") that no thread polls in a loop. A worker that has done the host's part only
 * says so. Recording, that kicks the vCPU, which takes all answers there are at the
 * top of its turn, where they enter the log and the guest at once, as packets do
 * (ft-input.c). Replaying, nobody is thrown out of anything: the vCPU takes the
 * answers at its turns, and when it has come to a completion in the log whose
 * answer it has not got yet.
 *
 * The main loop takes them where the vCPU cannot: while it stands, and in a drain,
 * which may well be the vCPU's own and polls the main loop's handlers.
 *
 * Whoever runs "io" holds the BQL, and is its home thread for that moment. Only
 * images whose every layer answers through a bottom half get there (files by
 * QEMU's thread pool); what waits for descriptors or timers stays with the main loop.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "block/aio.h"
#include "block/block-io.h"
#include "hw/core/cpu.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "qobject/qdict.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "system/runstate.h"

static AioContext *io;
static QEMUBH *look_bh;         /* the main loop's                          */
static bool pending;            /* atomic: an answer waits, or work in "io" */
static unsigned main_looks;     /* atomic: so many want the main loop to    */
static void (*taken)(void);     /* written at start                         */
/* Requests whose coroutines go on where the guest may see it. BQL. */
static QTAILQ_HEAD(, FtDiskRequest) answered = QTAILQ_HEAD_INITIALIZER(answered);

/* -- who looks ------------------------------------------------------------------ */

static bool ft_vcpu_looks(void)
{
    return !qatomic_read(&main_looks) && replay_mode != REPLAY_MODE_NONE
        && !qatomic_read(&first_cpu->stop) && !qatomic_read(&first_cpu->stopped);
}

static void ft_io_kick(void)
{
    if (!ft_vcpu_looks()) {
        qemu_bh_schedule(look_bh);
    } else if (replay_mode == REPLAY_MODE_RECORD) {
        qemu_cpu_kick(first_cpu);
    } else {
        ft_nap_end();           /* if it sleeps; a turn goes on to its end */
    }
}

/* Any thread. Whoever was woken before and has not come yet will see this, too. */
void ft_io_tell(void)
{
    if (!qatomic_xchg(&pending, true)) {
        ft_io_kick();
    }
}

/* Any thread. The one that runs "io" now looks again before it leaves. */
static void ft_io_more(void)
{
    if (qemu_get_current_aio_context() == io) {
        qatomic_set_mb(&pending, true);
    } else {
        ft_io_tell();
    }
}

/* Any thread: see AioContext.wake. Clocks say so as well, which nobody here reads. */
static void ft_io_wake(AioContext *ctx)
{
    if (!QSLIST_EMPTY_RCU(&ctx->bh_list)) {
        ft_io_more();
    }
}

bool ft_io_ready(void)
{
    return qatomic_read(&pending);
}

/* Ends what it does in @ctx; a bottom half that it has made there must not wait. */
static void ft_io_leave(AioContext *was)
{
    qemu_swap_current_aio_context(was);
    if (qatomic_read(&pending)) {
        ft_io_kick();
    }
}

void ft_io_look(void)
{
    FtDiskRequest *r;

    if (!qatomic_read(&pending)) {
        return;
    }
    do {
        AioContext *was = qemu_swap_current_aio_context(io);

        qatomic_set_mb(&pending, false);
        aio_bh_poll(io);
        qemu_swap_current_aio_context(was);
        while ((r = QTAILQ_FIRST(&answered))) {
            QTAILQ_REMOVE(&answered, r, next_answered);
            aio_co_wake(r->co);
        }
        if (taken) {
            taken();
        }
    } while (qatomic_read(&pending));
}

void ft_io_listener(void (*after)(void))
{
    taken = after;
}

static void ft_io_look_bh(void *opaque)
{
    ft_io_look();
}

void ft_io_main_looks(bool on)
{
    if (on) {
        qatomic_inc(&main_looks);
        /* Whoever has just kicked the vCPU would wait for it in vain: the main loop looks. */
        qatomic_set_mb(&pending, true);
        qemu_bh_schedule(look_bh);
    } else {
        qatomic_dec(&main_looks);
    }
}

/* A stopped vCPU takes no answers of the disks, so the main loop does; one that starts
 * looks for them before anything else. */
static void ft_io_vm_state(void *opaque, bool running, RunState state)
{
    if (!running) {
        qemu_bh_schedule(look_bh);
    }
}

/* -- a request ---------------------------------------------------------------------- */

/* A descriptor that is polled instead belongs to a thread that polls. */
static bool ft_is_thread_pools(const BlockDriverState *bs)
{
    const char *aio = qdict_get_try_str(bs->options, "aio");

    return (g_str_equal(bs->drv->format_name, "file")
            || g_str_equal(bs->drv->format_name, "host_device"))
        && !(bs->open_flags & (BDRV_O_NATIVE_AIO | BDRV_O_IO_URING))
        && (!aio || g_str_equal(aio, "threads"));
}

static bool GRAPH_RDLOCK ft_goes_to_io(BlockDriverState *bs)
{
    BdrvChild *c;

    if (QLIST_EMPTY(&bs->children)) {
        return ft_is_thread_pools(bs);
    }
    if (!g_str_equal(bs->drv->format_name, "raw")
        && !g_str_equal(bs->drv->format_name, "qcow2")) {
        return false;
    }
    QLIST_FOREACH(c, &bs->children, next) {
        if (!ft_goes_to_io(c->bs)) {
            return false;
        }
    }
    return true;
}

/* Its own coroutine, which lives in "io"; the request's holds the graph's lock. */
static void coroutine_fn ft_io_co(void *opaque)
{
    FtDiskRequest *r = opaque;

    assume_graph_lock();
    r->ret = ft_disk_do(r->disk->bs, r);
    QTAILQ_INSERT_TAIL(&answered, r, next_answered);
    ft_io_more();
}

int coroutine_fn GRAPH_RDLOCK ft_io_do(FtDiskRequest *r)
{
    Coroutine *co = qemu_coroutine_create(ft_io_co, r);

    r->co = qemu_coroutine_self();
    if (ft_goes_to_io(r->disk->bs->file->bs)) {
        AioContext *was = qemu_swap_current_aio_context(io);

        qemu_aio_coroutine_enter(io, co);
        ft_io_leave(was);
    } else {
        qemu_aio_coroutine_enter(qemu_get_aio_context(), co);
    }
    qemu_coroutine_yield();
    return r->ret;
}

void coroutine_fn ft_io_turn(FtDiskRequest *r)
{
    QTAILQ_INSERT_TAIL(&answered, r, next_answered);
    ft_io_tell();
    qemu_coroutine_yield();
}

/* -- start-up ------------------------------------------------------------------------ */

static const FtNapSource nap_source = { .ready = ft_io_ready };

bool ft_io_setup(Error **errp)
{
    io = aio_context_new(errp);
    if (!io) {
        return false;
    }
    io->wake = ft_io_wake;
    look_bh = qemu_bh_new(ft_io_look_bh, NULL);
    ft_nap_source(&nap_source);
    qemu_add_vm_change_state_handler(ft_io_vm_state, NULL);
    return true;
}
