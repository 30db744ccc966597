/*
 * The secondary's side of the copy at an attach: it tells what its images hold, and
 * writes what the primary's hold instead (ft-disk-copy.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-link.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "qemu/units.h"
#include "block/block-global-state.h"
#include "block/block-io.h"
#include "qemu/coroutine.h"
#include "qemu/cutils.h"
#include "qemu/lockable.h"
#include "qemu/main-loop.h"

/* The receiver waits while so much is to be written: TCP holds the primary back. */
#define FT_INCOMING_BYTES (16 * MiB)
#define FT_FLUSH_BYTES (64 * MiB)
#define FT_LOAD_WAIT_NS (1 * SCALE_MS)
/* Sums that are fewer than a message holds wait so long for company. */
#define FT_TELL_NS (200 * SCALE_MS)

/* Data, a run of zeros, or neither: then all before this is to be made durable. */
typedef struct FtChunk {
    unsigned gen;               /* of an attach that was given up: not written */
    uint64_t disk, offset;
    GByteArray *data;
    uint64_t zeros;             /* bytes                                    */
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

static void __attribute__((constructor)) ft_disk_load_init(void)
{
    qemu_mutex_init(&incoming.lock);
    g_queue_init(&incoming.chunks);
}

static void (*load_fails)(const char *what);

static void ft_load_disk_fail(const FtDisk *d, int ret)
{
    g_autofree char *what = g_strdup_printf("drive '%s' of the secondary: %s", d->name,
                                            strerror(-ret));
    load_fails(what);
}

/* -- what our image holds --------------------------------------------------------- */

static unsigned scan_gen;       /* main; a scan of another one ends         */

/* What is known and was not told yet: zeros, or sums, never both. */
typedef struct FtTell {
    FtDisk *d;
    uint64_t first;             /* chunk                                    */
    uint64_t zeros;
    GByteArray *sums;
    uint64_t since_ns;
} FtTell;

static void ft_tell(FtTell *t)
{
    uint64_t sums = t->sums->len / sizeof(uint64_t);

    if (t->zeros) {
        GByteArray *body = g_byte_array_new();

        g_byte_array_set_size(body, FT_DISK_ZEROS_BYTES);
        ftc_disk_zeros_encode(t->zeros, body->data);
        ft_link_queue(FT_MSG_DISK_ZEROS, t->d->id, t->first, body);
        t->first += t->zeros;
        t->zeros = 0;
    } else if (sums) {
        ft_link_queue(FT_MSG_DISK_SUMS, t->d->id, t->first, t->sums);
        t->first += sums;
        t->sums = g_byte_array_new();
    }
    t->since_ns = ft_now_ns();
}

static void ft_tell_more(FtTell *t, const FtLook *l)
{
    if (l->zeros ? t->sums->len > 0 : t->zeros > 0) {
        ft_tell(t);
    }
    if (l->zeros) {
        t->zeros += l->n;
    } else {
        for (uint64_t i = 0; i < l->n; i++) {
            uint64_t sum = cpu_to_le64(l->sums[i]);

            g_byte_array_append(t->sums, (uint8_t *)&sum, sizeof(sum));
        }
    }
    if (t->sums->len / sizeof(uint64_t) + FT_LOOK_CHUNKS > FT_DISK_SUMS_MAX
        || ft_now_ns() - t->since_ns > FT_TELL_NS) {
        ft_tell(t);
    }
}

static bool coroutine_fn ft_scan_disk(FtDisk *d, unsigned gen, FtLook *l, FtSlice *slice)
{
    FtTell t = { .d = d, .sums = g_byte_array_new(), .since_ns = ft_now_ns() };
    uint64_t chunks = ft_disk_chunks(d);
    int ret = 0;

    for (uint64_t at = 0; ret >= 0 && at < chunks && gen == scan_gen; at += l->n) {
        ret = ft_look(l, d, at, chunks - at);
        if (ret >= 0 && gen == scan_gen) {
            ft_tell_more(&t, l);
        }
        ft_slice_step(slice);
    }
    if (gen == scan_gen) {
        ret < 0 ? ft_load_disk_fail(d, ret) : ft_tell(&t);
    }
    g_byte_array_unref(t.sums);
    return ret >= 0 && gen == scan_gen;
}

static void coroutine_fn ft_scan_co(void *opaque)
{
    unsigned gen = scan_gen;
    FtLook *l = ft_look_new();
    FtSlice slice = { 0 };

    while (incoming.writing) {
        /* A chunk of an attach that was given up; none of it begins after this. */
        qemu_co_sleep_ns(QEMU_CLOCK_REALTIME, FT_LOAD_WAIT_NS);
    }
    ft_slice_begin(&slice, false);
    for (unsigned i = 0; i < ft_disks_count; i++) {
        if (!ft_scan_disk(&ft_disks[i], gen, l, &slice)) {
            break;
        }
    }
    ft_look_free(l);
}

/* -- what it shall hold ------------------------------------------------------------ */

static size_t ft_chunk_weight(const FtChunk *c)
{
    return c->data ? c->data->len : c->zeros;
}

static FtChunk *ft_chunk_pop(void)
{
    FtChunk *c;

    QEMU_LOCK_GUARD(&incoming.lock);
    c = g_queue_pop_head(&incoming.chunks);
    if (c) {
        incoming.bytes -= ft_chunk_weight(c);
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
    int64_t len = ft_chunk_weight(c);

    GRAPH_RDLOCK_GUARD();
    if (!c->data || buffer_is_zero(c->data->data, len)) {
        return bdrv_co_pwrite_zeroes(d->bs->file, c->offset, len, BDRV_REQ_MAY_UNMAP);
    }
    return bdrv_co_pwrite(d->bs->file, c->offset, len, c->data->data, 0);
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

static int coroutine_fn ft_chunk_do(const FtChunk *c, unsigned *disk)
{
    bool writes = ft_chunk_weight(c) > 0;
    int ret = 0;

    *disk = c->disk;
    if (c->gen == ft_peer_gen()) {
        ret = writes ? ft_chunk_write(c) : ft_chunks_flush(disk);
        incoming.since_flush += writes ? FT_DISK_CHUNK_BYTES : 0;
        if (incoming.since_flush > FT_LOOK_CHUNKS * FT_DISK_CHUNK_BYTES) {
            ft_die_at("die-at-disk-copy");
        }
    }
    if (ret >= 0 && incoming.since_flush > FT_FLUSH_BYTES) {
        /* All of it at the end would look as if the attach stood still. */
        ret = ft_chunks_flush(disk);
        incoming.since_flush = 0;
    }
    return ret;
}

static void coroutine_fn ft_chunks_co(void *opaque)
{
    FtChunk *c;
    FtSlice slice = { 0 };

    ft_slice_begin(&slice, false);
    while ((c = ft_chunk_pop())) {
        unsigned disk;
        int ret = ft_chunk_do(c, &disk);

        if (ret < 0 && !qatomic_xchg(&incoming.failed, true)) {
            ft_load_disk_fail(&ft_disks[MIN(disk, ft_disks_count - 1)], ret);
        }
        if (c->ticket) {
            qatomic_set(&incoming.durable, c->ticket);
        }
        ft_chunk_free(c);
        ft_slice_step(&slice);
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

static FtChunk *ft_chunk_new(unsigned gen, uint64_t disk, uint64_t offset)
{
    FtChunk *c = g_new0(FtChunk, 1);

    c->gen = gen;
    c->disk = disk;
    c->offset = offset;
    return c;
}

static void ft_chunk_push(FtChunk *c)
{
    WITH_QEMU_LOCK_GUARD(&incoming.lock) {
        g_queue_push_tail(&incoming.chunks, c);
        incoming.bytes += ft_chunk_weight(c);
    }
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_chunks_bh, NULL);
}

/* 1: there is room for more, 0: not yet, -1: it is of no use any more. */
static int ft_chunks_room(Error **errp)
{
    if (qatomic_read(&incoming.failed)) {
        error_setg(errp, "disk: it cannot be written");
        return -1;
    }
    QEMU_LOCK_GUARD(&incoming.lock);
    return incoming.bytes <= FT_INCOMING_BYTES;
}

int ft_copy_receive(unsigned gen, uint64_t disk, uint64_t offset, const uint8_t *data,
                    size_t len, Error **errp)
{
    FtChunk *c;
    int room;

    if (ft_disk_shared() || disk >= ft_disks_count || offset % FT_DISK_CHUNK_BYTES
        || offset >= (uint64_t)ft_disks[disk].bytes
        || len != ft_chunks_bytes(&ft_disks[disk], offset / FT_DISK_CHUNK_BYTES, 1)) {
        error_setg(errp, "disk: %zu bytes at %" PRIu64 " of drive %" PRIu64
                   " are out of place", len, offset, disk);
        return -1;
    }
    room = ft_chunks_room(errp);
    if (room > 0) {
        c = ft_chunk_new(gen, disk, offset);
        c->data = g_byte_array_sized_new(len);
        g_byte_array_append(c->data, data, len);
        ft_chunk_push(c);
    }
    return room;
}

int ft_copy_receive_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                          size_t len, Error **errp)
{
    FtError why = { "" };
    FtChunk *c;
    uint64_t n;
    int room;

    if (ft_disk_shared() || disk >= ft_disks_count) {
        error_setg(errp, "disk_zeros: there is no drive %" PRIu64, disk);
        return -1;
    }
    if (!ftc_disk_zeros_decode(data, len, &n, &why)
        || !ftc_disk_zeros_check(ft_disks[disk].bytes, first, n, &why)) {
        error_setg(errp, "%s", why.text);
        return -1;
    }
    room = ft_chunks_room(errp);
    if (room > 0) {
        c = ft_chunk_new(gen, disk, first * FT_DISK_CHUNK_BYTES);
        c->zeros = ft_chunks_bytes(&ft_disks[disk], first, n);
        ft_chunk_push(c);
    }
    return room;
}

uint64_t ft_copy_ask_durable(unsigned gen)
{
    uint64_t ticket = qatomic_inc_fetch(&incoming.tickets);
    FtChunk *c;

    if (ft_copies_nothing()) {
        return ticket;
    }
    c = ft_chunk_new(gen, 0, 0);
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

bool ft_copy_load_begin(void (*fails)(const char *what), Error **errp)
{
    load_fails = fails;
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
