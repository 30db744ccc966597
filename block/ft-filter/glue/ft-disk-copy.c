/*
 * The copy of the drives' images at an attach, over the log channel.
 *
 * The secondary hashes its own image chunk by chunk and sends the sums; the
 * primary reads its image while the guest runs and sends the chunks that differ.
 * Images that are equal already cost one read of each and no transfer, and it is
 * checked, not believed. A node that comes back with its old image gets what has
 * changed. What the guest writes meanwhile is looked at again (copy_map.hpp); the
 * rest follows at the cut, with the guest stopped and no request in flight.
 *
 * Reads and writes go to the image below the filter: the guest's requests, their
 * numbers and their completions in the log are not touched.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/units.h"
#include "ft-disk.h"
#include "accel/ft/glue/trace.h"
#include "block/block-global-state.h"
#include "block/block-io.h"
#include "qemu/coroutine.h"
#include "qemu/cutils.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"
#include "qemu/memalign.h"
#include "qemu/timer.h"

#define FT_RUN_CHUNKS 16
#define FT_RUN_BYTES (FT_RUN_CHUNKS * FT_DISK_CHUNK_BYTES)
#define FT_COPY_QUEUE_BYTES (16 * MiB)
#define FT_FLUSH_BYTES (64 * MiB)
#define FT_COPY_WAIT_NS (1 * SCALE_MS)
/* A guest that writes faster than the copy goes is slowed after some rounds. */
#define FT_SLOW_ROUNDS 3
#define FT_SLOW_BYTES (8 * MiB)
#define FT_SLOW_NS (5 * SCALE_MS)

/* The length of a run that begins at @offset, which the image's end may cut. */
static int64_t ft_part(const FtDisk *d, int64_t offset, int64_t most)
{
    return MIN(most, d->bytes - offset);
}

static int coroutine_fn ft_image_read(FtDisk *d, int64_t offset, int64_t bytes, void *buf)
{
    GRAPH_RDLOCK_GUARD();
    return bdrv_co_pread(d->bs->file, offset, bytes, buf, 0);
}

/* -- primary -------------------------------------------------------------------- */

/*
 * Its coroutine frees it, unless it is final: then the cut waits for its end and
 * frees it. Whoever gives up an attach only sets stop.
 */
typedef struct FtCopyRun {
    bool stop;
    bool final;                 /* nothing is written any more              */
    bool ended;
    uint8_t *buf;
} FtCopyRun;

/* There is nothing to copy: no drives, or both nodes use the same images. */
static bool ft_copies_nothing(void)
{
    return !ft_disks_count || ft_disk_shared();
}

static FtCopyRun *copy_run;     /* main; NULL: no copy is under way         */

static void ft_copy_failed(const FtDisk *d, const char *what)
{
    g_autofree char *text = g_strdup_printf("drive '%s': %s", d->name, what);

    ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0, text);
}

static bool ft_copy_send(FtDisk *d, uint64_t chunk, const uint8_t *data, int64_t len)
{
    GByteArray *body;

    if (!ft_copy_map_differs(d->copy, chunk, ft_hash(data, len))) {
        return true;
    }
    if (bdrv_is_read_only(d->bs)) {
        ft_copy_failed(d, "it is read-only, and the secondary's image differs");
        return false;
    }
    if (d->stats.copied_bytes > FT_RUN_BYTES) {
        ft_die_at("die-at-disk-copy");
    }
    body = g_byte_array_sized_new(len);
    g_byte_array_append(body, data, len);
    ft_peer_queue(FT_MSG_DISK, d->id, chunk * FT_DISK_CHUNK_BYTES, body);
    ft_node.attach_bytes += len;
    d->stats.copied_bytes += len;
    return true;
}

/* Reads one run of chunks and sends what differs. False: nothing to do, or over. */
static bool coroutine_fn ft_copy_step(FtCopyRun *run, FtDisk *d)
{
    uint64_t first, n;
    int64_t offset, len;
    int ret;

    if (!ft_copy_map_next(d->copy, FT_RUN_CHUNKS, &first, &n)) {
        return false;
    }
    offset = first * FT_DISK_CHUNK_BYTES;
    len = ft_part(d, offset, n * FT_DISK_CHUNK_BYTES);
    ret = ft_image_read(d, offset, len, run->buf);
    if (run->stop) {
        return false;
    }
    if (ret < 0) {
        ft_copy_failed(d, strerror(-ret));
        run->stop = true;
        return false;
    }
    for (uint64_t i = 0; i < n; i++) {
        int64_t at = i * FT_DISK_CHUNK_BYTES;

        if (!ft_copy_send(d, first + i, run->buf + at,
                          MIN(len - at, FT_DISK_CHUNK_BYTES))) {
            run->stop = true;
            return false;
        }
    }
    ft_attach_moves();
    return true;
}

