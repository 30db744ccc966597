/*
 * A small log that holds every event and the edges of every field, written
 * through ft.h as glue would write it, and the stream a primary would send.
 * Shared by the unit tests and by the fuzzer's seeds.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_SAMPLE_HPP
#define TESTS_UNIT_SAMPLE_HPP

#include <cstring>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "accel/ft/ft.h"
#include "hw/ft-replay/event_spec.hpp"

namespace sample {

using Bytes = std::vector<uint8_t>;
using Field = std::variant<uint64_t, std::string>;

struct Item {
    uint8_t event;
    std::vector<Field> fields;
    bool operator==(const Item &) const = default;
};
using Frame = std::vector<Item>;
using Log = std::vector<Frame>;

struct Free {
    void operator()(FtLogWriter *w) const { ftc_log_writer_free(w); }
    void operator()(FtLogReader *r) const { ftc_log_reader_free(r); }
};
using Writer = std::unique_ptr<FtLogWriter, Free>;
using Reader = std::unique_ptr<FtLogReader, Free>;

inline Writer new_writer(size_t ring = 1 << 20) {
    return Writer(ftc_log_writer_new(ring));
}
inline Reader new_reader(size_t ring = 1 << 20) {
    return Reader(ftc_log_reader_new(ring));
}

constexpr uint64_t minus(uint64_t v) {
    return 0 - v;
}

/* QEMU hands negative ints over both sign- and zero-extended. */
inline Log log() {
    const uint64_t big = UINT64_MAX, low = 1ull << 63, zero_extended = 0xfffffff6;
    return {
        {{FT_EV_INSTRUCTION, {1u}}, {FT_EV_INTERRUPT, {}}, {FT_EV_EXCEPTION, {}}},
        {{FT_EV_INSTRUCTION, {uint64_t(UINT32_MAX)}},
         {FT_EV_BH, {7u}},
         {FT_EV_BH, {6u}},
         {FT_EV_BH, {big}},
         {FT_EV_BH, {low}},
         {FT_EV_BH, {0u}},
         {FT_EV_BH_ONESHOT, {3u}}},
        {{FT_EV_BLOCK, {1u}}, {FT_EV_BLOCK, {2u}}, {FT_EV_BLOCK, {1u}}},
        {{FT_EV_CLOCK_HOST, {1700000000000000000u}},
         {FT_EV_CLOCK_VIRTUAL_RT, {5u}},
         {FT_EV_CLOCK_HOST, {1700000000000000100u}},
         {FT_EV_CLOCK_HOST, {minus(5)}}},
        {{FT_EV_INPUT, {0u, 0u, 30u, 1u}},
         {FT_EV_INPUT, {0u, 1u, minus(1), 0u}},
         {FT_EV_INPUT, {1u, 2u, 1u}},
         {FT_EV_INPUT, {2u, 0u, minus(3)}},
         {FT_EV_INPUT, {3u, 1u, 32767u}},
         {FT_EV_INPUT, {4u, 1u, 2u, minus(1), 1u, 9u}},
         {FT_EV_INPUT_SYNC, {}}},
        {{FT_EV_CHAR_READ, {0u, "ls\n"}},
         {FT_EV_CHAR_WRITE, {minus(11), 3u}},
         {FT_EV_CHAR_WRITE, {zero_extended, 0u}},
         {FT_EV_CHAR_READ_ALL, {""}},
         {FT_EV_CHAR_READ_ALL_ERROR, {minus(5)}}},
        {{FT_EV_NET, {255u, uint64_t(UINT32_MAX), std::string(1500, '\xaa')}},
         {FT_EV_NET, {0u, 0u, std::string("\0\x80\xff", 3)}}},
        {{FT_EV_RANDOM, {0u, "0123456789abcdef"}}, {FT_EV_RANDOM, {minus(1), ""}}},
        {{FT_EV_SHUTDOWN, {}},
         {FT_EV_SHUTDOWN + 15, {}},
         {FT_EV_CHECKPOINT, {}},
         {FT_EV_CHECKPOINT + 15, {}}},
        {{FT_EV_INSTRUCTION, {12345u}},
         {FT_EV_OUTPUT, {1u, 1514u, big}},
         {FT_EV_OUTPUT, {0u, 60u, 0x0123456789abcdefu}}},
        {{FT_EV_OPERATOR, {0u}}, {FT_EV_OPERATOR, {4u}}},
        {{FT_EV_END, {}}},
    };
}
constexpr uint64_t log_icount = 1 + uint64_t(UINT32_MAX) + 12345;

inline void put(FtLogWriter *w, const Item &item) {
    ftc_log_put_event(w, item.event);
    for (const Field &f : item.fields) {
        if (auto *text = std::get_if<std::string>(&f)) {
            ftc_log_put_bytes(w, reinterpret_cast<const uint8_t *>(text->data()),
                              text->size());
        } else {
            ftc_log_put_int(w, std::get<uint64_t>(f));
        }
    }
}

