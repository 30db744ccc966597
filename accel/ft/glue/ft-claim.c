/*
 * The arbiter is asked for an epoch from a thread of its own, because its disk may hang.
 * The answer is a post.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "block/aio.h"
#include "qemu/main-loop.h"

static GAsyncQueue *claims;     /* of epochs                                */

static void ft_claim_one(uint64_t epoch)
{
    FtError why = { "" };

    switch (ftc_arbiter_claim(ft_node.config.arbiter, ft_node.vm_uuid, epoch,
                              ft_node.node_id, &why)) {
    case FT_CLAIM_WON:
        ft_post(0, FT_IN_ARBITER_WON, epoch, NULL);
        break;
    case FT_CLAIM_LOST:
        ft_post(0, FT_IN_ARBITER_LOST, epoch, why.text);
        break;
    case FT_CLAIM_UNREACHABLE:
        ft_post(0, FT_IN_ARBITER_UNREACHABLE, epoch, why.text);
        break;
    }
}

/*
 * Made when the node starts: a takeover must not fail for want of a thread, nor of a
 * descriptor, which is why it has a table of its own. The core asks one question at a
 * time, so one that hangs keeps no other waiting.
 */
static void *ft_claim_thread(void *opaque)
{
    /* All but this one are closed here: by it ft_post() wakes the main loop. */
    ft_thread_own_descriptors(event_notifier_get_wfd(&qemu_get_aio_context()->notifier));
    for (;;) {
        g_autofree uint64_t *epoch = g_async_queue_pop(claims);

        ft_claim_one(*epoch);
    }
    return NULL;
}

void ft_claim(uint64_t epoch)
{
    if (ft_node.takeover.detected_ns == 0) {
        ft_node.takeover.detected_ns = ft_now_ns();
    }
    g_async_queue_push(claims, g_memdup2(&epoch, sizeof(epoch)));
}

void ft_claims_start(void)
{
    QemuThread thread;

    claims = g_async_queue_new();
    qemu_thread_create(&thread, "ft-arbiter", ft_claim_thread, NULL, QEMU_THREAD_DETACHED);
}
