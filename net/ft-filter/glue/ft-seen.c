/*
 * What the network has seen of the guest, for each netdev (seen.hpp): looked at in
 * all that the guest sends, on both nodes, and told again by ft-announce.c.
 *
 * It goes to the other node in the devices' state, as a section of its own: a guest
 * that joined a group an hour ago has to be served by a secondary of today. No digest
 * looks at it, because the two nodes hear of what comes from outside at different
 * moments.
 *
 * The guest's packets come with RL and BQL held, those from outside also from the
 * receiver of the log; a lock of its own, which nobody holds for long, covers both.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "net/ft-filter/glue/ft-net.h"
#include "qemu/units.h"
#include "migration/qemu-file-types.h"
#include "migration/register.h"
#include "net/net.h"
#include "qemu/error-report.h"
#include "qemu/iov.h"
#include "qemu/lockable.h"
#include "system/reset.h"

#define FT_SEEN_NETDEVS_MAX 64
#define FT_SEEN_SOURCES_MAX 256
#define FT_SEEN_REPORTS_MAX 256
#define FT_SEEN_REPORT_BYTES_MAX (32 * KiB)
/* As long as a bridge remembers an address that is silent. */
#define FT_SEEN_AGE_MAX (300 * NANOSECONDS_PER_SECOND)
/* All that these limits allow is less. */
#define FT_SEEN_SAVED_MAX (256 * KiB)
/* Of a packet from outside: virtio's header, addresses, tags. */
#define FT_SEEN_HEAD_BYTES 64

typedef struct FtSeenNetdev {
    NetClientState *nc;
    FtSeen *seen;
} FtSeenNetdev;

static QemuMutex lock;
static FtSeenNetdev netdevs[FT_SEEN_NETDEVS_MAX];
static unsigned netdevs_count;  /* fixed before a packet can come           */

/* Locked. What the guest's NIC has agreed on with the back end. */
static FtSeen *ft_seen_of(unsigned netdev)
{
    if (netdev >= netdevs_count) {
        return NULL;            /* the number may be a peer's */
    }
    ftc_seen_set_header(netdevs[netdev].seen, qemu_get_vnet_hdr_len(netdevs[netdev].nc));
    return netdevs[netdev].seen;
}

/* -- with the devices' state -------------------------------------------------- */

static void ft_seen_save_state(QEMUFile *f, void *opaque)
{
    QEMU_LOCK_GUARD(&lock);
    qemu_put_be32(f, netdevs_count);
    for (unsigned i = 0; i < netdevs_count; i++) {
        size_t len;
        const uint8_t *data = ftc_seen_save(netdevs[i].seen, ft_now_ns(), &len);

        qemu_put_be32(f, len);
        qemu_put_buffer(f, data, len);
    }
}

/* Locked. */
static bool ft_seen_load_one(QEMUFile *f, FtSeen *seen, FtError *why)
{
    uint32_t len = qemu_get_be32(f);
    g_autofree uint8_t *data = NULL;

    if (len == 0) {
        ftc_seen_clear(seen);    /* there was no memory to save it */
        return true;
    }
    if (len > FT_SEEN_SAVED_MAX) {
        snprintf(why->text, sizeof(why->text), "%u bytes", len);
        return false;
    }
    data = g_malloc(len);
    if (qemu_get_buffer(f, data, len) != len) {
        snprintf(why->text, sizeof(why->text), "cut short");
        return false;
    }
    return ftc_seen_load(seen, data, len, ft_now_ns(), why);
}

static int ft_seen_load_state(QEMUFile *f, void *opaque, int version)
{
    FtError why = { "" };
    uint32_t count = qemu_get_be32(f);

    QEMU_LOCK_GUARD(&lock);
    if (count != netdevs_count) {
        error_report("ft: what the network has seen is of %u netdevs, not %u", count,
                     netdevs_count);
        return -EINVAL;
    }
    for (unsigned i = 0; i < count; i++) {
        if (!ft_seen_load_one(f, netdevs[i].seen, &why)) {
            error_report("ft: what the network has seen of netdev %u: %s", i, why.text);
            return -EINVAL;
        }
    }
    return 0;
}

static const SaveVMHandlers ft_seen_handlers = {
    .save_state = ft_seen_save_state,
    .load_state = ft_seen_load_state,
};

/* The guest that comes up now has joined nothing; a load follows if it is the cut's. */
static void ft_seen_reset(void *opaque)
{
    QEMU_LOCK_GUARD(&lock);
    for (unsigned i = 0; i < netdevs_count; i++) {
        ftc_seen_clear(netdevs[i].seen);
    }
}

/* -- what passes ---------------------------------------------------------------- */

void ft_seen_add(NetClientState *nc)
{
    FtSeenLimits limits = {
        .sources_max = FT_SEEN_SOURCES_MAX, .reports_max = FT_SEEN_REPORTS_MAX,
        .report_bytes_max = FT_SEEN_REPORT_BYTES_MAX, .age_ns_max = FT_SEEN_AGE_MAX,
    };

    if (netdevs_count == 0) {
        qemu_mutex_init(&lock);
        register_savevm_live("ft-seen", 0, 1, &ft_seen_handlers, NULL);
        qemu_register_reset(ft_seen_reset, NULL);
    }
    netdevs[netdevs_count].nc = nc;
    netdevs[netdevs_count].seen = ftc_seen_new(&limits);
    g_assert(netdevs[netdevs_count].seen);
    netdevs_count++;
}

void ft_seen_output(unsigned netdev, const uint8_t *data, size_t len)
{
    QEMU_LOCK_GUARD(&lock);
    ftc_seen_from_guest(ft_seen_of(netdev), data, len, ft_now_ns());
}

void ft_seen_input(unsigned netdev, const struct iovec *iov, int iovcnt)
{
    uint8_t head[FT_SEEN_HEAD_BYTES];
    size_t len = iov_to_buf(iov, iovcnt, 0, head, sizeof(head));
    FtSeen *seen;

    QEMU_LOCK_GUARD(&lock);
    seen = ft_seen_of(netdev);
    if (seen) {
        ftc_seen_from_outside(seen, head, len, ft_now_ns());
    }
}

bool ft_seen_has_sent(unsigned netdev, const uint8_t *data, size_t len)
{
    FtSeen *seen;

    QEMU_LOCK_GUARD(&lock);
    seen = ft_seen_of(netdev);
    return seen && ftc_seen_is_guests(seen, data, len);
}

/* -- telling it ------------------------------------------------------------------ */

void ft_seen_tell_begin(void)
{
    QEMU_LOCK_GUARD(&lock);
    for (unsigned i = 0; i < netdevs_count; i++) {
        ftc_seen_begin_round(netdevs[i].seen, ft_now_ns());
    }
}

bool ft_seen_tell_next(NetClientState **nc, const uint8_t **frame, size_t *len)
{
    QEMU_LOCK_GUARD(&lock);
    for (unsigned i = 0; i < netdevs_count; i++) {
        if (ftc_seen_next(netdevs[i].seen, frame, len)) {
            *nc = netdevs[i].nc;
            return true;
        }
    }
    return false;
}

void ft_seen_totals(FtSeenStats *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (unsigned i = 0; i < netdevs_count; i++) {
        FtSeenStats s;

        QEMU_LOCK_GUARD(&lock);
        ftc_seen_stats(netdevs[i].seen, &s);
        sum->sources += s.sources;
        sum->reports += s.reports;
        sum->report_bytes += s.report_bytes;
        sum->told += s.told;
    }
}
