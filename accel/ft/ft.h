/*
 * The border between the C++ core and the C glue inside QEMU.
 *
 * Plain C: opaque handles, fixed-width integers, pointer + length. The core
 * includes no QEMU header and the glue no C++ header; both include this one.
 * Nothing throws across: every function here is noexcept on the C++ side.
 * Each handle is made by ft_x_new() and freed by ft_x_free().
 *
 * Units: times are nanoseconds of one monotonic host clock (the caller passes
 * now_ns, the core never reads a clock), sizes are bytes, positions are guest
 * instructions counted from the cut. Threads: each block says who may call;
 * "RL" is QEMU's replay mutex, "BQL" the big lock, "main" the main-loop thread.
 *
 * Errors: functions that can fail return false (or a negative number) and fill
 * FtError with one sentence that names the field; FtError is untouched on
 * success. A broken invariant of our own stops the process (FT_ASSERT).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_FT_H
#define ACCEL_FT_FT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#define FT_NOEXCEPT noexcept
#else
#define FT_NOEXCEPT
#endif

/* What the file VERSION says. Both nodes must run the same. */
#define FT_CORE_VERSION "0.9.0"

typedef struct FtError {
    char text[256];
} FtError;

/* ------------------------------------------------------------------ wire --
 * One message = fixed header + body. The list of messages, their fields and
 * numbers is accel/ft/wire.def; accel/ft/PROTOCOL.md is generated from it.
 * Thread: any; pure functions.
 */
enum { FT_WIRE_HEADER_BYTES = 64, FT_WIRE_BODY_MAX = 16 * 1024 * 1024 };

typedef enum FtMsgType {
    FT_MSG_HELLO = 1,       /* first message in both directions             */
    FT_MSG_REFUSE = 2,      /* why not; the sender closes after it          */
    FT_MSG_STATE = 3,       /* a piece of QEMU's RAM migration stream       */
    FT_MSG_DEVICES = 4,     /* the device state saved at the cut, whole     */
    FT_MSG_READY = 5,       /* secondary: state loaded, log may be acked    */
    FT_MSG_LOG = 6,         /* log frames first_seq..last_seq               */
    FT_MSG_ACK = 7,         /* last frame received, position executed       */
    FT_MSG_HANDOVER = 8,    /* primary: planned failover, this was the end  */
    FT_MSG_LIVE = 9,        /* secondary: took over, epoch won              */
    FT_MSG_GOODBYE = 10,    /* orderly end, with a reason                   */
    FT_MSG_PING = 11,       /* heartbeat socket                             */
    FT_MSG_PONG = 12,       /* heartbeat socket: echo of a ping             */
    FT_MSG_RELEASED = 13,   /* primary: packets of frames <= seq have left  */
    FT_MSG_MARK = 14,       /* primary: answer when the state up to here is
                             * loaded; secondary: the answer                */
    FT_MSG_DISK = 15,       /* primary: one chunk of a drive's image        */
    FT_MSG_DISK_SUMS = 16,  /* secondary: what its image holds, hashed      */
    FT_MSG_LOG_ZSTD = 17,   /* LOG, compressed                              */
    FT_MSG_DISK_ZEROS = 18  /* either: a run of chunks that are zeros       */
} FtMsgType;

typedef struct FtMsgHeader {
    uint8_t type;           /* FtMsgType                                    */
    uint64_t epoch;
    uint64_t session;       /* random, chosen by the primary per attach     */
    uint64_t seq;           /* LOG: first frame; ACK: last frame received   */
    uint64_t seq_last;      /* LOG: last frame in the body                  */
    uint32_t body_len;
} FtMsgHeader;

/* Writes FT_WIRE_HEADER_BYTES to out; checksums cover header and body. */
void ft_wire_encode_header(const FtMsgHeader *h, const uint8_t *body,
                           uint8_t *out) FT_NOEXCEPT;
/* Checks magic, version range, type, reserved bytes, length, header sum. */
bool ft_wire_decode_header(const uint8_t *in, FtMsgHeader *h, uint64_t *body_sum,
                           FtError *err) FT_NOEXCEPT;
bool ft_wire_check_body(const FtMsgHeader *h, uint64_t body_sum,
                        const uint8_t *body, FtError *err) FT_NOEXCEPT;

/* HELLO body. The fingerprint is a list of "name=value" lines (machine type,
 * cpu, ram, devices with properties, QEMU version, FT_CORE_VERSION).
 */
enum { FT_CHANNEL_LOG = 1, FT_CHANNEL_HEARTBEAT = 2, FT_CHANNEL_WITNESS = 3 };
enum { FT_UUID_BYTES = 16, FT_FINGERPRINT_MAX = 1024 * 1024, FT_REASON_MAX = 1024 };

typedef struct FtHello {
    uint8_t channel;                   /* FT_CHANNEL_*                      */
    uint8_t role;                      /* FtRole of the sender              */
    uint8_t vm_uuid[FT_UUID_BYTES];
    uint8_t node_id[FT_UUID_BYTES];    /* random per process                */
    uint64_t timeout_ns;               /* must be equal on both sides       */
    const char *fingerprint;           /* not owned, not NUL-terminated     */
    uint32_t fingerprint_len;
} FtHello;

/* Returns bytes written, or 0 if cap is too small. */
size_t ft_wire_encode_hello(const FtHello *h, uint8_t *out, size_t cap) FT_NOEXCEPT;
/* h->fingerprint points into body afterwards. */
bool ft_wire_decode_hello(const uint8_t *body, size_t len, FtHello *h,
                          FtError *err) FT_NOEXCEPT;
/* False names the first differing line: "cpu: here 'a', peer 'b'". */
bool ft_fingerprint_compare(const char *ours, size_t ours_len, const char *theirs,
                            size_t theirs_len, FtError *err) FT_NOEXCEPT;

typedef struct FtAck {                 /* ACK body                          */
    uint64_t received_seq;             /* every frame up to here is safe    */
    uint64_t executed_seq;             /* replay has consumed up to here    */
    uint64_t executed_icount;          /* guest instructions since the cut  */
} FtAck;
size_t ft_wire_encode_ack(const FtAck *a, uint8_t *out, size_t cap) FT_NOEXCEPT;
bool ft_wire_decode_ack(const uint8_t *body, size_t len, FtAck *a,
                        FtError *err) FT_NOEXCEPT;

