/*
 * The secondary's acknowledgements: what has arrived, and what was executed of it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "qemu/lockable.h"

/*
 * A completion that waits for this node's own disk has been read from the log, not
 * executed. The order of the two looks is what makes that sure.
 */
static uint64_t ft_executed_seq(const FtConn *c)
{
    uint64_t consumed = ftc_log_consumed_seq(c->reader);

    smp_rmb();
    return MIN(consumed, ft_disk_executed_limit());
}

bool ft_send_ack(FtConn *c, Error **errp)
{
    QEMU_LOCK_GUARD(&c->ack_lock);
    FtAck ack = {
        .received_seq = ftc_log_received_seq(c->reader),
        .executed_seq = ft_executed_seq(c),
        .executed_icount = ft_log_executed_icount(),
    };
    uint8_t body[64];
    size_t len = ftc_wire_encode_ack(&ack, body, sizeof(body));

    return ft_send_msg(c, c->log, FT_MSG_ACK, ack.received_seq, 0, body, len, errp);
}

/* So that the primary sees the lag shrink when nothing new is to be acked. */
void ft_report_executed(FtConn *c)
{
    if (!c->primary && qatomic_read(&c->ready)) {
        ft_send_ack(c, NULL);
    }
}
