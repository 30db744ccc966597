/*
 * What an attach sends of the memory: the stream that QEMU's migration code writes, in
 * pieces; and how an attach ends, well or not.
 *
 * Main, RL + BQL.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-attach.h"
#include "accel/ft/glue/ft-link.h"
#include "block/ft-filter/glue/ft-drives.h"
#include "qemu/units.h"
#include "io/channel-buffer.h"
#include "migration/misc.h"
#include "qemu/timer.h"
#include "system/runstate.h"
#include "../migration/migration.h"
#include "../migration/qemu-file.h"
#include "../migration/savevm.h"

#define FT_CHUNK_BYTES (1 * MiB)
/*
 * Behind the cut output is held: a secondary that is alive and does not load is one that
 * has failed.
 */
#define FT_LOADING_TIMEOUTS 4
#define FT_LOADING_MIN_NS (2 * NANOSECONDS_PER_SECOND)

static struct {
    bool active;
    QIOChannelBuffer *buffer;
    QEMUFile *file;
} stream;

static QEMUTimer *patience;     /* behind the cut                           */

void ft_stream_close(MigrationStatus end)
{
    MigrationState *ms = migrate_get_current();

    if (!stream.active) {
        return;
    }
    stream.active = false;
    ft_slow_set(0);
    qemu_savevm_state_cleanup();
    g_clear_pointer(&ms->vmdesc, json_writer_free);
    ms->to_dst_file = NULL;
    migrate_set_state(&ms->state, MIGRATION_STATUS_SETUP, end);
    qemu_fclose(stream.file);
    stream.file = NULL;
    object_unref(OBJECT(stream.buffer));
    stream.buffer = NULL;
}

void ft_attach_done(void)
{
    timer_del(patience);
}

void ft_attach_abort(void)
{
    if (patience) {
        timer_del(patience);
    }
    ft_copy_abort();
    ft_stream_close(MIGRATION_STATUS_FAILED);
}

static uint64_t ft_loading_max_ns(void)
{
    return MAX(FT_LOADING_MIN_NS, FT_LOADING_TIMEOUTS * ft_node.config.timeout_ns);
}

void ft_attach_fail(const char *what)
{
    ft_attach_abort();
    ft_post(ft_peer_gen(), FT_IN_ATTACH_FAILED, 0, what);
}

/* Behind the cut: heartbeats answer, but its main loop or its loader hangs. */
static void ft_attach_stands_still(void *opaque)
{
    g_autofree char *text = g_strdup_printf("the secondary does not load the state: not in the "
                                            "%" PRIu64 " ms since it was sent",
                                            ft_loading_max_ns() / SCALE_MS);

    ft_attach_fail(text);
}

/* Hands what the migration code has written to the sender. */
void ft_stream_flush(void)
{
    QIOChannelBuffer *b = stream.buffer;

    qemu_fflush(stream.file);
    for (size_t at = 0; at < b->usage; at += FT_CHUNK_BYTES) {
        size_t len = MIN(FT_CHUNK_BYTES, b->usage - at);
        GByteArray *body = g_byte_array_sized_new(len);

        g_byte_array_append(body, b->data + at, len);
        ft_link_send(FT_MSG_STATE, body);
        ft_node.attach_bytes += len;
        ft_node.attach_covered += len;
    }
    b->usage = 0;
    b->offset = 0;
}

void ft_attach_be_patient(void)
{
    timer_mod(patience, ft_now_ns() + ft_loading_max_ns());
}

QEMUFile *ft_stream_file(void)
{
    return stream.file;
}

bool ft_attach_active(void)
{
    return stream.active;
}

bool ft_stream_open(size_t bytes, Error **errp)
{
    MigrationState *ms = migrate_get_current();

    if (!patience) {
        patience = timer_new_ns(QEMU_CLOCK_REALTIME, ft_attach_stands_still, NULL);
    }
    if (migration_is_blocked(errp)) {
        return false;
    }
    if (migration_is_running()) {
        error_setg(errp, "a migration is under way");
        return false;
    }
    if (migrate_init(ms, errp) != 0) {
        return false;
    }
    stream.active = true;
    stream.buffer = qio_channel_buffer_new(bytes);
    stream.file = qemu_file_new_output(QIO_CHANNEL(stream.buffer));
    ms->to_dst_file = stream.file;
    return true;
}
