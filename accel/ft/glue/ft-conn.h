/*
 * A connection to the peer, for the files that work on it: three TCP channels and their
 * threads. Nobody else needs more of it than ft-link.h says.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_CONN_H
#define ACCEL_FT_GLUE_FT_CONN_H

#include "qemu/units.h"
#include "accel/ft/glue/ft-link.h"
#include "io/channel.h"

#define FT_HANDSHAKE_NS (5 * NANOSECONDS_PER_SECOND)
/* How long the end of another channel waits for the log channel to say more. */
#define FT_LAST_WORDS_MS 50
#define FT_READ_AHEAD_BYTES (4 * KiB)

typedef struct FtWitness FtWitness;

/* What waits for the sender thread. */
typedef struct FtOut {
    FtMsgType type;
    GByteArray *body;           /* may be NULL                              */
    uint64_t seq, seq_last;     /* of its header                            */
    FtLogWriter *start_log;     /* not a message: send this log from now on */
} FtOut;

/*
 * What was read of a channel and not yet asked for: a small message and the header of
 * the next one come in one read.
 */
typedef struct FtReadAhead {
    uint8_t bytes[FT_READ_AHEAD_BYTES];
    size_t begin, end;
    bool drained;               /* the last read got all that was there     */
} FtReadAhead;

struct FtConn {
    unsigned gen;
    int refs;                   /* atomic                                   */
    bool primary;               /* we are                                   */
    bool closing;               /* atomic                                   */
    char *address;
    QIOChannel *log, *beat;     /* set before their threads start           */
    FtReadAhead in;             /* of the log channel, receiver thread      */
    QemuSemaphore writable;     /* 1: the log channel is nobody's just now  */
    uint64_t session;
    uint64_t epoch;             /* atomic; secondary: 0 until the first STATE */
    FtLease *lease;
    uint64_t heard_ns;          /* atomic: last sign of life                */
    bool agreed;                /* atomic: CONNECTED was posted             */
    bool posted_end;            /* atomic: its end was reported             */
    bool peer_closed;           /* atomic: by its kernel or by itself       */
    bool peer_died;             /* atomic: the witness says so              */
    bool log_over;              /* atomic: secondary, no frame will follow  */
    uint64_t beat_ns;           /* atomic: last heartbeat received          */
    QemuSemaphore log_ended;    /* posted by the receiver thread for both   */

    /* primary */
    GAsyncQueue *queue;         /* of FtOut                                 */
    uint64_t sent_seq;          /* atomic: last frame given to the socket   */
    bool log_begun;             /* atomic: the log follows on what was sent */
    uint64_t released_told;     /* last seq of RELEASED; of the thread that holds writable, as rest is */
    GByteArray *rest;           /* of a message that the vCPU thread began  */
    size_t queued;              /* atomic                                   */
    uint64_t watched_seq;       /* heartbeat thread: executed at the last beat */
    unsigned still_beats;       /* heartbeat thread: since it moved         */
    bool stuck_told;            /* heartbeat thread: to main                */
    QemuEvent wake;
    FtWitness *witness;         /* ft_conn_lock                             */
    FILE *copy;                 /* ft-log-file, sender thread               */

    /* secondary */
    FtLogReader *reader;
    unsigned channels;          /* ft_conn_lock: bits of those that came    */
    bool ready;                 /* atomic: acks may go out                  */
    bool report;                /* atomic: the primary waits for what we do */
    bool got_devices;           /* receiver thread                          */
    int state_fd;               /* receiver thread: the loader's pipe, or -1 */
    QemuMutex ack_lock;
};

/* -- ft-link-queue.c: what waits for the sender ------------------------------------ */
void ft_out_free(FtOut *out);
void ft_queue_free(GAsyncQueue *queue);
void ft_log_sender_ends(FtLogWriter **w);              /* sender              */
/* Any thread: the sender thread of @c does the next. */
void ft_ask_report(FtConn *c);
void ft_link_report(void);                             /* secondary, RL       */

/* -- ft-conn.c: its life -------------------------------------------------------- */
extern QemuMutex ft_conn_lock;  /* guards ft_node.conn against our threads  */
extern const FtAttachListener *ft_attach_listener;     /* written at start    */
extern const FtLoadListener *ft_load_listener;         /* written at start    */

