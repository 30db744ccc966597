/*
 * The copy of the drives' images at an attach, over the log channel.
 *
 * The secondary tells what its image holds (ft-disk-load.c): a run of zeros in one
 * message, a sum for each other chunk. The primary looks at its own while the guest
 * runs and sends the chunks that differ. A hole on both sides is neither read nor
 * hashed nor sent; images that are equal already cost one read of each and no transfer,
 * and it is checked, not believed. A node that comes back with its old image gets what
 * has changed. What the guest writes meanwhile is looked at again (copy_map.hpp); the
 * rest follows at the cut, with the guest stopped and no request in flight.
 *
 * Reads and writes go to the image below the filter: the guest's requests, their
 * numbers and their completions in the log are not touched.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-link.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "qemu/units.h"
#include "block/block-io.h"
#include "qemu/coroutine.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"

/* The queue holds what the link carries in this time; until that is known, the maximum. */
#define FT_COPY_QUEUE_NS (50 * SCALE_MS)
#define FT_COPY_QUEUE_MIN (256 * KiB)
#define FT_COPY_QUEUE_MAX (16 * MiB)
/* What can wait for the cut: what the link carries in this time, within these bounds. */
#define FT_COPY_FEW_NS (100 * SCALE_MS)
#define FT_COPY_FEW_MIN (2 * MiB)
#define FT_COPY_FEW_MAX (8 * MiB)
/* Without anything to do, or with a queue that is long, it looks again so often. */
#define FT_COPY_WAIT_NS (5 * SCALE_MS)
/* A round through a drive's chunks begins no sooner after the one before has begun: else
 * a chunk that is written to all the time would be copied all the time. */
#define FT_COPY_ROUND_NS (100 * SCALE_MS)
/* The largest run of zeros that is taken at once: 16 GiB. */
#define FT_REACH_MAX (256 * KiB)
/* What was sent less long ago than this is being copied, not only compared. */
#define FT_SENT_NS NANOSECONDS_PER_SECOND

/*
 * Its coroutine frees it, unless it is final: then the cut waits for its end and
 * frees it. Whoever gives up an attach only sets stop.
 */
typedef struct FtCopyRun {
    bool stop;
    bool final;                 /* nothing is written any more              */
    bool ended;
    bool seen_all;              /* each chunk was looked at once            */
    uint64_t read_bytes;        /* of data, looked at until now             */
    FtLook *look;
    FtSlice slice;
    QemuCoSleep idle;
} FtCopyRun;

static FtCopyRun *copy_run;     /* main; NULL: no copy is under way         */
static void (*moves)(void);     /* main: the copy does not stand still      */
static uint64_t sent_ns;        /* main: when a chunk was last sent         */

bool ft_copies_nothing(void)
{
    return !ft_disks_count || ft_disk_shared();
}

static void ft_copy_failed(const FtDisk *d, const char *what)
{
    g_autofree char *text = g_strdup_printf("drive '%s': %s", d->name, what);

    ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0, text);
}

/* -- what differs ----------------------------------------------------------------- */

/* Something is about to be sent: may the secondary write it? */
static bool ft_copy_may_send(FtDisk *d)
{
    if (bdrv_is_read_only(d->bs)) {
        ft_copy_failed(d, "it is read-only, and the secondary's image differs");
        return false;
    }
    if (d->stats.copied_bytes > FT_LOOK_CHUNKS * FT_DISK_CHUNK_BYTES) {
        ft_die_at("die-at-disk-copy");
    }
    sent_ns = ft_now_ns();
    return true;
}

/* What was read, where the secondary holds something else. */
static bool ft_copy_data(FtDisk *d, const FtLook *l)
{
    for (uint64_t i = 0; i < l->n; i++) {
        int64_t len = ft_look_chunk_bytes(l, i);
        GByteArray *body;

        if (!ftc_copy_map_differs(d->copy, l->first + i, l->sums[i])) {
            continue;
        }
        if (!ft_copy_may_send(d)) {
            return false;
        }
        body = g_byte_array_sized_new(len);
        g_byte_array_append(body, ft_look_chunk(l, i), len);
        ft_link_queue(FT_MSG_DISK, d->id, (l->first + i) * FT_DISK_CHUNK_BYTES, body);
        ft_node.attach_bytes += len;
        d->stats.copied_bytes += len;
    }
    return true;
}

