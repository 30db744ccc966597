/*
 * The arbiter.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_API_ARBITER_H
#define ACCEL_FT_API_ARBITER_H

#include "accel/ft/api/base.h"
#include "accel/ft/api/wire.h"

FT_API_BEGIN

/*
 * spec is "none" or "file:DIR". claim blocks on the disk: call it from a
 * thread of its own, never from main. Asking again for an epoch already won
 * by this node answers won. Source: VMware FT paper, section 2.3
 * (test-and-set on shared storage); link(2) is the atomic step, so that the
 * winner's name is in the file from its first moment, on NFS too.
 */
typedef enum FtClaim { FT_CLAIM_WON, FT_CLAIM_LOST, FT_CLAIM_UNREACHABLE } FtClaim;
bool ftc_arbiter_check_spec(const char *spec, FtError *err) FT_NOEXCEPT;
/* Makes the file for all claims of this node ahead, because the disk may be full later.
 * To be called as the user, and in the root directory, that will claim; blocks on the
 * disk. */
bool ftc_arbiter_reserve(const char *spec, const uint8_t node_id[FT_UUID_BYTES],
                         FtError *err) FT_NOEXCEPT;
void ftc_arbiter_unreserve(const char *spec, const uint8_t node_id[FT_UUID_BYTES]) FT_NOEXCEPT;
FtClaim ftc_arbiter_claim(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                          uint64_t epoch, const uint8_t node_id[FT_UUID_BYTES],
                          FtError *err) FT_NOEXCEPT;
/* The highest epoch that any node ever won for this VM, 0 if none: epoch0 of a
 * primary that starts. Counting from 0 again would meet the files of an earlier
 * run and lose every claim on both nodes. Blocks like claim. */
bool ftc_arbiter_last_epoch(const char *spec, const uint8_t vm_uuid[FT_UUID_BYTES],
                            uint64_t *epoch, FtError *err) FT_NOEXCEPT;

FT_API_END

#endif
