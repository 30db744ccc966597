/*
 * The calls that patched QEMU files make into fault tolerance. Each one is
 * inert when the machine option ft is off, and a stub when FT is not built.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_HOOKS_H
#define ACCEL_FT_GLUE_FT_HOOKS_H

#include "qobject/qdict.h"
#include "qemu/main-loop.h"
#include "qemu/option.h"

/*
 * Takes the ft options out of @machine_opts and sets up what FT needs (icount,
 * recording, clocks). Returns true for a secondary. Exits with a sentence if
 * the options contradict each other. THREAD: main, before the machine exists.
 */
bool ft_configure(QDict *machine_opts, const QemuOpts *icount_opts,
                  const char *incoming);

/*
 * All devices exist: refuses what cannot be protected, puts a filter on each
 * netdev, starts listening or attaching. THREAD: main, RL + BQL.
 */
void ft_machine_ready(void);

/*
 * May the guest start or go on? False without error: FT starts it later by
 * itself, after the first attach. THREAD: main, BQL.
 */
bool ft_may_cont(Error **errp);

/*
 * A network back end wants @fd to be read by @read(@opaque), or not, if that is
 * NULL. True: FT does it, and the main loop must not. THREAD: main or vCPU, BQL.
 */
bool ft_reads_netdev(int fd, IOHandler *read, void *opaque);

/*
 * While FT has a back end read: its NIC has put the last packet aside for want of
 * room, so the back end should keep the others. THREAD: vCPU, RL + BQL.
 */
bool ft_nic_is_full(void);

/*
 * A NIC has nothing put aside any more. True: FT reads the back ends, the main
 * loop need not look at them. THREAD: main or vCPU, BQL.
 */
bool ft_nic_has_room(void);

/* May the human monitor run this command line now? THREAD: main, BQL. */
bool ft_may_run_hmp(const char *cmdline);

#endif
