/*
 * Attach: bring a secondary to the primary's state (design section 6). The primary's rounds.
 *
 * RAM is copied by QEMU's own migration code in short slices from the main
 * loop, which holds RL and BQL, so that no page is written while it is read and
 * no migration thread meets record/replay. Then comes the cut (ft-cut.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-link.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "qemu/units.h"
#include "exec/ramlist.h"
#include "exec/target_page.h"
#include "qemu/bitmap.h"
#include "qemu/main-loop.h"
#include "qemu/rcu.h"
#include "qemu/timer.h"
#include "system/cpus.h"
#include "system/runstate.h"
#include "../migration/migration.h"
#include "../migration/ram.h"
#include "../migration/migration-stats.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"
#include "accel/ft/glue/trace.h"

#define FT_SLICE_BYTES (4 * MiB)
#define FT_LOOK_NS (5 * SCALE_MS)
/*
 * How long nothing may arrive before an attach is given up: that is about the link and
 * the secondary, whatever ft-timeout is.
 */
#define FT_STILL_NS (10 * NANOSECONDS_PER_SECOND)
/* migration_rate_set() wants bytes per second and divides by ten. */
#define FT_RATE_UNITS 10

/*
 * Before the cut the secondary has to be ready to load what the cut brings:
 * while it works off a queue of RAM the guest's output would wait for it.
 */
typedef enum FtMark { FT_MARK_NONE, FT_MARK_ASKED, FT_MARK_BACK } FtMark;

static struct {
    QEMUTimer *timer;
    QEMUBH *bh;
    FtAttachPace *pace;
    bool closing;               /* the next cut follows on the next mark    */
    uint64_t moved_ns;          /* when something was last seen to move     */
    FtMark mark;                /* atomic                                   */
} attach;

static void ft_attach_moves(void)
{
    attach.moved_ns = ft_now_ns();
}

/* What the link has done until now. False: nothing has moved for too long. */
static bool ft_attach_follow_link(void)
{
    g_autofree char *text = NULL;
    uint64_t now_ns = ft_now_ns(), under_way = ft_link_under_way();
    FtAttachStats s;

    ftc_attach_pace_link(attach.pace, now_ns, ft_node.attach_bytes, under_way);
    ftc_attach_pace_stats(attach.pace, &s);
    ft_node.attach = s;
    attach.moved_ns = MAX(attach.moved_ns, s.moved_ns);
    if (now_ns - attach.moved_ns < FT_STILL_NS) {
        return true;
    }
    text = g_strdup_printf("%s: nothing has moved for %u s, %" PRIu64 " MiB are left",
                           under_way ? "the link to the secondary carries nothing"
                                     : "the secondary does not load the state",
                           (unsigned)(FT_STILL_NS / NANOSECONDS_PER_SECOND),
                           DIV_ROUND_UP(ft_node.attach_left + under_way, MiB));
    ft_attach_fail(text);
    return false;
}

/* -- the pass ----------------------------------------------------------------- */

/* Bytes of the pages that the guest has written to since the last look. */
static uint64_t ft_written_bytes(void)
{
    DirtyMemoryBlocks *dirty;
    uint64_t pages = 0;

    RCU_READ_LOCK_GUARD();
    dirty = qatomic_rcu_read(&ram_list.dirty_memory[DIRTY_MEMORY_MIGRATION]);
    for (unsigned i = 0; i < ram_list.num_dirty_blocks; i++) {
        pages += bitmap_count_one(dirty->blocks[i], DIRTY_MEMORY_BLOCK_SIZE);
    }
    return pages * qemu_target_page_size();
}

/* Looks at what the guest has written to, and asks how to go on. */
static FtAttachVerdict ft_attach_look(void)
{
    FtAttachLook look = { .written = ft_written_bytes() };
    uint64_t must, can;
    FtAttachVerdict verdict;

    qemu_savevm_state_pending_estimate(&must, &can);
    look.left_before = must + can;
    /* Written for the migration thread, it takes the BQL; RL keeps the
     * vCPU out of the guest meanwhile. */
    bql_unlock();
    qemu_savevm_state_pending_exact(&must, &can);
    bql_lock();
    look.left = must + can;
    look.now_ns = ft_now_ns();
    look.beside = ft_copy_left() + ft_cut_devices_bytes();
    ft_node.attach_left = look.left + ft_copy_left();
    verdict = ftc_attach_pace_look(attach.pace, &look);
    ftc_attach_pace_stats(attach.pace, &ft_node.attach);
    ft_slow_set(ft_node.attach.slowed);
    trace_ft_attach_look(ft_node.attach.looks, look.left, look.written, ft_node.attach_bytes,
                         ft_node.attach.link_rate, ft_node.attach.slowed, verdict);
    return verdict;
}

/*
 * A look at the end of a pass, or because it is time for one. Before the cut the
 * secondary has to have loaded what was sent: it is asked behind the last pass, and that
 * one's look says whether the rest is still small enough. True: the attach is over, or cut.
 */
static bool ft_attach_decide(bool done)
{
    bool caught_up = done && qatomic_read(&attach.mark) == FT_MARK_BACK;
    FtAttachVerdict verdict = ft_attach_look();
    FtError why = { "" };

    qatomic_set(&attach.mark, FT_MARK_NONE);
    attach.closing = verdict == FT_ATTACH_CUT && !ft_main_loop_owes();
    if (verdict == FT_ATTACH_GIVE_UP) {
        ftc_attach_pace_why(attach.pace, &why);
        ft_attach_fail(why.text);
        return true;
    }
    if (attach.closing && caught_up) {
        ft_cut();
        return true;
    }
    return false;
}

