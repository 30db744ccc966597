/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/output_hold.hpp"

#include <algorithm>
#include <cinttypes>
#include <utility>

#include "accel/ft/assert.hpp"
#include "accel/ft/result.hpp"

namespace ft {

uint8_t *OutputHold::space(size_t len) {
    coming_ = std::make_unique_for_overwrite<uint8_t[]>(len);
    return coming_.get();
}

/* The packet's bytes, for the hold alone. */
std::unique_ptr<uint8_t[]> OutputHold::taken_over(const FtPacket &p) {
    if (p.data && p.data == coming_.get()) {
        return std::move(coming_);
    }
    auto copy = std::make_unique_for_overwrite<uint8_t[]>(p.len);
    std::copy_n(p.data, p.len, copy.get());
    return copy;
}

bool OutputHold::push(const FtPacket &p, uint64_t now_ns) {
    FT_ASSERT(held_.empty() || p.seq >= held_.back().seq,
              "packet of frame %" PRIu64 " pushed behind one of frame %" PRIu64, p.seq,
              held_.back().seq);
    if (held_.size() >= packets_max_ || p.len > bytes_max_ - bytes_) {
        dropped_full_++;
        return false;
    }
    held_.push_back({.seq = p.seq,
                     .pushed_ns = now_ns,
                     .netdev = p.netdev,
                     .flags = p.flags,
                     .data = taken_over(p),
                     .len = p.len});
    bytes_ += p.len;
    return true;
}

bool OutputHold::pop(uint64_t acked_seq, uint64_t now_ns, FtPacket *p) {
    if (held_.empty() || held_.front().seq > acked_seq) {
        return false;
    }
    Held &next = held_.front();
    FT_ASSERT(bytes_ >= next.len, "%zu bytes held, a packet of %zu leaves", bytes_,
              next.len);
    leaving_ = std::move(next.data);
    *p = {.netdev = next.netdev,
          .flags = next.flags,
          .data = leaving_.get(),
          .len = next.len,
          .seq = next.seq};
    /* A clock that stepped back must not look like five centuries of holding. */
    hold_ns_.add(now_ns > next.pushed_ns ? now_ns - next.pushed_ns : 0);
    bytes_ -= next.len;
    released_++;
    held_.pop_front();
    return true;
}

void OutputHold::destroy_all() noexcept {
    destroyed_ += held_.size();
    held_.clear();
    bytes_ = 0;
}

FtHoldStats OutputHold::stats() const noexcept {
    return {.held_packets = held_.size(),
            .held_bytes = bytes_,
            .released = released_,
            .dropped_full = dropped_full_,
            .destroyed = destroyed_,
            .hold_ns_p50 = hold_ns_.percentile(50),
            .hold_ns_p99 = hold_ns_.percentile(99),
            .hold_ns_max = hold_ns_.max()};
}

} // namespace ft

struct FtHold : ft::OutputHold {
    using OutputHold::OutputHold;
};

/* THREAD: main, BQL held. OWNERSHIP: the caller frees with ftc_hold_free. */
FtHold *ftc_hold_new(size_t bytes_max, size_t packets_max) noexcept {
    return ft::make_or_null<FtHold>(bytes_max, packets_max);
}

/* THREAD: main, BQL held. OWNERSHIP: h and what it holds are gone; NULL is fine. */
void ftc_hold_free(FtHold *h) noexcept {
    delete h;
}

/* THREAD: vCPU or main, replay mutex and BQL held. OWNERSHIP: the space stays the
 * hold's, until the next call or until it is pushed. NULL: no memory. */
uint8_t *ftc_hold_space(FtHold *h, size_t len) noexcept {
    return ft::guarded_or<uint8_t *>(nullptr, [&] { return h->space(len); });
}

/* THREAD: vCPU or main, replay mutex and BQL held. OWNERSHIP: p->data is copied, or
 * is ftc_hold_space.
 * Without memory the packet is lost, as a full NIC queue would lose it. */
bool ftc_hold_push(FtHold *h, const FtPacket *p, uint64_t now_ns) noexcept {
    return ft::guarded_or(false, [&] { return h->push(*p, now_ns); });
}

/* THREAD: main, BQL held. OWNERSHIP: p->data stays the hold's, until the next pop. */
bool ftc_hold_pop(FtHold *h, uint64_t acked_seq, uint64_t now_ns, FtPacket *p) noexcept {
    return ft::guarded_or(false, [&] { return h->pop(acked_seq, now_ns, p); });
}

/* THREAD: main, BQL held. OWNERSHIP: the held packets are gone. */
void ftc_hold_destroy_all(FtHold *h) noexcept {
    h->destroy_all();
}

/* THREAD: any, BQL held. OWNERSHIP: nothing changes hands. */
void ftc_hold_stats(const FtHold *h, FtHoldStats *s) noexcept {
    *s = h->stats();
}
