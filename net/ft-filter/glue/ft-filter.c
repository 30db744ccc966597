/*
 * The netfilter that FT puts on every netdev: output commit for packets.
 *
 * Primary: a packet from the guest is copied and accepted at once, so that a
 * back end that pushes back cannot change the guest's rings; it gets an OUTPUT
 * event with its hash in the log and leaves when the output gate lets the frame with
 * that event pass (ft-gate.c). A packet from
 * outside enters the log as an event. Secondary: the guest's packet is compared
 * with the log and kept until the primary says that its own has left; then it is
 * dropped. What is kept when the secondary goes live is sent: the primary may
 * have died between the ack and the release. What comes from outside is kept until
 * the log has it (ft-early.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "accel/ft/glue/trace.h"
#include "net/filter.h"
#include "net/net.h"
#include "net/tap.h"
#include "net/vhost_net.h"
#include "qemu/error-report.h"
#include "qemu/iov.h"
#include "qemu/main-loop.h"
#include "qom/object.h"
#include "qom/object_interfaces.h"
#include "system/replay.h"

#define TYPE_FILTER_FT "filter-ft"
OBJECT_DECLARE_SIMPLE_TYPE(FtFilter, FILTER_FT)

#define FT_FILTERS_MAX 64
#define FT_HOLD_BYTES_MAX (64 * MiB)
#define FT_HOLD_PACKETS_MAX 65536
#define FT_PACKET_MAX (256 * KiB)

struct FtFilter {
    NetFilterState nfs;
    ReplayNetState *rns;
    unsigned id;
};

static FtFilter *filters[FT_FILTERS_MAX];
static unsigned filters_count;
static FtHold *hold;
static uint64_t held;           /* atomic: packets in the hold              */
static uint64_t released_seq;   /* atomic: primary, all up to here has left  */
static uint64_t forget_seq;     /* atomic: secondary, the primary's of it    */

/* -- the gate's holder of packets ---------------------------------------------- */

static void ft_release_one(const FtPacket *p)
{
    FtFilter *f = filters[p->netdev];
    struct iovec iov = { .iov_base = (void *)p->data, .iov_len = p->len };

    if (ft_node.takeover.live_ns && !ft_node.takeover.output_ns) {
        ft_node.takeover.output_ns = ft_now_ns();
    }
    qemu_netfilter_pass_to_next(f->nfs.netdev->peer, p->flags, &iov, 1, &f->nfs);
}

static void ft_packets_release(void)
{
    uint64_t up_to;
    FtPacket p;

    while (ft_output_may_leave(&up_to)) {
        if (!ftc_hold_pop(hold, up_to, ft_now_ns(), &p)) {
            qatomic_set(&released_seq, up_to);
            break;
        }
        qatomic_dec(&held);
        trace_ft_output_release(p.netdev, p.seq, up_to);
        ft_release_one(&p);
    }
}

static void ft_packets_destroy(void)
{
    ftc_hold_destroy_all(hold);
    qatomic_set(&held, 0);
}

static uint64_t ft_packets_held(void)
{
    return qatomic_read(&held);
}

static const FtHolder ft_packets = {
    .release = ft_packets_release,
    .destroy = ft_packets_destroy,
    .held = ft_packets_held,
};

uint64_t ft_output_released_seq(void)
{
    return qatomic_read(&released_seq);
}

void ft_output_forget(uint64_t seq)
{
    qatomic_set(&forget_seq, seq);
}

void ft_output_restart(void)
{
    qatomic_set(&released_seq, 0);
    qatomic_set(&forget_seq, 0);
}

void ft_output_stats(FtHoldStats *s)
{
    ftc_hold_stats(hold, s);
}

/* Secondary: drops the copies of what has left the primary. */
static void ft_forget_copies(void)
{
    FtPacket p;

    while (ftc_hold_pop(hold, qatomic_read(&forget_seq), ft_now_ns(), &p)) {
        qatomic_dec(&held);
    }
}

/* -- the filter ---------------------------------------------------------------- */

static void ft_hold_packet(FtFilter *f, unsigned flags, const uint8_t *data, size_t len)
{
    FtPacket p = {
        .netdev = f->id, .flags = flags, .data = data, .len = len,
        .seq = ft_log_next_seq(),
    };

    if (ft_output_mode() == FT_OUTPUT_CLOSED) {
        return;
    }
    if (replay_mode == REPLAY_MODE_PLAY) {
        ft_forget_copies();
    }
    trace_ft_output_hold(p.netdev, p.seq, len);
    if (ftc_hold_push(hold, &p, ft_now_ns())) {
        qatomic_inc(&held);
    }
    if (ft_output_mode() == FT_OUTPUT_PASS) {
        ft_packets_release();
    }
}

