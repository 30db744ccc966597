/*
 * What the glue files of one node share. The decisions are in the session core
 * (accel/ft/session.*); this side owns sockets, threads, timers and QEMU.
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
#include "net/net.h"
#include <poll.h>
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
    bool cutting;               /* what is posted now is looked at after it */
} FtNode;

extern FtNode ft_node;

static inline bool ft_on(void)
{
    return ft_node.config.role != FT_ROLE_OFF;
}

uint64_t ft_now_ns(void);

/* -- ft-session.c: hosts the core ------------------------------------------ */
void ft_session_start(void);                                   /* main        */
/* Any thread. @gen: connection it is about, 0 for none. @text is copied. */
void ft_post(unsigned gen, FtInputKind kind, uint64_t value, const char *text);
void ft_post_again(void);       /* main: the cut is over                       */
void ft_start_soon(void);       /* main: the guest starts after its first attach */
/* Main. Runs one step; false with the core's reason if it refused. */
bool ft_input(FtInputKind kind, uint64_t value, const char *text, Error **errp);
FtState ft_state(void);
/* Any: a test wants this process to end here (fault "die-at-STEP"). */
void ft_die_at(const char *fault);
bool ft_pausing(void);         /* any: a handover waits for the last ack       */
bool ft_handover_under_way(void);      /* main: the guest is stopped for one    */

/* -- the peer: ft-peer.c, ft-connect.c, ft-accept.c, ft-sender.c --------------- */
/* Primary, main: connects in a thread; CONNECTED or ATTACH_FAILED follows. */
void ft_peer_connect(const char *address);
bool ft_peer_listen(const char *address, Error **errp);        /* main        */
/* Main. Sends GOODBYE first if @goodbye is set, then forgets the peer. */
void ft_peer_close(const char *goodbye);
/* Main. Queues a message behind all that was queued before; takes @body. */
void ft_peer_send(FtMsgType type, GByteArray *body);
/* The same with numbers in the header, and from a secondary as well. */
void ft_peer_queue(FtMsgType type, uint64_t seq, uint64_t seq_last, GByteArray *body);
/* Main. What is queued and not yet written; the attach waits on it. */
size_t ft_peer_queued(void);
/* Main. The same, with what the kernel has and the peer's has not acknowledged. */
size_t ft_peer_under_way(void);
/* Main. From here on the log of @w goes out, under @epoch. */
void ft_peer_start_log(FtLogWriter *w);
/* vCPU, RL or BQL: sends what is in it at once. False: wake the sender thread. */
bool ft_peer_send_now(FtLogWriter *w);
/* Main. No connection that was closed sends from its log any more, or soon? */
bool ft_peer_log_is_unused(void);
void ft_peer_set_epoch(uint64_t epoch);                        /* main        */
uint64_t ft_peer_epoch(void);                                  /* main        */
/* Secondary, main: the state is loaded, received frames may be acked. */
void ft_peer_send_ready(void);
/* Secondary, RL: the primary waits for what was executed: tell it now. */
void ft_peer_report(void);
bool ft_peer_log_is_over(void);      /* secondary, BQL: no frame will follow */
unsigned ft_peer_gen(void);                                    /* main        */
const char *ft_peer_address(void);                             /* main        */
FtLease *ft_peer_lease(void);                                  /* main        */
/* Main. Waits until the secondary has all that was published, but not for long. */
void ft_peer_wait_acked(void);
uint64_t ft_peer_acked(void);                                  /* any         */
uint64_t ft_peer_executed_seq(void);                           /* any         */
uint64_t ft_peer_executed_at_ns(void);         /* any: when it was reported    */
uint64_t ft_peer_rtt_ns(void);                 /* any: of the link, 0: unknown */
uint64_t ft_peer_executed_icount(void);                        /* any         */
uint64_t ft_peer_still_ns(FtPart part); /* any: as its last heartbeat said      */
uint64_t ft_peer_well_ns(void);         /* any: since it last said so of any part */

/* -- ft-compress.c: zstd on the log ------------------------------------------ */
/* Bytes written to @out, or 0 if @body had better be sent as it is. */
size_t ft_pack(const uint8_t *body, size_t len, uint8_t *out, size_t cap);
bool ft_unpack(const GByteArray *packed, GByteArray *body, Error **errp);

