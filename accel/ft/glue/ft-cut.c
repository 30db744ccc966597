/*
 * The cut: the guest stops for a moment, and the secondary gets all that makes it equal.
 *
 * Stop, run what is queued, save the devices, and LOAD THEM AGAIN ON THE PRIMARY TOO, so
 * that both nodes went through the same save and load and start with the same hidden
 * state. Only RAM is not loaded twice; RUN_STATE_RESTORE_VM keeps the reset before the load
 * from writing ROM images into it (design section 6).
 *
 * Main, RL + BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "block/aio.h"
#include "migration/global_state.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "../migration/migration.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"
#include "accel/ft/glue/trace.h"

#define FT_LOG_RING_BYTES (64 * MiB)
#define FT_QUIESCE_MAX 1000
/* So long the cut waits in all for requests that are under way: a host's disk may hang. */
#define FT_QUIET_NS (400 * SCALE_MS)
#define FT_STOPS_MAX 5
/* What a machine's devices take that was never saved yet. */
#define FT_DEVICES_BYTES (256 * KiB)

static size_t devices_bytes = FT_DEVICES_BYTES; /* what they took at the last cut */

uint64_t ft_cut_devices_bytes(void)
{
    return devices_bytes;
}

bool ft_main_loop_owes(void)
{
    return qemu_reset_requested_get() || qemu_shutdown_requested_get();
}

static bool ft_disks_are_quiet(void *opaque)
{
    return ft_disk_in_flight() == 0;
}

/* The vCPU waits for us meanwhile, so nothing new is asked. False: some have no answer. */
static bool ft_wait_for_disks(uint64_t deadline_ns)
{
    bool quiet;

    ft_io_main_looks(true);
    quiet = ft_poll_until(ft_disks_are_quiet, NULL, deadline_ns);
    ft_io_main_looks(false);
    return quiet;
}

/* The first drive that owes answers; there is one. */
static char *ft_slow_disk(void)
{
    const FtDiskStats *s = NULL;

    for (unsigned i = 0; (s = ft_disk_stats(i)) && !s->in_flight; i++) {
    }
    return g_strdup_printf("the cut: drive '%s' has not answered for %d ms (%" PRIu64
                           " requests)", s ? s->name : "?", (int)(FT_QUIET_NS / SCALE_MS),
                           s ? s->in_flight : 0);
}

/*
 * Events that are queued but not in the log yet would be lost at the cut. They
 * run while the guest still counts as running: a NIC that is stopped puts a
 * packet aside and gives it to the guest at the start, on this node only.
 * NULL, or why it cannot be; the caller's to free.
 */
static char *ft_quiesce(uint64_t deadline_ns)
{
    for (int i = 0; i < FT_QUIESCE_MAX; i++) {
        if (!ft_wait_for_disks(deadline_ns)) {
            return ft_slow_disk();
        }
        if (ft_main_loop_owes()) {
            break;
        }
        if (replay_can_snapshot()) {
            return NULL;
        }
        replay_async_events();
    }
    return g_strdup("the cut: events keep coming");
}

static char *ft_stop_quiet(bool was_running)
{
    uint64_t deadline_ns = ft_now_ns() + FT_QUIET_NS;

    for (int i = 0; i < FT_STOPS_MAX; i++) {
        char *why = ft_quiesce(deadline_ns);

        if (why || !was_running) {
            return why;
        }
        vm_stop(RUN_STATE_RESTORE_VM);
        if (replay_can_snapshot() && !ft_disk_in_flight()) {
            return NULL;
        }
        vm_start();
    }
    return g_strdup("the cut: events keep coming");
}

/* Nothing the secondary could go live with has been sent: the guest runs on. */
static void ft_cut_failed(bool was_running, const char *what)
{
    ft_attach_fail(what);
    if (was_running) {
        vm_start();
    }
}

/* The last pages, and the devices' state, which this node loads as well. */
static bool ft_cut_send(void)
{
    QEMUFile *file = ft_stream_file();
    GByteArray *blob;

    qemu_savevm_live_state(file);
    /* The loader wants a description; an empty one will do. */
    qemu_put_byte(file, QEMU_VM_VMDESCRIPTION);
    qemu_put_be32(file, 0);
    ft_stream_flush();
    ft_stream_close(MIGRATION_STATUS_COMPLETED);

    global_state_store();
    blob = ft_save_devices();
    if (blob && blob->len > FT_WIRE_BODY_MAX) {
        g_byte_array_unref(blob);
        return false;
    }
    if (!blob || !ft_restore_devices(blob)) {
        /* Saved and loaded by one process: if that fails it is our own fault. */
        error_report("ft: the cut: cannot load the device state just saved");
        abort();
    }
    devices_bytes = blob->len;
    ft_node.attach_bytes += blob->len;
    ft_link_send(FT_MSG_DEVICES, blob);
    return true;
}

/* From here on all that the guest does is in the log, and output is held. */
static void ft_cut_begin_log(bool was_running)
{
    static FtLogWriter *writer; /* of the attach before; freed at the next  */

    ftc_log_writer_free(writer);
    writer = ftc_log_writer_new(FT_LOG_RING_BYTES);
    ft_output_set(FT_OUTPUT_KEEP);
    ft_output_restart();
    ft_link_start_log(writer);
    ft_digest_begin();
    ft_disk_begin();
    ft_settle_cpu();
    if (was_running) {
        vm_start();
    }
    if (ft_node.config.digest_ns && was_running) {
        /* The first event of the log proves that both start from the same state. */
        ft_digest_take(ft_node.config.digest_dir != NULL, &error_abort);
    }
}

static void ft_cut_now(void)
{
    uint64_t start_ns = ft_now_ns();
    bool was_running = runstate_is_running();
    g_autofree char *why = NULL;

    ft_die_at("die-at-cut");
    ft_slow_set(0);
    ft_copy_hurry();
    why = ft_link_log_is_unused() ? ft_stop_quiet(was_running)
                                  : g_strdup("the cut: ft-log-file= of the last attach hangs");
    if (why) {
        ft_attach_fail(why);
        return;
    }
    why = ft_copy_finish(FT_QUIET_NS);
    if (why) {
        ft_cut_failed(was_running, why);
        return;
    }
    if (!ft_cut_send()) {
        ft_cut_failed(was_running, "the cut: the devices' state is larger than a message");
        return;
    }
    ft_cut_begin_log(was_running);
    ft_node.attach_pause_ns = ft_now_ns() - start_ns;
    ft_node.attach_ns = ft_now_ns() - ft_node.attach_start_ns;
    ft_node.attach_left = 0;
    ft_attach_be_patient();
    trace_ft_cut(icount_get_raw(), devices_bytes, ft_node.attach_pause_ns);
    /* At once: whatever is posted from here on happened after the cut. */
    ft_input(FT_IN_CUT_DONE, 0, NULL, &error_abort);
}

/*
 * It polls for completions of the disks, and what polls runs bottom halves: what
 * they bring of this attach waits until the cut is over.
 */
void ft_cut(void)
{
    ft_node.posts_wait = true;
    ft_pause_lift();
    ft_cut_now();
    ft_pause_again();
    ft_node.posts_wait = false;
    ft_post_again();
}
