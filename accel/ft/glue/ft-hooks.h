/*
 * The calls that patched QEMU files make into fault tolerance. Each one is
 * inert when the machine option ft is off, and a stub when FT is not built.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_HOOKS_H
#define ACCEL_FT_GLUE_FT_HOOKS_H

#include "accel/ft/ft.h"
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

/*
 * Why the monitor for people may not run this command line now, a sentence to be
 * freed; NULL: it may. THREAD: main, BQL.
 */
char *ft_refuses_hmp(const char *cmdline);

/*
 * An operator does @what to the guest. True: FT has answered, by an event of the log
 * or by an error; false: it is QEMU's affair. THREAD: main, RL + BQL.
 */
bool ft_operator_input(FtOperatorInput what, Error **errp);

/* The same for stop; cont is ft_may_cont()'s. THREAD: main, RL + BQL. */
bool ft_operator_pause(Error **errp);

/*
 * A monitor sets migration capabilities. True: FT has answered. libvirt switches
 * "events" on at each start and reconnect, whatever the state: taken without effect,
 * so that an attach tells nobody about a migration. THREAD: main, BQL.
 */
struct MigrationCapabilityStatusList;
bool ft_migration_caps(struct MigrationCapabilityStatusList *caps, Error **errp);

/* The VM stops for an instant, which concerns nobody outside: no STOP, no RESUME.
 * THREAD: main, BQL. */
bool ft_stops_unseen(void);

#endif
