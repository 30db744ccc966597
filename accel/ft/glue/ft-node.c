/*
 * The ground floor: the node, its clock, and the way from any thread to the main loop.
 *
 * What stands above this file is not called from here. A post goes to whoever has asked
 * for posts when the node started (ft-actions.c).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-node.h"
#include "qemu/main-loop.h"
#include "qemu/timer.h"
#include "system/cpus.h"

FtNode ft_node;

uint64_t ft_now_ns(void)
{
    return qemu_clock_get_ns(QEMU_CLOCK_REALTIME);
}

FtState ft_state(void)
{
    return ft_node.session ? ftc_session_state(ft_node.session) : FT_STATE_OFF;
}

bool ft_restricts(FtState state)
{
    return state != FT_STATE_OFF && state != FT_STATE_EXPOSED;
}

void ft_die_at(const char *fault)
{
    if (ftc_fault(fault)) {
        kill(getpid(), SIGKILL);
    }
}

/* -- posts --------------------------------------------------------------------- */

static GAsyncQueue *posted;     /* of FtPosted                              */
static QEMUBH *posted_bh;
static void (*take_posted)(FtPosted *p);

void ft_post(unsigned gen, FtInputKind kind, uint64_t value, const char *text)
{
    FtPosted *p = g_new0(FtPosted, 1);

    p->gen = gen;
    p->in.kind = kind;
    p->in.value = value;
    p->text = g_strdup(text);
    g_async_queue_push(posted, p);
    qemu_bh_schedule(posted_bh);
}

void ft_posted_free(FtPosted *p)
{
    g_free(p->text);
    g_free(p);
}

static void ft_posted_bh(void *opaque)
{
    FtPosted *p;

    if (ft_node.posts_wait) {
        return;                 /* ft_post_again() follows */
    }
    if (qemu_in_vcpu_thread()) {
        /* A drain inside of a guest's instruction polls; not the moment to decide. */
        qemu_bh_schedule(posted_bh);
        return;
    }
    while ((p = g_async_queue_try_pop(posted))) {
        take_posted(p);
    }
}

void ft_post_again(void)
{
    qemu_bh_schedule(posted_bh);
}

void ft_posts_start(void (*take)(FtPosted *p))
{
    take_posted = take;
    posted = g_async_queue_new();
    posted_bh = qemu_bh_new(ft_posted_bh, NULL);
}