/* -- ft-attach.c: state transfer ------------------------------------------- */
void ft_attach_begin(uint64_t epoch);                          /* primary     */
void ft_attach_abort(void);                                    /* primary     */
void ft_attach_sent(void);                        /* any: queue is short again */
void ft_attach_mark_back(void);          /* any: the secondary has caught up   */
void ft_attach_moves(void);     /* primary, main: it does not stand still       */
void ft_attach_done(void);                   /* primary: the secondary is ready */
bool ft_attach_active(void);                 /* primary, main: until the cut    */
bool ft_attach_drives_first(void);           /* primary, main: memory waits     */
/* Primary, BQL: bytes that the link carries in so long; 0: that is not known. */
static inline uint64_t ft_attach_link_carries(uint64_t ns)
{
    const FtAttachStats *s = &ft_node.attach;

    return s->link_known ? muldiv64(s->link_rate, ns, NANOSECONDS_PER_SECOND) : 0;
}
/* vCPU, no lock held: stands still for an attach's sake; for how long it did. */
uint64_t ft_attach_slow_guest(void);
void ft_load_prepare(void);                       /* any: a peer is being taken */
void ft_load_begin(void);                                      /* secondary   */
void ft_load_devices(GByteArray *blob);                        /* secondary   */
void ft_load_abort(void);                                      /* secondary   */
void ft_load_fail(const char *what);                           /* secondary   */
/*
 * Receiver thread of the secondary: a pipe to the loader, the caller's to close,
 * or -1. It is full while the loader is behind, and breaks when it has given up.
 */
int ft_load_open(void);

/* -- hw/ft-replay/glue/ft-log.c: the log under replay/ ---------------------- */
void ft_log_setup(bool secondary);
/* Main, VM stopped. Recording goes to @w from now on; NULL: nowhere. */
void ft_log_record_to(FtLogWriter *w, QemuEvent *wake);
/* Main. Replay reads from @r from now on. */
void ft_log_replay_from(FtLogReader *r);
FtLogReader *ft_log_reader(void);
void ft_log_arrived(void);                                     /* any         */
uint64_t ft_log_slowed_ns(void);                               /* any         */
void ft_log_flush(void);                                       /* RL or BQL   */
bool ft_log_is_silent(uint64_t now_ns);                        /* RL          */
void ft_log_sleeps_until(int64_t until_ns);                    /* vCPU, BQL   */
void ft_log_drain(void);               /* main: DRAINED follows when all is read */
bool ft_log_go_live(Error **errp);                             /* main        */
uint64_t ft_log_next_seq(void);                                /* RL          */
uint64_t ft_log_lag_ns(void);                                  /* any         */
bool ft_log_lag_bin(size_t *at, uint64_t *upto, uint64_t *count);   /* any    */
size_t ft_log_backlog(void);                                   /* any         */
/*
 * RL. May the ring take more, with so much in it? If not, @tell is called once it
 * may, by any thread. It is the same function in each call.
 */
bool ft_log_has_room(size_t most, void (*tell)(void));
void ft_log_taken(void);        /* sender: frames have left the ring           */
uint64_t ft_log_bytes(void);                                   /* any         */
uint64_t ft_log_frames(void);                                  /* any         */
uint64_t ft_log_lag_instructions(void);                        /* any         */
uint64_t ft_log_executed_icount(void);  /* any: instructions since the cut */
void ft_log_count(uint64_t last_seq, size_t bytes);            /* any         */

/* Secondary, RL: as soon as this frame is executed the primary is told. */
void ft_log_report_frame(void);
/* Primary, main: what was executed until now is on its way to the secondary. */
void ft_log_publish(void);
/* RL: the same, if much was recorded; between two events. */
void ft_log_commit_large(void);
/* Secondary, main: the guest has come to the end of the log. */
bool ft_log_is_done(void);
/* Secondary, RL: all that ever came is consumed, and no more will come. */
bool ft_log_has_ended(void);
void ft_log_diverged(const char *what);                        /* RL          */
/* RL. What a difference that replay/ finds is about: a drive, or NULL again. */
void ft_log_about(const char *drive);
bool ft_log_readable(void);       /* BQL: replay would get an event now        */

/* -- hw/ft-replay/glue/ft-clock.c: guest time, the vCPU thread's sleep -------- */
void ft_clock_setup(void);                                     /* main        */
bool ft_clock_op(ReplayGuestClock *next);                      /* vCPU, RL    */
int64_t ft_clock_turn_limit_op(void);                          /* vCPU, RL    */
bool ft_clock_wait_op(void);                                   /* vCPU, BQL   */
void ft_nap_end(void);                                         /* any         */
bool ft_has_napped(void);              /* vCPU: since it was asked last       */
void ft_clock_live(void);              /* main: this node decides from now on  */
void ft_clock_stops(bool stops);       /* RL + BQL: the guest does not see this time */
int64_t ft_clock_behind_ns(void);                              /* main        */
uint64_t ft_clock_steps(void);                                 /* any         */