static bool coroutine_fn ft_copy_round(FtCopyRun *run)
{
    bool moved = false;

    for (unsigned i = 0; i < ft_disks_count && !run->stop; i++) {
        moved |= ft_copy_step(run, &ft_disks[i]);
    }
    return moved;
}

static void ft_copy_run_free(FtCopyRun *run)
{
    qemu_vfree(run->buf);
    g_free(run);
}

static void coroutine_fn ft_copy_co(void *opaque)
{
    FtCopyRun *run = opaque;

    while (!run->stop) {
        bool moved = ft_copy_round(run);

        if (run->stop || (run->final && !moved)) {
            break;
        }
        while (!run->stop && !run->final
               && (!moved || ft_peer_queued() > FT_COPY_QUEUE_BYTES)) {
            qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, FT_COPY_WAIT_NS);
            moved = true;
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

/* What the receiver thread has got, on its way to main. */
typedef struct FtSums {
    unsigned gen;
    uint64_t disk, first;
    size_t n;
    uint64_t sums[FT_DISK_SUMS_MAX];
} FtSums;

static GQueue early_sums = G_QUEUE_INIT;    /* they came before ft_copy_begin() */

static void ft_sums_take(FtSums *s)
{
    FtDisk *d = &ft_disks[s->disk];
    FtError why = { "" };

    if (s->gen == ft_peer_gen()
        && !ft_copy_map_sums(d->copy, s->first, s->sums, s->n, &why)) {
        ft_copy_failed(d, why.text);
    }
    g_free(s);
}

/* In the order in which they came; bottom halves of their own would not keep it. */
static GAsyncQueue *arrived_sums;

static void ft_sums_bh(void *opaque)
{
    FtSums *s;

    while ((s = g_async_queue_try_pop(arrived_sums))) {
        if (s->disk < ft_disks_count && ft_disks[s->disk].copy) {
            ft_sums_take(s);
        } else if (s->disk < ft_disks_count && s->gen == ft_peer_gen()) {
            g_queue_push_tail(&early_sums, s);
        } else {
            g_free(s);
        }
    }
}

static void ft_copy_forget(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        ft_copy_map_free(ft_disks[i].copy);
        ft_disks[i].copy = NULL;
    }
}

void ft_copy_begin(void)
{
    FtSums *early;

    ft_copy_abort();
    if (ft_copies_nothing()) {
        return;
    }
    for (unsigned i = 0; i < ft_disks_count; i++) {
        ft_disks[i].copy = ft_copy_map_new(ft_disks[i].bytes);
        ft_disks[i].stats.copied_bytes = 0;
    }
    copy_run = g_new0(FtCopyRun, 1);
    copy_run->buf = qemu_memalign(qemu_real_host_page_size(), FT_RUN_BYTES);
    while ((early = g_queue_pop_head(&early_sums))) {
        ft_sums_take(early);
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

uint64_t ft_copy_left(void)
{
    uint64_t left = 0;

    for (unsigned i = 0; i < ft_disks_count; i++) {
        left += ft_disks[i].copy ? ft_copy_map_left(ft_disks[i].copy) : 0;
    }
    return left;
}

bool ft_copy_finish(void)
{
    FtCopyRun *run = copy_run;
    bool equal;

    if (ft_copies_nothing()) {
        return true;
    }
    if (!run) {
        return false;           /* it has failed, and said so */
    }
    run->final = true;
    while (!run->ended) {
        aio_poll(qemu_get_aio_context(), true);
    }
    ft_copy_run_free(run);
    equal = ft_copy_left() == 0;
    ft_copy_forget();
    return equal;
}

void ft_copy_written(FtDisk *d, int64_t offset, int64_t bytes)
{
    if (d->copy) {
        ft_copy_map_written(d->copy, offset, bytes);
    }
}

void coroutine_fn ft_copy_slow_down(FtDisk *d)
{
    if (d->copy && ft_copy_map_rounds(d->copy) >= FT_SLOW_ROUNDS
        && ft_copy_map_left(d->copy) > FT_SLOW_BYTES) {
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, FT_SLOW_NS);
    }
}

bool ft_copy_sums(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                  size_t len, Error **errp)
{
    FtSums *s;

    if (len % sizeof(uint64_t) || len / sizeof(uint64_t) > FT_DISK_SUMS_MAX) {
        error_setg(errp, "disk_sums: %zu bytes", len);
        return false;
    }
    s = g_new0(FtSums, 1);
    s->gen = gen;
    s->disk = disk;
    s->first = first;
    s->n = len / sizeof(uint64_t);
    for (size_t i = 0; i < s->n; i++) {
        s->sums[i] = ldq_le_p(data + i * sizeof(uint64_t));
    }
    g_async_queue_push(arrived_sums, s);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_sums_bh, NULL);
    return true;
}

/* -- secondary ---------------------------------------------------------------------- */

typedef struct FtChunk {
    unsigned gen;               /* of an attach that was given up: not written */
    uint64_t disk, offset;
    GByteArray *data;           /* NULL: make all before this durable       */
    uint64_t ticket;
} FtChunk;

static struct {
    QemuMutex lock;             /* of chunks and bytes                      */
    GQueue chunks;
    size_t bytes;
    uint64_t tickets;           /* atomic                                   */
    uint64_t durable;           /* atomic: ticket                           */
    bool failed;                /* atomic                                   */
    bool writing;               /* main                                     */
    size_t since_flush;         /* main: bytes                              */
} incoming;

static void __attribute__((constructor)) ft_copy_init(void)
{
    qemu_mutex_init(&incoming.lock);
    g_queue_init(&incoming.chunks);
    arrived_sums = g_async_queue_new();
}

/* -- secondary: sums -------------------------------------------------------------- */

static unsigned scan_gen;       /* main; a scan of another one ends         */

static void ft_scan_send(FtDisk *d, uint64_t *first, GByteArray **sums)
{
    uint64_t n = (*sums)->len / sizeof(uint64_t);

    if (n) {
        ft_peer_queue(FT_MSG_DISK_SUMS, d->id, *first, *sums);
        *first += n;
        *sums = g_byte_array_new();
    }
}

static void ft_scan_add(GByteArray *sums, const uint8_t *data, int64_t len)
{
    for (int64_t at = 0; at < len; at += FT_DISK_CHUNK_BYTES) {
        uint64_t sum = cpu_to_le64(ft_hash(data + at, MIN(len - at, FT_DISK_CHUNK_BYTES)));

        g_byte_array_append(sums, (uint8_t *)&sum, sizeof(sum));
    }
}

static bool coroutine_fn ft_scan_disk(FtDisk *d, unsigned gen, uint8_t *buf)
{
    GByteArray *sums = g_byte_array_new();
    uint64_t first = 0;
    bool ok = true;

    for (int64_t at = 0; ok && at < d->bytes; at += FT_RUN_BYTES) {
        int64_t len = ft_part(d, at, FT_RUN_BYTES);
        int ret = ft_image_read(d, at, len, buf);

        ok = gen == scan_gen && ret >= 0;
        if (gen == scan_gen && ret < 0) {
            g_autofree char *what = g_strdup_printf("drive '%s' of the secondary: %s",
                                                    d->name, strerror(-ret));
            ft_load_fail(what);
        }
        if (ok) {
            ft_scan_add(sums, buf, len);
            if (sums->len + FT_RUN_CHUNKS * sizeof(uint64_t)
                > FT_DISK_SUMS_MAX * sizeof(uint64_t)) {
                ft_scan_send(d, &first, &sums);
            }
        }
    }
    if (ok) {
        ft_scan_send(d, &first, &sums);
    }
    g_byte_array_unref(sums);
    return ok;
}

static void coroutine_fn ft_scan_co(void *opaque)
{
    unsigned gen = scan_gen;
    uint8_t *buf = qemu_memalign(qemu_real_host_page_size(), FT_RUN_BYTES);

    while (incoming.writing) {
        /* A chunk of an attach that was given up; none of it begins after this. */
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, FT_COPY_WAIT_NS);
    }
    for (unsigned i = 0; i < ft_disks_count; i++) {
        if (!ft_scan_disk(&ft_disks[i], gen, buf)) {
            break;
        }
    }
    qemu_vfree(buf);
}

