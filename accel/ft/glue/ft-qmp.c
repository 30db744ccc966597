/*
 * The monitor's view: query-ft, ft-attach, ft-failover, ft-detach, info ft.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-session.h"
#include "accel/ft/glue/ft-watchdog.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"
#include "qapi/qapi-commands-ft.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"

/* Bytes of log so far and how fast they come, measured between two queries. */
static void ft_fill_log(FtInfo *info)
{
    static uint64_t last_ns, last_bytes, rate;
    uint64_t now = ft_now_ns();

    info->log_bytes = ft_log_bytes();
    if (now - last_ns > NANOSECONDS_PER_SECOND / 10) {
        uint64_t grown = info->log_bytes >= last_bytes ? info->log_bytes - last_bytes : 0;

        rate = last_ns ? grown * NANOSECONDS_PER_SECOND / (now - last_ns) : 0;
        last_ns = now;
        last_bytes = info->log_bytes;
    }
    info->log_bytes_per_second = rate;
    info->log_frames = ft_log_frames();
    info->frames_acked = ft_peer_acked();
    info->lag_instructions = ft_log_lag_instructions();
    info->lag_ns = ft_log_lag_ns();
}

/* What an attach that is under way is at. */
static FtAttachStep ft_attach_step(void)
{
    if (!ft_attach_active()) {
        return FT_ATTACH_STEP_NONE;
    }
    if (!ft_attach_drives_first()) {
        return FT_ATTACH_STEP_COPYING_MEMORY;
    }
    return ft_copy_sends() ? FT_ATTACH_STEP_COPYING_DRIVES
                           : FT_ATTACH_STEP_COMPARING_DRIVES;
}

/* How fast it goes on is measured between two queries, as above. */
static void ft_fill_attach(FtInfo *info)
{
    static uint64_t last_ns, last_covered, rate;
    uint64_t now = ft_now_ns(), covered = ft_node.attach_covered;

    info->attach_step = ft_attach_step();
    info->attach_bytes = ft_node.attach_bytes;
    info->attach_left = ft_node.attach_left;
    info->attach_looks = ft_node.attach.looks;
    info->attach_written_per_second = ft_node.attach.written_rate;
    info->attach_link_per_second = ft_node.attach.link_rate;
    info->attach_slowed = ft_state() == FT_STATE_SYNCING ? ft_node.attach.slowed / 10 : 0;
    info->attach_ns = ft_node.attach_ns;
    info->attach_pause_ns = ft_node.attach_pause_ns;
    if (now - last_ns > NANOSECONDS_PER_SECOND / 10) {
        uint64_t since = MAX(last_ns, ft_node.attach_start_ns);

        /* Less than at the last query: another attach has begun. */
        covered -= covered >= last_covered ? last_covered : 0;
        rate = now > since ? covered * (double)NANOSECONDS_PER_SECOND / (now - since) : 0;
        last_ns = now;
        last_covered = ft_node.attach_covered;
    }
    info->attach_rate = info->attach_step == FT_ATTACH_STEP_NONE ? 0 : rate;
}

static void ft_fill_output(FtInfo *info)
{
    FtHoldStats s;

    ft_output_stats(&s);
    info->held_packets = s.held_packets;
    info->held_bytes = s.held_bytes;
    info->released_packets = s.released;
    info->dropped_packets = s.dropped_full;
    info->destroyed_packets = s.destroyed;
    info->hold_ns_p50 = s.hold_ns_p50;
    info->hold_ns_p99 = s.hold_ns_p99;
    info->hold_ns_max = s.hold_ns_max;
}

static void ft_fill_early(FtInfo *info)
{
    FtEarlyStats s;

    ft_early_totals(&s);
    info->early_kept_packets = s.kept_packets;
    info->early_kept_bytes = s.kept_bytes;
    info->early_known_packets = s.known;
    info->early_given_packets = s.given;
    info->early_dropped_packets = s.dropped;
}

