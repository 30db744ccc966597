/*
 * The output gate and what waits in front of it (ft-gate.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_GATE_H
#define ACCEL_FT_GLUE_FT_GATE_H

#include "accel/ft/glue/ft-node.h"

typedef struct FtHolder {
    void (*release)(void);      /* BQL: lets go what ft_output_may_leave() allows */
    void (*destroy)(void);      /* main: this node is fenced, nothing goes ever */
    uint64_t (*held)(void);     /* any thread: how much waits               */
} FtHolder;
void ft_output_start(void);                                    /* main        */
void ft_output_holder(const FtHolder *holder);                 /* main, at start */
void ft_output_set(FtOutput mode);                             /* main        */
FtOutput ft_output_mode(void);                                 /* BQL         */
/* BQL. Of which frames may output leave at this instant? False: of none. */
bool ft_output_may_leave(uint64_t *up_to);
void ft_output_release(void);                                  /* BQL         */
void ft_output_acked(void);            /* receiver thread, no lock held        */
/* Any thread: something that lets held output go has happened. */
void ft_output_wake(void);
uint64_t ft_output_held(void);         /* any: packets and writes              */
/* Main. Called in the main loop, RL + BQL, behind each wake or ack; NULL: no more. */
void ft_output_watch(void (*tell)(void));

#endif
