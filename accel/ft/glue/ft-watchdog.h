/*
 * What stands still (ft-watchdog.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_WATCHDOG_H
#define ACCEL_FT_GLUE_FT_WATCHDOG_H

#include "accel/ft/glue/ft-node.h"

void ft_watchdog_start(void);                                  /* main        */
void ft_vcpu_moves(void);              /* vCPU, each turn                        */
/* Main or vCPU, both locks held: what takes long here is work, no wait. */
void ft_still_at_work(void);
bool ft_is_unwell(uint64_t still_ns);  /* any: nobody stands still for so long   */
uint64_t ft_still_ns(FtPart part);     /* any: for how long it has not moved     */
uint64_t ft_stalls(void);              /* any: how often for longer than the limit */
/* Any. "main loop has not moved for 12 s", the caller's to free; NULL if all move. */
char *ft_own_stillness(void);
char *ft_peer_stillness(void);
/* Any: this node should let its peer take over; the peer is of no use to this one. */
bool ft_gives_way(void);
bool ft_peer_should_give_way(void);
void ft_hang_here(void);               /* main: a test wants a thread, or a disk, to hang */
bool ft_disk_hangs(void);              /* any                                    */

#endif
