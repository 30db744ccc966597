/*
 * The secondary's receiving side: it takes its primary's state and log, and acknowledges.
 *
 * THREAD: the connection's receiver, which takes no lock of QEMU's.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "qemu/osdep.h"
#include "accel/ft/glue/ft-conn.h"
#include "hw/ft-replay/glue/ft-log.h"
#include "net/ft-filter/glue/ft-net.h"
#include "accel/ft/glue/trace.h"
#include "io/channel-socket.h"
#include "io/net-listener.h"
#include "qemu/error-report.h"
#include "qemu/lockable.h"

#define FT_DURABLE_LOOK_US 200
/* The fault late-end. */
#define FT_LATE_END_US 300000

static bool ft_on_log(FtConn *c, const FtMsgHeader *h, const uint8_t *body, size_t len,
                      Error **errp)
{
    FtError why = { "" };
    int taken;

    while ((taken = ftc_log_feed(c->reader, body, len, h->seq, h->seq_last, &why)) == 0) {
        /* Replay is far behind; TCP holds the primary back meanwhile. */
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(1000);
    }
    if (taken < 0) {
        error_setg(errp, "log: %s", why.text);
        return false;
    }
    ft_die_at("die-at-first-frame");
    ft_log_count(h->seq_last, len);
    trace_ft_log_received(h->seq, h->seq_last, len);
    if (qatomic_read(&c->ready)) {
        /* If it cannot be sent the stream ends too, maybe with a goodbye. */
        ft_send_ack(c, NULL);
        ft_die_at("die-at-first-ack");
    }
    ft_log_arrived();
    return true;
}

/* Everything that was sent of the drives is in their images, for good. */
static bool ft_disks_durable(FtConn *c, Error **errp)
{
    uint64_t ticket = ft_load_listener->ask_durable(c->gen);

    while (!ft_load_listener->is_durable(ticket)) {
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(FT_DURABLE_LOOK_US);
    }
    if (ft_load_listener->disk_failed()) {
        error_setg(errp, "disk: an image of the secondary cannot be written; its own reason "
                   "names the drive");
        return false;
    }
    return true;
}

/* A chunk of a drive, or a run of them that are zeros. */
static bool ft_on_disk(FtConn *c, const FtMsgHeader *h, GByteArray *body, Error **errp)
{
    int (*receive)(unsigned, uint64_t, uint64_t, const uint8_t *, size_t, Error **) =
        h->type == FT_MSG_DISK ? ft_load_listener->chunk : ft_load_listener->zeros;
    int taken;

    while ((taken = receive(c->gen, h->seq, h->seq_last, body->data, body->len, errp)) == 0) {
        /* The image is slower than the link; TCP holds the primary back. */
        if (qatomic_read(&c->closing)) {
            error_setg(errp, "this node has closed the connection");
            return false;
        }
        g_usleep(FT_DURABLE_LOOK_US);
    }
    return taken > 0;
}

/* A load that has begun must be given its stream; devices end it. */
static bool ft_on_devices(FtConn *c, GByteArray *body, Error **errp)
{
    GByteArray *blob;

    if (!ft_disks_durable(c, errp)) {
        return false;
    }
    blob = g_byte_array_sized_new(body->len);
    g_byte_array_append(blob, body->data, body->len);
    c->got_devices = true;
    ft_early_restart();
    ft_die_at("die-at-state-sent");
    /* Ahead of all that this thread may have to say of the connection's end. */
    ft_post(c->gen, FT_IN_STATE_RECEIVED, 0, NULL);
    ft_load_listener->devices(blob);
    return true;
}

static bool ft_check_epoch(FtConn *c, const FtMsgHeader *h, Error **errp)
{
    uint64_t epoch = qatomic_read(&c->epoch);

    if (h->session != c->session) {
        error_setg(errp, "session: %" PRIx64 ", expected %" PRIx64, h->session,
                   c->session);
        return false;
    }
    if (epoch == 0 && h->epoch > 0 && h->type == FT_MSG_STATE) {
        qatomic_set(&c->epoch, h->epoch);
        return true;
    }
    if (h->epoch != epoch) {
        error_setg(errp, "epoch: %" PRIu64 ", expected %" PRIu64, h->epoch, epoch);
        return false;
    }
    return true;
}

static bool ft_on_state(FtConn *c, GByteArray *body, Error **errp)
{
    ft_die_at("die-at-ram-pass");
    if (c->state_fd < 0) {
        c->state_fd = ft_load_listener->open();
    }
    if (qemu_write_full(c->state_fd, body->data, body->len) != (ssize_t)body->len) {
        error_setg(errp, "state: the secondary's loader has stopped; its own reason "
                   "says why");
        return false;
    }
    return true;
}

