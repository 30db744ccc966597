/*
 * Packets that reach the netdevs of a secondary: kept until the log has them, and
 * given to the guest when it goes live without them (early_input.hpp).
 *
 * They come from the thread that reads the back ends (ft-input.c) or from the main
 * loop, the log's from its receiver; a lock of its own covers both. The replaying
 * vCPU is not disturbed: no packet of these takes RL or BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "accel/ft/glue/trace.h"
#include "net/net.h"
#include "qemu/iov.h"
#include "qemu/lockable.h"

#define FT_EARLY_NETDEVS_MAX 64
#define FT_EARLY_BYTES_MAX (16 * MiB)
#define FT_EARLY_PACKETS_MAX 4096
#define FT_EARLY_LOGGED_MAX 1024

typedef struct FtEarlyNetdev {
    NetClientState *nc;
    FtEarly *early;
    uint8_t mac[FT_MAC_BYTES];
} FtEarlyNetdev;

static QemuMutex lock;
static FtEarlyNetdev netdevs[FT_EARLY_NETDEVS_MAX];
static unsigned netdevs_count;  /* fixed before a packet can come           */

/*
 * Longer than it takes to notice the death of a host and to execute what is left. If
 * a takeover waits longer (for the arbiter, for an image), senders have tried again.
 */
static uint64_t ft_early_age_max(void)
{
    return 2 * ft_node.config.timeout_ns + NANOSECONDS_PER_SECOND;
}

/* Locked. What the NIC of the replayed guest has agreed on with the back end. */
static FtEarly *ft_early_of(unsigned netdev)
{
    FtEarly *e = netdev < netdevs_count ? netdevs[netdev].early : NULL;

    if (e) {
        ftc_early_set_header(e, qemu_get_vnet_hdr_len(netdevs[netdev].nc));
    }
    return e;
}

/* Receiver of the log: see ftc_log_reader_watch(). */
static void ft_early_packet_logged(uint32_t netdev, const uint8_t *data, size_t len)
{
    struct iovec iov = { .iov_base = (void *)data, .iov_len = len };
    FtEarly *e;

    ft_seen_input(netdev, &iov, 1);
    QEMU_LOCK_GUARD(&lock);
    e = ft_early_of(netdev);
    if (e) {
        ftc_early_logged(e, data, len, ft_now_ns());
    }
}

void ft_early_add(NetClientState *nc)
{
    FtEarlyLimits limits = {
        .bytes_max = FT_EARLY_BYTES_MAX, .packets_max = FT_EARLY_PACKETS_MAX,
        .logged_max = FT_EARLY_LOGGED_MAX, .age_ns_max = ft_early_age_max(),
    };
    FtEarlyNetdev *n = &netdevs[netdevs_count];
    bool is_nic = nc->peer && nc->peer->info->type == NET_CLIENT_DRIVER_NIC;

    if (netdevs_count == 0) {
        qemu_mutex_init(&lock);
        ftc_log_reader_watch(ft_log_reader(), ft_early_packet_logged);
    }
    n->nc = nc;
    if (is_nic) {
        n->early = ftc_early_new(&limits);
        memcpy(n->mac, qemu_get_nic(nc->peer)->conf->macaddr.a, FT_MAC_BYTES);
    }
    netdevs_count++;
}

void ft_early_packet(unsigned netdev, unsigned flags, const struct iovec *iov, int iovcnt)
{
    size_t len = iov_size(iov, iovcnt);
    g_autofree uint8_t *joined = iovcnt == 1 ? NULL : g_malloc(len);
    FtPacket p = { .flags = flags, .data = joined ?: iov[0].iov_base, .len = len };
    FtEarly *e;

    if (joined) {
        iov_to_buf(iov, iovcnt, 0, joined, len);
    }
    if (ft_seen_has_sent(netdev, p.data, len)) {
        return;                 /* the network brings the guest its own packet back */
    }
    QEMU_LOCK_GUARD(&lock);
    e = ft_early_of(netdev);
    if (e) {
        ftc_early_arrived(e, &p, netdevs[netdev].mac, ft_now_ns());
    }
}

/* What has come until now the primary has taken, or will log. */
void ft_early_restart(void)
{
    for (unsigned i = 0; i < netdevs_count; i++) {
        QEMU_LOCK_GUARD(&lock);
        if (netdevs[i].early) {
            ftc_early_clear(netdevs[i].early);
        }
    }
}

void ft_early_give(void (*give)(unsigned netdev, unsigned flags, const uint8_t *data,
                                size_t len))
{
    FtPacket p;

    for (unsigned i = 0; i < netdevs_count; i++) {
        QEMU_LOCK_GUARD(&lock);
        FtEarly *e = ft_early_of(i);

        while (e && ftc_early_pop(e, ft_now_ns(), &p)) {
            trace_ft_early_give(i, p.len);
            give(i, p.flags, p.data, p.len);
        }
        if (e) {
            ftc_early_clear(e);
        }
    }
}

void ft_early_totals(FtEarlyStats *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (unsigned i = 0; i < netdevs_count; i++) {
        FtEarlyStats s = { 0 };

        QEMU_LOCK_GUARD(&lock);
        if (netdevs[i].early) {
            ftc_early_stats(netdevs[i].early, &s);
        }
        sum->kept_packets += s.kept_packets;
        sum->kept_bytes += s.kept_bytes;
        sum->known += s.known;
        sum->given += s.given;
        sum->dropped += s.dropped;
    }
}