/* -- hw/ft-replay/glue/ft-digest.c: proof of equality ------------------------ */
/* Main, at the cut, on both: the next log is accompanied by digests. */
void ft_digest_begin(void);
void ft_digest_end(void);                                      /* main        */
/* Main. Puts a digest into the log. @full: hash all RAM again. */
bool ft_digest_take(bool full, Error **errp);
void ft_digest_event(bool full);       /* replay/: behind the DIGEST event    */
/* Primary: made, secondary: found equal, since the cut. */
uint64_t ft_digest_count(void);                                /* main        */
uint64_t ft_digest_last_ns(void);      /* how long the last one took          */
const FtDigest *ft_digest_last(void);                          /* main        */

/* -- hw/ft-replay/glue/ft-console.c: what the guest writes to character devices - */
void ft_console_write(Chardev *chr, const uint8_t *buf, size_t len);   /* BQL   */
void ft_console_closed(Chardev *chr);                          /* BQL         */
/* BQL. Bytes that no back end took: it was full for too long, or failed. */
uint64_t ft_console_dropped(void);

/* -- ft-gate.c: the output gate and what waits in front of it ----------------- */
typedef struct FtHolder {
    void (*release)(void);      /* BQL: lets go what ft_output_may_leave() allows */
    void (*destroy)(void);      /* main: this node is fenced, nothing goes ever */
    uint64_t (*held)(void);     /* any thread: how much waits               */
} FtHolder;
void ft_output_start(void);                                    /* main        */
void ft_output_holder(const FtHolder *holder);                 /* main, at start */
void ft_output_set(FtOutput mode);                             /* main        */
FtOutput ft_output_mode(void);                                 /* BQL         */
/* BQL. Of which frames may output leave at this instant? False: of none. */
bool ft_output_may_leave(uint64_t *up_to);
void ft_output_release(void);                                  /* BQL         */
void ft_output_acked(void);            /* receiver thread, no lock held        */
/* Any thread: something that lets held output go has happened. */
void ft_output_wake(void);
uint64_t ft_output_held(void);         /* any: packets and writes              */
/* Main. Called in the main loop, RL + BQL, behind each wake or ack; NULL: no more. */
void ft_output_watch(void (*tell)(void));

/* -- net/ft-filter/glue/filter-ft.c: output commit for packets -------------- */
bool ft_filters_add(Error **errp);                             /* main        */
void ft_output_stats(FtHoldStats *s);                          /* main        */
/* Primary, any: the packets of all frames up to this one have left. */
uint64_t ft_output_released_seq(void);
/* Secondary, any thread: the primary's packets up to @seq have left; drop our copies. */
void ft_output_forget(uint64_t seq);
void ft_output_restart(void);          /* main: frames count from 1 again     */
void ft_announce(void);                                        /* main        */
/* Main, RL, recording: a packet from outside, for the log and the guest. */
void ft_packet_input(unsigned netdev, unsigned flags, const uint8_t *data, size_t len);

/* -- net/ft-filter/glue/ft-input.c: packets from outside ----------------------- */
#define FT_INPUTS_MAX 64
bool ft_input_ready(void);                                     /* any         */
/* vCPU thread, BQL: it is going to sleep, and wakes for these (up to FT_INPUTS_MAX). */
unsigned ft_input_nap_begin(struct pollfd *fds);
void ft_input_nap_end(const struct pollfd *fds, unsigned n);
void ft_input_poll_op(void);                                   /* vCPU, RL + BQL */
/* A packet of @netdev was delivered: is there room for more? vCPU, RL + BQL. */
void ft_input_delivered(NetClientState *netdev);
/* Secondary, main: from now on what arrives is read, for ft_early_packet(). */
void ft_input_keep(void);
void ft_input_keep_end(void);          /* main: about to go live, or to exit    */
void ft_input_live(void);                                      /* main        */

