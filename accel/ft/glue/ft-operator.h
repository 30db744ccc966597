/*
 * What an operator does to the guest (ft-operator.c), and which commands of the monitors
 * may run (ft-monitor-allow.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_OPERATOR_H
#define ACCEL_FT_GLUE_FT_OPERATOR_H

#include "accel/ft/glue/ft-node.h"

/* Both nodes, RL + BQL: the event of the log that says so has been reached. */
void ft_operator_run(uint64_t what);
bool ft_operator_resume(void);         /* main: false if it was not paused      */
/* Main: while a cut or a handover stops the VM in QEMU's way it is not "paused". */
void ft_pause_lift(void);
void ft_pause_again(void);
void ft_pause_forget(void);            /* main: this node runs no guest any more */

void ft_allow_update(FtState state);                           /* main        */

#endif