/* Zeros here, where the secondary holds something else. */
static bool ft_copy_zeros(FtDisk *d, uint64_t first, uint64_t n)
{
    uint64_t run;

    while (ftc_copy_map_differs_from_zeros(d->copy, &first, &n, FT_DISK_ZEROS_MAX, &run)) {
        GByteArray *body = g_byte_array_new();

        if (!ft_copy_may_send(d)) {
            g_byte_array_unref(body);
            return false;
        }
        g_byte_array_set_size(body, FT_DISK_ZEROS_BYTES);
        ftc_disk_zeros_encode(first - run, body->data);
        ft_link_queue(FT_MSG_DISK_ZEROS, d->id, run, body);
        ft_node.attach_bytes += FT_DISK_ZEROS_BYTES;
        d->stats.copied_bytes += ft_chunks_bytes(d, run, first - run);
    }
    return true;
}

/* -- the coroutine ----------------------------------------------------------------- */

uint64_t ft_copy_few(void)
{
    uint64_t carried = ft_attach_link_carries(FT_COPY_FEW_NS);

    return MIN(MAX(carried, FT_COPY_FEW_MIN), FT_COPY_FEW_MAX);
}

static bool ft_copy_queue_is_full(void)
{
    uint64_t carried = ft_attach_link_carries(FT_COPY_QUEUE_NS) ?: FT_COPY_QUEUE_MAX;

    return ft_link_queued() > MIN(MAX(carried, FT_COPY_QUEUE_MIN), FT_COPY_QUEUE_MAX);
}

/* The next chunks to compare. False: none, or the next round is not due yet. */
static bool ft_copy_next(FtCopyRun *run, FtDisk *d, uint64_t *first, uint64_t *n)
{
    uint64_t now_ns = ft_now_ns();

    if (!ftc_copy_map_next(d->copy, d->copy_reach, first, n)) {
        return false;
    }
    if (ftc_copy_map_rounds(d->copy) != d->copy_round) {
        if (!run->final && now_ns - d->copy_round_ns < FT_COPY_ROUND_NS) {
            ftc_copy_map_give_back(d->copy, *first, *n);
            return false;
        }
        d->copy_round = ftc_copy_map_rounds(d->copy);
        d->copy_round_ns = now_ns;
    }
    return true;
}

/* Looks at one run of chunks and sends what differs. False: nothing to do, or over. */
static bool coroutine_fn ft_copy_step(FtCopyRun *run, FtDisk *d)
{
    FtLook *l = run->look;
    uint64_t first, n;
    int ret;

    if (!ft_copy_next(run, d, &first, &n)) {
        return false;
    }
    ret = ft_look(l, d, first, n);
    if (run->stop) {
        return false;           /* the map is gone */
    }
    if (ret < 0) {
        ft_copy_failed(d, strerror(-ret));
        run->stop = true;
        return false;
    }
    ftc_copy_map_give_back(d->copy, first + l->n, n - l->n);
    /* What is given back has cost as much as what is taken: so zeros reach further. */
    d->copy_reach = l->zeros && l->n == n ? MIN(2 * d->copy_reach, FT_REACH_MAX)
                                          : FT_LOOK_CHUNKS;
    if (!(l->zeros ? ft_copy_zeros(d, first, l->n) : ft_copy_data(d, l))) {
        run->stop = true;
        return false;
    }
    run->read_bytes += l->zeros ? 0 : l->bytes;
    ft_node.attach_covered += ft_chunks_bytes(d, first, l->n);
    moves();
    return true;
}

/* Each chunk was looked at once. */
static bool ft_copy_has_seen_all(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        const FtCopyMap *m = ft_disks[i].copy;

        if (!ftc_copy_map_told_all(m)
            || (ftc_copy_map_left(m) && ftc_copy_map_rounds(m) == 0)) {
            return false;
        }
    }
    return true;
}

static void coroutine_fn ft_copy_sleep(FtCopyRun *run)
{
    qemu_co_sleep_ns_wakeable(&run->idle, QEMU_CLOCK_REALTIME, FT_COPY_WAIT_NS);
}

