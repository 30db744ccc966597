/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/log_writer.hpp"

#include <algorithm>

#include "accel/ft/assert.hpp"
#include "accel/ft/ft.h"
#include "hw/ft-replay/varint.hpp"

namespace ft::log {

namespace {

/* A message this large is sent without waiting for more: its bytes are still in the
 * CPU's caches when they are checksummed and copied, and the secondary begins with it while
 * the next one is sent. */
constexpr size_t message_enough = 256 * 1024;

} // namespace

void LogWriter::put_event(uint8_t event) {
    encoder_.put_event(event);
}

void LogWriter::put_int(uint64_t value) {
    encoder_.put_int(value);
}

void LogWriter::put_bytes(const uint8_t *data, size_t len) {
    encoder_.put_bytes(data, len);
}

bool LogWriter::commit() {
    std::span<const uint8_t> events = encoder_.frame();
    uint8_t header[varint_bytes_max];

    if (encoder_.too_large()) {
        overflow();
    }
    if (events.empty() || overflowed()) {
        encoder_.clear();
        return false;
    }
    uint8_t *header_end = put_varint(header, events.size());
    bool published = ring_.write({header, header_end}, events);
    encoder_.clear();
    if (!published) {
        overflow();
        return false;
    }
    open_seq_.store(open_seq() + 1, std::memory_order_relaxed);
    return true;
}

/* A message for the frame at the front when that lies across the ring's end; empty
 * without such a frame. */
std::span<const uint8_t> LogWriter::take_wrapped(size_t bytes_max) {
    FrameHeader frame = frame_at(ring_, 0);
    size_t bytes = frame.header_len + frame.events_len;

    if (bytes > bytes_max) {
        overflow(); /* This frame would never fit, and no later frame may overtake it. */
        return {};
    }
    wrapped_.resize(bytes);
    ring_.peek(0, wrapped_.data(), bytes);
    return wrapped_;
}

TakenFrames LogWriter::take(size_t bytes_max) {
    size_t available = ring_.readable(), bytes = 0;
    uint64_t frames = 0;
    std::span<const uint8_t> view;

    while (bytes < std::min(available, message_enough)) {
        FrameHeader frame = frame_at(ring_, bytes);
        size_t next = bytes + frame.header_len + frame.events_len;
        const uint8_t *whole = next <= bytes_max ? ring_.view(0, next) : nullptr;
        if (!whole) {
            break;
        }
        bytes = next;
        frames++;
        view = {whole, bytes};
    }
    if (available && !frames) {
        view = take_wrapped(bytes_max);
        frames = !view.empty();
    }
    taken_bytes_ = view.size();
    taken_seq_ += frames;
    return {view, taken_seq_ - frames + 1, taken_seq_};
}

void LogWriter::done() noexcept {
    ring_.consume(taken_bytes_);
    taken_bytes_ = 0;
}

} // namespace ft::log

struct FtLogWriter : ft::log::LogWriter {
    using LogWriter::LogWriter;
};

/* Memory ran out in the middle of an event: the log has a gap from here. */
template <typename Work>
static void put_or_overflow(FtLogWriter *w, Work &&work) noexcept {
    try {
        work();
    } catch (...) {
        w->overflow();
    }
}

/* THREAD: any. OWNERSHIP: the caller frees with ftc_log_writer_free. */
FtLogWriter *ftc_log_writer_new(size_t ring_bytes) noexcept {
    return ft::make_or_null<FtLogWriter>(ring_bytes);
}

/* THREAD: any, after the last user. OWNERSHIP: w is gone; NULL is fine. */
void ftc_log_writer_free(FtLogWriter *w) noexcept {
    delete w;
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
void ftc_log_put_event(FtLogWriter *w, uint8_t event) noexcept {
    put_or_overflow(w, [&] { w->put_event(event); });
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
void ftc_log_put_int(FtLogWriter *w, uint64_t value) noexcept {
    put_or_overflow(w, [&] { w->put_int(value); });
}

/* THREAD: replay mutex held. OWNERSHIP: data is copied. */
void ftc_log_put_bytes(FtLogWriter *w, const uint8_t *data, size_t len) noexcept {
    put_or_overflow(w, [&] { w->put_bytes(data, len); });
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
bool ftc_log_commit(FtLogWriter *w) noexcept {
    bool published = false;
    put_or_overflow(w, [&] { published = w->commit(); });
    return published;
}

/* THREAD: replay mutex held. OWNERSHIP: nothing changes hands. */
size_t ftc_log_open_bytes(const FtLogWriter *w) noexcept {
    return w->open_bytes();
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_log_overflowed(const FtLogWriter *w) noexcept {
    return w->overflowed();
}

/* THREAD: any; exact under the replay mutex. OWNERSHIP: nothing changes hands. */
uint64_t ftc_log_open_seq(const FtLogWriter *w) noexcept {
    return w->open_seq();
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
size_t ftc_log_writer_used(const FtLogWriter *w) noexcept {
    return w->used();
}

/* THREAD: the one sender thread, no lock. OWNERSHIP: *data stays the writer's,
 * until ftc_log_take_done. */
size_t ftc_log_take(FtLogWriter *w, size_t bytes_max, const uint8_t **data,
                    uint64_t *first_seq, uint64_t *last_seq) noexcept {
    ft::log::TakenFrames taken;
    put_or_overflow(w, [&] { taken = w->take(bytes_max); });
    if (!taken.bytes.empty()) {
        *data = taken.bytes.data();
        *first_seq = taken.first_seq;
        *last_seq = taken.last_seq;
    }
    return taken.bytes.size();
}

/* THREAD: the one sender thread, no lock. OWNERSHIP: what was taken is gone. */
void ftc_log_take_done(FtLogWriter *w) noexcept {
    w->done();
}
