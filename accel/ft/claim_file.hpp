/*
 * The arbiter's file backend: a test-and-set on storage that both nodes share.
 * The file DIR/ft-<uuid>-<epoch> holds the id of the node that won the epoch.
 *
 * Blocks on the disk, which may hang for as long as the storage is away: never
 * called from the main thread. What must never happen: that two nodes are told
 * "won" for one epoch, or that one is told so before the file is on the disk.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_CLAIM_FILE_HPP
#define ACCEL_FT_CLAIM_FILE_HPP

#include <cstdint>
#include <span>
#include <string>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

using Uuid = std::span<const uint8_t, FT_UUID_BYTES>;

/* An error means out of reach or unreadable: nothing is known, ask again. */
Result<FtClaim> claim_file(const std::string &dir, Uuid vm, uint64_t epoch, Uuid node);
/* Makes the file to which each claim of this node will be a hard link. A claim then
 * needs no space on the disk but for its name, so it can be made when the disk is full;
 * where there is no room for another name, the file itself becomes the claim. */
Status reserve_claim(const std::string &dir, Uuid node);
void drop_reserve(const std::string &dir, Uuid node);
/* The highest epoch that has a file, 0 if none has. */
Result<uint64_t> last_claimed_epoch(const std::string &dir, Uuid vm);

} // namespace ft

#endif
