/*
 * Completions by the log: the DISK event that a node records for a request, and what the
 * other node does with it.
 *
 * RL + BQL, in the main loop or in the vCPU thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "block/ft-filter/glue/ft-disk.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "hw/core/cpu.h"
#include "qemu/main-loop.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

/* The DISK event at the head of the log, when its fields have been read. */
static struct {
    bool loaded;
    unsigned disk;
    uint64_t id, hash;
    int64_t status;
    const uint8_t *data;        /* of a read, with one image for both nodes */
    size_t len;
} head;

/* Recording: the completion belongs to this instruction. */
void ft_disk_log(FtDiskRequest *r)
{
    bool data = ft_disk_logs_data(r);

    g_assert(replay_mutex_locked());
    replay_save_instructions();
    replay_put_event(EVENT_DISK);
    replay_put_dword(r->disk->id);
    replay_put_qword(r->id);
    replay_put_qword(r->ret);
    replay_put_qword(r->hash);
    replay_put_array(r->buf, data ? r->bytes : 0);
}

static bool ft_disk_is_head(const FtDiskRequest *r)
{
    return head.loaded && head.disk == r->disk->id && head.id == r->id;
}

void ft_disk_answered(FtDiskRequest *r)
{
    r->done = true;
    if (ft_disk_is_head(r)) {
        qemu_cpu_kick(first_cpu);
    }
}

static FtDiskRequest *ft_disk_find(unsigned disk, uint64_t id)
{
    FtDiskRequest *r;

    if (disk < ft_disks_count) {
        QTAILQ_FOREACH(r, &ft_disks[disk].requests, next) {
            if (r->id == id) {
                return r;
            }
        }
    }
    return NULL;
}

/* Atomic: the last frame before that event; without one, no limit. */
static uint64_t executed_limit = UINT64_MAX;

static void ft_disk_load_head(void)
{
    qatomic_set_mb(&executed_limit, ft_log_next_seq() - 1);
    head.disk = replay_get_dword();
    head.id = replay_get_qword();
    head.status = (int64_t)replay_get_qword();
    head.hash = replay_get_qword();
    /* It stays the log's, and there, until this event is finished. */
    replay_log->get_array(&head.data, &head.len);
    head.loaded = true;
}

void ft_disk_unload_head(void)
{
    head.loaded = false;
    qatomic_set_mb(&executed_limit, UINT64_MAX);
}

uint64_t ft_disk_executed_limit(void)
{
    return qatomic_read(&executed_limit);
}

/* With one image for both nodes, what the primary has read is what this one has. */
static bool ft_disk_take_data(FtDiskRequest *r)
{
    if (!ft_disk_shared() || ft_node.config.disk_reads || r->op != FT_DISK_READ
        || head.status < 0) {
        return true;
    }
    if (head.len != r->bytes) {
        g_autofree char *what = g_strdup_printf(
            "drive '%s': read of %" PRId64 " bytes, the log holds %zu", r->disk->name,
            r->bytes, head.len);

        ft_log_diverged(what);
        return false;
    }
    memcpy(r->buf, head.data, head.len);
    r->hash = ft_disk_hash(r);
    return true;
}

/*
 * The secondary reads the image ahead of the event, so that the guest need not wait
 * for it. The primary may have been in the middle of a write there by then; it is
 * not any more.
 */
static bool ft_disk_reads_again(FtDiskRequest *r)
{
    if (!ft_node.config.disk_reads || r->op != FT_DISK_READ || r->read_again
        || r->ret < 0 || head.status < 0 || r->hash == head.hash) {
        return false;
    }
    r->read_again = true;
    r->again = true;
    r->done = false;
    aio_co_wake(r->co);
    return true;
}

/* False names what this node's image did otherwise than the primary's. */
static bool ft_disk_agrees(const FtDiskRequest *r)
{
    g_autofree char *what = NULL;

    if (r->ret < 0 && head.status >= 0) {
        what = g_strdup_printf("drive '%s': this node's image failed a %s of %" PRId64
                               " bytes at %" PRId64 ": %s", r->disk->name,
                               ft_disk_op_name(r->op), r->bytes, r->offset, strerror(-r->ret));
    } else if (r->ret >= 0 && head.status >= 0 && r->hash != head.hash) {
        what = g_strdup_printf("drive '%s': %s of %" PRId64 " bytes at %" PRId64
                               ": the images of the nodes, or their requests, differ",
                               r->disk->name, ft_disk_op_name(r->op), r->bytes, r->offset);
    }
    if (what) {
        ft_log_diverged(what);
    }
    return !what;
}

static void ft_disk_release(FtDiskRequest *r)
{
    r->event_came = true;
    aio_co_wake(r->co);
}

bool ft_disk_event(void)
{
    FtDiskRequest *r;

    if (!head.loaded) {
        ft_disk_load_head();
    }
    r = ft_disk_find(head.disk, head.id);
    if (!r) {
        g_autofree char *what = g_strdup_printf(
            "completion of request %" PRIu64 " of drive %u, which was not made",
            head.id, head.disk);

        ft_log_diverged(what);
        return false;
    }
    if (!r->done) {
        ft_io_look();
    }
    if (!r->done || !ft_disk_take_data(r) || ft_disk_reads_again(r)
        || !ft_disk_agrees(r)) {
        return false;           /* ft_disk_answered() kicks the vCPU */
    }
    r->ret = head.status;
    ft_disk_unload_head();
    if (ft_node.config.disk_reads && r->op == FT_DISK_READ) {
        ft_log_report_frame();  /* a write of the primary may wait for that */
    }
    replay_finish_event();
    ft_disk_release(r);
    return true;
}

bool ft_disk_event_ready(void)
{
    FtDiskRequest *r = head.loaded ? ft_disk_find(head.disk, head.id) : NULL;

    return !head.loaded || (r && r->done) || ft_io_ready();
}

/*
 * With one image for both nodes there is no answer of our own. A guest that drains
 * resets its device and looks at none; a write that was under way then may have
 * been done by the primary, or not at all.
 */
static void ft_disk_without_answer(FtDiskRequest *r)
{
    if (ft_disk_shared() && r->op == FT_DISK_READ && !ft_node.config.disk_reads) {
        memset(r->buf, 0, r->bytes);
        r->ret = -EIO;
    }
}

/* What the log does not say any more: our own image's answers count. */
void ft_disk_release_done(void)
{
    for (unsigned i = 0; i < ft_disks_count; i++) {
        FtDiskRequest *r, *next;

        QTAILQ_FOREACH_SAFE(r, &ft_disks[i].requests, next, next) {
            if (r->done && !r->event_came) {
                ft_disk_without_answer(r);
                if (replay_mode == REPLAY_MODE_RECORD) {
                    ft_disk_log(r);
                }
                ft_disk_release(r);
            }
        }
    }
}