/*
 * The loader has taken all before this but what its pipe holds, and what the cut adds to
 * the drives will be durable soon.
 */
static bool ft_on_mark(FtConn *c, Error **errp)
{
    return ftc_fault("mark-never")
        || (ft_disks_durable(c, errp)
            && ft_send_msg(c, c->log, FT_MSG_MARK, 0, 0, NULL, 0, errp));
}

static bool ft_on_log_zstd(FtConn *c, const FtMsgHeader *h, GByteArray *body, Error **errp)
{
    g_autoptr(GByteArray) plain = g_byte_array_new();

    return ft_unpack(body, plain, errp) && ft_on_log(c, h, plain->data, plain->len, errp);
}

static void ft_on_goodbye(FtConn *c, const FtMsgHeader *h, const GByteArray *body)
{
    g_autofree char *text = g_strndup((char *)body->data, MIN(body->len, FT_REASON_MAX));

    qatomic_set(&c->posted_end, true);
    ft_post(c->gen, FT_IN_PEER_GOODBYE, h->seq, text);
}

/* State comes first, and ends with the devices; all else behind them. */
static bool ft_check_order(FtConn *c, const FtMsgHeader *h, Error **errp)
{
    bool is_state = h->type == FT_MSG_STATE || h->type == FT_MSG_DEVICES
                    || h->type == FT_MSG_MARK || h->type == FT_MSG_DISK
                    || h->type == FT_MSG_DISK_ZEROS;

    if (is_state ? !qatomic_read(&c->agreed) || c->got_devices
                 : h->type != FT_MSG_GOODBYE && !c->got_devices) {
        error_setg(errp, "type: %u is out of place here", h->type);
        return false;
    }
    return true;
}

/* @frames: the body of a LOG that was received in place, else NULL. */
static bool ft_on_primary_msg(FtConn *c, const FtMsgHeader *h, GByteArray *body,
                              const uint8_t *frames, Error **errp)
{
    if ((h->type != FT_MSG_GOODBYE && !ft_check_epoch(c, h, errp))
        || !ft_check_order(c, h, errp)) {
        return false;
    }
    switch (h->type) {
    case FT_MSG_STATE:
        return ft_on_state(c, body, errp);
    case FT_MSG_MARK:
        return ft_on_mark(c, errp);
    case FT_MSG_DISK:
    case FT_MSG_DISK_ZEROS:
        return ft_on_disk(c, h, body, errp);
    case FT_MSG_DEVICES:
        return ft_on_devices(c, body, errp);
    case FT_MSG_LOG:
        return ft_on_log(c, h, frames ? frames : body->data, h->body_len, errp);
    case FT_MSG_LOG_ZSTD:
        return ft_on_log_zstd(c, h, body, errp);
    case FT_MSG_RELEASED:
        ft_output_forget(h->seq);
        return true;
    case FT_MSG_HANDOVER:
        ft_post(c->gen, FT_IN_HANDOVER, ftc_log_received_seq(c->reader), NULL);
        return true;
    case FT_MSG_GOODBYE:
        ft_on_goodbye(c, h, body);
        return true;
    default:
        error_setg(errp, "type: %u does not come from a primary", h->type);
        return false;
    }
}

/* The primary's receiver until the stream ends: its state, then its log. */
void ft_receive_log(FtConn *c)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    const uint8_t *frames;
    FtMsgHeader h;
    Error *err = NULL;

    /* Whoever opens a log channel has to show a heartbeat soon. */
    while (ft_recv_msg_to(c, c->log, &h, body, &frames,
                          qatomic_read(&c->agreed) ? 0 : ft_now_ns() + FT_HANDSHAKE_NS,
                          &err)
           && ft_on_primary_msg(c, &h, body, frames, &err)) {
        qatomic_set(&c->heard_ns, ft_now_ns());
    }
    if (ftc_fault("late-end")) {
        g_usleep(FT_LATE_END_US);
    }
    qatomic_set(&c->log_over, true);
    ft_conn_end(c, qatomic_read(&c->peer_died) ? "the peer's process has died"
                                               : error_get_pretty(err));
    qemu_sem_post(&c->log_ended);       /* one for the heartbeat,   */
    qemu_sem_post(&c->log_ended);       /* one for the sender       */
    error_free(err);
}

void ft_link_send_ready(void)
{
    FtConn *c = ft_node.conn;

    if (!c) {
        return;
    }
    /* By the sender: main waits for no socket. An ack ahead of it would do no harm. */
    ft_link_queue(FT_MSG_READY, 0, 0, NULL);
    qatomic_set(&c->ready, true);
    ft_ask_report(c);
}