/* @address may be NULL. The caller has the first reference. Any thread. */
FtConn *ft_conn_new(bool primary, const char *address);
void ft_conn_ref(FtConn *c);                                   /* any         */
void ft_conn_unref(FtConn *c);                                 /* any         */
/* Any thread, ft_conn_lock: it is the node's connection now, with a reference. */
void ft_conn_use(FtConn *c);
/* Any thread of @c: it is over, because of @why; main is told. */
void ft_conn_end(FtConn *c, const char *why);

/* Any; the thread has a reference. None to be had: @c has ended. */
void ft_conn_thread(FtConn *c, const char *name, void *(*run)(void *));

/* -- ft-link-message.c --------------------------------------------------------------- */
/*
 * The thread that receives on @ioc. A message is bounded by the check of its header;
 * @body is made as large as it says. Gives up at @deadline_ns, if that is not 0.
 * @in_place: where the body is, if not in @body.
 */
bool ft_recv_msg(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                 uint64_t deadline_ns, Error **errp);
bool ft_recv_msg_to(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, GByteArray *body,
                    const uint8_t **in_place, uint64_t deadline_ns, Error **errp);
/* Any thread; waits until it is sent. */
bool ft_send_msg(FtConn *c, QIOChannel *ioc, FtMsgType type, uint64_t seq,
                 uint64_t seq_last, const uint8_t *body, size_t len, Error **errp);
bool ft_send_text(FtConn *c, QIOChannel *ioc, FtMsgType type, const char *text);
/* Any thread, of the log channel whoever holds c->writable: waits until all is sent. */
bool ft_write_all(QIOChannel *ioc, const struct iovec *from, unsigned n, Error **errp);
/* Whoever holds c->writable. */
void ft_encode_msg(FtConn *c, FtMsgType type, uint64_t seq, uint64_t seq_last,
                   const uint8_t *body, size_t len, uint8_t *raw);
bool ft_send_rest(FtConn *c, Error **errp);
void ft_copy_to_file(FtConn *c, const uint8_t *raw, const uint8_t *body, size_t len);
void ft_copy_plain(FtConn *c, uint64_t first, uint64_t last, const uint8_t *body,
                   size_t len);
void ft_set_up_socket(QIOChannel *ioc);                        /* any         */

/* -- ft-link-hello.c: the thread that sets the channel up ------------------------------ */
bool ft_send_hello(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp);
bool ft_recv_hello(FtConn *c, QIOChannel *ioc, FtMsgHeader *h, FtHello *hello,
                   GByteArray *body, Error **errp);
bool ft_check_hello(const FtHello *h, uint8_t channel, FtRole peer, Error **errp);

/* -- ft-link-dial.c: any thread of a primary ----------------------------------------- */
QIOChannel *ft_connect_once(const char *address, Error **errp);
bool ft_handshake(FtConn *c, QIOChannel *ioc, uint8_t channel, Error **errp);

/* -- ft-link-compress.c: zstd on the log ------------------------------------------ */
/* Bytes written to @out, or 0 if @body had better be sent as it is. */
size_t ft_pack(const uint8_t *body, size_t len, uint8_t *out, size_t cap);
bool ft_unpack(const GByteArray *packed, GByteArray *body, Error **errp);

/* -- ft-link-witness.c ------------------------------------------------------------------- */
void ft_witness_free(FtWitness *w);                    /* primary             */
/* Secondary, the thread of @ioc: until it ends. */
void ft_serve_witness(FtConn *c, QIOChannel *ioc);

/* -- ft-link-ack.c ------------------------------------------------------------------- */
bool ft_send_ack(FtConn *c, Error **errp);             /* secondary, any      */
/* Secondary, sender: so that the primary sees the lag shrink. */
void ft_report_executed(FtConn *c);

/* -- ft-link-secondary.c ------------------------------------------------------------- */
void ft_receive_log(FtConn *c);                        /* receiver            */

/* -- ft-link-sender.c ------------------------------------------------------------------ */
/* vCPU, RL or BQL: sends what is in it at once, see FtLogCarrier. */
bool ft_link_send_now(FtLogWriter *w);

/* -- their threads; each has a reference ------------------------------------------ */
void ft_start_beat(FtConn *c);                         /* ft-link-heartbeat.c */
void ft_start_sender(FtConn *c);                       /* ft-link-sender.c    */
void ft_start_witness(FtConn *c);                      /* ft-link-witness.c   */

#endif
