/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "block/ft-filter/copy_map.hpp"

#include <algorithm>
#include <cinttypes>

#include "accel/ft/assert.hpp"
#include "accel/ft/hash.hpp"

namespace ft {

static uint64_t sum_of_zeros(uint64_t bytes) {
    static const std::array<uint8_t, FT_DISK_CHUNK_BYTES> zeros{};

    return hash64(zeros.data(), bytes);
}

CopyMap::CopyMap(uint64_t bytes)
    : chunks_(bytes / FT_DISK_CHUNK_BYTES + (bytes % FT_DISK_CHUNK_BYTES != 0)),
      zeros_(sum_of_zeros(FT_DISK_CHUNK_BYTES)),
      last_zeros_(bytes % FT_DISK_CHUNK_BYTES ? sum_of_zeros(bytes % FT_DISK_CHUNK_BYTES)
                                              : zeros_),
      left_(chunks_), pages_(chunks_ / page_chunks + 1) {
    left_.add(0, chunks_);
}

void CopyMap::written(uint64_t offset, uint64_t bytes) {
    if (bytes == 0 || chunks_ == 0) {
        return;
    }
    uint64_t last = std::min((offset + bytes - 1) / FT_DISK_CHUNK_BYTES, chunks_ - 1);

    left_.add(std::min(offset / FT_DISK_CHUNK_BYTES, last), last + 1);
}

Status CopyMap::check(const char *what, uint64_t first, uint64_t n) const {
    if (first != told_) {
        return fail("%s: first chunk %" PRIu64 " instead of %" PRIu64, what, first, told_);
    }
    if (n > chunks_ - first) {
        return fail("%s: %" PRIu64 " chunks from %" PRIu64 " on, the drive has %" PRIu64,
                    what, n, first, chunks_);
    }
    return {};
}

uint64_t CopyMap::theirs(uint64_t chunk) const {
    const auto &page = pages_[chunk / page_chunks];

    return page ? (*page)[chunk % page_chunks] : zeros(chunk);
}

void CopyMap::set_theirs(uint64_t chunk, uint64_t sum) {
    auto &page = pages_[chunk / page_chunks];

    if (!page && sum != zeros(chunk)) {
        page = std::make_unique<Page>();
        for (uint64_t i = 0; i < page_chunks; i++) {
            (*page)[i] = zeros(chunk / page_chunks * page_chunks + i);
        }
    }
    if (page) {
        (*page)[chunk % page_chunks] = sum;
    }
}

Status CopyMap::take_sums(uint64_t first, std::span<const uint64_t> sums) {
    if (Status s = check("disk_sums", first, sums.size()); !s) {
        return s;
    }
    for (uint64_t sum : sums) {
        set_theirs(told_, sum);
        told_++;
    }
    return {};
}

/* Nothing is stored for them: what nobody has told of counts as zeros. */
Status CopyMap::take_zeros(uint64_t first, uint64_t n) {
    if (Status s = check("disk_zeros", first, n); !s) {
        return s;
    }
    told_ += n;
    return {};
}

bool CopyMap::next(uint64_t max, uint64_t *first, uint64_t *n) {
    uint64_t chunk = left_.member(at_, told_);

    if (chunk >= told_) {
        uint64_t end = std::min(at_, told_);

        chunk = left_.member(0, end);
        if (chunk == end) {
            return false;
        }
        rounds_ += told_all();
    }
    *first = chunk;
    *n = left_.gap(chunk, chunk + std::min(max, told_ - chunk)) - chunk;
    at_ = chunk + *n;
    left_.remove(chunk, at_);
    return true;
}

void CopyMap::give_back(uint64_t first, uint64_t n) {
    left_.add(first, first + n);
    at_ = n ? first : at_;
}

bool CopyMap::differs(uint64_t chunk, uint64_t sum) {
    FT_ASSERT(chunk < told_, "chunk %" PRIu64 " was read before its sum came", chunk);
    bool other = theirs(chunk) != sum;

    if (other) {
        set_theirs(chunk, sum);
    }
    return other;
}

/*
 * Our chunks [first, first + n) are zeros: finds the first run of at most max that are
 * not so at the secondary, and counts it as told. What is behind it is left in first, n.
 */
bool CopyMap::differs_from_zeros(uint64_t *first, uint64_t *n, uint64_t max,
                                 uint64_t *run) {
    uint64_t end = *first + *n, chunk = *first;

    FT_ASSERT(end <= told_, "chunk %" PRIu64 " was asked for before its sum came", end);
    while (chunk < end && theirs(chunk) == zeros(chunk)) {
        bool page = pages_[chunk / page_chunks] != nullptr;

        chunk = page ? chunk + 1 : std::min(end, (chunk / page_chunks + 1) * page_chunks);
    }
    *run = chunk;
    for (max = std::min(max, end - chunk); max && theirs(chunk) != zeros(chunk);
         chunk++, max--) {
        set_theirs(chunk, zeros(chunk));
    }
    *first = chunk;
    *n = end - chunk;
    return chunk != *run;
}

} // namespace ft

struct FtCopyMap : ft::CopyMap {
    using CopyMap::CopyMap;
};

/* THREAD: main, BQL held. OWNERSHIP: the caller frees with ftc_copy_map_free. */
FtCopyMap *ftc_copy_map_new(uint64_t bytes) noexcept {
    return ft::make_or_null<FtCopyMap>(bytes);
}

/* THREAD: main, BQL held. OWNERSHIP: m is gone; NULL is fine. */
void ftc_copy_map_free(FtCopyMap *m) noexcept {
    delete m;
}

/* THREAD: main or vCPU, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_copy_map_written(FtCopyMap *m, uint64_t offset, uint64_t bytes) noexcept {
    m->written(offset, bytes);
}

/* THREAD: main, BQL held. OWNERSHIP: sums are copied. */
bool ftc_copy_map_sums(FtCopyMap *m, uint64_t first, const uint64_t *sums, size_t n,
                       FtError *err) noexcept {
    return ft::guarded(err, [&] { return m->take_sums(first, {sums, n}); });
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_map_zeros(FtCopyMap *m, uint64_t first, uint64_t n, FtError *err) noexcept {
    return ft::guarded(err, [&] { return m->take_zeros(first, n); });
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_map_next(FtCopyMap *m, uint64_t max, uint64_t *first, uint64_t *n) noexcept {
    return m->next(max, first, n);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_copy_map_give_back(FtCopyMap *m, uint64_t first, uint64_t n) noexcept {
    m->give_back(first, n);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_map_differs(FtCopyMap *m, uint64_t chunk, uint64_t sum) noexcept {
    return m->differs(chunk, sum);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_map_differs_from_zeros(FtCopyMap *m, uint64_t *first, uint64_t *n,
                                     uint64_t max, uint64_t *run) noexcept {
    return m->differs_from_zeros(first, n, max, run);
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
uint64_t ftc_copy_map_left(const FtCopyMap *m) noexcept {
    return m->left_bytes();
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
bool ftc_copy_map_told_all(const FtCopyMap *m) noexcept {
    return m->told_all();
}

/* THREAD: main, BQL held. OWNERSHIP: nothing changes hands. */
uint64_t ftc_copy_map_rounds(const FtCopyMap *m) noexcept {
    return m->rounds();
}