/* One step at each drive. How fast that goes decides what the guest may write. */
static bool coroutine_fn ft_copy_round(FtCopyRun *run)
{
    uint64_t begin_ns = ft_now_ns(), before = run->read_bytes;
    bool moved = false;

    for (unsigned i = 0; i < ft_disks_count && !run->stop; i++) {
        while (!run->stop && !run->final && ft_copy_queue_is_full()) {
            ft_copy_sleep(run);
        }
        moved |= !run->stop && ft_copy_step(run, &ft_disks[i]);
        if (!run->stop && !run->final) {
            ft_slice_step(&run->slice);
        }
    }
    if (!run->stop) {
        ft_pace_copied(run->read_bytes - before, ft_now_ns() - begin_ns);
        if (!run->seen_all && ft_copy_has_seen_all()) {
            run->seen_all = true;
            ft_pace_looked_at_all();
        }
    }
    return moved;
}

/* The guest writes more than the copy gets through: the attach ends with the reason. */
static bool ft_copy_gives_up(FtCopyRun *run)
{
    FtError why = { "" };

    if (run->stop || run->final || !ft_pace_is_hopeless(ft_copy_left(), ft_copy_few())) {
        return false;
    }
    ft_copy_failed(&ft_disks[ft_pace_why(ft_copy_left(), &why)], why.text);
    run->stop = true;
    return true;
}

static void ft_copy_run_free(FtCopyRun *run)
{
    ft_look_free(run->look);
    g_free(run);
}

static void coroutine_fn ft_copy_co(void *opaque)
{
    FtCopyRun *run = opaque;

    ft_slice_begin(&run->slice, true);
    while (!run->stop) {
        /* Only a round that began with the guest stopped has seen all that it wrote. */
        bool last = run->final, moved = ft_copy_round(run);

        if (run->stop || (last && !moved) || ft_copy_gives_up(run)) {
            break;
        }
        if (!moved && !run->final) {
            ft_copy_sleep(run);
        }
    }
    if (copy_run == run) {
        copy_run = NULL;
    }
    run->ended = true;
    if (!run->final) {
        ft_copy_run_free(run);
    }
}

/* -- what the secondary holds -------------------------------------------------------- */

/* What the receiver thread has got, on its way to main. */
typedef struct FtTold {
    unsigned gen;
    uint64_t disk, first;
    uint64_t zeros;             /* so many chunks; 0: sums                  */
    size_t n;
    uint64_t sums[];
} FtTold;

static GQueue early_told = G_QUEUE_INIT;    /* they came before ft_copy_begin() */

static void ft_told_take(FtTold *t)
{
    FtDisk *d = &ft_disks[t->disk];
    FtError why = { "" };

    if (t->gen == ft_peer_gen()
        && !(t->zeros ? ftc_copy_map_zeros(d->copy, t->first, t->zeros, &why)
                      : ftc_copy_map_sums(d->copy, t->first, t->sums, t->n, &why))) {
        ft_copy_failed(d, why.text);
    }
    g_free(t);
}

/* In the order in which they came; bottom halves of their own would not keep it. */
static GAsyncQueue *arrived;

static void __attribute__((constructor)) ft_copy_init(void)
{
    arrived = g_async_queue_new();
}

static void ft_told_bh(void *opaque)
{
    FtTold *t;

    while ((t = g_async_queue_try_pop(arrived))) {
        if (ft_disks[t->disk].copy) {
            ft_told_take(t);
        } else if (t->gen == ft_peer_gen()) {
            g_queue_push_tail(&early_told, t);
        } else {
            g_free(t);
        }
    }
    if (copy_run) {
        qemu_co_sleep_wake(&copy_run->idle);
    }
}

static void ft_told_push(FtTold *t, unsigned gen, uint64_t disk, uint64_t first)
{
    t->gen = gen;
    t->disk = disk;
    t->first = first;
    g_async_queue_push(arrived, t);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_told_bh, NULL);
}

bool ft_copy_sums(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                  size_t len, Error **errp)
{
    size_t n = len / sizeof(uint64_t);
    FtTold *t;

    if (len % sizeof(uint64_t) || n > FT_DISK_SUMS_MAX || disk >= ft_disks_count) {
        error_setg(errp, "disk_sums: %zu bytes of drive %" PRIu64, len, disk);
        return false;
    }
    t = g_malloc0(sizeof(*t) + n * sizeof(uint64_t));
    t->n = n;
    for (size_t i = 0; i < n; i++) {
        t->sums[i] = ldq_le_p(data + i * sizeof(uint64_t));
    }
    ft_told_push(t, gen, disk, first);
    return true;
}

