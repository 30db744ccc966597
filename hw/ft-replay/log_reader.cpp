/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/log_reader.hpp"

#include <cinttypes>
#include <utility>

#include "accel/ft/ft.h"
#include "hw/ft-replay/frame.hpp"
#include "hw/ft-replay/judge.hpp"

namespace ft::log {

Result<Feed> LogReader::feed(std::span<const uint8_t> body, uint64_t first_seq,
                             uint64_t last_seq) {
    uint64_t expected = received_seq() + 1;

    if (first_seq != expected || last_seq < first_seq) {
        return fail("seq: frames %" PRIu64 "..%" PRIu64 " came, %" PRIu64 " is the next",
                    first_seq, last_seq, expected);
    }
    if (body.size() > ring_.capacity() / 4 || body.size() > FT_WIRE_BODY_MAX) {
        return fail("body_len: %zu bytes never fit into the ring of %zu", body.size(),
                    ring_.capacity());
    }
    if (body.size() > ring_.room()) {
        return Feed::NoRoom;
    }
    auto totals = judge_body(body, first_seq, last_seq);
    if (!totals) {
        return std::unexpected(std::move(totals.error()));
    }
    if (body.data() == ring_.space(body.size())) {
        ring_.publish(body.size());
    } else {
        ring_.write(body);
    }
    receiver_fields.events += totals->events;
    received_icount_.store(received_icount() + totals->icount, std::memory_order_release);
    received_seq_.store(last_seq, std::memory_order_release);
    events_received_.store(receiver_fields.events, std::memory_order_release);
    for (const auto &[netdev, data] : totals->packets) {
        if (receiver_fields.packet) {
            receiver_fields.packet(uint32_t(netdev), data.data(), data.size());
        }
    }
    return Feed::Taken;
}

bool LogReader::available() const noexcept {
    /* events_got_ is read first: it never passes events_received_. */
    uint64_t got = events_got_.load(acquire);
    return got < events_received_.load(acquire);
}

/* A frame that lies across the ring's end is copied. The copy before it is kept, as
 * the frame before it is. */
std::span<const uint8_t> LogReader::events_in_place(size_t offset, size_t len) {
    auto &my = replay_fields;

    if (const uint8_t *events = ring_.view(offset, len)) {
        return {events, len};
    }
    std::swap(my.wrapped, my.wrapped_before);
    my.wrapped.resize(len);
    ring_.peek(offset, my.wrapped.data(), len);
    return my.wrapped;
}

void LogReader::open_next_frame() {
    auto &my = replay_fields;

    ring_.consume(my.before_bytes);
    my.before_bytes = my.open_bytes;
    FrameHeader frame = frame_at(ring_, my.before_bytes);
    my.open_bytes = frame.header_len + frame.events_len;
    my.decoder.open(events_in_place(my.before_bytes + frame.header_len, frame.events_len));
}

/* Common to all gets: an error marks the reader as confused, and the last field of the
 * last event completes the frame. */
template <typename T>
bool LogReader::deliver(Result<T> &&got, T *out) {
    if (!got) {
        replay_fields.confused = true;
        return false;
    }
    *out = *got;
    if (replay_fields.decoder.at_frame_end()) {
        consumed_seq_.store(consumed_seq() + 1, std::memory_order_release);
    }
    return true;
}

bool LogReader::get_event(uint8_t *event) {
    auto &my = replay_fields;

    if (my.confused || !available()) {
        return false;
    }
    if (my.decoder.at_frame_end()) {
        open_next_frame();
    }
    if (!deliver(my.decoder.next_event(), event)) {
        return false;
    }
    events_got_.store(events_got_.load(std::memory_order_relaxed) + 1,
                      std::memory_order_release);
    return true;
}

bool LogReader::get_int(uint64_t *value) {
    return !replay_fields.confused && deliver(replay_fields.decoder.next_int(), value);
}

bool LogReader::get_bytes(std::span<const uint8_t> *bytes) {
    return !replay_fields.confused && deliver(replay_fields.decoder.next_bytes(), bytes);
}

} // namespace ft::log

struct FtLogReader : ft::log::LogReader {
    using LogReader::LogReader;
};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_log_reader_free. */
FtLogReader *ftc_log_reader_new(size_t ring_bytes) noexcept {
    return ft::make_or_null<FtLogReader>(ring_bytes);
}

/* THREAD: any, after the last user. OWNERSHIP: r is gone; NULL is fine. */
void ftc_log_reader_free(FtLogReader *r) noexcept {
    delete r;
}

/* THREAD: the one receiver thread, no lock. OWNERSHIP: the space stays the reader's. */
uint8_t *ftc_log_space(FtLogReader *r, size_t len) noexcept {
    return r->space(len);
}

/* THREAD: the one receiver thread, no lock. OWNERSHIP: body is copied, or lies in
 * ftc_log_space. */
int ftc_log_feed(FtLogReader *r, const uint8_t *body, size_t len, uint64_t first_seq,
                 uint64_t last_seq, FtError *err) noexcept {
    int taken = 0;
    bool good = ft::guarded(err, [&]() -> ft::Status {
        auto fed = r->feed({body, len}, first_seq, last_seq);
        if (!fed) {
            return std::unexpected(std::move(fed.error()));
        }
        taken = *fed == ft::log::Feed::Taken;
        return {};
    });
    return good ? taken : -1;
}

/* THREAD: any, before the first feed. OWNERSHIP: nothing changes hands. */
void ftc_log_reader_watch(FtLogReader *r, FtPacketLogged *packet) noexcept {
    r->watch(packet);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_log_available(const FtLogReader *r) noexcept {
    return r->available();
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
bool ftc_log_get_event(FtLogReader *r, uint8_t *event) noexcept {
    return ft::guarded_or(false, [&] { return r->get_event(event); });
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
bool ftc_log_get_int(FtLogReader *r, uint64_t *value) noexcept {
    return ft::guarded_or(false, [&] { return r->get_int(value); });
}

/* THREAD: replay mutex held. OWNERSHIP: *data stays the reader's, until the frame
 * after the next one is opened. */
bool ftc_log_get_bytes(FtLogReader *r, const uint8_t **data, size_t *len) noexcept {
    return ft::guarded_or(false, [&] {
        std::span<const uint8_t> bytes;
        if (!r->get_bytes(&bytes)) {
            return false;
        }
        *data = bytes.data();
        *len = bytes.size();
        return true;
    });
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_log_received_seq(const FtLogReader *r) noexcept {
    return r->received_seq();
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_log_consumed_seq(const FtLogReader *r) noexcept {
    return r->consumed_seq();
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_log_received_icount(const FtLogReader *r) noexcept {
    return r->received_icount();
}
