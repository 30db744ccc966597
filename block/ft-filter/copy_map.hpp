/*
 * Which chunks of a drive's image are left to copy while the guest writes to it, and what
 * the secondary's image holds: zeros, or data with a checksum. So chunks that are equal are
 * read and compared but not sent, and holes on both sides are not even read.
 * Used by the primary's main thread only.
 *
 * Memory, during an attach: 2 MiB for each TiB of the drive, and 8 bytes for each chunk
 * of 64 KiB near which the secondary holds something but zeros (128 MiB for a full TiB).
 *
 * What must never happen: a chunk counts as copied although the secondary holds
 * something else. So a chunk is taken from those that are left before the image is
 * asked for it, and is one of them again after each write that has reached the image.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_COPY_MAP_HPP
#define BLOCK_FT_FILTER_COPY_MAP_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"
#include "block/ft-filter/chunk_set.hpp"

namespace ft {

class CopyMap {
  public:
    explicit CopyMap(uint64_t bytes);

    void written(uint64_t offset, uint64_t bytes);
    Status take_sums(uint64_t first, std::span<const uint64_t> sums);
    Status take_zeros(uint64_t first, uint64_t n);
    bool next(uint64_t max, uint64_t *first, uint64_t *n);
    void give_back(uint64_t first, uint64_t n);
    bool differs(uint64_t chunk, uint64_t sum);
    bool differs_from_zeros(uint64_t *first, uint64_t *n, uint64_t max, uint64_t *run);

    uint64_t left_bytes() const { return left_.count() * FT_DISK_CHUNK_BYTES; }
    uint64_t rounds() const { return rounds_; }
    bool told_all() const { return told_ == chunks_; }

  private:
    static constexpr uint64_t page_chunks = 1024;
    using Page = std::array<uint64_t, page_chunks>;

    Status check(const char *what, uint64_t first, uint64_t n) const;
    uint64_t zeros(uint64_t chunk) const {
        return chunk + 1 < chunks_ ? zeros_ : last_zeros_;
    }
    uint64_t theirs(uint64_t chunk) const;
    void set_theirs(uint64_t chunk, uint64_t sum);

    uint64_t chunks_;
    uint64_t zeros_, last_zeros_; /* sums of chunks of zeros; the last one may be short */
    ChunkSet left_;
    uint64_t told_ = 0; /* what the secondary holds is known of so many */
    std::vector<std::unique_ptr<Page>> pages_; /* their sums; none: zeros, all of them */
    uint64_t at_ = 0;                          /* where the search goes on */
    uint64_t rounds_ = 0;
};

} // namespace ft

#endif
