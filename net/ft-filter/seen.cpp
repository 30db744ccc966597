/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/seen.hpp"

#include <algorithm>

#include "net/ft-filter/network_bytes.hpp"

namespace ft {

namespace {

/* struct virtio_net_hdr, little endian: flags, type of segmentation, two lengths, where
 * the checksummed bytes begin, and how far after that the checksum is stored. */
constexpr size_t virtio_header_bytes = 10, checksum_start_at = 6, checksum_offset_at = 8;
constexpr uint8_t virtio_needs_checksum = 1;

constexpr uint8_t group_address = 1; /* in the first byte of a destination */

/* RFC 1071. */
uint16_t internet_checksum(std::span<const uint8_t> data) noexcept {
    uint32_t sum = 0;
    for (size_t i = 0; i < data.size(); i++) {
        sum += i % 2 ? data[i] : data[i] << 8;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    return uint16_t(~(sum + (sum >> 16)));
}

} // namespace

std::vector<uint8_t> finished_frame(size_t payload_at, std::span<const uint8_t> header,
                                    std::span<const uint8_t> frame) {
    std::vector<uint8_t> f(frame.begin(), frame.end());

    if (header.size() < virtio_header_bytes || !(header[0] & virtio_needs_checksum)) {
        return f;
    }
    size_t start = load<uint16_t>(&header[checksum_start_at]);
    size_t at = start + load<uint16_t>(&header[checksum_offset_at]);
    if (start >= payload_at && at + sizeof(uint16_t) <= f.size()) {
        put16(&f[at], internet_checksum(std::span(f).subspan(start)));
    }
    return f;
}

std::span<const uint8_t> Seen::frame_of(std::span<const uint8_t> packet) const noexcept {
    return packet.subspan(std::min(header_, packet.size()));
}

void Seen::from_guest(std::span<const uint8_t> packet, uint64_t now_ns) {
    auto bytes = frame_of(packet);
    auto frame = read_frame(bytes);

    if (!frame) {
        return;
    }
    sources_.from_guest(frame->place, now_ns);
    if (bytes[0] & group_address && bytes.size() <= Memberships::frame_bytes_max) {
        auto records = read_report(*frame);
        if (!records.empty()) {
            auto payload_at = size_t(frame->payload.data() - bytes.data());
            auto header = packet.first(packet.size() - bytes.size());
            memberships_.from_guest(finished_frame(payload_at, header, bytes), records);
        }
    }
}

void Seen::from_outside(std::span<const uint8_t> packet, uint64_t now_ns) noexcept {
    if (auto frame = read_frame(frame_of(packet))) {
        sources_.from_outside(frame->place, now_ns);
    }
}

bool Seen::is_guests(std::span<const uint8_t> packet) const noexcept {
    auto frame = frame_of(packet);
    return frame.size() >= ethernet_head_bytes && sources_.knows(&frame[FT_MAC_BYTES]);
}

void Seen::clear() noexcept {
    sources_.clear();
    memberships_.clear();
}

void Seen::begin_round(uint64_t now_ns) {
    round_.clear();
    for (const Place &place : sources_.recent(now_ns)) {
        round_.push_back(make_rarp(place));
    }
    for (auto &frame : memberships_.frames()) {
        round_.push_back(std::move(frame));
    }
}

bool Seen::next(std::span<const uint8_t> *frame) {
    if (round_.empty()) {
        return false;
    }
    leaving_ = std::move(round_.front());
    round_.pop_front();
    *frame = leaving_;
    told_++;
    return true;
}

std::vector<uint8_t> Seen::save(uint64_t now_ns) const {
    SavedWriter to;
    sources_.save(to, now_ns);
    memberships_.save(to);
    return to.take();
}

Status Seen::load(std::span<const uint8_t> saved, uint64_t now_ns) {
    SavedReader from(saved);
    Status loaded = sources_.load(from, now_ns);

    if (loaded) {
        loaded = memberships_.load(from);
    }
    if (loaded && !from.at_end()) {
        loaded = fail("more than sources and reports");
    }
    if (!loaded) {
        clear();
    }
    return loaded;
}

FtSeenStats Seen::stats() const noexcept {
    return {.sources = sources_.size(),
            .reports = memberships_.size(),
            .report_bytes = memberships_.bytes(),
            .told = told_};
}

} // namespace ft

struct FtSeen : ft::Seen {
    using Seen::Seen;
    std::vector<uint8_t> saved;
};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_seen_free. */
FtSeen *ftc_seen_new(const FtSeenLimits *limits) noexcept {
    return ft::make_or_null<FtSeen>(*limits);
}

/* THREAD: any, after the last user. OWNERSHIP: s is gone; NULL is fine. */
void ftc_seen_free(FtSeen *s) noexcept {
    delete s;
}

/* THREAD: any, the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_seen_set_header(FtSeen *s, size_t bytes) noexcept {
    s->set_header(bytes);
}

/* THREAD: any, the caller's lock. OWNERSHIP: data stays the caller's. Without memory the
 * frame is not remembered, until the guest sends such a one again. */
void ftc_seen_from_guest(FtSeen *s, const uint8_t *data, size_t len,
                         uint64_t now_ns) noexcept {
    ft::guarded_or(0, [&] {
        s->from_guest({data, len}, now_ns);
        return 0;
    });
}

/* THREAD: any, the caller's lock. OWNERSHIP: data stays the caller's. */
void ftc_seen_from_outside(FtSeen *s, const uint8_t *data, size_t len,
                           uint64_t now_ns) noexcept {
    s->from_outside({data, len}, now_ns);
}

/* THREAD: any, the caller's lock. OWNERSHIP: data stays the caller's. */
bool ftc_seen_is_guests(const FtSeen *s, const uint8_t *data, size_t len) noexcept {
    return s->is_guests({data, len});
}

/* THREAD: any, the caller's lock. OWNERSHIP: what was seen is forgotten. */
void ftc_seen_clear(FtSeen *s) noexcept {
    s->clear();
}

/* THREAD: any, the caller's lock. OWNERSHIP: nothing changes hands. Without memory
 * there is nothing in this round. */
void ftc_seen_begin_round(FtSeen *s, uint64_t now_ns) noexcept {
    ft::guarded_or(0, [&] {
        s->begin_round(now_ns);
        return 0;
    });
}

/* THREAD: any, the caller's lock. OWNERSHIP: *frame stays s's, until the next call. */
bool ftc_seen_next(FtSeen *s, const uint8_t **frame, size_t *len) noexcept {
    std::span<const uint8_t> next;
    bool more = s->next(&next);
    *frame = next.data();
    *len = next.size();
    return more;
}

/* THREAD: any, the caller's lock. OWNERSHIP: the bytes stay s's, until the next call.
 * Without memory there are none. */
const uint8_t *ftc_seen_save(FtSeen *s, uint64_t now_ns, size_t *len) noexcept {
    s->saved = ft::guarded_or(std::vector<uint8_t>(), [&] { return s->save(now_ns); });
    *len = s->saved.size();
    return s->saved.data();
}

/* THREAD: any, the caller's lock. OWNERSHIP: data stays the caller's. */
bool ftc_seen_load(FtSeen *s, const uint8_t *data, size_t len, uint64_t now_ns,
                   FtError *err) noexcept {
    return ft::guarded(err, [&] { return s->load({data, len}, now_ns); });
}

/* THREAD: any, the caller's lock. OWNERSHIP: nothing changes hands. */
void ftc_seen_stats(const FtSeen *s, FtSeenStats *stats) noexcept {
    *stats = s->stats();
}
