/*
 * Tell the network where the guest lives now: RARP from each NIC's address, then from
 * each other address that the guest has sent from, in its VLAN, and the guest's own
 * reports of the groups it listens to (ft-seen.c).
 *
 * The packets go to the back end directly. They are the host's, not the
 * guest's: the log must not hear of them, or the next secondary would differ.
 * Repeated as QEMU's own announcement is, because a switch may lose the first. Each
 * round says what is so by then. Many addresses are told a few at a time: a burst of
 * them would be lost in a switch, and hold up the guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "net/ft-filter/glue/ft-net.h"
#include "net/eth.h"
#include "net/net.h"
#include "net/queue.h"
#include "qemu/timer.h"

#define FT_ANNOUNCE_ROUNDS 5
#define FT_ANNOUNCE_STEP_NS (100 * SCALE_MS)
#define FT_ANNOUNCE_BURST 64
#define FT_ANNOUNCE_BURST_STEP_NS (5 * SCALE_MS)
#define FT_RARP_BYTES 60
#define ETH_P_RARP_NUMBER 0x8035

static QEMUTimer *timer;
static int rounds_left;         /* the one under way counts                 */
static bool in_round;
static uint64_t next_round_ns;

/* RFC 903: a request reverse, both addresses the NIC's own. */
static void ft_make_rarp(uint8_t *buf, const uint8_t *mac)
{
    static const uint8_t fixed[] = {
        ETH_P_RARP_NUMBER >> 8, ETH_P_RARP_NUMBER & 0xff,
        0, 1, 8, 0, 6, 4, 0, 3,         /* ethernet, IPv4, lengths, request */
    };

    memset(buf, 0, FT_RARP_BYTES);
    memset(buf, 0xff, 6);
    memcpy(buf + 6, mac, 6);
    memcpy(buf + 12, fixed, sizeof(fixed));
    memcpy(buf + 22, mac, 6);
    memcpy(buf + 32, mac, 6);
}

static void ft_announce_send(NetClientState *netdev, const uint8_t *frame, size_t len)
{
    /* Raw: the back end puts its header in front itself, if it has one. */
    qemu_net_queue_send(netdev->incoming_queue, netdev->peer, QEMU_NET_PACKET_FLAG_RAW,
                        frame, len, NULL);
}

static void ft_announce_nic(NICState *nic, void *opaque)
{
    NetClientState *nc = qemu_get_queue(nic);
    uint8_t buf[FT_RARP_BYTES];

    if (nc->peer) {
        ft_make_rarp(buf, nic->conf->macaddr.a);
        ft_announce_send(nc->peer, buf, sizeof(buf));
    }
}

static void ft_announce_begin_round(void)
{
    next_round_ns = ft_now_ns() + FT_ANNOUNCE_STEP_NS;
    qemu_foreach_nic(ft_announce_nic, NULL);
    ft_seen_tell_begin();
}

/* False: this round has told all. */
static bool ft_announce_burst(void)
{
    NetClientState *netdev;
    const uint8_t *frame;
    size_t len;

    for (int i = 0; i < FT_ANNOUNCE_BURST; i++) {
        if (!ft_seen_tell_next(&netdev, &frame, &len)) {
            return false;
        }
        if (netdev->peer) {
            ft_announce_send(netdev, frame, len);
        }
    }
    return true;
}

static void ft_announce_go_on(void *opaque)
{
    if (ft_output_mode() == FT_OUTPUT_CLOSED) {
        rounds_left = 0;        /* the guest lives elsewhere again */
    }
    if (rounds_left == 0) {
        return;
    }
    if (!in_round) {
        ft_announce_begin_round();
        in_round = true;
    }
    if (ft_announce_burst()) {
        timer_mod(timer, ft_now_ns() + FT_ANNOUNCE_BURST_STEP_NS);
        return;
    }
    in_round = false;
    if (--rounds_left > 0) {
        timer_mod(timer, MAX(next_round_ns, ft_now_ns() + FT_ANNOUNCE_BURST_STEP_NS));
    }
}

void ft_announce(void)
{
    if (!timer) {
        timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_announce_go_on, NULL);
    }
    rounds_left = FT_ANNOUNCE_ROUNDS;
    in_round = false;
    ft_announce_go_on(NULL);
}