static void ft_fill_seen(FtInfo *info)
{
    FtSeenStats s;

    ft_seen_totals(&s);
    info->seen_sources = s.sources;
    info->seen_reports = s.reports;
    info->announced_frames = s.told;
}

static void ft_fill_disks(FtInfo *info)
{
    FtDiskInfoList **tail = &info->disks;
    const FtDiskStats *s;

    for (unsigned i = 0; (s = ft_disk_stats(i)); i++) {
        FtDiskInfo *d = g_new0(FtDiskInfo, 1);

        d->name = g_strdup(s->name);
        d->in_flight = s->in_flight;
        d->reads = s->reads;
        d->read_bytes = s->read_bytes;
        d->writes = s->writes;
        d->written_bytes = s->written_bytes;
        d->flushes = s->flushes;
        d->errors = s->errors;
        d->held = s->held;
        d->open = s->open;
        d->copied_bytes = s->copied_bytes;
        d->copy_left = s->copy_left;
        QAPI_LIST_APPEND(tail, d);
    }
}

/* A pair that looks well and answers nobody says why. */
static char *ft_reason(const FtSession *s, const FtLease *lease)
{
    if (ft_state() == FT_STATE_PROTECTED && ftc_session_role(s) == FT_ROLE_PRIMARY && lease
        && !ftc_lease_valid(lease, ft_now_ns())) {
        return g_strdup_printf("output waits for an answered heartbeat: their round trip is "
                               "%" PRIu64 " ms, ft-timeout %" PRIu64 " ms",
                               ftc_lease_rtt_ns(lease) / SCALE_MS,
                               ft_node.config.timeout_ns / SCALE_MS);
    }
    return g_strdup(ftc_session_reason(s));
}

/* A node that cannot do its part is no protection, until the watchdog ends it. */
static char *ft_reason_of_stillness(void)
{
    bool primary = ftc_session_role(ft_node.session) == FT_ROLE_PRIMARY;
    g_autofree char *own = ft_own_stillness(), *peer = ft_peer_stillness();
    bool own_is_primary = own ? primary : !primary;
    uint64_t limit_ns = ftc_watchdog_limit_ns(ft_node.config.timeout_ns);

    if (ft_state() != FT_STATE_PROTECTED || (!own && !peer)) {
        return NULL;
    }
    return g_strdup_printf("the %s's %s; after %" PRIu64 " s the %s",
                           own_is_primary ? "primary" : "secondary", own ?: peer,
                           limit_ns / (uint64_t)NANOSECONDS_PER_SECOND,
                           own_is_primary ? "secondary takes over" : "secondary is dropped");
}

FtInfo *qmp_query_ft(Error **errp)
{
    FtInfo *info = g_new0(FtInfo, 1);
    FtSession *s = ft_node.session;
    FtLease *lease = ft_peer_lease();

    if (!s) {
        info->reason = g_strdup("started without -machine ft=primary or ft=secondary");
        return info;
    }
    info->role = (FtNodeRole)ftc_session_role(s);
    info->state = (FtNodeState)ftc_session_state(s);
    info->epoch = ftc_session_epoch(s);
    info->reason = ft_reason_of_stillness() ?: ft_reason(s, lease);
    info->stands_still = ft_own_stillness();
    info->stalls = ft_stalls();
    info->paused = ft_node.paused;
    info->peer = g_strdup(ft_link_address());
    info->waits_for = g_strdup(ft_images_wait_for());
    info->icount = icount_get_raw();
    info->console_dropped_bytes = ft_console_dropped();
    info->slowed_ns = ft_log_slowed_ns();
    info->clock_behind_ns = ft_clock_behind_ns();
    info->clock_steps = ft_clock_steps();
    info->ack_rtt_ns = lease ? ftc_lease_rtt_ns(lease) : 0;
    info->digests = ft_digest_count();
    info->digest_ns = ft_digest_last_ns();
    info->takeover_detected_ns = ft_node.takeover.detected_ns;
    info->takeover_decided_ns = ft_node.takeover.decided_ns;
    info->takeover_live_ns = ft_node.takeover.live_ns;
    info->takeover_output_ns = ft_node.takeover.output_ns;
    ft_fill_log(info);
    ft_fill_attach(info);
    ft_fill_output(info);
    ft_fill_early(info);
    ft_fill_seen(info);
    ft_fill_disks(info);
    return info;
}

