/*
 * State transfer: the primary attaches a secondary, and the secondary loads its state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_ATTACH_H
#define ACCEL_FT_GLUE_FT_ATTACH_H

#include "accel/ft/glue/ft-node.h"

void ft_attach_begin(uint64_t epoch);                          /* primary     */
void ft_attach_abort(void);                                    /* primary     */
void ft_attach_sent(void);                        /* any: queue is short again */
void ft_attach_mark_back(void);          /* any: the secondary has caught up   */
void ft_attach_moves(void);     /* primary, main: it does not stand still       */
void ft_attach_done(void);                   /* primary: the secondary is ready */
bool ft_attach_active(void);                 /* primary, main: until the cut    */
bool ft_attach_drives_first(void);           /* primary, main: memory waits     */
void ft_load_prepare(void);                       /* any: a peer is being taken */
void ft_load_begin(void);                                      /* secondary   */
void ft_load_devices(GByteArray *blob);                        /* secondary   */
void ft_load_abort(void);                                      /* secondary   */
void ft_load_fail(const char *what);                           /* secondary   */
/*
 * Receiver thread of the secondary: a pipe to the loader, the caller's to close,
 * or -1. It is full while the loader is behind, and breaks when it has given up.
 */
int ft_load_open(void);

#endif
