/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/early_input.hpp"

#include <algorithm>

#include "accel/ft/assert.hpp"
#include "accel/ft/hash.hpp"
#include "accel/ft/result.hpp"

namespace ft {

namespace {

constexpr size_t edge_bytes = 256;

/* Head, tail and length tell packets apart: sequence numbers and checksums are in
 * the head. Hashing bulk data whole, twice, would cost a tenth of a core. */
uint64_t identity(std::span<const uint8_t> frame) noexcept {
    if (frame.size() <= 2 * edge_bytes) {
        return hash64(frame.data(), frame.size());
    }
    uint64_t head = hash64_seeded(frame.data(), edge_bytes, frame.size());
    return hash64_seeded(frame.last(edge_bytes).data(), edge_bytes, head);
}

/* A network that floods brings the guest's own packets back to the other node. */
bool is_from(std::span<const uint8_t> frame, const uint8_t *address) noexcept {
    return frame.size() >= 2 * FT_MAC_BYTES &&
           std::equal(address, address + FT_MAC_BYTES, frame.data() + FT_MAC_BYTES);
}

} // namespace

std::span<const uint8_t>
EarlyInput::frame_of(std::span<const uint8_t> packet) const noexcept {
    return packet.subspan(std::min(header_, packet.size()));
}

bool EarlyInput::arrived(const FtPacket &p, const uint8_t own[FT_MAC_BYTES],
                         uint64_t now_ns) {
    auto frame = frame_of({p.data, p.len});

    if (is_from(frame, own)) {
        return false;
    }
    uint64_t hash = identity(frame);
    if (in_log_already(hash, now_ns)) {
        return false;
    }
    drop_old(now_ns);
    if (p.len > limits_.bytes_max || limits_.packets_max == 0) {
        dropped_++;
        return false;
    }
    while (kept_.size() >= limits_.packets_max || p.len > limits_.bytes_max - bytes_) {
        drop_front();
    }
    kept_.push_back({.hash = hash,
                     .arrived_ns = now_ns,
                     .flags = p.flags,
                     .data = std::vector<uint8_t>(p.data, p.data + p.len)});
    bytes_ += p.len;
    return true;
}

bool EarlyInput::in_log_already(uint64_t hash, uint64_t now_ns) {
    auto found = std::ranges::find(logged_, hash, &Logged::hash);

    if (found == logged_.end()) {
        return false;
    }
    uint64_t logged_ns = found->logged_ns;
    logged_.erase(found);
    settle(now_ns, logged_ns);
    known_++;
    return true;
}

void EarlyInput::logged(std::span<const uint8_t> packet, uint64_t now_ns) {
    uint64_t hash = identity(frame_of(packet));
    auto found = std::ranges::find(kept_, hash, &Kept::hash);

    if (found == kept_.end()) {
        if (logged_.size() >= limits_.logged_max) {
            logged_.pop_front();
        }
        logged_.push_back({.hash = hash, .logged_ns = now_ns});
        return;
    }
    uint64_t arrived_ns = found->arrived_ns;
    bytes_ -= found->data.size();
    kept_.erase(found);
    settle(arrived_ns, now_ns);
    known_++;
}

/*
 * One packet was found on both sides: it arrived here at arrived_ns, and the log had it
 * at logged_ns. What precedes it on either side by more than the slack is forgotten.
 */
void EarlyInput::settle(uint64_t arrived_ns, uint64_t logged_ns) noexcept {
    while (!kept_.empty() && kept_.front().arrived_ns + order_slack_ns < arrived_ns) {
        drop_front();
    }
    while (!logged_.empty() && logged_.front().logged_ns + order_slack_ns < logged_ns) {
        logged_.pop_front();
    }
}

void EarlyInput::drop_old(uint64_t now_ns) noexcept {
    while (!kept_.empty() && kept_.front().arrived_ns + limits_.age_ns_max < now_ns) {
        drop_front();
    }
}

void EarlyInput::drop_front() noexcept {
    FT_ASSERT(!kept_.empty() && bytes_ >= kept_.front().data.size(),
              "%zu bytes kept in %zu packets", bytes_, kept_.size());
    bytes_ -= kept_.front().data.size();
    kept_.pop_front();
    dropped_++;
}

bool EarlyInput::pop(uint64_t now_ns, FtPacket *p) {
    drop_old(now_ns);
    if (kept_.empty()) {
        return false;
    }
    Kept &next = kept_.front();
    given_data_ = std::move(next.data);
    *p = {.netdev = 0,
          .flags = next.flags,
          .data = given_data_.data(),
          .len = given_data_.size(),
          .seq = 0};
    bytes_ -= given_data_.size();
    given_++;
    kept_.pop_front();
    return true;
}

void EarlyInput::clear() noexcept {
    kept_.clear();
    logged_.clear();
    bytes_ = 0;
}

void EarlyInput::set_header(size_t bytes) noexcept {
    if (bytes != header_) {
        clear();
        header_ = bytes;
    }
}

FtEarlyStats EarlyInput::stats() const noexcept {
    return {.kept_packets = kept_.size(),
            .kept_bytes = bytes_,
            .known = known_,
            .given = given_,
            .dropped = dropped_};
}

} // namespace ft

struct FtEarly : ft::EarlyInput {
    using EarlyInput::EarlyInput;
};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_early_free. */
FtEarly *ftc_early_new(const FtEarlyLimits *limits) noexcept {
    return ft::make_or_null<FtEarly>(*limits);
}

/* THREAD: any, after the last user. OWNERSHIP: e is gone; NULL is fine. */
void ftc_early_free(FtEarly *e) noexcept {
    delete e;
}

/* THREAD: any, the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_early_set_header(FtEarly *e, size_t bytes) noexcept {
    e->set_header(bytes);
}

/* THREAD: any, the caller's lock. OWNERSHIP: p->data is copied. Without memory the
 * packet is lost, as on any network. */
bool ftc_early_arrived(FtEarly *e, const FtPacket *p, const uint8_t own[FT_MAC_BYTES],
                       uint64_t now_ns) noexcept {
    return ft::guarded_or(false, [&] { return e->arrived(*p, own, now_ns); });
}

/* THREAD: any, the caller's lock. OWNERSHIP: data stays the caller's. Without memory
 * the guest may get this packet again. */
void ftc_early_logged(FtEarly *e, const uint8_t *data, size_t len,
                      uint64_t now_ns) noexcept {
    ft::guarded_or(0, [&] {
        e->logged({data, len}, now_ns);
        return 0;
    });
}

/* THREAD: any, the caller's lock. OWNERSHIP: p->data stays e's, until the next pop. */
bool ftc_early_pop(FtEarly *e, uint64_t now_ns, FtPacket *p) noexcept {
    return ft::guarded_or(false, [&] { return e->pop(now_ns, p); });
}

/* THREAD: any, the caller's lock. OWNERSHIP: what was kept is gone. */
void ftc_early_clear(FtEarly *e) noexcept {
    e->clear();
}

/* THREAD: any, the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_early_stats(const FtEarly *e, FtEarlyStats *s) noexcept {
    *s = e->stats();
}