static bool ft_order(FtInputKind kind, Error **errp)
{
    if (!ft_node.session) {
        error_setg(errp, "fault tolerance is off: the VM must be started with "
                   "-machine ft=primary");
        return false;
    }
    return ft_input(kind, 0, NULL, errp);
}

void qmp_ft_attach(const char *peer, Error **errp)
{
    const char *colon = peer ? strrchr(peer, ':') : NULL;

    if (peer && (!colon || !colon[1])) {
        error_setg(errp, "peer: '%s' is not HOST:PORT", peer);
        return;
    }
    if (ft_node.session && !peer && !ft_node.config.peer) {
        error_setg(errp, "peer: neither given here nor by the machine option ft-peer");
        return;
    }
    if (ft_node.guest_off) {
        error_setg(errp, "the guest does not run (%s): there is nothing to protect until "
                   "it does", RunState_str(runstate_get()));
        return;
    }
    if (peer && ft_state() == FT_STATE_EXPOSED) {
        g_free(ft_node.config.peer);
        ft_node.config.peer = g_strdup(peer);
    }
    ft_order(FT_IN_ATTACH, errp);
}

void qmp_ft_failover(Error **errp)
{
    ft_order(FT_IN_FAILOVER, errp);
}

void qmp_ft_detach(Error **errp)
{
    ft_node.detached = true;
    if (!ft_order(FT_IN_DETACH, errp)) {
        ft_node.detached = false;
    }
}

FtDigestInfo *qmp_x_ft_digest(bool full, Error **errp)
{
    FtDigestInfo *info;
    FtDigestSectionList **tail;
    const char *name;
    uint64_t hash;

    if (!ft_node.session) {
        error_setg(errp, "fault tolerance is off");
        return NULL;
    }
    ft_hang_here();
    if (!ft_digest_take(full, errp)) {
        return NULL;
    }
    info = g_new0(FtDigestInfo, 1);
    info->icount = icount_get_raw();
    tail = &info->sections;
    for (size_t i = 0; ftc_digest_section(ft_digest_last(), i, &name, &hash); i++) {
        FtDigestSection *s = g_new0(FtDigestSection, 1);

        s->name = g_strdup(name);
        s->hash = g_strdup_printf("%016" PRIx64, hash);
        QAPI_LIST_APPEND(tail, s);
    }
    return info;
}

FtHistograms *qmp_query_ft_histograms(Error **errp)
{
    FtHistograms *all = g_new0(FtHistograms, 1);
    FtHistogramBinList **tail = &all->lag;
    uint64_t upto, count;

    for (size_t at = 0; ft_log_lag_bin(&at, &upto, &count);) {
        FtHistogramBin *bin = g_new0(FtHistogramBin, 1);

        bin->upto_ns = upto;
        bin->count = count;
        QAPI_LIST_APPEND(tail, bin);
    }
    return all;
}

/* Linux keeps the arguments as they were, each ended by a zero. */
FtCommandLine *qmp_query_ft_command_line(Error **errp)
{
    g_autofree char *text = NULL;
    gsize len;
    FtCommandLine *line;
    strList **tail;

    if (!g_file_get_contents("/proc/self/cmdline", &text, &len, NULL)) {
        error_setg(errp, "cannot read /proc/self/cmdline");
        return NULL;
    }
    line = g_new0(FtCommandLine, 1);
    tail = &line->arguments;
    for (const char *p = text; p < text + len; p += strlen(p) + 1) {
        QAPI_LIST_APPEND(tail, g_strdup(p));
    }
    return line;
}

