/*
 * What is known of the peer: of which connection that is, the lease that its heartbeats
 * renew, and what the secondary has told. The link writes it; whoever asks needs no
 * connection for it.
 *
 * All of it is atomic: it is read where no lock is held.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"

/* Of the current connection. */
static unsigned gen;            /* 0: there is none                         */
static FtLease *lease;          /* the connection's, or NULL                */
static uint64_t acked_seq, executed_seq, executed_icount, executed_at_ns, rtt_ns;
static uint64_t still_ns[FT_PART__COUNT], unwell_at_ns;

void ft_peer_begin(unsigned of_gen, FtLease *of_lease)
{
    qatomic_set(&acked_seq, 0);
    qatomic_set(&executed_seq, 0);
    qatomic_set(&executed_icount, 0);
    qatomic_set(&executed_at_ns, ft_now_ns());
    qatomic_set(&rtt_ns, 0);
    for (FtPart part = 0; part < FT_PART__COUNT; part++) {
        qatomic_set(&still_ns[part], 0);
    }
    qatomic_set(&unwell_at_ns, 0);
    qatomic_set(&lease, of_lease);
    qatomic_set(&gen, of_gen);
}

void ft_peer_end(void)
{
    qatomic_set(&gen, 0);
    qatomic_set(&lease, NULL);
}

unsigned ft_peer_gen(void)
{
    return qatomic_read(&gen);
}

FtLease *ft_peer_lease(void)
{
    return qatomic_read(&lease);
}

void ft_peer_told(const FtAck *ack)
{
    qatomic_set(&executed_seq, ack->executed_seq);
    qatomic_set(&executed_icount, ack->executed_icount);
    qatomic_set(&executed_at_ns, ft_now_ns());
    qatomic_set(&acked_seq, ack->received_seq);
}

void ft_peer_told_rtt(uint64_t ns)
{
    qatomic_set(&rtt_ns, ns);
}

void ft_peer_told_still(FtPart part, uint64_t ns, bool unwell)
{
    qatomic_set(&still_ns[part], ns);
    if (unwell) {
        qatomic_set(&unwell_at_ns, ft_now_ns());
    }
}

uint64_t ft_peer_acked(void)
{
    return qatomic_read(&acked_seq);
}

uint64_t ft_peer_executed_seq(void)
{
    return qatomic_read(&executed_seq);
}

uint64_t ft_peer_executed_icount(void)
{
    return qatomic_read(&executed_icount);
}

uint64_t ft_peer_executed_at_ns(void)
{
    return qatomic_read(&executed_at_ns);
}

uint64_t ft_peer_rtt_ns(void)
{
    return qatomic_read(&rtt_ns);
}

uint64_t ft_peer_still_ns(FtPart part)
{
    return qatomic_read(&still_ns[part]);
}

uint64_t ft_peer_well_ns(void)
{
    return ft_now_ns() - qatomic_read(&unwell_at_ns);
}
