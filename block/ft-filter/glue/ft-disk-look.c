/*
 * What an image holds, a run of chunks at a time, for the copy at an attach.
 *
 * Block status tells of zeros without reading them: a hole of a TiB is one question, if
 * the file system or the format can answer it. Where it cannot, or says "data", the run
 * is read, and hashed by a worker of QEMU's thread pool.
 *
 * A read may end inside of its own submission (aio=native and a hole, a cached image),
 * and a coroutine that never yields keeps the main loop, its locks, and so the vCPU and
 * the monitor. So the main loop's time is counted, not bytes: after FT_SLICE_NS of it
 * the coroutine sleeps for as long where a guest runs, and lets the loop have a turn
 * where none does.
 *
 * Main, BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "block/block-io.h"
#include "block/thread-pool.h"
#include "qemu/coroutine.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/memalign.h"

#define FT_SLICE_NS (2 * SCALE_MS)
/* What was counted may be time in which this thread had no CPU. */
#define FT_SLICE_SLEEP_MAX_NS (10 * SCALE_MS)
/* The fault hang-copy. */
#define FT_HANG_COPY_US (20 * G_USEC_PER_SEC)

/* -- slices ----------------------------------------------------------------------- */

static uint64_t woke_ns;        /* main: its loop has come back from its poll */

static void ft_main_woke(Notifier *n, void *opaque)
{
    const MainLoopPoll *poll = opaque;

    if (poll->state != MAIN_LOOP_POLL_FILL) {
        woke_ns = ft_now_ns();
    }
}

static Notifier main_woke = { .notify = ft_main_woke };

void ft_slice_begin(FtSlice *s, bool guest)
{
    static bool listens;

    if (!listens) {
        listens = true;
        main_loop_poll_add_notifier(&main_woke);
    }
    s->guest = guest;
    s->busy_ns = 0;
    s->since_ns = ft_now_ns();
}

void coroutine_fn ft_slice_step(FtSlice *s)
{
    uint64_t now = ft_now_ns();

    /* What it has slept for the disk or a worker was others' time. */
    s->busy_ns += now - MAX(s->since_ns, MIN(woke_ns, now));
    if (s->busy_ns >= FT_SLICE_NS) {
        qemu_co_sleep_ns_wakeable(&s->sleep, QEMU_CLOCK_REALTIME,
                                  s->guest ? MIN(s->busy_ns, FT_SLICE_SLEEP_MAX_NS) : 1);
        s->busy_ns = 0;
        now = ft_now_ns();
    }
    s->since_ns = now;
}

/* -- looks ------------------------------------------------------------------------ */

/* The length of @n chunks from @first on, which the image's end may cut. */
int64_t ft_chunks_bytes(const FtDisk *d, uint64_t first, uint64_t n)
{
    return MIN(n * FT_DISK_CHUNK_BYTES, d->bytes - first * FT_DISK_CHUNK_BYTES);
}

uint64_t ft_disk_chunks(const FtDisk *d)
{
    return DIV_ROUND_UP(d->bytes, FT_DISK_CHUNK_BYTES);
}

/*
 * How many whole chunks from @first on are zeros, of @max. If none is, *data is how
 * many there are up to the next zeros, as far as that is known.
 */
static uint64_t coroutine_fn ft_look_zeros(FtDisk *d, uint64_t first, uint64_t max,
                                           uint64_t *data)
{
    int64_t offset = first * FT_DISK_CHUNK_BYTES, len = ft_chunks_bytes(d, first, max);
    int64_t same = 0;
    int ret;

    GRAPH_RDLOCK_GUARD();
    ret = bdrv_co_block_status_above(d->bs->file->bs, NULL, offset, len, &same, NULL, NULL);
    *data = 1;
    if (ret < 0 || same <= 0) {
        *data = max;            /* nothing is known of it */
    } else if (!(ret & BDRV_BLOCK_ZERO)) {
        *data = DIV_ROUND_UP(same, FT_DISK_CHUNK_BYTES);
    } else if (same >= len) {
        return max;             /* to the end, and the last chunk may be a short one */
    } else {
        return same / FT_DISK_CHUNK_BYTES;
    }
    return 0;
}

static int ft_hang_copy(void *opaque)
{
    g_usleep(FT_HANG_COPY_US);
    return 0;
}

/* The fault hang-copy: once, at a cut. The next attach finds a drive that answers. */
static bool ft_look_hangs(void)
{
    static bool hung;

    if (hung || !ft_node.posts_wait || !ftc_fault("hang-copy")) {
        return false;
    }
    hung = true;
    return true;
}

static int coroutine_fn ft_look_read(FtLook *l, FtDisk *d)
{
    if (ft_look_hangs()) {
        thread_pool_submit_co(ft_hang_copy, NULL);
    }
    GRAPH_RDLOCK_GUARD();
    return bdrv_co_pread(d->bs->file, l->first * FT_DISK_CHUNK_BYTES, l->bytes, l->buf, 0);
}

static int ft_look_hash(void *opaque)
{
    FtLook *l = opaque;

    for (uint64_t i = 0; i < l->n; i++) {
        l->sums[i] = ftc_hash(ft_look_chunk(l, i), ft_look_chunk_bytes(l, i));
    }
    return 0;
}

int coroutine_fn ft_look(FtLook *l, FtDisk *d, uint64_t first, uint64_t max)
{
    uint64_t data;
    int ret;

    l->first = first;
    l->n = ft_look_zeros(d, first, max, &data);
    l->zeros = l->n > 0;
    if (l->zeros) {
        return 0;
    }
    l->n = MIN(MIN(data, max), FT_LOOK_CHUNKS);
    l->bytes = ft_chunks_bytes(d, first, l->n);
    ret = ft_look_read(l, d);
    return ret < 0 ? ret : thread_pool_submit_co(ft_look_hash, l);
}

FtLook *ft_look_new(void)
{
    FtLook *l = g_new0(FtLook, 1);

    l->buf = qemu_memalign(qemu_real_host_page_size(),
                           FT_LOOK_CHUNKS * FT_DISK_CHUNK_BYTES);
    return l;
}

void ft_look_free(FtLook *l)
{
    qemu_vfree(l->buf);
    g_free(l);
}
