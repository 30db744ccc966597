/*
 * ft-respawn=COMMAND: the guest has lost its second node, and whoever starts a new one is
 * told so.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "qemu/error-report.h"

/* A thread of its own: until the program is loaded its disk may hang. */
static void *ft_respawn_thread(void *opaque)
{
    g_auto(GStrv) env = opaque;
    char *argv[] = { (char *)"/bin/sh", (char *)"-c", ft_node.config.respawn, NULL };
    g_autoptr(GError) err = NULL;

    if (!g_spawn_async(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL, NULL, &err)) {
        warn_report("ft-respawn=%s: %s", ft_node.config.respawn, err->message);
    }
    return NULL;
}

/*
 * The guest has lost its second node: tell whoever starts a new one. Not after
 * an operator's own detach, and not at the start.
 */
void ft_respawn(FtState before)
{
    FtSession *s = ft_node.session;
    g_autofree char *epoch = g_strdup_printf("%" PRIu64, ftc_session_epoch(s));
    QemuThread thread;
    char **env;

    if (!ft_node.config.respawn || before != FT_STATE_GOING_LIVE || ft_node.detached
        || ft_node.guest_off) {
        return;
    }
    env = g_environ_setenv(g_get_environ(), "FT_EPOCH", epoch, true);
    env = g_environ_setenv(env, "FT_REASON", ftc_session_reason(s), true);
    qemu_thread_create(&thread, "ft-respawn", ft_respawn_thread, env, QEMU_THREAD_DETACHED);
}
