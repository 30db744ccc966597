/*
 * What this node will need later is tried, and made ahead, as soon as it is what it will
 * be then: QEMU changes its user and its root (-run-with) after the machine is complete
 * and before its main loop runs. That is the arbiter when the peer has failed, and what
 * the options name that is opened or run only then.
 *
 * THREAD: main.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-session.h"
#include "block/aio.h"
#include "block/block-io.h"
#include "block/block_int.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "system/system.h"

static void G_GNUC_PRINTF(1, 2) ft_give_up(const char *format, ...)
{
    const char *why = strerror(errno);
    g_autofree char *what = NULL;
    va_list args;

    va_start(args, format);
    what = g_strdup_vprintf(format, args);
    va_end(args);
    error_report("%s: user %u, as which QEMU runs, cannot use it: %s", what,
                 (unsigned)geteuid(), why);
    exit(1);
}

static void ft_prove_files(const FtConfig *c)
{
    if (c->digest_dir && access(c->digest_dir, W_OK | X_OK) != 0) {
        ft_give_up("ft-digest-dir=%s", c->digest_dir);
    }
    if (c->respawn && access("/bin/sh", X_OK) != 0) {
        ft_give_up("ft-respawn=%s: /bin/sh", c->respawn);
    }
    if (c->log_file && c->role == FT_ROLE_PRIMARY) {
        FILE *file = fopen(c->log_file, "ab");

        if (!file) {
            ft_give_up("ft-log-file=%s", c->log_file);
        }
        fclose(file);
    }
}

/*
 * Will it be written? A file with auto-read-only, as libvirt makes them, is opened as it
 * is needed: what lies above says it (the firmware's code is read alone).
 */
static bool GRAPH_RDLOCK ft_is_written(BlockDriverState *bs)
{
    if (bdrv_is_read_only(bs) || !(bs->open_flags & BDRV_O_AUTO_RDONLY)) {
        return !bdrv_is_read_only(bs);
    }
    for (BlockDriverState *p = bdrv_next_all_states(NULL); p; p = bdrv_next_all_states(p)) {
        if (p->file && p->file->bs == bs && !bdrv_is_read_only(p)) {
            return true;
        }
    }
    return false;
}

/* A secondary opens its images for writing when a primary comes, by their names. */
static void ft_prove_images(void)
{
    GRAPH_RDLOCK_GUARD_MAINLOOP();

    for (BlockDriverState *bs = bdrv_next_all_states(NULL); bs; bs = bdrv_next_all_states(bs)) {
        bool file = bs->drv && (g_str_equal(bs->drv->format_name, "file")
                                || g_str_equal(bs->drv->format_name, "host_device"));

        if (file && ft_is_written(bs) && !g_str_has_prefix(bs->filename, "/dev/fdset/")
            && access(bs->filename, R_OK | W_OK) != 0) {
            ft_give_up("image %s", bs->filename);
        }
    }
}

static void ft_arbiter_prove(void *opaque)
{
    FtError why = { "" };

    ft_prove_files(&ft_node.config);
    if (ft_node.config.role == FT_ROLE_SECONDARY || ft_disk_shared()) {
        ft_prove_images();
    }
    if (!ftc_arbiter_check_spec(ft_node.config.arbiter, &why)
        || !ftc_arbiter_reserve(ft_node.config.arbiter, ft_node.node_id, &why)) {
        error_report("ft-arbiter=%s: user %u, as which QEMU runs, could not claim the guest "
                     "here: %s", ft_node.config.arbiter, (unsigned)geteuid(), why.text);
        exit(1);
    }
}

static void ft_arbiter_exit(Notifier *n, void *opaque)
{
    ftc_arbiter_unreserve(ft_node.config.arbiter, ft_node.node_id);
}

static Notifier exit_notifier = { .notify = ft_arbiter_exit };

void ft_arbiter_prove_soon(void)
{
    qemu_add_exit_notifier(&exit_notifier);
    aio_bh_schedule_oneshot(qemu_get_aio_context(), ft_arbiter_prove, NULL);
}