bool ft_attach_drives_first(void)
{
    return !ft_copy_told_all() || ft_copy_left() > ft_copy_few();
}

/* One slice of memory; the guest runs between two of them. 1: all that is known to be
 * dirty has been sent, 0: there is more, -1: it failed. */
static int ft_attach_send_slice(void)
{
    int done;

    ft_die_at("die-at-ram-pass");
    migration_rate_set(ftc_attach_pace_slice(attach.pace, FT_SLICE_BYTES) * FT_RATE_UNITS);
    migration_rate_reset();
    done = qemu_savevm_state_iterate(ft_stream_file(), false);
    ft_stream_flush();
    return done < 0 || qemu_file_get_error(ft_stream_file()) ? -1 : done;
}

/* Memory is added to the queue while no more than this is in it. The drives, which may
 * queue a slice, so come before the memory. */
static uint64_t ft_attach_room(void)
{
    uint64_t slice = ftc_attach_pace_slice(attach.pace, FT_SLICE_BYTES);

    return ft_copy_left() ? slice / 2 : 2 * slice;
}

/* The link, the drives or the secondary first: looks again soon. True: it has to wait. */
static bool ft_attach_waits(void)
{
    if (ft_attach_drives_first()) {
        /* First the drives, which are larger: RAM would only get dirty again. */
        ft_node.attach_left = ram_bytes_total() + ft_copy_left();
    } else if (qatomic_read(&attach.mark) != FT_MARK_ASKED
               && ft_link_queued() <= ft_attach_room()) {
        return false;
    }
    timer_mod(attach.timer, ft_now_ns() + FT_LOOK_NS);
    return true;
}

static void ft_attach_slice(void *opaque)
{
    uint64_t start_ns = ft_now_ns();
    int done;

    if (ft_node.posts_wait || !ft_attach_active()) {
        return;
    }
    if (qemu_in_vcpu_thread()) {
        qemu_bh_schedule(attach.bh);    /* inside of a guest's instruction */
        return;
    }
    if (!ft_attach_follow_link() || ft_attach_waits()) {
        return;
    }
    done = ft_attach_send_slice();
    if (done < 0) {
        ft_attach_fail("the RAM pass failed");
        return;
    }
    if (!ft_attach_follow_link()) {
        return;
    }
    if (done && attach.closing && qatomic_read(&attach.mark) == FT_MARK_NONE) {
        qatomic_set(&attach.mark, FT_MARK_ASKED);
        ft_link_send(FT_MSG_MARK, NULL);
    } else if ((done || ftc_attach_pace_due(attach.pace, start_ns)) && ft_attach_decide(done)) {
        return;
    }
    if (runstate_is_running()) {
        timer_mod(attach.timer, ft_now_ns() + (ft_now_ns() - start_ns));
    } else {
        qemu_bh_schedule(attach.bh);
    }
}

static void ft_attach_sent(void)
{
    if (attach.bh) {
        qemu_bh_schedule(attach.bh);
    }
}

static void ft_attach_mark_back(void)
{
    if (qatomic_cmpxchg(&attach.mark, FT_MARK_ASKED, FT_MARK_BACK) == FT_MARK_ASKED) {
        ft_attach_sent();
    }
}

static const FtAttachListener attach_listener = {
    .sent = ft_attach_sent,
    .caught_up = ft_attach_mark_back,
    .sums = ft_copy_sums,
    .zeros = ft_copy_told_zeros,
};

void ft_attach_start(void)
{
    ft_link_attach_listener(&attach_listener);
}

void ft_attach_begin(uint64_t epoch)
{
    Error *err = NULL;

    ft_link_set_epoch(epoch);
    memset(&ft_node.takeover, 0, sizeof(ft_node.takeover));
    if (!attach.bh) {
        attach.bh = qemu_bh_new(ft_attach_slice, NULL);
        attach.timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_attach_slice, NULL);
    }
    if (!ft_stream_open(FT_SLICE_BYTES, &err)) {
        ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0, error_get_pretty(err));
        error_free(err);
        return;
    }
    ftc_attach_pace_free(attach.pace);
    attach.pace = ftc_attach_pace_new(ft_now_ns(), ram_bytes_total());
    g_assert(attach.pace);
    attach.closing = false;
    attach.mark = FT_MARK_NONE;
    ft_node.attach_bytes = 0;
    ft_node.attach_covered = 0;
    ft_node.attach = (FtAttachStats) {};
    ft_node.attach_left = ram_bytes_total();
    ft_node.attach_start_ns = ft_now_ns();
    ft_node.attach_ns = 0;
    ft_attach_moves();
    qemu_savevm_state_header(ft_stream_file());
    if (qemu_savevm_state_setup(ft_stream_file(), &err) != 0) {
        ft_attach_fail(err ? error_get_pretty(err) : "the RAM pass cannot be set up");
        error_free(err);
        return;
    }
    ft_stream_flush();
    ft_copy_begin(ft_attach_moves);
    qemu_bh_schedule(attach.bh);
}