typedef struct FtPing {                /* PING and PONG body                */
    uint64_t counter;
    uint64_t sender_ns;                /* sender's clock; PONG echoes it    */
} FtPing;
size_t ft_wire_encode_ping(const FtPing *p, uint8_t *out, size_t cap) FT_NOEXCEPT;
bool ft_wire_decode_ping(const uint8_t *body, size_t len, FtPing *p,
                         FtError *err) FT_NOEXCEPT;
/* REFUSE, GOODBYE: the body is a UTF-8 sentence of at most FT_REASON_MAX. */

/* ------------------------------------------------------------------- log --
 * hw/ft-replay/events.def lists each event with its wire number and fields;
 * numbers are ours and never derived from QEMU's enum. Fields are varints
 * (instruction counts are deltas, clocks and bh ids zigzag deltas against the
 * last of their kind) or length + bytes.
 */
typedef enum FtEvent {                 /* wire numbers, see events.def      */
    FT_EV_INSTRUCTION = 1,             /* int: instructions since the last  */
    FT_EV_INTERRUPT = 2,
    FT_EV_EXCEPTION = 3,
    FT_EV_BH = 4,                      /* int: id                           */
    FT_EV_BH_ONESHOT = 5,              /* int: id                           */
    FT_EV_INPUT = 6,                   /* int type, then by type            */
    FT_EV_INPUT_SYNC = 7,
    FT_EV_CHAR_READ = 8,               /* int id, bytes                     */
    FT_EV_BLOCK = 9,                   /* int: id                           */
    FT_EV_NET = 10,                    /* int id, int flags, bytes          */
    FT_EV_SHUTDOWN = 11,               /* + ShutdownCause 0..15: 11..26     */
    FT_EV_CHAR_WRITE = 27,             /* int res, int offset               */
    FT_EV_CHAR_READ_ALL = 28,          /* bytes                             */
    FT_EV_CHAR_READ_ALL_ERROR = 29,    /* int                               */
    FT_EV_RANDOM = 32,                 /* int ret, bytes                    */
    FT_EV_CLOCK_HOST = 33,             /* int ns                            */
    FT_EV_CLOCK_VIRTUAL_RT = 34,       /* int ns                            */
    FT_EV_GUEST_CLOCK = 36,            /* int ns forward, int rate          */
    FT_EV_CHECKPOINT = 40,             /* + QEMU's checkpoint, 0..15: 40..55 */
    FT_EV_OPERATOR = 56,               /* int what: FtOperatorInput         */
    FT_EV_OUTPUT = 60,                 /* int netdev, int length, int hash  */
    FT_EV_DIGEST = 61,                 /* int full, bytes: the digest below */
    FT_EV_DISK = 62,                   /* int disk, int request, int status, int hash,
                                        * bytes: what a read of a shared image found */
    FT_EV_END = 63
} FtEvent;

/* What an operator does to the guest, as the log has it. Numbers are on the wire. */
typedef enum FtOperatorInput {
    FT_OPERATOR_POWERDOWN,             /* the power button                  */
    FT_OPERATOR_RESET,
    FT_OPERATOR_NMI,
    FT_OPERATOR_PAUSE,                 /* no instruction until RESUME       */
    FT_OPERATOR_RESUME
} FtOperatorInput;

/* Writer, on the primary. put/commit: under RL. take: one sender thread. */
typedef struct FtLogWriter FtLogWriter;
FtLogWriter *ft_log_writer_new(size_t ring_bytes) FT_NOEXCEPT;
void ft_log_writer_free(FtLogWriter *w) FT_NOEXCEPT;
void ft_log_put_event(FtLogWriter *w, uint8_t event) FT_NOEXCEPT;
void ft_log_put_int(FtLogWriter *w, uint64_t value) FT_NOEXCEPT;
void ft_log_put_bytes(FtLogWriter *w, const uint8_t *data, size_t len) FT_NOEXCEPT;
/* Publishes what was put since the last commit as one frame; nothing, if nothing
 * was put. Returns true if a frame was published. If the ring cannot take the frame
 * the writer is overflowed for good: it discards frames from then on, and the caller
 * must drop the secondary and release no output for its acknowledgements. */
bool ft_log_commit(FtLogWriter *w) FT_NOEXCEPT;
/* How large the open frame is. */
size_t ft_log_open_bytes(const FtLogWriter *w) FT_NOEXCEPT;
bool ft_log_overflowed(const FtLogWriter *w) FT_NOEXCEPT;
/* Sequence the frame now being written will get; frames count from 1. */
uint64_t ft_log_open_seq(const FtLogWriter *w) FT_NOEXCEPT;
size_t ft_log_writer_used(const FtLogWriter *w) FT_NOEXCEPT;     /* any thread */
/* Whole frames, as many as make a good message, never more than bytes_max; returns
 * their bytes, 0 if there is no frame. They stay in the ring, and *data is valid,
 * until ft_log_take_done. */
size_t ft_log_take(FtLogWriter *w, size_t bytes_max, const uint8_t **data,
                   uint64_t *first_seq, uint64_t *last_seq) FT_NOEXCEPT;
void ft_log_take_done(FtLogWriter *w) FT_NOEXCEPT;

/* Reader, on the secondary. feed: one receiver thread. get: under RL.
 * feed decodes the whole body against events.def first, so that get cannot
 * fail on malformed input; a bad body changes nothing. Sequence numbers must
 * follow on. feed returns 1 taken, 0 no room now (try again later), -1 bad. A body
 * is at most a quarter of the ring, so that two frames may stay readable there. */
typedef struct FtLogReader FtLogReader;
FtLogReader *ft_log_reader_new(size_t ring_bytes) FT_NOEXCEPT;
void ft_log_reader_free(FtLogReader *r) FT_NOEXCEPT;
int ft_log_feed(FtLogReader *r, const uint8_t *body, size_t len, uint64_t first_seq,
                uint64_t last_seq, FtError *err) FT_NOEXCEPT;
/* Where a body of len bytes may be received, so that feed need not copy it; NULL
 * if it has to be received elsewhere. Receiver thread. */
uint8_t *ft_log_space(FtLogReader *r, size_t len) FT_NOEXCEPT;
/* Called by feed for each NET event of a body that it takes, in order. To be set before
 * the first feed. */
