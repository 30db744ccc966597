/*
 * The guest's network: packets that leave, packets that come, and what the network knows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_GLUE_FT_NET_H
#define NET_FT_FILTER_GLUE_FT_NET_H

#include "accel/ft/glue/ft-node.h"
#include "net/net.h"

/* -- ft-filter.c: output commit for packets -------------- */
bool ft_filters_add(Error **errp);                             /* main        */
void ft_output_stats(FtHoldStats *s);                          /* main        */
/* Primary, any: the packets of all frames up to this one have left. */
uint64_t ft_output_released_seq(void);
/* Secondary, any thread: the primary's packets up to @seq have left; drop our copies. */
void ft_output_forget(uint64_t seq);
void ft_output_restart(void);          /* main: frames count from 1 again     */
void ft_announce(void);                                        /* main        */
void ft_filters_give_early(void);      /* main: live, the guest gets what is left */

/* -- ft-input.c: packets from outside ----------------------- */
void ft_input_poll_op(void);                                   /* vCPU, RL + BQL */
/* A packet of @netdev was delivered: is there room for more? vCPU, RL + BQL. */
void ft_input_delivered(NetClientState *netdev);
/* Secondary, main: from now on what arrives is read, for ft_early_packet(). */
void ft_input_keep(void);
void ft_input_keep_end(void);          /* main: about to go live, or to exit    */
void ft_input_live(void);                                      /* main        */

/* -- ft-early.c: what a secondary sees of them itself -------- */
void ft_early_add(NetClientState *nc);  /* secondary, main: the next netdev    */
/* Secondary, any thread: a packet has come to this node's netdev. */
void ft_early_packet(unsigned netdev, unsigned flags, const struct iovec *iov, int iovcnt);
void ft_early_restart(void);           /* secondary, receiver: a log begins    */
/* Main, RL, recording: @give puts a packet into the log and the guest. */
void ft_early_give(void (*give)(unsigned netdev, unsigned flags, const uint8_t *data,
                                size_t len));
void ft_early_totals(FtEarlyStats *sum);                       /* any         */

/* -- ft-seen.c: what the network has seen of the guest ------- */
void ft_seen_add(NetClientState *nc);   /* main: the next netdev               */
void ft_seen_output(unsigned netdev, const uint8_t *data, size_t len); /* RL + BQL */
/* Any thread: a packet from outside that the guest gets, on either node. */
void ft_seen_input(unsigned netdev, const struct iovec *iov, int iovcnt);
/* Any thread: has the guest sent from this packet's sender? */
bool ft_seen_has_sent(unsigned netdev, const uint8_t *data, size_t len);
/* Main: all that the network has to be told; the frame is valid until the next call. */
void ft_seen_tell_begin(void);
bool ft_seen_tell_next(NetClientState **nc, const uint8_t **frame, size_t *len);
void ft_seen_totals(FtSeenStats *sum);                         /* any         */

#endif