bool ft_copy_told_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                        size_t len, Error **errp)
{
    FtError why = { "" };
    uint64_t n;
    FtTold *t;

    if (disk >= ft_disks_count) {
        error_setg(errp, "disk_zeros: there is no drive %" PRIu64, disk);
        return false;
    }
    if (!ftc_disk_zeros_decode(data, len, &n, &why)) {
        error_setg(errp, "%s", why.text);
        return false;
    }
    t = g_new0(FtTold, 1);
    t->zeros = n;
    ft_told_push(t, gen, disk, first);
    return true;
}

/* -- an attach ------------------------------------------------------------------------ */

static void ft_copy_forget(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        ftc_copy_map_free(ft_disks[i].copy);
        ft_disks[i].copy = NULL;
    }
    ft_pace_end();
}

static bool ft_copy_maps(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        FtDisk *d = &ft_disks[i];

        d->copy = ftc_copy_map_new(d->bytes);
        d->copy_reach = FT_LOOK_CHUNKS;
        d->copy_round = 0;
        d->copy_round_ns = 0;
        d->stats.copied_bytes = 0;
        if (!d->copy) {
            ft_copy_failed(d, "not enough memory to compare a drive of this size");
            ft_copy_forget();
            return false;
        }
    }
    return true;
}

void ft_copy_begin(void (*on_move)(void))
{
    FtTold *early;

    ft_copy_abort();
    if (ft_copies_nothing() || !ft_copy_maps()) {
        return;
    }
    ft_pace_begin(ft_disks_count);
    sent_ns = 0;
    moves = on_move;
    copy_run = g_new0(FtCopyRun, 1);
    copy_run->look = ft_look_new();
    while ((early = g_queue_pop_head(&early_told))) {
        ft_told_take(early);
    }
    qemu_coroutine_enter(qemu_coroutine_create(ft_copy_co, copy_run));
}

void ft_copy_abort(void)
{
    if (copy_run) {
        copy_run->stop = true;
        copy_run = NULL;
    }
    ft_copy_forget();
}

/* What the guest is writing at the moment counts too: the cut will find it done. */
uint64_t ft_copy_left(void)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < ft_disks_count; i++) {
        const FtDisk *d = &ft_disks[i];

        left += d->copy ? ftc_copy_map_left(d->copy) + d->writing : 0;
    }
    return left;
}

bool ft_copy_told_all(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        if (ft_disks[i].copy && !ftc_copy_map_told_all(ft_disks[i].copy)) {
            return false;
        }
    }
    return true;
}

bool ft_copy_sends(void)
{
    return sent_ns != 0 && ft_now_ns() - sent_ns < FT_SENT_NS;
}

static bool ft_run_has_ended(void *run)
{
    return ((const FtCopyRun *)run)->ended;
}

/* The reason itself was posted when it happened. */
static char *ft_finish_failed_why(void)
{
    return g_strdup("the cut: a drive's image cannot be copied");
}

static char *ft_finish_late_why(uint64_t allowed_ns)
{
    return g_strdup_printf("the cut: the last %" PRIu64 " KiB of the drives were not read "
                           "within %d ms", ft_copy_left() / KiB,
                           (int)(allowed_ns / SCALE_MS));
}

char *ft_copy_finish(uint64_t allowed_ns)
{
    FtCopyRun *run = copy_run;
    char *why = NULL;

    if (ft_copies_nothing()) {
        return NULL;
    }
    if (!run) {
        return ft_finish_failed_why();
    }
    run->final = true;
    qemu_co_sleep_wake(&run->idle);
    qemu_co_sleep_wake(&run->slice.sleep);
    if (!ft_poll_until(ft_run_has_ended, run, ft_now_ns() + allowed_ns)) {
        why = ft_finish_late_why(allowed_ns);
        run->final = false;     /* its coroutine frees it when its read comes back */
        ft_copy_abort();
        return why;
    }
    if (run->stop || ft_copy_left()) {
        why = ft_finish_failed_why();
    }
    ft_copy_run_free(run);
    ft_copy_forget();
    return why;
}