typedef void FtPacketLogged(uint32_t netdev, const uint8_t *data, size_t len);
void ft_log_reader_watch(FtLogReader *r, FtPacketLogged *packet) FT_NOEXCEPT;
bool ft_log_available(const FtLogReader *r) FT_NOEXCEPT;         /* any thread */
/* get_event needs available; get_int and get_bytes answer the fields of that
 * event in order. Asking for more or other fields than the event has returns
 * false and marks the reader "confused" (the caller reports divergence). */
bool ft_log_get_event(FtLogReader *r, uint8_t *event) FT_NOEXCEPT;
bool ft_log_get_int(FtLogReader *r, uint64_t *value) FT_NOEXCEPT;
/* *data stays valid until the frame after the next one is opened: the next event may
 * be got before the bytes of this one are used. */
bool ft_log_get_bytes(FtLogReader *r, const uint8_t **data, size_t *len) FT_NOEXCEPT;
uint64_t ft_log_received_seq(const FtLogReader *r) FT_NOEXCEPT;  /* any thread */
uint64_t ft_log_consumed_seq(const FtLogReader *r) FT_NOEXCEPT;  /* any thread */
uint64_t ft_log_received_icount(const FtLogReader *r) FT_NOEXCEPT;

/* ---------------------------------------------------------------- output --
 * Held packets of the primary. push: under RL + BQL; pop and drop: BQL.
 */
typedef struct FtHold FtHold;
typedef struct FtPacket {
    uint32_t netdev;
    uint32_t flags;
    const uint8_t *data;               /* valid until the next pop          */
    size_t len;
    uint64_t seq;                      /* frame that must be acked          */
} FtPacket;
typedef struct FtHoldStats {
    uint64_t held_packets, held_bytes; /* now                               */
    uint64_t released, dropped_full, destroyed;
    uint64_t hold_ns_p50, hold_ns_p99, hold_ns_max;
} FtHoldStats;
FtHold *ft_hold_new(size_t bytes_max, size_t packets_max) FT_NOEXCEPT;
void ft_hold_free(FtHold *h) FT_NOEXCEPT;
/* Where the next packet may be put together, so that push need not copy it. */
uint8_t *ft_hold_space(FtHold *h, size_t len) FT_NOEXCEPT;
/* Takes the packet out of ft_hold_space, or copies it. False: the hold is full, and the
 * packet was dropped and counted, as by a full NIC queue. */
bool ft_hold_push(FtHold *h, const FtPacket *p, uint64_t now_ns) FT_NOEXCEPT;
/* Next packet whose frame is acked (p.seq <= acked_seq), in order. */
bool ft_hold_pop(FtHold *h, uint64_t acked_seq, uint64_t now_ns, FtPacket *p) FT_NOEXCEPT;
void ft_hold_destroy_all(FtHold *h) FT_NOEXCEPT;
void ft_hold_stats(const FtHold *h, FtHoldStats *s) FT_NOEXCEPT;

/* -------------------------------------------------------------- histogram --
 * Durations by size, to within a 32nd. Not thread-safe.
 */
typedef struct FtHistogram FtHistogram;
FtHistogram *ft_histogram_new(void) FT_NOEXCEPT;
void ft_histogram_free(FtHistogram *h) FT_NOEXCEPT;
void ft_histogram_add(FtHistogram *h, uint64_t value) FT_NOEXCEPT;
/* The next bin that is not empty, at *at or later; moves *at past it. Begin with 0. */
bool ft_histogram_next(const FtHistogram *h, size_t *at, uint64_t *upto,
                       uint64_t *count) FT_NOEXCEPT;

uint64_t ft_hash(const uint8_t *data, size_t len) FT_NOEXCEPT;   /* XXH3 64   */

/* ----------------------------------------------------------- early input --
 * Packets from outside that have reached this secondary's own netdev and are not in
 * the log: the guest gets them if this node goes live now
 * (net/ft-filter/early_input.hpp). One object for each netdev. Thread: any, under a
 * lock of the caller's.
 */
enum { FT_MAC_BYTES = 6 };
typedef struct FtEarly FtEarly;
typedef struct FtEarlyLimits {
    size_t bytes_max, packets_max;     /* kept; then the oldest are dropped */
    size_t logged_max;                 /* packets of the log, likewise      */
    uint64_t age_ns_max;
} FtEarlyLimits;
typedef struct FtEarlyStats {
    uint64_t kept_packets, kept_bytes; /* now                               */
    uint64_t known;                    /* seen here and in the log          */
    uint64_t given;                    /* popped                            */
    uint64_t dropped;                  /* full, too old, or passed by the log */
} FtEarlyStats;
FtEarly *ft_early_new(const FtEarlyLimits *limits) FT_NOEXCEPT;
void ft_early_free(FtEarly *e) FT_NOEXCEPT;
/* The length of the header in front of the Ethernet frame in each packet. A change
 * drops all that is kept. */
void ft_early_set_header(FtEarly *e, size_t bytes) FT_NOEXCEPT;
/* True: the packet is kept. False: it is in the log already, or the guest itself (own is
 * its address) has sent it. */
bool ft_early_arrived(FtEarly *e, const FtPacket *p, const uint8_t own[FT_MAC_BYTES],
                      uint64_t now_ns) FT_NOEXCEPT;
void ft_early_logged(FtEarly *e, const uint8_t *data, size_t len,
                     uint64_t now_ns) FT_NOEXCEPT;
/* At go-live: the next kept packet for the guest, in the order of arrival. */
bool ft_early_pop(FtEarly *e, uint64_t now_ns, FtPacket *p) FT_NOEXCEPT;
void ft_early_clear(FtEarly *e) FT_NOEXCEPT;
void ft_early_stats(const FtEarly *e, FtEarlyStats *s) FT_NOEXCEPT;

/* ------------------------------------------------------ seen by the network --
 * What must be announced to the network when the guest moves to the other host: the
 * addresses it sends from and the multicast groups it listens to
 * (net/ft-filter/seen.hpp). One object for each netdev.
 * Thread: any, under a lock of the caller's.
 */
