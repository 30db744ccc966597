/*
 * Packets that are held, and packets that came early.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_PACKETS_H
#define ACCEL_FT_API_PACKETS_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
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
FtHold *ftc_hold_new(size_t bytes_max, size_t packets_max) FT_NOEXCEPT;
void ftc_hold_free(FtHold *h) FT_NOEXCEPT;
/* Where the next packet may be put together, so that push need not copy it. */
uint8_t *ftc_hold_space(FtHold *h, size_t len) FT_NOEXCEPT;
/* Takes the packet out of ftc_hold_space, or copies it. False: the hold is full, and the
 * packet was dropped and counted, as by a full NIC queue. */
bool ftc_hold_push(FtHold *h, const FtPacket *p, uint64_t now_ns) FT_NOEXCEPT;
/* Next packet whose frame is acked (p.seq <= acked_seq), in order. */
bool ftc_hold_pop(FtHold *h, uint64_t acked_seq, uint64_t now_ns, FtPacket *p) FT_NOEXCEPT;
void ftc_hold_destroy_all(FtHold *h) FT_NOEXCEPT;
void ftc_hold_stats(const FtHold *h, FtHoldStats *s) FT_NOEXCEPT;

/*
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
FtEarly *ftc_early_new(const FtEarlyLimits *limits) FT_NOEXCEPT;
void ftc_early_free(FtEarly *e) FT_NOEXCEPT;
/* The length of the header in front of the Ethernet frame in each packet. A change
 * drops all that is kept. */
void ftc_early_set_header(FtEarly *e, size_t bytes) FT_NOEXCEPT;
/* True: the packet is kept. False: it is in the log already, or the guest itself (own is
 * its address) has sent it. */
bool ftc_early_arrived(FtEarly *e, const FtPacket *p, const uint8_t own[FT_MAC_BYTES],
                       uint64_t now_ns) FT_NOEXCEPT;
void ftc_early_logged(FtEarly *e, const uint8_t *data, size_t len,
                      uint64_t now_ns) FT_NOEXCEPT;
/* At go-live: the next kept packet for the guest, in the order of arrival. */
bool ftc_early_pop(FtEarly *e, uint64_t now_ns, FtPacket *p) FT_NOEXCEPT;
void ftc_early_clear(FtEarly *e) FT_NOEXCEPT;
void ftc_early_stats(const FtEarly *e, FtEarlyStats *s) FT_NOEXCEPT;

FT_API_END

#endif
