/*
 * The ground floor of the glue: the node, its clock, the way to the main loop, what is
 * known of the peer, threads and stderr. Everybody may include it; it knows nobody. The
 * decisions are in the session core (accel/ft/session.*); the glue owns sockets,
 * threads, timers and QEMU.
 *
 * Threads: "main" is QEMU's main loop, which holds the replay mutex (RL) and
 * the BQL whenever it runs our code. Each connection has a receiver, a
 * heartbeat and, on the primary, a sender thread; they take neither lock and
 * tell main what happened through ft_post().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_GLUE_FT_NODE_H
#define ACCEL_FT_GLUE_FT_NODE_H

#include "accel/ft/ft.h"
#include "accel/ft/glue/ft-hooks.h"
#include "qapi/error.h"
#include "qemu/host-utils.h"
#include "qemu/thread.h"
#include "system/replay.h"

/* A connection to the peer, see ft-conn.h. */
typedef struct FtConn FtConn;

typedef struct FtConfig {
    FtRole role;                /* as started                               */
    char *peer;                 /* host:port, may be NULL                   */
    char *listen;               /* host:port, secondary only                */
    char *arbiter;              /* "none" or "file:DIR"                     */
    char *log_file;             /* copy of the log channel, or NULL         */
    uint64_t timeout_ns;
    uint64_t lag_limit_ns;
    bool compress;              /* zstd on the log that we send             */
    bool disk_shared;           /* one image for both nodes                 */
    bool disk_reads;            /* the secondary reads it itself            */
    uint64_t digest_ns;         /* between two digests, 0: none of itself   */
    char *respawn;              /* run when the second node is lost, or NULL */
    char *digest_dir;           /* what was hashed is kept there, or NULL   */
} FtConfig;

/* Host's monotonic times of the last takeover, 0 if there was none. */
typedef struct FtTakeover {
    uint64_t detected_ns, decided_ns, live_ns, output_ns;
} FtTakeover;

typedef struct FtNode {
    /* fixed after ft_machine_ready() */
    FtConfig config;
    uint8_t node_id[FT_UUID_BYTES];
    uint8_t vm_uuid[FT_UUID_BYTES];
    char *fingerprint;

    /* main */
    FtSession *session;
    FtConn *conn;               /* the peer, NULL if there is none          */
    FtTakeover takeover;
    uint64_t attach_bytes, attach_left, attach_pause_ns;
    uint64_t attach_start_ns, attach_ns;
    uint64_t attach_covered;    /* looked at of the drives, sent of the memory */
    FtAttachStats attach;       /* as it goes on, or went                   */
    bool start_pending;         /* cont was asked for before the attach     */
    bool detached;              /* the operator wants no second node now    */
    bool guest_off;             /* the guest has powered itself off         */
    bool first_attach;          /* the guest's start waits for it           */
    bool paused;                /* by an operator, not by FT; RL + BQL      */
    bool handover;              /* the guest is stopped for one, which has not ended */
    bool pausing;               /* atomic: a handover waits for the last ack */
    bool posts_wait;            /* until the cut, or the opening of images, is over */
} FtNode;

extern FtNode ft_node;

static inline bool ft_on(void)
{
    return ft_node.config.role != FT_ROLE_OFF;
}

static inline bool ft_disk_shared(void)
{
    return ft_node.config.disk_shared;
}

/* Any: a handover waits for the last ack. */
static inline bool ft_pausing(void)
{
    return qatomic_read(&ft_node.pausing);
}

/* Primary, BQL: bytes that the link carries in so long; 0: that is not known. */
static inline uint64_t ft_attach_link_carries(uint64_t ns)
{
    const FtAttachStats *s = &ft_node.attach;

    return s->link_known ? muldiv64(s->link_rate, ns, NANOSECONDS_PER_SECOND) : 0;
}

/* -- ft-node.c --------------------------------------------------------------- */
uint64_t ft_now_ns(void);
FtState ft_state(void);
/* Is this node's guest one of two, or about to be, in this state? */
bool ft_restricts(FtState state);
/* Any: a test wants this process to end here (fault "die-at-STEP"). */
void ft_die_at(const char *fault);

/* What another thread has to say to main. */
typedef struct FtPosted {
    unsigned gen;               /* connection that it is about, 0 for none   */
    FtInput in;
    char *text;
} FtPosted;
/* Any thread. @text is copied. */
void ft_post(unsigned gen, FtInputKind kind, uint64_t value, const char *text);
void ft_post_again(void);       /* main: the cut is over                       */
/* Main, at start. Each post goes to @take, in the main loop; it frees them. */
void ft_posts_start(void (*take)(FtPosted *p));
void ft_posted_free(FtPosted *p);

/* -- ft-peer.c: what is known of the peer ----------------------------------------- */
void ft_peer_begin(unsigned of_gen, FtLease *of_lease);  /* any, ft_conn_lock: a new one */
void ft_peer_end(void);                                        /* main        */
void ft_peer_told(const FtAck *ack);                           /* any, ft_conn_lock */
void ft_peer_told_rtt(uint64_t ns);                            /* heartbeat thread */
/* Heartbeat thread. @unwell: for so long that it counts. */
void ft_peer_told_still(FtPart part, uint64_t ns, bool unwell);
unsigned ft_peer_gen(void);                    /* any: 0 without a peer       */
FtLease *ft_peer_lease(void);                  /* BQL: NULL without a peer    */
uint64_t ft_peer_acked(void);                                  /* any         */
uint64_t ft_peer_executed_seq(void);                           /* any         */
uint64_t ft_peer_executed_icount(void);                        /* any         */
uint64_t ft_peer_executed_at_ns(void);         /* any: when it was reported    */
uint64_t ft_peer_rtt_ns(void);                 /* any: of the link, 0: unknown */
uint64_t ft_peer_still_ns(FtPart part); /* any: as its last heartbeat said      */
uint64_t ft_peer_well_ns(void);         /* any: since it last said so of any part */

/* -- ft-slow.c: the guest, slowed for an attach --------------------------------- */
void ft_slow_set(unsigned share);       /* main: thousandths of the guest's time */
/* vCPU, each turn, no lock held: stands still for that share; for how long it did. */
uint64_t ft_slow_guest(void);

/* -- ft-thread.c: threads whose making may fail --------------------------------- */
/* Any thread. @run gets @opaque in a thread that nobody joins. */
bool ft_thread_new(const char *name, void *(*run)(void *), void *opaque, Error **errp);
/* For the calling thread: descriptors of its own, @keep alone of the others or -1. */
bool ft_thread_own_descriptors(int keep);

/* -- ft-poll.c: a wait of the main thread, while its loop goes on ----------------- */
/* Main. False: the deadline came before @done said that what is waited for has come. */
bool ft_poll_until(bool (*done)(void *opaque), void *opaque, uint64_t deadline_ns);

/* -- ft-stderr.c: messages never wait for their reader ---------------------------- */
void ft_stderr_setup(void);                                    /* main        */
/* Any, whatever locks others hold: one line, or nothing if there is no room. */
void G_GNUC_PRINTF(1, 2) ft_stderr_say(const char *format, ...);

#endif