typedef struct FtSeen FtSeen;
typedef struct FtSeenLimits {
    size_t sources_max, reports_max;   /* then the oldest are dropped       */
    size_t report_bytes_max;
    uint64_t age_ns_max;               /* of a source that is announced     */
} FtSeenLimits;
typedef struct FtSeenStats {
    uint64_t sources, reports, report_bytes;   /* now                       */
    uint64_t told;                     /* frames given by ft_seen_next      */
} FtSeenStats;
FtSeen *ft_seen_new(const FtSeenLimits *limits) FT_NOEXCEPT;
void ft_seen_free(FtSeen *s) FT_NOEXCEPT;
/* The length of the header in front of the Ethernet frame in each packet. */
void ft_seen_set_header(FtSeen *s, size_t bytes) FT_NOEXCEPT;
void ft_seen_from_guest(FtSeen *s, const uint8_t *data, size_t len,
                        uint64_t now_ns) FT_NOEXCEPT;
void ft_seen_from_outside(FtSeen *s, const uint8_t *data, size_t len,
                          uint64_t now_ns) FT_NOEXCEPT;
/* Is the packet's sender an address that the guest has sent from? */
bool ft_seen_is_guests(const FtSeen *s, const uint8_t *data, size_t len) FT_NOEXCEPT;
void ft_seen_clear(FtSeen *s) FT_NOEXCEPT;
/* One round of announcements: after begin, next gives one Ethernet frame after the
 * other, until it returns false. */
void ft_seen_begin_round(FtSeen *s, uint64_t now_ns) FT_NOEXCEPT;
bool ft_seen_next(FtSeen *s, const uint8_t **frame, size_t *len) FT_NOEXCEPT;
/* What was seen, as bytes for the other node; valid until the next save. */
const uint8_t *ft_seen_save(FtSeen *s, uint64_t now_ns, size_t *len) FT_NOEXCEPT;
bool ft_seen_load(FtSeen *s, const uint8_t *data, size_t len, uint64_t now_ns,
                  FtError *err) FT_NOEXCEPT;
void ft_seen_stats(const FtSeen *s, FtSeenStats *stats) FT_NOEXCEPT;

/* ---------------------------------------------------------------- digest --
 * The state of a node at one instruction count, as a list of named hashes: CPU, RAM,
 * each device's section. The primary puts the hashes into a DIGEST event, the
 * secondary makes its own at the same instruction and compares. Thread: RL.
 */
enum { FT_RAM_PAGE_BYTES = 4096 };
typedef struct FtDigest FtDigest;
FtDigest *ft_digest_new(void) FT_NOEXCEPT;
void ft_digest_free(FtDigest *d) FT_NOEXCEPT;
void ft_digest_clear(FtDigest *d) FT_NOEXCEPT;
void ft_digest_add(FtDigest *d, const char *name, uint64_t hash) FT_NOEXCEPT;
/* The bytes for the log; valid until the next encode. */
const uint8_t *ft_digest_encode(FtDigest *d, size_t *len) FT_NOEXCEPT;
/* False names the sections that differ. */
bool ft_digest_compare(const FtDigest *d, const uint8_t *theirs, size_t len,
                       FtError *err) FT_NOEXCEPT;
/* Section i, in order; false after the last one. */
bool ft_digest_section(const FtDigest *d, size_t i, const char **name,
                       uint64_t *hash) FT_NOEXCEPT;
/* One block of guest RAM; only pages that were written need be hashed again. */
typedef struct FtRamHash FtRamHash;
FtRamHash *ft_ram_hash_new(const char *name, uint64_t bytes) FT_NOEXCEPT;
void ft_ram_hash_free(FtRamHash *r) FT_NOEXCEPT;
void ft_ram_hash_page(FtRamHash *r, uint64_t page, const uint8_t *data) FT_NOEXCEPT;
void ft_ram_hash_add(const FtRamHash *r, FtDigest *d) FT_NOEXCEPT;

/* ----------------------------------------------------------------- clock --
 * How the guest's clock follows the host's (hw/ft-replay/guest_clock.hpp).
 * Times are ns of the host's and of the guest's clock; timer_ns is the time until
 * the guest's next timer, -1 without one. Thread: RL or BQL.
 */
typedef enum FtActivity {
    FT_GUEST_BUSY,                     /* executing                         */
    FT_GUEST_WOKEN,                    /* halted, an interrupt waits for it */
    FT_GUEST_IDLE                      /* halted                            */
} FtActivity;
typedef struct FtClock FtClock;
FtClock *ft_clock_new(void) FT_NOEXCEPT;
void ft_clock_free(FtClock *c) FT_NOEXCEPT;
/* Recording: must the guest's clock change? True: it moves forward by *step_ns at once,
 * and by *rate (in 1/65536 ns) for each instruction from then on. False: it goes on as
 * before. silent: the log has had no event for too long, so a guest that executes gets
 * one now, even if nothing changes. */
bool ft_clock_next(FtClock *c, int64_t host_ns, int64_t guest_ns, int64_t timer_ns,
                   FtActivity activity, bool silent, int64_t *step_ns,
                   uint32_t *rate) FT_NOEXCEPT;
/* How long an idle guest may sleep: 0 not at all, -1 until it is woken. */
int64_t ft_clock_sleep(const FtClock *c, int64_t host_ns, int64_t guest_ns,
                       int64_t timer_ns) FT_NOEXCEPT;