/* -- secondary: chunks -------------------------------------------------------------- */

static FtChunk *ft_chunk_pop(void)
{
    FtChunk *c;

    QEMU_LOCK_GUARD(&incoming.lock);
    c = g_queue_pop_head(&incoming.chunks);
    if (c && c->data) {
        incoming.bytes -= c->data->len;
    }
    return c;
}

static void ft_chunk_free(FtChunk *c)
{
    if (c->data) {
        g_byte_array_unref(c->data);
    }
    g_free(c);
}

static int coroutine_fn ft_chunk_write(const FtChunk *c)
{
    FtDisk *d = &ft_disks[c->disk];

    GRAPH_RDLOCK_GUARD();
    if (buffer_is_zero(c->data->data, c->data->len)) {
        return bdrv_co_pwrite_zeroes(d->bs->file, c->offset, c->data->len,
                                     BDRV_REQ_MAY_UNMAP);
    }
    return bdrv_co_pwrite(d->bs->file, c->offset, c->data->len, c->data->data, 0);
}

static int coroutine_fn ft_chunks_flush(unsigned *disk)
{
    int ret = 0;

    GRAPH_RDLOCK_GUARD();
    for (*disk = 0; *disk < ft_disks_count && ret >= 0; ++*disk) {
        ret = bdrv_co_flush(ft_disks[*disk].bs->file->bs);
    }
    return ret;
}

