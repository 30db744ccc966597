/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/event_codec.hpp"

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "accel/ft/assert.hpp"
#include "accel/ft/bytes.hpp"
#include "hw/ft-replay/varint.hpp"

namespace ft::log {

/* ---------------------------------------------------------------- encoder */

/* Room for more bytes. Doubling keeps the hot path to one comparison. */
bool EventEncoder::reserve(size_t more) {
    if (more <= cap_ - used_) [[likely]] {
        return true;
    }
    if (too_large_ || more > bytes_max_ - used_) {
        too_large_ = true;
        return false;
    }
    size_t cap =
        std::min(bytes_max_, std::max(std::max<size_t>(cap_ * 2, 4096), used_ + more));
    auto grown = std::make_unique_for_overwrite<uint8_t[]>(cap);
    if (used_) {
        memcpy(grown.get(), buffer_.get(), used_);
    }
    buffer_ = std::move(grown);
    cap_ = cap;
    return true;
}

void EventEncoder::put_varint_checked(uint64_t value) {
    if (reserve(varint_bytes_max)) [[likely]] {
        used_ = size_t(put_varint(buffer_.get() + used_, value) - buffer_.get());
    }
}

void EventEncoder::put_event(uint8_t event) {
    const EventSpec &spec = event_spec(event);

    FT_ASSERT(at_event_end(), "event %u put while %s still lacks its %s", event,
              event_spec(event_).name, field_->name);
    FT_ASSERT(spec.name, "event %u is not in events.def", event);
    event_ = event;
    field_ = spec.fields;
    if (reserve(1)) [[likely]] {
        buffer_[used_++] = event;
    }
}

void EventEncoder::put_int(uint64_t value) {
    const FieldSpec &f = *field_++;

    switch (f.encoding) {
    case Encoding::Variant:
        FT_ASSERT(value <= f.max, "%s, %s: %" PRIu64 " > max %" PRIu64,
                  event_spec(event_).name, f.name, value, f.max);
        field_ = variant_fields(value);
        put_varint_checked(value);
        break;
    case Encoding::Plain:
        FT_ASSERT(value <= f.max, "%s, %s: %" PRIu64 " > max %" PRIu64,
                  event_spec(event_).name, f.name, value, f.max);
        put_varint_checked(value);
        break;
    case Encoding::Zigzag:
        put_varint_checked(zigzag(value));
        break;
    case Encoding::Fixed:
        if (reserve(sizeof(value))) {
            store(buffer_.get() + used_, value);
            used_ += sizeof(value);
        }
        break;
    case Encoding::Delta:
        put_varint_checked(zigzag(value - last_[event_]));
        last_[event_] = value;
        break;
    default:
        FT_ASSERT(false, "%s has no further integer (%" PRIu64 " was put)",
                  event_spec(event_).name ? event_spec(event_).name : "no event", value);
    }
}

void EventEncoder::put_bytes(const uint8_t *data, size_t len) {
    const FieldSpec &f = *field_++;

    FT_ASSERT(f.encoding == Encoding::Bytes, "%s has no bytes here (%zu were put)",
              event_spec(event_).name ? event_spec(event_).name : "no event", len);
    if (len > f.max) {
        too_large_ = true; /* A guest may have chosen the length. */
        return;
    }
    put_varint_checked(len);
    if (reserve(len) && len) {
        memcpy(buffer_.get() + used_, data, len);
        used_ += len;
    }
}

void EventEncoder::clear() noexcept {
    FT_ASSERT(at_event_end(), "frame closed while %s still lacks its %s",
              event_spec(event_).name, field_->name);
    used_ = 0;
    too_large_ = false;
}

/* ---------------------------------------------------------------- decoder */

void EventDecoder::open(std::span<const uint8_t> frame) noexcept {
    in_ = frame.data();
    end_ = in_ + frame.size();
    field_ = &no_field;
    events_ = 0;
}

/* "event 3 (NET), length: 700000 > max 262144" */
std::unexpected<Error> EventDecoder::wrong(const char *field, const char *format, ...) {
    const char *name = events_ ? event_spec(event_).name : nullptr;
    char what[160];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return fail("event %" PRIu64 " (%s), %s: %s", events_, name ? name : "unknown", field,
                what);
}

Result<uint8_t> EventDecoder::next_event() {
    if (!at_event_end()) {
        return wrong(field_->name, "not read before the next event");
    }
    if (in_ == end_) {
        return wrong("next event", "the frame ends here");
    }
    event_ = *in_++;
    events_++;
    const EventSpec &spec = event_spec(event_);
    if (!spec.name) {
        return wrong("number", "%u is no event of this version", event_);
    }
    field_ = spec.fields;
    return event_;
}

/* Reads one integer; NULL if the input ends inside it. */
const uint8_t *EventDecoder::get_number(Encoding encoding, uint64_t *v) const noexcept {
    if (encoding != Encoding::Fixed) {
        return get_varint(in_, end_, v);
    }
    if (size_t(end_ - in_) < sizeof(*v)) {
        return nullptr;
    }
    *v = load<uint64_t>(in_);
    return in_ + sizeof(*v);
}

Result<uint64_t> EventDecoder::next_int() {
    const FieldSpec &f = *field_;
    uint64_t v;

    if (f.encoding == Encoding::End || f.encoding == Encoding::Bytes) {
        return wrong(f.name ? f.name : "fields", "no integer comes here");
    }
    const uint8_t *after = get_number(f.encoding, &v);
    if (!after) {
        return wrong(f.name, "bad number, or the frame ends in it");
    }
    field_++;
    switch (f.encoding) {
    case Encoding::Zigzag:
        v = unzigzag(v);
        break;
    case Encoding::Fixed:
        break;
    case Encoding::Delta:
        v = last_[event_] += unzigzag(v);
        break;
    default:
        if (v > f.max) {
            return wrong(f.name, "%" PRIu64 " > max %" PRIu64, v, f.max);
        }
        if (f.encoding == Encoding::Variant) {
            field_ = variant_fields(v);
        }
    }
    in_ = after;
    return v;
}

Result<std::span<const uint8_t>> EventDecoder::next_bytes() {
    const FieldSpec &f = *field_;
    uint64_t len;

    if (f.encoding != Encoding::Bytes) {
        return wrong(f.name ? f.name : "fields", "no bytes come here");
    }
    const uint8_t *after = get_varint(in_, end_, &len);
    if (!after) {
        return wrong("length", "bad varint, or the frame ends in it");
    }
    if (len > f.max) {
        return wrong("length", "%" PRIu64 " > max %" PRIu64, len, f.max);
    }
    if (len > size_t(end_ - after)) {
        return wrong("length", "%" PRIu64 ", but the frame ends after %zu bytes", len,
                     size_t(end_ - after));
    }
    field_++;
    in_ = after + len;
    return std::span(after, size_t(len));
}

} // namespace ft::log