inline void put(FtLogWriter *w, const Frame &frame) {
    for (const Item &item : frame) {
        put(w, item);
    }
    ftc_log_commit(w);
}

struct Taken {
    Bytes body;
    uint64_t first = 0, last = 0;
};

inline Taken take(FtLogWriter *w, size_t cap = 1 << 20) {
    Taken t;
    const uint8_t *data = nullptr;
    size_t len = ftc_log_take(w, cap, &data, &t.first, &t.last);
    t.body.assign(data, data + len);
    ftc_log_take_done(w);
    return t;
}

/* The frames as the body of one LOG message. */
inline Bytes body_of(const Log &frames) {
    Writer w = new_writer();
    for (const Frame &frame : frames) {
        put(w.get(), frame);
    }
    return take(w.get()).body;
}

/* Gets one event with exactly the fields that the expected one has. */
inline bool get(FtLogReader *r, const Item &shape, Item *got) {
    *got = {};
    if (!ftc_log_available(r) || !ftc_log_get_event(r, &got->event)) {
        return false;
    }
    for (const Field &f : shape.fields) {
        uint64_t value;
        const uint8_t *data;
        size_t len;
        if (std::holds_alternative<uint64_t>(f)) {
            if (!ftc_log_get_int(r, &value)) {
                return false;
            }
            got->fields.emplace_back(value);
        } else {
            if (!ftc_log_get_bytes(r, &data, &len)) {
                return false;
            }
            got->fields.emplace_back(
                std::string(reinterpret_cast<const char *>(data), len));
        }
    }
    return true;
}

/* Gets whatever is there, by the shapes of events.def; false if the reader
 * refuses what it has accepted before. */
inline bool drain(FtLogReader *r) {
    using namespace ft::log;
    while (ftc_log_available(r)) {
        uint8_t event;
        uint64_t value;
        const uint8_t *data;
        size_t len;
        if (!ftc_log_get_event(r, &event)) {
            return false;
        }
        const FieldSpec *f = event_spec(event).fields;
        while (f->encoding != Encoding::End) {
            if (f->encoding == Encoding::Bytes ? !ftc_log_get_bytes(r, &data, &len)
                                               : !ftc_log_get_int(r, &value)) {
                return false;
            }
            f = f->encoding == Encoding::Variant ? variant_fields(value) : f + 1;
        }
    }
    return ftc_log_consumed_seq(r) == ftc_log_received_seq(r);
}

inline void add_message(Bytes &stream, FtMsgHeader h, const Bytes &body) {
    size_t at = stream.size();
    h.body_len = uint32_t(body.size());
    stream.resize(at + FT_WIRE_HEADER_BYTES);
    ftc_wire_encode_header(&h, body.data(), stream.data() + at);
    stream.insert(stream.end(), body.begin(), body.end());
}

constexpr uint64_t session = 0x5e5510;

inline FtMsgHeader header(FtMsgType type, uint64_t seq = 0, uint64_t seq_last = 0) {
    return {.type = uint8_t(type),
            .epoch = 3,
            .session = session,
            .seq = seq,
            .seq_last = seq_last,
            .body_len = 0};
}

inline Bytes hello_body(const std::string &fingerprint = "machine=q35\nram=1073741824\n") {
    FtHello h{};
    h.channel = FT_CHANNEL_LOG;
    h.role = FT_ROLE_PRIMARY;
    memset(h.vm_uuid, 0x11, sizeof(h.vm_uuid));
    memset(h.node_id, 0x22, sizeof(h.node_id));
    h.timeout_ns = 500000000;
    h.fingerprint = fingerprint.data();
    h.fingerprint_len = uint32_t(fingerprint.size());
    Bytes body(FT_FINGERPRINT_MAX + 64);
    body.resize(ftc_wire_encode_hello(&h, body.data(), body.size()));
    return body;
}

/* What a primary sends: hello, state, devices, the log in two messages, goodbye. */
inline Bytes stream() {
    Bytes out;
    Log all = log();
    Writer w = new_writer();

    add_message(out, header(FT_MSG_HELLO), hello_body());
    add_message(out, header(FT_MSG_STATE), Bytes(100, 0x55));
    add_message(out, header(FT_MSG_DEVICES), Bytes(50, 0x66));
    for (size_t i = 0; i < all.size(); i++) {
        put(w.get(), all[i]);
        if (i == 3 || i + 1 == all.size()) {
            Taken t = take(w.get());
            add_message(out, header(FT_MSG_LOG, t.first, t.last), t.body);
        }
    }
    add_message(out, header(FT_MSG_GOODBYE), Bytes{'b', 'y', 'e'});
    return out;
}

} // namespace sample

#endif
