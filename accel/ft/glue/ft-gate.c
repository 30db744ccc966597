/*
 * Hosts the output gate (accel/ft/output_gate.hpp) and knows what waits in front of
 * it: the packets of ft-filter.c, the writes of ft-disk-shared.c. These register as
 * holders; neither knows of the other, and the gate knows nothing of what they hold.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-gate.h"
#include "qemu/main-loop.h"

#define FT_HOLDERS_MAX 4

static FtGate *gate;                            /* BQL                      */
static const FtHolder *holders[FT_HOLDERS_MAX]; /* written at start         */
static unsigned holders_count;
static void (*released)(void);                  /* atomic: ft_gate_watch()  */
static QEMUBH *release_bh;

bool ft_output_may_leave(uint64_t *up_to)
{
    uint64_t acked = ftc_fault("release-before-ack") ? UINT64_MAX : ft_peer_acked();

    return ftc_gate_limit(gate, ft_peer_lease(), acked, ft_now_ns(), up_to);
}

FtOutput ft_output_mode(void)
{
    return ftc_gate_mode(gate);
}

uint64_t ft_output_held(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < holders_count; i++) {
        sum += holders[i]->held();
    }
    return sum;
}

void ft_output_release(void)
{
    for (unsigned i = 0; i < holders_count; i++) {
        holders[i]->release();
    }
}

void ft_output_set(FtOutput mode)
{
    ftc_gate_set(gate, mode);
    for (unsigned i = 0; mode == FT_OUTPUT_CLOSED && i < holders_count; i++) {
        holders[i]->destroy();
    }
    ft_output_release();
}

static void ft_tell_released(void)
{
    void (*tell)(void) = qatomic_read(&released);

    if (tell) {
        tell();
    }
}

static void ft_release_bh(void *opaque)
{
    ft_output_release();
    ft_tell_released();
}

void ft_output_wake(void)
{
    if (ft_output_held() || qatomic_read(&released)) {
        qemu_bh_schedule(release_bh);
    }
}

/*
 * The packets leave from the receiver's thread: the main loop would have to take the
 * replay mutex, that is, to throw the vCPU out of its turn and wait for that, for each.
 */
void ft_output_acked(void)
{
    if (ft_output_held()) {
        bql_lock();
        ft_output_release();
        bql_unlock();
    }
    if (qatomic_read(&released)) {
        qemu_bh_schedule(release_bh);
    }
}

void ft_output_watch(void (*tell)(void))
{
    qatomic_set(&released, tell);
}

void ft_output_holder(const FtHolder *holder)
{
    g_assert(holders_count < FT_HOLDERS_MAX);
    holders[holders_count++] = holder;
}

void ft_output_start(void)
{
    gate = ftc_gate_new();
    g_assert(gate);
    release_bh = qemu_bh_new(ft_release_bh, NULL);
}
