/*
 * The secondary's side of an attach: RAM comes through a pipe to QEMU's own loader, the
 * devices behind it; then this node is what the primary was at the cut.
 *
 * Main, RL + BQL, but for what the receiver thread calls (FtLoadListener).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-gate.h"
#include "accel/ft/glue/ft-link.h"
#include "accel/ft/glue/ft-session.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "io/channel-socket.h"
#include "migration/misc.h"
#include "qemu/coroutine.h"
#include "qemu/main-loop.h"
#include "qemu/yank.h"
#include "system/cpu-timers.h"
#include "system/replay.h"
#include "system/runstate.h"
#include "../migration/migration.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"
#include "../migration/yank_functions.h"
#include "accel/ft/glue/trace.h"

static struct {
    bool active, ram_done;
    bool running;               /* the loader's coroutine has not ended     */
    bool again;                 /* the next load waits for its end          */
    int write_fd;               /* the near end of the pipe, -1 without one */
    QemuEvent ready;            /* write_fd is there, or there will be none */
    GByteArray *devices;
    QEMUBH *bh;
    QemuMutex lock;             /* of devices                               */
} load;

static void __attribute__((constructor)) ft_load_init(void)
{
    load.write_fd = -1;
    qemu_event_init(&load.ready, false);
    qemu_mutex_init(&load.lock);
}

static void ft_load_fail(const char *what)
{
    ft_load_abort();
    ft_post(0, FT_IN_ATTACH_FAILED, 0, what);
}

/* The loader has ended and nobody needs its result: another one may begin. */
static void ft_load_clean(void)
{
    migration_incoming_state_destroy();
    close(load.write_fd);
    load.write_fd = -1;
    if (load.again) {
        load.again = false;
        ft_load_begin();
    }
}

/* RAM and devices are here: become what the primary was at the cut. */
static void ft_load_finish(const GByteArray *blob)
{
    replay_flush_events();
    if (!ft_restore_devices(blob)) {
        ft_load_fail("the device state of the primary could not be loaded");
        return;
    }
    load.active = false;
    ft_load_clean();
    ft_log_replay_from(ft_log_reader());
    ft_digest_begin();
    ft_disk_begin();
    ft_settle_cpu();
    ft_output_set(FT_OUTPUT_KEEP);
    ftc_session_set_epoch(ft_node.session, ft_link_epoch());
    ft_die_at("die-at-state-loaded");
    trace_ft_loaded(icount_get_raw());
    vm_start();
    /* At once: a goodbye that waits in the queue must find us loaded. */
    ft_input(FT_IN_STATE_LOADED, 0, NULL, &error_abort);
}

/* The loader has ended, or the devices have come, in whatever order. */
static void ft_load_bh(void *opaque)
{
    g_autoptr(GByteArray) blob = NULL;

    if (load.running || load.write_fd < 0 || ftc_fault("load-never")) {
        return;
    }
    if (!load.active) {
        ft_load_clean();
        return;
    }
    if (!load.ram_done) {
        ft_load_fail("the RAM of the primary could not be loaded");
        return;
    }
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        blob = g_steal_pointer(&load.devices);
    }
    if (blob) {
        ft_load_finish(blob);
    }
}

static void coroutine_fn ft_load_ram_co(void *opaque)
{
    QIOChannel *ioc = opaque;
    MigrationIncomingState *mis = migration_incoming_get_current();

    mis->from_src_file = qemu_file_new_input(ioc);
    object_unref(OBJECT(ioc));
    load.ram_done = qemu_loadvm_state(mis->from_src_file) >= 0;
    load.running = false;
    qemu_bh_schedule(load.bh);
}

void ft_load_begin(void)
{
    QIOChannelSocket *ioc;
    Error *err = NULL;
    int fds[2];

    if (load.write_fd >= 0) {
        load.again = true;      /* ft_load_clean() comes back here */
        return;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0
        || !(ioc = qio_channel_socket_new_fd(fds[0], &error_abort))
        || !yank_register_instance(MIGRATION_YANK_INSTANCE, NULL)) {
        ft_load_fail("no resources to load the state");
        return;
    }
    migration_ioc_register_yank(QIO_CHANNEL(ioc));
    qio_channel_set_blocking(QIO_CHANNEL(ioc), false, NULL);
    load.active = true;
    load.running = true;
    load.ram_done = false;
    load.write_fd = fds[1];
    if (!load.bh) {
        load.bh = qemu_bh_new(ft_load_bh, NULL);
    }
    qemu_event_set(&load.ready);
    qemu_coroutine_enter(qemu_coroutine_create(ft_load_ram_co, ioc));
    if (ft_disk_shared() ? !ft_images_load_begin(&err) : !ft_copy_load_begin(ft_load_fail, &err)) {
        ft_load_fail(error_get_pretty(err));
        error_free(err);
    }
}

void ft_load_abort(void)
{
    qemu_event_set(&load.ready);
    load.again = false;
    ft_copy_load_abort();
    if (!load.active) {
        return;
    }
    load.active = false;
    /* The loader reads an end of file, the receiver's next write fails. */
    shutdown(load.write_fd, SHUT_RDWR);
    qemu_bh_schedule(load.bh);
}

static void ft_load_prepare(void)
{
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        g_clear_pointer(&load.devices, g_byte_array_unref);     /* given up */
    }
    qemu_event_reset(&load.ready);
}

static int ft_load_open(void)
{
    qemu_event_wait(&load.ready);
    return load.write_fd >= 0 ? fcntl(load.write_fd, F_DUPFD_CLOEXEC, 0) : -1;
}

static void ft_load_devices(GByteArray *blob)
{
    WITH_QEMU_LOCK_GUARD(&load.lock) {
        if (load.devices) {
            g_byte_array_unref(load.devices);
        }
        load.devices = blob;
    }
    if (load.bh) {
        qemu_bh_schedule(load.bh);
    }
}

static const FtLoadListener load_listener = {
    .prepare = ft_load_prepare,
    .open = ft_load_open,
    .devices = ft_load_devices,
    .chunk = ft_copy_receive,
    .zeros = ft_copy_receive_zeros,
    .ask_durable = ft_copy_ask_durable,
    .is_durable = ft_copy_is_durable,
    .disk_failed = ft_copy_has_failed,
};

void ft_load_start(void)
{
    ft_link_load_listener(&load_listener);
}
