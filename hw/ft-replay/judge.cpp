/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/judge.hpp"

#include <cinttypes>
#include <string>

#include "accel/ft/ft.h"
#include "hw/ft-replay/event_codec.hpp"
#include "hw/ft-replay/frame.hpp"

namespace ft::log {

namespace {

/* The fields of NET: netdev, flags, data. */
Status judge_packet(EventDecoder &decoder, Totals &totals) {
    auto netdev = decoder.next_int();
    if (!netdev) {
        return std::unexpected(std::move(netdev.error()));
    }
    if (auto flags = decoder.next_int(); !flags) {
        return std::unexpected(std::move(flags.error()));
    }
    auto data = decoder.next_bytes();
    if (!data) {
        return std::unexpected(std::move(data.error()));
    }
    totals.packets.push_back({*netdev, *data});
    totals.events++;
    return {};
}

/* Reads one event to its last field. A delta field accepts every value, so
 * judging needs none of the values that came before. */
Status judge_event(EventDecoder &decoder, Totals &totals) {
    auto event = decoder.next_event();
    if (!event) {
        return std::unexpected(std::move(event.error()));
    }
    if (*event == FT_EV_NET) {
        return judge_packet(decoder, totals);
    }
    while (!decoder.at_event_end()) {
        if (decoder.field().encoding == Encoding::Bytes) {
            if (auto bytes = decoder.next_bytes(); !bytes) {
                return std::unexpected(std::move(bytes.error()));
            }
        } else if (auto value = decoder.next_int(); !value) {
            return std::unexpected(std::move(value.error()));
        } else if (*event == FT_EV_INSTRUCTION) {
            totals.icount += *value;
        }
    }
    totals.events++;
    return {};
}

Status judge_frame(std::span<const uint8_t> events, Totals &totals) {
    EventDecoder decoder;

    decoder.open(events);
    while (!decoder.at_frame_end()) {
        if (Status s = judge_event(decoder, totals); !s) {
            return s;
        }
    }
    totals.frames++;
    return {};
}

} // namespace

Result<Totals> judge_body(std::span<const uint8_t> body, uint64_t first_seq,
                          uint64_t last_seq) {
    Totals totals;

    while (!body.empty()) {
        auto events = cut_frame(body);
        Status s = events ? judge_frame(*events, totals)
                          : Status(std::unexpected(std::move(events.error())));
        if (!s) {
            std::string where = "frame " + std::to_string(first_seq + totals.frames);
            return std::unexpected(std::move(s.error()).context(where));
        }
    }
    if (uint64_t named = last_seq - first_seq + 1; totals.frames != named) {
        return fail("seq_last: frames %" PRIu64 "..%" PRIu64
                    " are named, the body holds %" PRIu64,
                    first_seq, last_seq, totals.frames);
    }
    return totals;
}

} // namespace ft::log
