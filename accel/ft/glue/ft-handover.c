/*
 * A planned failover, on the primary: the guest stops, and when the secondary has all of
 * its log and nothing waits for an acknowledgement, the core is told so.
 *
 * Main, RL + BQL; the check also runs behind each acknowledgement, in the main loop.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-operator.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "system/runstate.h"

void ft_stop_guest(void)
{
    ft_pause_lift();
    if (runstate_is_running()) {
        vm_stop(RUN_STATE_PAUSED);
    }
}

/*
 * Has the secondary all of it, and is nothing held? The completion of a disk request
 * would be one more frame.
 */
static void ft_paused_check(void)
{
    if (ft_output_mode() == FT_OUTPUT_ACKED && !ft_output_held() && !ft_disk_in_flight()
        && ft_peer_acked() + 1 >= ft_log_next_seq() && qatomic_xchg(&ft_node.pausing, false)) {
        ft_output_watch(NULL);
        ft_post(ft_peer_gen(), FT_IN_PAUSED_ACKED, 0, NULL);
    }
}

void ft_pause_for_handover(void)
{
    ft_node.handover = true;
    ft_stop_guest();
    qatomic_set(&ft_node.pausing, true);
    ft_output_watch(ft_paused_check);
    ft_log_flush();
    ft_output_wake();
}

/* A guest that its operator has paused was stopped for the handover, and stays so. */
void ft_resume(void)
{
    qatomic_set(&ft_node.pausing, false);
    ft_output_watch(NULL);
    ft_node.handover = false;
    vm_start();
    ft_pause_again();
}
