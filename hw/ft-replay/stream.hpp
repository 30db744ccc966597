/*
 * The log channel as the primary sent it, message by message: what ft-dump
 * prints and the fuzzer gnaws at. The caller brings the bytes (a file, a pipe);
 * this judges them, in order, and shows what they say to a visitor. One thread.
 * Every error names message, frame, event and field, as far as they are known.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_STREAM_HPP
#define HW_FT_REPLAY_STREAM_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"
#include "hw/ft-replay/event_codec.hpp"
#include "hw/ft-replay/event_spec.hpp"

namespace ft::log {

struct FieldValue {
    const FieldSpec *spec;
    uint64_t value;                 /* when it is not bytes */
    std::span<const uint8_t> bytes; /* when it is           */
};

struct EventRecord {
    uint64_t seq;    /* of its frame                                   */
    uint64_t icount; /* instructions up to this event, itself included  */
    size_t wire_bytes;
    const EventSpec *spec;
    std::vector<FieldValue> fields;
};

class StreamVisitor {
  public:
    virtual ~StreamVisitor() = default;
    /* Each message, before its events; its number counts from 1. */
    virtual void message(uint64_t number, const FtMsgHeader &header, const char *name) = 0;
    /* The record and its bytes are good during the call only. */
    virtual void event(const EventRecord &record) = 0;
};

class StreamDecoder {
  public:
    explicit StreamDecoder(StreamVisitor &visitor) : visitor_(visitor) {}

    /* FT_WIRE_HEADER_BYTES; the answer says how many bytes of body follow. */
    Result<FtMsgHeader> header(std::span<const uint8_t> bytes);
    /* The body of the header given last. */
    Status body(std::span<const uint8_t> bytes);
    /* The input ended after these bytes of an unfinished header or body. */
    Status end(size_t left_over);

    uint64_t frames() const noexcept { return seq_; }
    uint64_t icount() const noexcept { return icount_; }

  private:
    std::string where() const;
    Status order() const;
    Status log_body(std::span<const uint8_t> bytes);
    Status frame(std::span<const uint8_t> events);
    Status event();

    StreamVisitor &visitor_;
    uint64_t messages_ = 0;
    bool in_body_ = false;
    FtMsgHeader header_{};
    uint64_t body_sum_ = 0;
    uint64_t session_ = 0;
    uint64_t seq_ = 0; /* last frame done */
    uint64_t icount_ = 0;
    EventDecoder decoder_;
    EventRecord record_{};
};

} // namespace ft::log

#endif
