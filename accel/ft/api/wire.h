/*
 * Messages between the nodes.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_WIRE_H
#define ACCEL_FT_API_WIRE_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
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
void ftc_wire_encode_header(const FtMsgHeader *h, const uint8_t *body,
                            uint8_t *out) FT_NOEXCEPT;
/* Checks magic, version range, type, reserved bytes, length, header sum. */
bool ftc_wire_decode_header(const uint8_t *in, FtMsgHeader *h, uint64_t *body_sum,
                            FtError *err) FT_NOEXCEPT;
bool ftc_wire_check_body(const FtMsgHeader *h, uint64_t body_sum,
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
size_t ftc_wire_encode_hello(const FtHello *h, uint8_t *out, size_t cap) FT_NOEXCEPT;
/* h->fingerprint points into body afterwards. */
bool ftc_wire_decode_hello(const uint8_t *body, size_t len, FtHello *h,
                           FtError *err) FT_NOEXCEPT;
/* False names the first differing line: "cpu: here 'a', peer 'b'". */
bool ftc_fingerprint_compare(const char *ours, size_t ours_len, const char *theirs,
                             size_t theirs_len, FtError *err) FT_NOEXCEPT;

typedef struct FtAck {                 /* ACK body                          */
    uint64_t received_seq;             /* every frame up to here is safe    */
    uint64_t executed_seq;             /* replay has consumed up to here    */
    uint64_t executed_icount;          /* guest instructions since the cut  */
} FtAck;
size_t ftc_wire_encode_ack(const FtAck *a, uint8_t *out, size_t cap) FT_NOEXCEPT;
bool ftc_wire_decode_ack(const uint8_t *body, size_t len, FtAck *a,
                         FtError *err) FT_NOEXCEPT;

typedef struct FtPing {                /* PING and PONG body                */
    uint64_t counter;
    uint64_t sender_ns;                /* sender's clock; PONG echoes it    */
} FtPing;
size_t ftc_wire_encode_ping(const FtPing *p, uint8_t *out, size_t cap) FT_NOEXCEPT;
bool ftc_wire_decode_ping(const uint8_t *body, size_t len, FtPing *p,
                          FtError *err) FT_NOEXCEPT;
/* REFUSE, GOODBYE: the body is a UTF-8 sentence of at most FT_REASON_MAX. */

FT_API_END

#endif