/* -- net/ft-filter/glue/ft-early.c: what a secondary sees of them itself -------- */
void ft_early_add(NetClientState *nc);  /* secondary, main: the next netdev    */
/* Secondary, any thread: a packet has come to this node's netdev. */
void ft_early_packet(unsigned netdev, unsigned flags, const struct iovec *iov, int iovcnt);
void ft_early_restart(void);           /* secondary, receiver: a log begins    */
void ft_early_give(void);              /* main: live, the guest gets what is left */
void ft_early_totals(FtEarlyStats *sum);                       /* any         */

/* -- net/ft-filter/glue/ft-seen.c: what the network has seen of the guest ------- */
void ft_seen_add(NetClientState *nc);   /* main: the next netdev               */
void ft_seen_output(unsigned netdev, const uint8_t *data, size_t len); /* RL + BQL */
/* Any thread: a packet from outside that the guest gets, on either node. */
void ft_seen_input(unsigned netdev, const struct iovec *iov, int iovcnt);
/* Any thread: has the guest sent from this packet's sender? */
bool ft_seen_has_sent(unsigned netdev, const uint8_t *data, size_t len);
/* Main: all that the network has to be told; the frame is valid until the next call. */
void ft_seen_tell_begin(void);
bool ft_seen_tell_next(NetClientState **nc, const uint8_t **frame, size_t *len);
void ft_seen_totals(FtSeenStats *sum);                         /* any         */

/* -- block/ft-filter/glue/ft-disk.c: the drives ------------------------------- */
typedef struct FtDiskStats {
    const char *name;
    uint64_t in_flight, copy_left;      /* now                              */
    uint64_t reads, writes, flushes, errors, read_bytes, written_bytes;
    uint64_t held;              /* now: requests that wait for an ack       */
    bool open;                  /* this node has the image open for writing */
    uint64_t copied_bytes;      /* at the last attach, sent to the secondary */
} FtDiskStats;
bool ft_disks_add(Error **errp);                               /* main        */
/* Main. Adds lines about the drives to the fingerprint. */
void ft_disks_describe(GPtrArray *lines);
/* Main, at the cut, on both, nothing in flight: requests count from 0 again. */
void ft_disk_begin(void);
void ft_disk_go_live(void);    /* main: replay has just become recording      */
unsigned ft_disk_in_flight(void);      /* BQL: requests the guest waits for   */
void ft_disk_look(void);       /* main, RL: before it waits                    */
bool ft_disk_event(void);              /* replay/: the next event is DISK     */
bool ft_disk_event_ready(void);        /* replay/: would it be taken now?     */
/* Secondary, any: a completion of a later frame was read, but not carried out. */
uint64_t ft_disk_executed_limit(void);
/* -- block/ft-filter/glue/ft-disk-io.c: answers of the host's disks ------------- */
bool ft_io_ready(void);                                        /* any         */
/* vCPU or main, BQL, recording RL as well: takes all that there are. */
void ft_io_look(void);
/* Main: until it is over the main loop takes them, whatever the vCPU does. */
void ft_io_main_looks(bool on);
/* -- block/ft-filter/glue/ft-disk-shared.c: one image for both nodes ---------- */
static inline bool ft_disk_shared(void)
{
    return ft_node.config.disk_shared;
}
/* -- block/ft-filter/glue/ft-disk-image.c: who has it open ---------------------- */
/* Main. Opens all images for writing, however long that takes, then calls. */
void ft_images_open_then(void (*then)(void));
void ft_images_close(void);            /* main: as soon as nothing is in flight  */
const char *ft_images_wait_for(void);  /* main: what an opening waits for, or NULL */
/* Secondary, a primary has come, any thread: does it have them open? */
bool ft_images_check_peer(Error **errp);
/* Secondary, main: its guest will run soon. */
bool ft_images_load_begin(Error **errp);
/* -- block/ft-filter/glue/ft-disk-copy.c: their images at an attach ----------- */
void ft_copy_begin(void);                                      /* primary     */
void ft_copy_abort(void);                                      /* primary     */
uint64_t ft_copy_left(void);           /* primary: bytes still to be looked at */
uint64_t ft_copy_few(void);            /* primary: so little can wait for the cut */
/* Primary: answers to writes that are delayed for the copy go on (ft-disk-pace.c). */
void ft_copy_hurry(void);
bool ft_copy_told_all(void);           /* primary: what the secondary holds is known */
bool ft_copy_sends(void);              /* primary: something was sent a moment ago */
/*
 * Primary, at the cut, nothing in flight: sends the rest, within @allowed_ns. NULL, or why
 * it could not; the caller's to free.
 */
