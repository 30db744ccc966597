/*
 * A set of chunk numbers below a fixed size: one bit for each, and above them words
 * that say which words below are not empty, so that the next member is found at once
 * in a drive of millions of chunks. 2 MiB for each TiB of a drive (chunks of 64 KiB).
 * Used by the primary's main thread only. It never grows.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef BLOCK_FT_FILTER_CHUNK_SET_HPP
#define BLOCK_FT_FILTER_CHUNK_SET_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

namespace ft {

class ChunkSet {
  public:
    explicit ChunkSet(uint64_t size);

    /* All of [from, to), which must lie within the size. */
    void add(uint64_t from, uint64_t to);
    void remove(uint64_t from, uint64_t to);
    /* member: the first number in [from, to) that is in the set; gap: the first that is
     * not. Both return to if there is none. */
    uint64_t member(uint64_t from, uint64_t to) const;
    uint64_t gap(uint64_t from, uint64_t to) const;

    uint64_t count() const { return count_; }

  private:
    using Level = std::vector<uint64_t>;

    uint64_t at_or_behind(size_t level, uint64_t at) const;

    std::vector<Level> levels_; /* [0]: the chunks; each next one: a bit for a word */
    uint64_t size_;
    uint64_t count_ = 0;
};

} // namespace ft

#endif
