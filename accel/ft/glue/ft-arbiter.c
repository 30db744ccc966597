/*
 * What this node will need of the arbiter when its peer has failed is tried, and made
 * ahead, as soon as it is what it will be then: QEMU changes its user and its root
 * (-run-with) after the machine is complete and before its main loop runs.
 *
 * THREAD: main.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "block/aio.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/system.h"

static void ft_arbiter_prove(void *opaque)
{
    FtError why = { "" };

    if (!ft_arbiter_check_spec(ft_node.config.arbiter, &why)
        || !ft_arbiter_reserve(ft_node.config.arbiter, ft_node.node_id, &why)) {
        error_report("ft-arbiter=%s: user %u, as which QEMU runs, could not claim the guest "
                     "here: %s", ft_node.config.arbiter, (unsigned)geteuid(), why.text);
        exit(1);
    }
}

static void ft_arbiter_exit(Notifier *n, void *opaque)
{
    ft_arbiter_unreserve(ft_node.config.arbiter, ft_node.node_id);
}

static Notifier exit_notifier = { .notify = ft_arbiter_exit };

void ft_arbiter_prove_soon(void)
{
    qemu_add_exit_notifier(&exit_notifier);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_arbiter_prove, NULL);
}
