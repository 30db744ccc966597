/*
 * State transfer: the primary attaches a secondary, and the secondary loads its state.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_ATTACH_H
#define ACCEL_FT_GLUE_FT_ATTACH_H

#include "accel/ft/glue/ft-node.h"

void ft_attach_start(void);             /* main, at start                       */
void ft_load_start(void);               /* main, at start                       */
void ft_attach_begin(uint64_t epoch);                          /* primary     */
void ft_attach_abort(void);                                    /* primary     */
void ft_attach_moves(void);     /* primary, main: it does not stand still       */
void ft_attach_done(void);                   /* primary: the secondary is ready */
bool ft_attach_active(void);                 /* primary, main: until the cut    */
bool ft_attach_drives_first(void);           /* primary, main: memory waits     */
void ft_load_begin(void);                                      /* secondary   */
void ft_load_abort(void);                                      /* secondary   */

#endif
