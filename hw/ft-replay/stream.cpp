/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/stream.hpp"

#include <cinttypes>

#include "accel/ft/hello.hpp"
#include "accel/ft/wire.hpp"
#include "hw/ft-replay/frame.hpp"

namespace ft::log {

namespace {

std::unexpected<Error> add(std::string_view where, Error &e) {
    return std::unexpected(std::move(e).context(where));
}

} // namespace

std::string StreamDecoder::where() const {
    std::string text = "message " + std::to_string(messages_);
    if (in_body_) {
        text += std::string(" (") + wire::message_spec(header_.type).name + ")";
    }
    return text;
}

/* HELLO comes first and once; the session may be announced by any message but
 * never changes; frames follow on. */
Status StreamDecoder::order() const {
    if ((messages_ == 1) != (header_.type == FT_MSG_HELLO)) {
        return fail("type: %s", messages_ == 1 ? "the stream does not start with HELLO"
                                               : "a second HELLO");
    }
    if (session_ && header_.session && header_.session != session_) {
        return fail("session: 0x%016" PRIx64 " instead of 0x%016" PRIx64, header_.session,
                    session_);
    }
    if (header_.type == FT_MSG_LOG && header_.seq != seq_ + 1) {
        return fail("seq: frame %" PRIu64 " comes, %" PRIu64 " is the next", header_.seq,
                    seq_ + 1);
    }
    return {};
}

Result<FtMsgHeader> StreamDecoder::header(std::span<const uint8_t> bytes) {
    in_body_ = false;
    messages_++;
    if (bytes.size() != FT_WIRE_HEADER_BYTES) {
        return fail("%s, header: %zu of %d bytes", where().c_str(), bytes.size(),
                    FT_WIRE_HEADER_BYTES);
    }
    auto decoded = wire::decode_header(bytes.data());
    if (!decoded) {
        return add(where(), decoded.error());
    }
    header_ = decoded->header;
    body_sum_ = decoded->body_sum;
    in_body_ = true;
    if (Status s = order(); !s) {
        return add(where(), s.error());
    }
    session_ = header_.session ? header_.session : session_;
    return header_;
}

Status StreamDecoder::body(std::span<const uint8_t> bytes) {
    Status s;

    if (bytes.size() != header_.body_len) {
        return fail("%s, body: %zu of %" PRIu32 " bytes", where().c_str(), bytes.size(),
                    header_.body_len);
    }
    s = wire::check_body(header_, body_sum_, bytes.data());
    if (s) {
        visitor_.message(messages_, header_, wire::message_spec(header_.type).name);
        if (header_.type == FT_MSG_LOG) {
            s = log_body(bytes);
        } else if (header_.type == FT_MSG_HELLO) {
            if (auto hello = wire::decode_hello(bytes); !hello) {
                s = std::unexpected(hello.error());
            }
        }
    }
    if (!s) {
        return add(where(), s.error());
    }
    in_body_ = false;
    return {};
}

Status StreamDecoder::end(size_t left_over) {
    if (in_body_) {
        return fail("%s, body: the stream ends after %zu of %" PRIu32 " bytes",
                    where().c_str(), left_over, header_.body_len);
    }
    if (left_over) {
        return fail("message %" PRIu64 ", header: the stream ends after %zu of %d bytes",
                    messages_ + 1, left_over, FT_WIRE_HEADER_BYTES);
    }
    if (messages_ == 0) {
        return fail("the stream is empty");
    }
    return {};
}

Status StreamDecoder::log_body(std::span<const uint8_t> bytes) {
    while (!bytes.empty()) {
        auto events = cut_frame(bytes);
        Status s = events ? frame(*events) : Status(std::unexpected(events.error()));
        if (!s) {
            return add("frame " + std::to_string(seq_ + 1), s.error());
        }
        seq_++;
    }
    if (seq_ != header_.seq_last) {
        return fail("seq_last: %" PRIu64 ", but the body ends with frame %" PRIu64,
                    header_.seq_last, seq_);
    }
    return {};
}

Status StreamDecoder::frame(std::span<const uint8_t> events) {
    decoder_.open(events);
    while (!decoder_.at_frame_end()) {
        if (Status s = event(); !s) {
            return s;
        }
    }
    return {};
}

Status StreamDecoder::event() {
    size_t before = decoder_.bytes_left();
    auto number = decoder_.next_event();

    if (!number) {
        return std::unexpected(number.error());
    }
    record_.fields.clear();
    while (!decoder_.at_event_end()) {
        const FieldSpec *spec = &decoder_.field();
        if (spec->encoding == Encoding::Bytes) {
            auto bytes = decoder_.next_bytes();
            if (!bytes) {
                return std::unexpected(bytes.error());
            }
            record_.fields.push_back({spec, 0, *bytes});
        } else {
            auto value = decoder_.next_int();
            if (!value) {
                return std::unexpected(value.error());
            }
            record_.fields.push_back({spec, *value, {}});
        }
    }
    if (*number == FT_EV_INSTRUCTION) {
        icount_ += record_.fields[0].value;
    }
    record_.seq = seq_ + 1;
    record_.icount = icount_;
    record_.spec = &event_spec(*number);
    record_.wire_bytes = before - decoder_.bytes_left();
    visitor_.event(record_);
    return {};
}

} // namespace ft::log
