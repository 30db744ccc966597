/*
 * What the network has seen of the guest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_SEEN_H
#define ACCEL_FT_API_SEEN_H

#include "accel/ft/api/base.h"

FT_API_BEGIN

/*
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
    uint64_t told;                     /* frames given by ftc_seen_next      */
} FtSeenStats;
FtSeen *ftc_seen_new(const FtSeenLimits *limits) FT_NOEXCEPT;
void ftc_seen_free(FtSeen *s) FT_NOEXCEPT;
/* The length of the header in front of the Ethernet frame in each packet. */
void ftc_seen_set_header(FtSeen *s, size_t bytes) FT_NOEXCEPT;
void ftc_seen_from_guest(FtSeen *s, const uint8_t *data, size_t len,
                         uint64_t now_ns) FT_NOEXCEPT;
void ftc_seen_from_outside(FtSeen *s, const uint8_t *data, size_t len,
                           uint64_t now_ns) FT_NOEXCEPT;
/* Is the packet's sender an address that the guest has sent from? */
bool ftc_seen_is_guests(const FtSeen *s, const uint8_t *data, size_t len) FT_NOEXCEPT;
void ftc_seen_clear(FtSeen *s) FT_NOEXCEPT;
/* One round of announcements: after begin, next gives one Ethernet frame after the
 * other, until it returns false. */
void ftc_seen_begin_round(FtSeen *s, uint64_t now_ns) FT_NOEXCEPT;
bool ftc_seen_next(FtSeen *s, const uint8_t **frame, size_t *len) FT_NOEXCEPT;
/* What was seen, as bytes for the other node; valid until the next save. */
const uint8_t *ftc_seen_save(FtSeen *s, uint64_t now_ns, size_t *len) FT_NOEXCEPT;
bool ftc_seen_load(FtSeen *s, const uint8_t *data, size_t len, uint64_t now_ns,
                   FtError *err) FT_NOEXCEPT;
void ftc_seen_stats(const FtSeen *s, FtSeenStats *stats) FT_NOEXCEPT;

FT_API_END

#endif