static void ft_guest_output(FtFilter *f, unsigned flags, const struct iovec *iov,
                            int iovcnt)
{
    size_t len = iov_size(iov, iovcnt);
    uint8_t *data = ftc_hold_space(hold, len);

    g_assert(data);
    iov_to_buf(iov, iovcnt, 0, data, len);
    replay_output(f->id, len, ftc_hash(data, len));
    ft_seen_output(f->id, data, len);
    ft_hold_packet(f, flags, data, len);
}

static ssize_t ft_filter_receive(NetFilterState *nf, NetClientState *sender,
                                 unsigned flags, const struct iovec *iov, int iovcnt,
                                 NetPacketSent *sent_cb)
{
    FtFilter *f = FILTER_FT(nf);
    size_t len = iov_size(iov, iovcnt);

    if (len > FT_PACKET_MAX) {
        return len;             /* no back end makes such; a full NIC drops too */
    }
    if (replay_mode == REPLAY_MODE_NONE) {
        return len;             /* at exit */
    }
    if (sender != nf->netdev) {
        ft_guest_output(f, flags, iov, iovcnt);
    } else if (replay_mode == REPLAY_MODE_RECORD) {
        ft_seen_input(f->id, iov, iovcnt);
        replay_net_packet_event(f->rns, flags, iov, iovcnt);
        ft_log_commit_large();
        ft_input_delivered(nf->netdev);
    } else {
        ft_early_packet(f->id, flags, iov, iovcnt);
    }
    return len;
}

/* Main, RL, recording: a packet from outside, for the log and the guest. */
static void ft_packet_input(unsigned netdev, unsigned flags, const uint8_t *data, size_t len)
{
    struct iovec iov = { .iov_base = (void *)data, .iov_len = len };

    replay_net_packet_event(filters[netdev]->rns, flags, &iov, 1);
}

void ft_filters_give_early(void)
{
    ft_early_give(ft_packet_input);
}

static void ft_filter_setup(NetFilterState *nf, Error **errp)
{
    FtFilter *f = FILTER_FT(nf);

    f->rns = replay_register_net(nf);
}

/* At exit, ahead of the netdev. */
static void ft_filter_cleanup(NetFilterState *nf)
{
    ft_input_keep_end();
}

static void ft_filter_class_init(ObjectClass *oc, void *data)
{
    NetFilterClass *nfc = NETFILTER_CLASS(oc);

    nfc->receive_iov = ft_filter_receive;
    nfc->setup = ft_filter_setup;
    nfc->cleanup = ft_filter_cleanup;
}

static const TypeInfo ft_filter_info = {
    .name = TYPE_FILTER_FT,
    .parent = TYPE_NETFILTER,
    .class_init = ft_filter_class_init,
    .instance_size = sizeof(FtFilter),
};

static void ft_filter_register(void)
{
    type_register_static(&ft_filter_info);
}

type_init(ft_filter_register);

/* -- start-up -------------------------------------------------------------------- */

static bool ft_filter_add(NetClientState *nc, Error **errp)
{
    g_autofree char *id = g_strdup_printf("ft-filter-%s", nc->name);
    Object *obj;

    obj = object_new_with_props(TYPE_FILTER_FT, object_get_objects_root(), id, errp,
                                "netdev", nc->name, NULL);
    if (!obj) {
        error_prepend(errp, "netdev '%s' cannot be protected by ft=: ", nc->name);
        return false;
    }
    filters[filters_count] = FILTER_FT(obj);
    filters[filters_count]->id = filters_count;
    filters_count++;
    ft_seen_add(nc);
    if (replay_mode == REPLAY_MODE_PLAY) {
        ft_early_add(nc);
    }
    return true;
}

bool ft_filters_add(Error **errp)
{
    NetClientState *ncs[FT_FILTERS_MAX];
    int n = qemu_find_net_clients_except(NULL, ncs, NET_CLIENT_DRIVER_NIC,
                                         FT_FILTERS_MAX);

    if (n > FT_FILTERS_MAX) {
        error_setg(errp, "%d netdevs: more than %d cannot be protected", n,
                   FT_FILTERS_MAX);
        return false;
    }
    hold = ftc_hold_new(FT_HOLD_BYTES_MAX, FT_HOLD_PACKETS_MAX);
    ft_output_holder(&ft_packets);
    for (int i = 0; i < n; i++) {
        if (ncs[i]->info->type == NET_CLIENT_DRIVER_USER) {
            warn_report("netdev '%s': user networking keeps connections in the host "
                        "process; they do not survive a failover", ncs[i]->name);
        }
        if (!ft_filter_add(ncs[i], errp)) {
            return false;
        }
    }
    ft_input_keep();
    return true;
}
