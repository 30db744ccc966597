/*
 * The log: its events, its writer, its reader.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_LOG_H
#define ACCEL_FT_API_LOG_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
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
FtLogWriter *ftc_log_writer_new(size_t ring_bytes) FT_NOEXCEPT;
void ftc_log_writer_free(FtLogWriter *w) FT_NOEXCEPT;
void ftc_log_put_event(FtLogWriter *w, uint8_t event) FT_NOEXCEPT;
void ftc_log_put_int(FtLogWriter *w, uint64_t value) FT_NOEXCEPT;
void ftc_log_put_bytes(FtLogWriter *w, const uint8_t *data, size_t len) FT_NOEXCEPT;
/* Publishes what was put since the last commit as one frame; nothing, if nothing
 * was put. Returns true if a frame was published. If the ring cannot take the frame
 * the writer is overflowed for good: it discards frames from then on, and the caller
 * must drop the secondary and release no output for its acknowledgements. */
bool ftc_log_commit(FtLogWriter *w) FT_NOEXCEPT;
/* How large the open frame is. */
size_t ftc_log_open_bytes(const FtLogWriter *w) FT_NOEXCEPT;
bool ftc_log_overflowed(const FtLogWriter *w) FT_NOEXCEPT;
/* Sequence the frame now being written will get; frames count from 1. */
uint64_t ftc_log_open_seq(const FtLogWriter *w) FT_NOEXCEPT;
size_t ftc_log_writer_used(const FtLogWriter *w) FT_NOEXCEPT;     /* any thread */
/* Whole frames, as many as make a good message, never more than bytes_max; returns
 * their bytes, 0 if there is no frame. They stay in the ring, and *data is valid,
 * until ftc_log_take_done. */
size_t ftc_log_take(FtLogWriter *w, size_t bytes_max, const uint8_t **data,
                    uint64_t *first_seq, uint64_t *last_seq) FT_NOEXCEPT;
void ftc_log_take_done(FtLogWriter *w) FT_NOEXCEPT;

/* Reader, on the secondary. feed: one receiver thread. get: under RL.
 * feed decodes the whole body against events.def first, so that get cannot
 * fail on malformed input; a bad body changes nothing. Sequence numbers must
 * follow on. feed returns 1 taken, 0 no room now (try again later), -1 bad. A body
 * is at most a quarter of the ring, so that two frames may stay readable there. */
typedef struct FtLogReader FtLogReader;
FtLogReader *ftc_log_reader_new(size_t ring_bytes) FT_NOEXCEPT;
void ftc_log_reader_free(FtLogReader *r) FT_NOEXCEPT;
int ftc_log_feed(FtLogReader *r, const uint8_t *body, size_t len, uint64_t first_seq,
                 uint64_t last_seq, FtError *err) FT_NOEXCEPT;
/* Where a body of len bytes may be received, so that feed need not copy it; NULL
 * if it has to be received elsewhere. Receiver thread. */
uint8_t *ftc_log_space(FtLogReader *r, size_t len) FT_NOEXCEPT;
/* Called by feed for each NET event of a body that it takes, in order. To be set before
 * the first feed. */
typedef void FtPacketLogged(uint32_t netdev, const uint8_t *data, size_t len);
void ftc_log_reader_watch(FtLogReader *r, FtPacketLogged *packet) FT_NOEXCEPT;
bool ftc_log_available(const FtLogReader *r) FT_NOEXCEPT;         /* any thread */
/* get_event needs available; get_int and get_bytes answer the fields of that
 * event in order. Asking for more or other fields than the event has returns
 * false and marks the reader "confused" (the caller reports divergence). */
bool ftc_log_get_event(FtLogReader *r, uint8_t *event) FT_NOEXCEPT;
bool ftc_log_get_int(FtLogReader *r, uint64_t *value) FT_NOEXCEPT;
/* *data stays valid until the frame after the next one is opened: the next event may
 * be got before the bytes of this one are used. */
bool ftc_log_get_bytes(FtLogReader *r, const uint8_t **data, size_t *len) FT_NOEXCEPT;
uint64_t ftc_log_received_seq(const FtLogReader *r) FT_NOEXCEPT;  /* any thread */
uint64_t ftc_log_consumed_seq(const FtLogReader *r) FT_NOEXCEPT;  /* any thread */
uint64_t ftc_log_received_icount(const FtLogReader *r) FT_NOEXCEPT;

FT_API_END

#endif
