/*
 * QEMU built without the FT core (no qemu-ft.pc was found).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-hooks.h"
#include "monitor/hmp.h"
#include "monitor/monitor.h"

bool ft_configure(QDict *machine_opts, const QemuOpts *icount_opts,
                  const char *incoming)
{
    return false;
}

void ft_machine_ready(void)
{
}

bool ft_may_cont(Error **errp)
{
    return true;
}

bool ft_nic_is_full(void)
{
    return false;
}

bool ft_nic_has_room(void)
{
    return false;
}

char *ft_refuses_hmp(const char *cmdline)
{
    return NULL;
}

bool ft_operator_input(FtOperatorInput what, Error **errp)
{
    return false;
}

bool ft_operator_pause(Error **errp)
{
    return false;
}

bool ft_migration_caps(struct MigrationCapabilityStatusList *caps, Error **errp)
{
    return false;
}

bool ft_stops_unseen(void)
{
    return false;
}

void hmp_info_ft(Monitor *mon, const QDict *qdict)
{
    monitor_printf(mon, "This QEMU is built without fault tolerance\n");
}

bool ft_reads_netdev(int fd, IOHandler *read, void *opaque)
{
    return false;
}