char *ft_copy_finish(uint64_t allowed_ns);
/* Primary, receiver thread: what DISK_SUMS holds, and DISK_ZEROS. */
bool ft_copy_sums(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                  size_t len, Error **errp);
bool ft_copy_told_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                        size_t len, Error **errp);
/* -- block/ft-filter/glue/ft-disk-load.c: the secondary's side of it ------------- */
bool ft_copy_load_begin(Error **errp);                         /* secondary   */
void ft_copy_load_abort(void);                                 /* secondary   */
/* Secondary, receiver thread: 1 taken, 0 later, -1 bad. What DISK holds, and DISK_ZEROS. */
int ft_copy_receive(unsigned gen, uint64_t disk, uint64_t offset, const uint8_t *data,
                    size_t len, Error **errp);
int ft_copy_receive_zeros(unsigned gen, uint64_t disk, uint64_t first, const uint8_t *data,
                          size_t len, Error **errp);
/* Secondary, receiver thread: asks for a flush behind all that was received. */
uint64_t ft_copy_ask_durable(unsigned gen);
bool ft_copy_is_durable(uint64_t ticket);       /* or will never be: ask has_failed */
bool ft_copy_has_failed(void);         /* secondary, any: an image cannot be written */

/* Main. NULL behind the last one. */
const FtDiskStats *ft_disk_stats(unsigned i);

/* -- ft-operator.c: what an operator does to the guest -------------------------- */
/* Both nodes, RL + BQL: the event of the log that says so has been reached. */
void ft_operator_run(uint64_t what);
bool ft_operator_paused(void);         /* BQL: by an operator, not by FT        */
bool ft_operator_resume(void);         /* main: false if it was not paused      */
/* Main: while a cut or a handover stops the VM in QEMU's way it is not "paused". */
void ft_pause_lift(void);
void ft_pause_again(void);
void ft_pause_forget(void);            /* main: this node runs no guest any more */

/* -- ft-watchdog.c: what stands still ------------------------------------------- */
void ft_watchdog_start(void);                                  /* main        */
void ft_vcpu_moves(void);              /* vCPU, each turn                        */
/* Main or vCPU, both locks held: what takes long here is work, no wait. */
void ft_still_at_work(void);
bool ft_is_unwell(uint64_t still_ns);  /* any: nobody stands still for so long   */
uint64_t ft_still_ns(FtPart part);     /* any: for how long it has not moved     */
uint64_t ft_stalls(void);              /* any: how often for longer than the limit */
/* Any. "main loop has not moved for 12 s", the caller's to free; NULL if all move. */
char *ft_own_stillness(void);
char *ft_peer_stillness(void);
/* Any: this node should let its peer take over; the peer is of no use to this one. */
bool ft_gives_way(void);
bool ft_peer_should_give_way(void);
void ft_hang_here(void);               /* main: a test wants a thread, or a disk, to hang */
bool ft_disk_hangs(void);              /* any                                    */

/* -- ft-stderr.c: messages never wait for their reader ---------------------------- */
void ft_stderr_setup(void);                                    /* main        */
/* Any, whatever locks others hold: one line, or nothing if there is no room. */
void G_GNUC_PRINTF(1, 2) ft_stderr_say(const char *format, ...);
/* -- ft-thread.c: threads whose making may fail --------------------------------- */
/* Any thread. @run gets @opaque in a thread that nobody joins. */
bool ft_thread_new(const char *name, void *(*run)(void *), void *opaque, Error **errp);
/* For the calling thread: descriptors of its own, @keep alone of the others or -1. */
bool ft_thread_own_descriptors(int keep);

/* -- ft-poll.c: a wait of the main thread, while its loop goes on ----------------- */
/* Main. False: the deadline came before @done said that what is waited for has come. */
bool ft_poll_until(bool (*done)(void *opaque), void *opaque, uint64_t deadline_ns);

/* -- ft-arbiter.c ------------------------------------------------------------- */
/* Main, at start: from the main loop, tries what a claim will need; exits if it cannot. */
void ft_arbiter_prove_soon(void);

/* -- ft-fingerprint.c: the machine in words, to compare; the caller's to free ---- */
char *ft_fingerprint_new(Error **errp);                        /* main        */

/* -- ft-machine.c, ft-allow.c ----------------------------------------------- */
bool ft_check_devices(Error **errp);                           /* main        */
bool ft_replay_chardevs(Error **errp);                         /* main        */
void ft_allow_update(FtState state);                           /* main        */
/* Is this node's guest one of two, or about to be, in this state? */
bool ft_restricts(FtState state);

#endif
