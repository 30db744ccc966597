/*
 * The link to the peer, for those who send by it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_LINK_H
#define ACCEL_FT_GLUE_FT_LINK_H

#include "accel/ft/glue/ft-node.h"

void ft_link_start(void);              /* main, at start: it carries the log   */
/* Primary, main: connects in a thread; CONNECTED or ATTACH_FAILED follows. */
void ft_peer_connect(const char *address);
bool ft_peer_listen(const char *address, Error **errp);        /* main        */
/* Main. Sends GOODBYE first if @goodbye is set, then forgets the peer. */
void ft_peer_close(const char *goodbye);
/* Main. Queues a message behind all that was queued before; takes @body. */
void ft_peer_send(FtMsgType type, GByteArray *body);
/* The same with numbers in the header, and from a secondary as well. */
void ft_peer_queue(FtMsgType type, uint64_t seq, uint64_t seq_last, GByteArray *body);
/* Main. What is queued and not yet written; the attach waits on it. */
size_t ft_peer_queued(void);
/* Main. The same, with what the kernel has and the peer's has not acknowledged. */
size_t ft_peer_under_way(void);
/* Main. From here on the log of @w goes out, under @epoch. */
void ft_peer_start_log(FtLogWriter *w);
/* Main. No connection that was closed sends from its log any more, or soon? */
bool ft_peer_log_is_unused(void);
void ft_peer_set_epoch(uint64_t epoch);                        /* main        */
uint64_t ft_peer_epoch(void);                                  /* main        */
/* Secondary, main: the state is loaded, received frames may be acked. */
void ft_peer_send_ready(void);
const char *ft_peer_address(void);                             /* main        */
/* Main. Waits until the secondary has all that was published, but not for long. */
void ft_peer_wait_acked(void);

#endif
