/*
 * What is left to copy of a drive's image while the guest writes to it. One bit
 * for each chunk of 64 KiB, and the sum of what the secondary's image holds
 * there, so that an image that is nearly equal costs a look and not a transfer.
 * Used by the primary's main thread only.
 *
 * What must never happen: a chunk counts as copied although the secondary holds
 * something else. So a chunk's bit is cleared before it is read and set again
 * after each write that has reached the image.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_COPY_MAP_HPP
#define BLOCK_FT_FILTER_COPY_MAP_HPP

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

class CopyMap {
  public:
    explicit CopyMap(uint64_t bytes);

    void written(uint64_t offset, uint64_t bytes);
    Status take_sums(uint64_t first, std::span<const uint64_t> sums);
    bool next(uint64_t max, uint64_t *first, uint64_t *n);
    bool differs(uint64_t chunk, uint64_t sum);

    uint64_t left_bytes() const { return left_ * FT_DISK_CHUNK_BYTES; }
    uint64_t rounds() const { return rounds_; }

  private:
    bool is_next(uint64_t chunk) const { return dirty_[chunk] && chunk < sums_.size(); }
    uint64_t find(uint64_t from, uint64_t to) const;

    uint64_t chunks_;
    std::vector<bool> dirty_;
    std::vector<uint64_t> sums_; /* of the first chunks; grows as they come */
    uint64_t left_;
    uint64_t at_ = 0; /* where the search goes on */
    uint64_t rounds_ = 0;
};

} // namespace ft

#endif
