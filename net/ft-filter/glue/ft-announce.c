/*
 * Tell the switches where the guest lives now: RARP from each NIC's address.
 *
 * The packets go to the back end directly. They are the host's, not the
 * guest's: the log must not hear of them, or the next secondary would differ.
 * Repeated as QEMU's own announcement is, because a switch may lose the first.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "net/eth.h"
#include "net/net.h"
#include "net/queue.h"
#include "qemu/timer.h"

#define FT_ANNOUNCE_ROUNDS 5
#define FT_ANNOUNCE_STEP_NS (100 * SCALE_MS)
#define FT_RARP_BYTES 60
#define ETH_P_RARP_NUMBER 0x8035

static QEMUTimer *timer;
static int rounds_left;

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

static void ft_announce_nic(NICState *nic, void *opaque)
{
    NetClientState *nc = qemu_get_queue(nic);
    uint8_t buf[FT_RARP_BYTES];

    if (nc->peer) {
        ft_make_rarp(buf, nic->conf->macaddr.a);
        qemu_net_queue_send(nc->peer->incoming_queue, nc, QEMU_NET_PACKET_FLAG_RAW, buf,
                            sizeof(buf), NULL);
    }
}

static void ft_announce_round(void *opaque)
{
    qemu_foreach_nic(ft_announce_nic, NULL);
    if (--rounds_left > 0) {
        timer_mod(timer, ft_now_ns() + FT_ANNOUNCE_STEP_NS);
    }
}

void ft_announce(void)
{
    if (!timer) {
        timer = timer_new_ns(QEMU_CLOCK_REALTIME, ft_announce_round, NULL);
    }
    rounds_left = FT_ANNOUNCE_ROUNDS;
    ft_announce_round(NULL);
}