/* A turn of the vCPU loop begins: how many instructions it may take. */
int64_t ft_clock_begin_turn(FtClock *c, int64_t host_ns, int64_t icount) FT_NOEXCEPT;
void ft_clock_end_turn(FtClock *c, int64_t host_ns, int64_t icount) FT_NOEXCEPT;
int64_t ft_clock_behind(const FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;
/* The operator had paused the guest for host_ns; its clock does not catch up with that. */
void ft_clock_forget(FtClock *c, int64_t host_ns) FT_NOEXCEPT;
/* observe, while replaying: the clock has followed the log to this point. go_live: from
 * now on this node decides. */
void ft_clock_observe(FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;
void ft_clock_go_live(FtClock *c, int64_t host_ns, int64_t guest_ns) FT_NOEXCEPT;

/* Remembers when frames were made, and how long the primary had worked by then, to tell
 * how old the oldest frame is that the secondary has not executed. add, clear: under the
 * caller's lock; oldest: any thread, false if there is no such frame. */
typedef struct FtLagSamples FtLagSamples;
FtLagSamples *ft_lag_samples_new(void) FT_NOEXCEPT;
void ft_lag_samples_clear(FtLagSamples *s) FT_NOEXCEPT;
void ft_lag_samples_add(FtLagSamples *s, uint64_t seq, uint64_t now_ns, uint64_t worked_ns,
                        uint64_t executed_seq) FT_NOEXCEPT;
bool ft_lag_samples_oldest(const FtLagSamples *s, uint64_t executed_seq, uint64_t *at_ns,
                           uint64_t *worked_ns) FT_NOEXCEPT;

/* How long the secondary will need for what it has not executed. worked_ns: how long the
 * primary has worked until now. executed_ns: how much of that the secondary had executed
 * by its last report, which came at report_ns over a link with the round trip rtt_ns.
 * Thread: the vCPU's. */
typedef struct FtLagEstimate FtLagEstimate;
FtLagEstimate *ft_lag_estimate_new(void) FT_NOEXCEPT;
void ft_lag_estimate_reset(FtLagEstimate *l) FT_NOEXCEPT;
uint64_t ft_lag_estimate(FtLagEstimate *l, uint64_t now_ns, uint64_t worked_ns,
                         uint64_t executed_ns, uint64_t report_ns, uint64_t rtt_ns) FT_NOEXCEPT;
/* How long to pause after a turn of ran_ns, for a secondary that lags. Thread: any. */
uint64_t ft_lag_pause(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) FT_NOEXCEPT;

/* ---------------------------------------------------------------- attach --
 * How the copy of a running guest's memory goes on (accel/ft/attach_pace.hpp).
 * Thread: main, but pause: any.
 */
typedef enum FtAttachVerdict {
    FT_ATTACH_GO_ON,
    FT_ATTACH_CUT,                     /* the rest is carried in a moment   */
    FT_ATTACH_GIVE_UP                  /* ft_attach_pace_why() says why     */
} FtAttachVerdict;
typedef struct FtAttachLook {          /* what a look at dirty memory found */
    uint64_t now_ns;
    uint64_t left_before;              /* bytes to be sent, before the look */
    uint64_t left;                     /* with what the guest wrote to anew */
    uint64_t written;                  /* pages written since the last look */
    uint64_t beside;                   /* devices and drives, sent at the cut */
} FtAttachLook;
typedef struct FtAttachStats {
    unsigned looks, slowed;            /* slowed: thousandths of its time   */
    uint64_t written_rate, link_rate;  /* bytes a second                    */
    bool link_known;                   /* it has shown what it can do       */
    uint64_t moved_ns;                 /* when the link last carried something */
} FtAttachStats;
typedef struct FtAttachPace FtAttachPace;
FtAttachPace *ft_attach_pace_new(uint64_t now_ns, uint64_t memory) FT_NOEXCEPT;
void ft_attach_pace_free(FtAttachPace *p) FT_NOEXCEPT;
/* given: bytes handed to the link so far; under_way: those not yet acknowledged. */
void ft_attach_pace_link(FtAttachPace *p, uint64_t now_ns, uint64_t given,
                         uint64_t under_way) FT_NOEXCEPT;
/* Decides after a look at the dirty memory, at the end of a pass or when one was due. */
FtAttachVerdict ft_attach_pace_look(FtAttachPace *p, const FtAttachLook *look) FT_NOEXCEPT;
bool ft_attach_pace_due(const FtAttachPace *p, uint64_t now_ns) FT_NOEXCEPT;
/* How many bytes to hand to the link at once; most is the caller's own limit. */
uint64_t ft_attach_pace_slice(const FtAttachPace *p, uint64_t most) FT_NOEXCEPT;
void ft_attach_pace_stats(FtAttachPace *p, FtAttachStats *s) FT_NOEXCEPT;
void ft_attach_pace_why(const FtAttachPace *p, FtError *err) FT_NOEXCEPT;
/* How long to pause after a turn of ran_ns, for a guest that is to stand still for slowed
 * thousandths of its time. */
uint64_t ft_attach_pause(uint64_t ran_ns, unsigned slowed) FT_NOEXCEPT;

/* ----------------------------------------------------------------- lease --
 * The primary may let output go only while the secondary cannot have taken
 * over: until (send time of the last ping that was answered) + timeout. The
 * secondary takes over on silence only after timeout has passed since it
 * received a ping, which is later, so the two never overlap. Guards against a
 * primary that was stopped (SIGSTOP) and continued. Thread: any (atomic).
 */
typedef struct FtLease FtLease;
FtLease *ft_lease_new(uint64_t timeout_ns) FT_NOEXCEPT;
void ft_lease_free(FtLease *l) FT_NOEXCEPT;
/* To be called when the connections come up, never at READY: a READY that was delayed
 * would make the lease last longer than the secondary waits. */
void ft_lease_start(FtLease *l, uint64_t now_ns) FT_NOEXCEPT;
void ft_lease_answered(FtLease *l, uint64_t ping_sent_ns, uint64_t now_ns) FT_NOEXCEPT;
bool ft_lease_valid(const FtLease *l, uint64_t now_ns) FT_NOEXCEPT;
uint64_t ft_lease_rtt_ns(const FtLease *l) FT_NOEXCEPT;          /* median    */

/* ----------------------------------------------------------- output gate --
 * May what the guest has sent in frame N leave now? See accel/ft/output_gate.hpp.
 * Thread: one at a time (QEMU: BQL held).
 */
typedef enum FtOutput {
    FT_OUTPUT_PASS,             /* exposed: leaves at once                  */
    FT_OUTPUT_KEEP,             /* after the cut, on both: nothing leaves   */
    FT_OUTPUT_ACKED,            /* protected: leaves when its frame is acked
                                 * and the lease is valid                   */
    FT_OUTPUT_CLOSED            /* fenced: nothing leaves any more          */
} FtOutput;
typedef struct FtGate FtGate;
FtGate *ft_gate_new(void) FT_NOEXCEPT;                       /* FT_OUTPUT_CLOSED */
void ft_gate_free(FtGate *g) FT_NOEXCEPT;
void ft_gate_set(FtGate *g, FtOutput mode) FT_NOEXCEPT;
FtOutput ft_gate_mode(const FtGate *g) FT_NOEXCEPT;
/*
 * False: nothing may leave at this instant. Else the output of frames up to *up_to
 * may. @lease: NULL while no secondary is connected. Ask before each output.
 */
bool ft_gate_limit(const FtGate *g, const FtLease *lease, uint64_t acked_seq,
                   uint64_t now_ns, uint64_t *up_to) FT_NOEXCEPT;

/* --------------------------------------------------------------- witness --
 * What a witness connection has said until now. The end of its stream proves that the
 * peer's process has died only if the stream has said "alive" and nothing else. A
 * connection that was closed before the secondary served it, or by a proxy in between,
 * proves nothing. */
typedef enum FtWitnessWord {
    FT_WITNESS_SILENT = 0,      /* nothing yet                              */
    FT_WITNESS_ALIVE = 'a',     /* and nothing else                         */
    FT_WITNESS_CLOSES = 'c',    /* it ends on purpose, or is no witness     */
} FtWitnessWord;
/* What it has said, after @count more bytes of the stream. */
FtWitnessWord ft_witness_hear(FtWitnessWord last, const uint8_t *words, size_t count) FT_NOEXCEPT;
/* Does the orderly end of the stream, after @last, prove that the peer's process died? */
bool ft_witness_proves_death(FtWitnessWord last) FT_NOEXCEPT;

/* ------------------------------------------------------------- watchdog --
 * Which part of a node stands still, and what follows (accel/ft/watchdog.hpp). Thread:
 * one looks, FT_LOOKS_PER_LIMIT times in the limit; any may read.
 */
typedef enum FtPart { FT_PART_MAIN_LOOP, FT_PART_VCPU, FT_PART__COUNT } FtPart;
typedef enum FtMotion {
    FT_MOTION_AS_BEFORE,
    FT_MOTION_ENDS,         /* it has not moved for the limit               */
    FT_MOTION_BEGINS        /* it had not, and moves again                  */
} FtMotion;
enum { FT_LOOKS_PER_LIMIT = 10 };
typedef struct FtWatchdog FtWatchdog;
FtWatchdog *ft_watchdog_new(uint64_t limit_ns) FT_NOEXCEPT;
void ft_watchdog_free(FtWatchdog *w) FT_NOEXCEPT;
/* @moved: the part has moved since the last look, or is idle and may be. */
FtMotion ft_watchdog_look(FtWatchdog *w, FtPart part, bool moved, uint64_t now_ns) FT_NOEXCEPT;
/* still: for how long the part has not moved. stood: for how long it had not moved the
 * last time that this was longer than the limit. */
uint64_t ft_watchdog_still_ns(const FtWatchdog *w, FtPart part) FT_NOEXCEPT;
uint64_t ft_watchdog_stood_ns(const FtWatchdog *w, FtPart part) FT_NOEXCEPT;
/* For how long no part of this node has been seen to stand still. */
uint64_t ft_watchdog_well_ns(const FtWatchdog *w, uint64_t now_ns) FT_NOEXCEPT;
uint64_t ft_watchdog_limit_ns(uint64_t timeout_ns) FT_NOEXCEPT;
/* Is this long enough to be shown to an operator: more than one look? */
bool ft_watchdog_is_seen(uint64_t still_ns, uint64_t limit_ns) FT_NOEXCEPT;
/* Should a node that has stood still for still_ns give way to the other one? Not if the
 * other one stands still too, or did so until a moment ago: what both wait for (a
 * storage, say) may come back, and then comes back for both. */
bool ft_watchdog_gives_up(uint64_t still_ns, uint64_t other_well_ns,
                          uint64_t limit_ns) FT_NOEXCEPT;
const char *ft_part_name(FtPart part) FT_NOEXCEPT;

/* ------------------------------------------------------------- disk copy --
 * Which chunks of a drive's image the secondary does not have yet. An attach starts
 * with all of them. The secondary reports its image as checksums and runs of zeros, and
 * chunks that agree need not be sent; a chunk that the guest writes to must be compared
 * again. Thread: main, on the primary.
 */
enum { FT_DISK_CHUNK_BYTES = 64 * 1024, FT_DISK_SUMS_MAX = 1024 };
typedef struct FtCopyMap FtCopyMap;
/* NULL: not enough memory for a drive of this size (2 MiB for each TiB). */
FtCopyMap *ft_copy_map_new(uint64_t bytes) FT_NOEXCEPT;
void ft_copy_map_free(FtCopyMap *m) FT_NOEXCEPT;
/* The guest's write to this range is in the image now; called after it, never
 * before: a chunk that is read in between would count as copied too early. */
void ft_copy_map_written(FtCopyMap *m, uint64_t offset, uint64_t bytes) FT_NOEXCEPT;
/* The secondary's report of its image from chunk @first on: sums, or zeros. Both come in
 * the order of the chunks, each chunk once. */
bool ft_copy_map_sums(FtCopyMap *m, uint64_t first, const uint64_t *sums, size_t n,
                      FtError *err) FT_NOEXCEPT;
bool ft_copy_map_zeros(FtCopyMap *m, uint64_t first, uint64_t n, FtError *err) FT_NOEXCEPT;
/* The next run of at most @max chunks to compare; from here on they count as copied.
 * False: none is left, or the secondary has not yet reported those that are left. */
bool ft_copy_map_next(FtCopyMap *m, uint64_t max, uint64_t *first,
                      uint64_t *n) FT_NOEXCEPT;
/* The end of such a run was not compared after all: the next call gives it again. */
void ft_copy_map_give_back(FtCopyMap *m, uint64_t first, uint64_t n) FT_NOEXCEPT;
/* The chunk that was read has this sum: is the secondary's another one, so that the
 * chunk must be sent? From then on the secondary counts as having it. */
bool ft_copy_map_differs(FtCopyMap *m, uint64_t chunk, uint64_t sum) FT_NOEXCEPT;
/* Our chunks [*first, *first + *n) are zeros (the last chunk of a drive may be short).
 * True: the secondary must make the chunks [*run, *first) zeros, at most @max of them,
 * and counts as having them from then on. *first and *n become what comes after. */
bool ft_copy_map_differs_from_zeros(FtCopyMap *m, uint64_t *first, uint64_t *n,
                                    uint64_t max, uint64_t *run) FT_NOEXCEPT;
/* Bytes that are still to be compared, and how often all were compared. */
uint64_t ft_copy_map_left(const FtCopyMap *m) FT_NOEXCEPT;
uint64_t ft_copy_map_rounds(const FtCopyMap *m) FT_NOEXCEPT;
/* Has the secondary reported its whole image? */
bool ft_copy_map_told_all(const FtCopyMap *m) FT_NOEXCEPT;

/* How fast the guest may write meanwhile (block/ft-filter/copy_pace.hpp). */
typedef struct FtCopyPace FtCopyPace;
FtCopyPace *ft_copy_pace_new(unsigned drives) FT_NOEXCEPT;
void ft_copy_pace_free(FtCopyPace *p) FT_NOEXCEPT;
/* Each chunk was compared once: from now on writes are counted and delayed. */
void ft_copy_pace_begin(FtCopyPace *p) FT_NOEXCEPT;
/* The copy has read @bytes in the last @ns, its waits for the link included. */
void ft_copy_pace_copied(FtCopyPace *p, uint64_t bytes, uint64_t ns) FT_NOEXCEPT;
/* A write has reached the image: for how many ns its completion is to be delayed. */
typedef struct FtCopyWrite {
    uint64_t now_ns, bytes;
    uint64_t anew;                     /* bytes of chunks to be copied again */
    unsigned waiting;                  /* delayed completions of this drive   */
    uint64_t link_rate;                /* bytes a second; 0: not known      */
} FtCopyWrite;
uint64_t ft_copy_pace_written(FtCopyPace *p, unsigned drive,
                              const FtCopyWrite *write) FT_NOEXCEPT;
/* True: @left is more than @few and does not shrink, the guest writes too much. */
bool ft_copy_pace_hopeless(FtCopyPace *p, uint64_t now_ns, uint64_t left,
                           uint64_t few) FT_NOEXCEPT;
/* The reason, in *err; returns the drive that was written to most. */
unsigned ft_copy_pace_why(const FtCopyPace *p, uint64_t now_ns, uint64_t left,
                          FtError *err) FT_NOEXCEPT;

/* The body of DISK_ZEROS (any thread). A primary's message names at most
 * FT_DISK_ZEROS_MAX chunks, because the secondary may have to write them all. */
enum { FT_DISK_ZEROS_BYTES = 8, FT_DISK_ZEROS_MAX = 256 };
void ft_disk_zeros_encode(uint64_t n, uint8_t *body) FT_NOEXCEPT;
bool ft_disk_zeros_decode(const uint8_t *body, size_t len, uint64_t *n,
                          FtError *err) FT_NOEXCEPT;
/* May a primary ask for this run of zeros, in a drive of @bytes? */
bool ft_disk_zeros_check(uint64_t bytes, uint64_t first, uint64_t n,
                         FtError *err) FT_NOEXCEPT;

/* ------------------------------------------------------------ disk order --
 * With ft-disk=shared: which requests of a drive may go to the image now
 * (block/ft-filter/disk_order.hpp). Thread: any, BQL.
 */
typedef enum FtDiskKind {
    FT_DISK_KIND_READ,
    FT_DISK_KIND_WRITE,                /* of data, zeros, or a discard      */
    FT_DISK_KIND_FLUSH
} FtDiskKind;
typedef struct FtDiskOrder FtDiskOrder;
/* Remembers at most reads_max finished reads that the secondary has not executed. */
FtDiskOrder *ft_disk_order_new(size_t reads_max) FT_NOEXCEPT;
void ft_disk_order_free(FtDiskOrder *o) FT_NOEXCEPT;
/* In the order of their submission; each id once. */
void ft_disk_order_add(FtDiskOrder *o, uint64_t id, FtDiskKind kind, uint64_t offset,
                       uint64_t bytes) FT_NOEXCEPT;
/* May this request start now? executed_seq: the secondary has executed all frames up to
 * here; UINT64_MAX without a secondary. */
bool ft_disk_order_may_start(FtDiskOrder *o, uint64_t id, uint64_t executed_seq) FT_NOEXCEPT;
/* seq: the frame with its completion, if the secondary will read it too; else 0. */
void ft_disk_order_finish(FtDiskOrder *o, uint64_t id, uint64_t seq) FT_NOEXCEPT;
/* Has the secondary executed every read that was finished? */
bool ft_disk_order_reads_executed(FtDiskOrder *o, uint64_t executed_seq) FT_NOEXCEPT;

/* --------------------------------------------------------------- session --
 * What FT decides: step(event, now) -> actions. One thread (main).
 */
typedef enum FtRole { FT_ROLE_OFF, FT_ROLE_PRIMARY, FT_ROLE_SECONDARY } FtRole;

typedef enum FtState {
    FT_STATE_OFF,          /* built in, not used                             */
    FT_STATE_WAITING,      /* secondary, no primary yet                      */
    FT_STATE_SYNCING,      /* handshake or state transfer                    */
    FT_STATE_PROTECTED,    /* both run, output is held until acked           */
    FT_STATE_EXPOSED,      /* primary without a secondary, output free       */
    FT_STATE_GOING_LIVE,   /* who goes on alone is being decided, output is
                            * held; on the secondary also: draining          */
    FT_STATE_FENCED,       /* lost the right to output, stopped for good     */
    FT_STATE_FAILED        /* secondary unusable (diverged, load error)      */
} FtState;

typedef enum FtInputKind {
    FT_IN_CONNECTED,       /* primary: log channel up, hellos agreed         */
    FT_IN_CUT_DONE,        /* primary: devices sent, log started, VM resumed */
    FT_IN_STATE_LOADED,    /* secondary: RAM + devices loaded, VM replays    */
    FT_IN_PEER_READY,      /* primary: READY received                        */
    FT_IN_ATTACH_FAILED,   /* either: text says why                          */
    FT_IN_CONNECTION_LOST, /* log channel closed or unusable; text. Secondary:
                            * value = ns until which the peer may still release
                            * under its lease (last ping received + timeout),
                            * 0 if it is known not to (it closed both)       */
    FT_IN_PEER_SILENT,     /* nothing heard for the timeout                  */
    FT_IN_PEER_GOODBYE,    /* text                                           */
    FT_IN_DIVERGED,        /* secondary: text names the first difference     */
    FT_IN_ARBITER_WON,     /* value = epoch                                  */
    FT_IN_ARBITER_LOST,    /* value = epoch                                  */
    FT_IN_ARBITER_UNREACHABLE, /* value = epoch; asked again by timer        */
    FT_IN_TIMER,           /* the timer set by FT_ACT_SET_TIMER fired        */
    FT_IN_DRAINED,         /* secondary: every received frame is consumed    */
    FT_IN_LIVE_DONE,       /* secondary: replay left, VM runs as primary     */
    FT_IN_ATTACH,          /* primary, operator or start-up: attach          */
    FT_IN_FAILOVER,        /* operator on either side                        */
    FT_IN_DETACH,          /* operator                                       */
    FT_IN_PAUSED_ACKED,    /* primary in a handover: paused, all acked and
                            * released                                       */
    FT_IN_HANDOVER,        /* secondary: HANDOVER received, value = last seq */
    FT_IN_PEER_LIVE,       /* primary in a handover: LIVE received           */
    FT_IN_PEER_STUCK,      /* primary: the secondary executes nothing; text  */
    FT_IN_STATE_RECEIVED,  /* secondary: RAM and devices have come whole; loading */
    FT_IN_GUEST_OFF,       /* either: the guest has ended here and this process
                            * goes on (-no-shutdown, a panic); text: how         */
    FT_IN_REFUSED,         /* secondary: it took no primary that came; text      */
    FT_IN__COUNT
} FtInputKind;

typedef struct FtInput {
    FtInputKind kind;
    uint64_t value;
    const char *text;      /* may be NULL; copied                            */
} FtInput;

typedef enum FtActionKind {
    FT_ACT_CONNECT,        /* primary: open log + heartbeat, then CONNECTED  */
    FT_ACT_TRANSFER,       /* primary: RAM pass and cut for epoch = value    */
    FT_ACT_CLAIM,          /* test-and-set at the arbiter, epoch = value     */
    FT_ACT_SET_TIMER,      /* one shot, value = absolute ns; replaces        */
    FT_ACT_RELEASE_ACKED,  /* from now on acked output may leave             */
    FT_ACT_RELEASE_ALL,    /* exposed: held output leaves, holding stops,
                            * recording goes to the null log                 */
    FT_ACT_DESTROY_OUTPUT, /* fenced: held output is destroyed               */
    FT_ACT_STOP_VM,        /* fenced or failed: the VM stops for good        */
    FT_ACT_DRAIN,          /* consume what was received, then DRAINED        */
    FT_ACT_GO_LIVE,        /* swap replay for record, then LIVE_DONE         */
    FT_ACT_CLOSE,          /* close both connections, after what was sent; text
                            * = goodbye reason sent first when not NULL. Ends
                            * RELEASE_ACKED at once                          */
    FT_ACT_PAUSE_VM,       /* handover: stop, flush, then PAUSED_ACKED       */
    FT_ACT_RESUME_VM,      /* handover given up: run on                      */
    FT_ACT_SEND_HANDOVER,  /* ends RELEASE_ACKED: nothing may follow it      */
    FT_ACT_SEND_LIVE,
    FT_ACT_SEND_READY,
    FT_ACT_STATE_CHANGED   /* emit FT_STATE_CHANGE; read the getters         */
} FtActionKind;

typedef struct FtAction {
    FtActionKind kind;
    uint64_t value;
    const char *text;      /* owned by the session, valid until next step    */
} FtAction;

typedef struct FtSession FtSession;
/* epoch0: the epoch to count on from (0 for a new VM). */
FtSession *ft_session_new(FtRole role, uint64_t epoch0, uint64_t timeout_ns) FT_NOEXCEPT;
void ft_session_free(FtSession *s) FT_NOEXCEPT;
/* Decides what the input means, sets the new state, and lists the actions in the order
 * in which they have to be done. *n <= FT_ACTIONS_MAX. An operator's input that cannot
 * be served now returns false, names the reason and changes nothing; a late or stray
 * event from outside is ignored. */
enum { FT_ACTIONS_MAX = 16 };
bool ft_session_step(FtSession *s, const FtInput *in, uint64_t now_ns,
                     FtAction actions[FT_ACTIONS_MAX], size_t *n, FtError *err) FT_NOEXCEPT;
/* The secondary learns the epoch from the primary's first message. */
void ft_session_set_epoch(FtSession *s, uint64_t epoch) FT_NOEXCEPT;
FtRole ft_session_role(const FtSession *s) FT_NOEXCEPT;
FtState ft_session_state(const FtSession *s) FT_NOEXCEPT;
uint64_t ft_session_epoch(const FtSession *s) FT_NOEXCEPT;
const char *ft_session_reason(const FtSession *s) FT_NOEXCEPT; /* why not protected */
const char *ft_state_name(FtState s) FT_NOEXCEPT;              /* "protected" ...   */
const char *ft_role_name(FtRole r) FT_NOEXCEPT;

/* --------------------------------------------------------------- arbiter --
 * spec is "none" or "file:DIR". claim blocks on the disk: call it from a
 * thread of its own, never from main. Asking again for an epoch already won
 * by this node answers won. Source: VMware FT paper, section 2.3
 * (test-and-set on shared storage); link(2) is the atomic step, so that the
 * winner's name is in the file from its first moment, on NFS too.
 */
typedef enum FtClaim { FT_CLAIM_WON, FT_CLAIM_LOST, FT_CLAIM_UNREACHABLE } FtClaim;
bool ft_arbiter_check_spec(const char *spec, FtError *err) FT_NOEXCEPT;
/* Makes the file for all claims of this node ahead, because the disk may be full later.
 * To be called as the user, and in the root directory, that will claim; blocks on the
 * disk. */
bool ft_arbiter_reserve(const char *spec, const uint8_t node_id[FT_UUID_BYTES],
                        FtError *err) FT_NOEXCEPT;
void ft_arbiter_unreserve(const char *spec, const uint8_t node_id[FT_UUID_BYTES]) FT_NOEXCEPT;
FtClaim ft_arbiter_claim(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                         uint64_t epoch, const uint8_t node_id[FT_UUID_BYTES],
                         FtError *err) FT_NOEXCEPT;
/* The highest epoch that any node ever won for this VM, 0 if none: epoch0 of a
 * primary that starts. Counting from 0 again would meet the files of an earlier
 * run and lose every claim on both nodes. Blocks like claim. */
bool ft_arbiter_last_epoch(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                           uint64_t *epoch, FtError *err) FT_NOEXCEPT;

/* Faults for tests, compiled in only with -Dft_faults=true; otherwise always
 * false. Names are listed in docs/HACKING.md; set by the environment variable
 * FT_FAULT=name[,name]. */
bool ft_fault(const char *name) FT_NOEXCEPT;

#ifdef __cplusplus
}
#endif

#endif
