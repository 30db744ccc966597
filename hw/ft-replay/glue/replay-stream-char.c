/*
 * A log that is a stream: character devices.
 *
 * What the guest writes to a back end succeeds at once and in full, on both nodes:
 * the owner of the log takes it (or, on a replaying node, drops it), it is no event,
 * and no reader of a console can stop the VM. A break goes through the log as input
 * does.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "qemu/main-loop.h"
#include "chardev/char.h"
#include "system/replay.h"
#include "replay/replay-internal.h"

static bool recording(void)
{
    return replay_log && replay_mode == REPLAY_MODE_RECORD;
}

bool replay_chr_write(Chardev *s, const uint8_t *buf, int len)
{
    if (recording()) {
        replay_log->chr_write(s, buf, len);
    }
    return replay_log;
}

void replay_chr_closed(Chardev *s)
{
    if (recording()) {
        replay_log->chr_closed(s);
    }
}

bool replay_chr_be_break(Chardev *s)
{
    if (recording()) {
        /* No characters are a break. */
        replay_chr_be_write(s, (const uint8_t *)"", 0);
    }
    return replay_log;
}

/* -- input on its way --------------------------------------------------------------
 * What is on its way to a device fills the device's buffer, and asked before it has
 * come the device does not know. So a back end is asked for more only when all that
 * it has given has arrived. Recording only; BQL.
 */
static GHashTable *on_its_way;  /* Chardev to the number of its queued events */

static unsigned events_on_their_way(Chardev *chr)
{
    return on_its_way ? GPOINTER_TO_UINT(g_hash_table_lookup(on_its_way, chr)) : 0;
}

static void set_on_their_way(Chardev *chr, unsigned events)
{
    if (!on_its_way) {
        on_its_way = g_hash_table_new(NULL, NULL);
    }
    g_hash_table_insert(on_its_way, chr, GUINT_TO_POINTER(events));
}

bool replay_chr_is_behind(Chardev *s)
{
    return recording() && events_on_their_way(s);
}

void replay_log_chr_queued(Chardev *chr)
{
    if (recording()) {
        set_on_their_way(chr, events_on_their_way(chr) + 1);
    }
}

bool replay_log_chr_arrives(Chardev *chr, size_t len)
{
    if (recording()) {
        set_on_their_way(chr, events_on_their_way(chr) - 1);
        if (!events_on_their_way(chr)) {
            qemu_notify_event();        /* whoever has more for it is asked again */
        }
    }
    if (!replay_log || len) {
        return false;
    }
    if (chr) {
        CHARDEV_GET_CLASS(chr)->chr_be_event(chr, CHR_EVENT_BREAK);
    }
    return true;
}
