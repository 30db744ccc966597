/*
 * Replaying: what replay/ asks for comes from the log that the receiver fills.
 *
 * A frame is all that is recorded between taking and releasing the replay mutex (design
 * section 4); here whole frames only are seen, so every read inside an event finds its
 * data, and every frame boundary is a point to go live.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/units.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/cpu-timers.h"
#include "system/cpus.h"
#include "system/replay.h"
#include "replay/replay-internal.h"
#include "hw/core/cpu.h"

#define FT_RING_BYTES (64 * MiB)

static FtLogReader *reader;     /* fed by the receiver, read under RL       */
static bool replaying;          /* the reader is replay's, RL               */
static bool draining;           /* RL                                       */
static bool diverged;           /* RL                                       */
static const char *about;       /* RL: the drive that is putting out, or NULL */
static QEMUBH *drain_bh;
static const FtLogCarrier *carrier;     /* written at start                  */

void ft_replay_carrier(const FtLogCarrier *of_replay)
{
    carrier = of_replay;
}

static bool ft_log_is_over(void)
{
    return !carrier || carrier->is_over();
}

void ft_log_diverged(const char *what)
{
    g_autofree char *text = NULL;

    if (diverged || replay_mode != REPLAY_MODE_PLAY) {
        return;
    }
    diverged = true;
    text = g_strdup_printf("diverged at instruction %" PRIu64 ", event %u (%u) of the "
                           "log, frame %" PRIu64 ": %s%s%s%s",
                           replay_state.current_icount, replay_state.current_event,
                           replay_state.data_kind, ftc_log_consumed_seq(reader),
                           about ? "drive '" : "", about ?: "", about ? "': " : "", what);
    error_report("ft: %s", text);
    ft_post(0, FT_IN_DIVERGED, 0, text);
}

void ft_log_about(const char *drive)
{
    about = drive;
}

bool ft_log_readable(void)
{
    return replaying && !diverged && ftc_log_available(reader)
        && !(ftc_fault("stand-still") && ftc_log_consumed_seq(reader) > 100);
}

/* The last event of a frame is behind us when the next frame's first one is read,
 * or at once if no field of it is left. */
static struct {
    bool due;
    uint64_t told_seq;
} report;                       /* RL                                       */

static void ft_log_report_due(void)
{
    if (report.due && ftc_log_consumed_seq(reader) > report.told_seq) {
        report.due = false;
        report.told_seq = ftc_log_consumed_seq(reader);
        if (carrier) {
            carrier->report();
        }
    }
}

void ft_log_report_frame(void)
{
    report.due = true;
    ft_log_report_due();
}

bool ft_log_get_event_op(unsigned *event)
{
    unsigned qemu;
    uint8_t wire;

    if (!ft_log_readable()) {
        if (draining) {
            qemu_bh_schedule(drain_bh);
        }
        return false;
    }
    if (!ftc_log_get_event(reader, &wire) || (qemu = ft_event_from_wire(wire)) == EVENT_COUNT) {
        ft_log_diverged("an event that this build does not know");
        return false;
    }
    ft_log_report_due();
    *event = qemu;
    return true;
}

uint64_t ft_log_get_int_op(void)
{
    uint64_t value = 0;

    if (!ftc_log_get_int(reader, &value)) {
        ft_log_diverged("the event has other fields than replay expects");
    }
    return value;
}

void ft_log_get_array_op(const uint8_t **buf, size_t *size)
{
    static const uint8_t nothing[1];

    if (!ftc_log_get_bytes(reader, buf, size)) {
        ft_log_diverged("the event has other fields than replay expects");
        *buf = nothing;
        *size = 0;
    }
}

/* Wakes the vCPU thread if it sleeps; it wakes the main loop if it is its turn. */
void ft_log_arrived(void)
{
    ft_nap_end();
    if (first_cpu->stop || first_cpu->stopped) {
        qemu_notify_event();    /* it sleeps elsewhere, and can wake nobody */
    }
}

FtLogReader *ft_log_reader(void)
{
    return reader;
}

bool ft_replay_is_on(void)
{
    return replaying;
}

void ft_log_replay_from(FtLogReader *r)
{
    g_assert(replay_mutex_locked());
    replay_restart_log();
    reader = r;
    ft_log_count_from_here();
    report.due = false;
    report.told_seq = 0;
    replaying = true;
    ft_log_arrived();
}

bool ft_log_has_ended(void)
{
    return ft_log_is_over() && !ftc_log_available(reader);
}

/* -- the end of the log --------------------------------------------------------- */

static bool ft_log_drained(void)
{
    replay_account_executed_instructions();
    replay_fetch_data_kind();
    return !replay_state.has_unread_data && replay_state.instruction_count == 0
        && replay_state.read_event_id == -1 && !ftc_log_available(reader);
}

bool ft_log_is_done(void)
{
    return replay_mode != REPLAY_MODE_PLAY || !replaying || diverged
        || (ft_log_is_over() && ft_log_drained());
}

static void ft_log_drain_bh(void *opaque)
{
    if (draining && !diverged && ft_log_drained()) {
        draining = false;
        ft_post(0, FT_IN_DRAINED, 0, NULL);
    }
}

void ft_log_drain(void)
{
    draining = true;
    ft_log_arrived();
    qemu_bh_schedule(drain_bh);
}

bool ft_replay_may_end(Error **errp)
{
    g_assert(replay_mutex_locked());
    if (diverged || !ft_log_drained()) {
        error_setg(errp, "asked to go live before the log was consumed");
        return false;
    }
    if (replay_state.current_icount != (uint64_t)icount_get_raw()) {
        error_setg(errp, "the log ends at instruction %" PRIu64 " but %" PRIu64
                   " were executed", replay_state.current_icount,
                   (uint64_t)icount_get_raw());
        return false;
    }
    return true;
}

void ft_replay_end(void)
{
    replaying = false;
}

void ft_replay_setup(void)
{
    reader = ftc_log_reader_new(FT_RING_BYTES);
    drain_bh = qemu_bh_new(ft_log_drain_bh, NULL);
}