static void hmp_attach(Monitor *mon, const FtInfo *i)
{
    if (i->state == FT_NODE_STATE_SYNCING && i->role == FT_NODE_ROLE_PRIMARY) {
        monitor_printf(mon, "attach: %s, %" PRIu64 " MiB sent, %" PRIu64 " MiB left, %"
                       PRIu64 " MiB/s; the guest writes %" PRIu64 " KB/s, the link carries %"
                       PRIu64 " KB/s, slowed by %" PRIu64 " %%\n",
                       FtAttachStep_str(i->attach_step), i->attach_bytes >> 20,
                       i->attach_left >> 20, i->attach_rate >> 20,
                       i->attach_written_per_second / 1000, i->attach_link_per_second / 1000,
                       i->attach_slowed);
    } else if (i->attach_ns) {
        monitor_printf(mon, "last attach: %" PRIu64 " MiB in %" PRIu64 " ms, pause %"
                       PRIu64 " us\n", i->attach_bytes >> 20, i->attach_ns / 1000000,
                       i->attach_pause_ns / 1000);
    }
}

static void hmp_drives(Monitor *mon, const FtDiskInfoList *d)
{
    for (; d; d = d->next) {
        monitor_printf(mon, "drive %s: %" PRIu64 " reads, %" PRIu64 " writes, %" PRIu64
                       " flushes, %" PRIu64 " errors, %" PRIu64 " in flight\n",
                       d->value->name, d->value->reads, d->value->writes,
                       d->value->flushes, d->value->errors, d->value->in_flight);
    }
}

void hmp_info_ft(Monitor *mon, const QDict *qdict)
{
    g_autoptr(FtInfo) i = qmp_query_ft(&error_abort);

    monitor_printf(mon, "role: %s\nstate: %s\nepoch: %" PRIu64 "\n",
                   FtNodeRole_str(i->role), FtNodeState_str(i->state), i->epoch);
    if (i->peer) {
        monitor_printf(mon, "peer: %s\n", i->peer);
    }
    if (i->paused) {
        monitor_printf(mon, "the guest is paused by an operator\n");
    }
    if (*i->reason) {
        monitor_printf(mon, "reason: %s\n", i->reason);
    }
    if (i->stands_still) {
        monitor_printf(mon, "stands still: the %s\n", i->stands_still);
    }
    if (i->waits_for) {
        monitor_printf(mon, "waits for: %s\n", i->waits_for);
    }
    monitor_printf(mon, "lag: %" PRIu64 " instructions, %" PRIu64 " us\n",
                   i->lag_instructions, i->lag_ns / 1000);
    monitor_printf(mon, "log: %" PRIu64 " bytes in %" PRIu64 " frames, %" PRIu64
                   " bytes/s, acked to frame %" PRIu64 "\n", i->log_bytes,
                   i->log_frames, i->log_bytes_per_second, i->frames_acked);
    monitor_printf(mon, "held: %" PRIu64 " packets, %" PRIu64 " bytes; hold time p50 %"
                   PRIu64 " us, p99 %" PRIu64 " us, max %" PRIu64 " us\n",
                   i->held_packets, i->held_bytes, i->hold_ns_p50 / 1000,
                   i->hold_ns_p99 / 1000, i->hold_ns_max / 1000);
    monitor_printf(mon, "early input: %" PRIu64 " packets kept, %" PRIu64 " known, %"
                   PRIu64 " given, %" PRIu64 " dropped\n", i->early_kept_packets,
                   i->early_known_packets, i->early_given_packets,
                   i->early_dropped_packets);
    hmp_attach(mon, i);
    monitor_printf(mon, "digests: %" PRIu64 ", the last took %" PRIu64 " us\n",
                   i->digests, i->digest_ns / 1000);
    if (i->console_dropped_bytes) {
        monitor_printf(mon, "consoles: %" PRIu64 " bytes dropped\n",
                       i->console_dropped_bytes);
    }
    monitor_printf(mon, "round trip: %" PRIu64 " us\n", i->ack_rtt_ns / 1000);
    hmp_drives(mon, i->disks);
}