static void coroutine_fn ft_chunks_co(void *opaque)
{
    FtChunk *c;

    while ((c = ft_chunk_pop())) {
        unsigned disk = c->disk;
        int ret = 0;

        if (c->gen == ft_peer_gen()) {
            ret = c->data ? ft_chunk_write(c) : ft_chunks_flush(&disk);
            incoming.since_flush += c->data ? c->data->len : 0;
            if (incoming.since_flush > FT_RUN_BYTES) {
                ft_die_at("die-at-disk-copy");
            }
        }
        if (ret >= 0 && incoming.since_flush > FT_FLUSH_BYTES) {
            /* All of it at the end would look as if the attach stood still. */
            ret = ft_chunks_flush(&disk);
            incoming.since_flush = 0;
        }

        if (ret < 0 && !qatomic_xchg(&incoming.failed, true)) {
            g_autofree char *what = g_strdup_printf(
                "drive '%s' of the secondary: %s",
                ft_disks[MIN(disk, ft_disks_count - 1)].name, strerror(-ret));
            ft_load_fail(what);
        }
        if (!c->data) {
            qatomic_set(&incoming.durable, c->ticket);
        }
        ft_chunk_free(c);
    }
    incoming.writing = false;
}

static void ft_chunks_bh(void *opaque)
{
    if (!incoming.writing) {
        incoming.writing = true;
        qemu_coroutine_enter(qemu_coroutine_create(ft_chunks_co, NULL));
    }
}

static void ft_chunk_push(FtChunk *c)
{
    WITH_QEMU_LOCK_GUARD(&incoming.lock) {
        g_queue_push_tail(&incoming.chunks, c);
        incoming.bytes += c->data ? c->data->len : 0;
    }
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_chunks_bh, NULL);
}

int ft_copy_receive(unsigned gen, uint64_t disk, uint64_t offset, const uint8_t *data, size_t len,
                    Error **errp)
{
    FtChunk *c;

    if (ft_disk_shared() || disk >= ft_disks_count || offset % FT_DISK_CHUNK_BYTES
        || offset >= (uint64_t)ft_disks[disk].bytes
        || len != ft_part(&ft_disks[disk], offset, FT_DISK_CHUNK_BYTES)) {
        error_setg(errp, "disk: %zu bytes at %" PRIu64 " of drive %" PRIu64
                   " are out of place", len, offset, disk);
        return -1;
    }
    if (qatomic_read(&incoming.failed)) {
        error_setg(errp, "disk: it cannot be written");
        return -1;
    }
    WITH_QEMU_LOCK_GUARD(&incoming.lock) {
        if (incoming.bytes > FT_COPY_QUEUE_BYTES) {
            return 0;
        }
    }
    c = g_new0(FtChunk, 1);
    c->gen = gen;
    c->disk = disk;
    c->offset = offset;
    c->data = g_byte_array_sized_new(len);
    g_byte_array_append(c->data, data, len);
    ft_chunk_push(c);
    return 1;
}

uint64_t ft_copy_ask_durable(unsigned gen)
{
    uint64_t ticket = qatomic_inc_fetch(&incoming.tickets);
    FtChunk *c;

    if (ft_copies_nothing()) {
        return ticket;
    }
    c = g_new0(FtChunk, 1);
    c->gen = gen;
    c->ticket = ticket;
    ft_chunk_push(c);
    return ticket;
}

bool ft_copy_has_failed(void)
{
    return qatomic_read(&incoming.failed);
}

bool ft_copy_is_durable(uint64_t ticket)
{
    return ft_copies_nothing() || qatomic_read(&incoming.durable) >= ticket;
}

bool ft_copy_load_begin(Error **errp)
{
    qatomic_set(&incoming.failed, false);
    scan_gen++;
    /*
     * Images of a QEMU that waits for its state are not open for writing yet: those of
     * the drives below, and all others, which a device may write to when it is loaded
     * (a pflash writes all that it holds).
     */
    bdrv_activate_all(errp);
    if (*errp) {
        return false;
    }
    if (!ft_disks_count) {
        return true;
    }
    qemu_coroutine_enter(qemu_coroutine_create(ft_scan_co, NULL));
    return true;
}

void ft_copy_load_abort(void)
{
    scan_gen++;
}
