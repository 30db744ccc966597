/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block/ft-filter/copy_map.hpp"

#include <algorithm>
#include <cinttypes>

#include "accel/ft/assert.hpp"

namespace ft {

CopyMap::CopyMap(uint64_t bytes)
    : chunks_((bytes + FT_DISK_CHUNK_BYTES - 1) / FT_DISK_CHUNK_BYTES),
      dirty_(chunks_, true), left_(chunks_) {
    sums_.reserve(chunks_);
}

void CopyMap::written(uint64_t offset, uint64_t bytes) {
    if (bytes == 0) {
        return;
    }
    uint64_t first = offset / FT_DISK_CHUNK_BYTES;
    uint64_t last = std::min((offset + bytes - 1) / FT_DISK_CHUNK_BYTES, chunks_ - 1);

    for (uint64_t chunk = first; chunk <= last; chunk++) {
        left_ += !dirty_[chunk];
        dirty_[chunk] = true;
    }
}

Status CopyMap::take_sums(uint64_t first, std::span<const uint64_t> sums) {
    if (first != sums_.size()) {
        return fail("disk_sums: first chunk %" PRIu64 " instead of %zu", first,
                    sums_.size());
    }
    if (sums.size() > chunks_ - first) {
        return fail("disk_sums: %zu sums from chunk %" PRIu64 " on, the drive has %" PRIu64,
                    sums.size(), first, chunks_);
    }
    sums_.insert(sums_.end(), sums.begin(), sums.end());
    return {};
}

/* The first chunk of [from, to) that can be read now, or to. */
uint64_t CopyMap::find(uint64_t from, uint64_t to) const {
    while (from < to && !is_next(from)) {
        from++;
    }
    return from;
}

bool CopyMap::next(uint64_t max, uint64_t *first, uint64_t *n) {
    if (left_ == 0) {
        return false;
    }
    uint64_t chunk = find(at_, chunks_);

    if (chunk == chunks_) {
        chunk = find(0, at_);
        if (chunk == at_) {
            return false;
        }
        rounds_++;
    }
    *first = chunk;
    for (*n = 0; *n < max && chunk < chunks_ && is_next(chunk); chunk++, ++*n) {
        dirty_[chunk] = false;
    }
    FT_ASSERT(*n <= left_, "%" PRIu64 " chunks taken, %" PRIu64 " were left", *n, left_);
    left_ -= *n;
    at_ = chunk;
    return true;
}

bool CopyMap::differs(uint64_t chunk, uint64_t sum) {
    FT_ASSERT(chunk < sums_.size(), "chunk %" PRIu64 " was read before its sum came", chunk);
    bool other = sums_[chunk] != sum;

    sums_[chunk] = sum;
    return other;
}

} // namespace ft

struct FtCopyMap : ft::CopyMap {
    using CopyMap::CopyMap;
};

/* THREAD: main, BQL held. OWNERSHIP: the caller frees with ft_copy_map_free. */
FtCopyMap *ft_copy_map_new(uint64_t bytes) noexcept {
    return ft::make_or_null<FtCopyMap>(bytes);
}

/* THREAD: main, BQL held. OWNERSHIP: m is gone; NULL is fine. */
void ft_copy_map_free(FtCopyMap *m) noexcept {
    delete m;
}

/* THREAD: main or vCPU, BQL held. OWNERSHIP: nothing changes hands. */
void ft_copy_map_written(FtCopyMap *m, uint64_t offset, uint64_t bytes) noexcept {
    m->written(offset, bytes);
}

/* THREAD: main, BQL held. OWNERSHIP: sums are copied. */
bool ft_copy_map_sums(FtCopyMap *m, uint64_t first, const uint64_t *sums, size_t n,
                      FtError *err) noexcept {
    return ft::guarded(err, [&] { return m->take_sums(first, {sums, n}); });
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ft_copy_map_next(FtCopyMap *m, uint64_t max, uint64_t *first, uint64_t *n) noexcept {
    return m->next(max, first, n);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ft_copy_map_differs(FtCopyMap *m, uint64_t chunk, uint64_t sum) noexcept {
    return m->differs(chunk, sum);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
uint64_t ft_copy_map_left(const FtCopyMap *m) noexcept {
    return m->left_bytes();
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
uint64_t ft_copy_map_rounds(const FtCopyMap *m) noexcept {
    return m->rounds();
}
