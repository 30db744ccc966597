/*
 * Events to bytes and back, field by field, as events.def says. Encoder and
 * decoder are twins: each keeps the last value of every delta-coded field, so a
 * log is decoded from its beginning or not at all.
 *
 * The encoder sits behind replay's put functions (up to a million calls a
 * second, replay mutex held). What our own code gets wrong there (a field that
 * the event has not, a value above its limit) is an assertion; a length that a
 * guest chose is not, it makes the frame Incomplete. The decoder reads bytes of
 * a peer and answers everything wrong with a sentence; nothing aborts it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_EVENT_CODEC_HPP
#define HW_FT_REPLAY_EVENT_CODEC_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "accel/ft/result.hpp"
#include "hw/ft-replay/event_spec.hpp"

namespace ft::log {

using LastValues = std::array<uint64_t, event_numbers>;

/* The bytes of a frame that is still open. */
class EventEncoder {
  public:
    /* The open frame never grows beyond bytes_max. */
    explicit EventEncoder(size_t bytes_max) : bytes_max_(bytes_max) {}

    void put_event(uint8_t event);
    void put_int(uint64_t value);
    void put_bytes(const uint8_t *data, size_t len);

    /* False between an event and its last field. */
    bool at_event_end() const noexcept { return field_->encoding == Encoding::End; }
    /* Something did not fit: the frame must not be published. */
    bool too_large() const noexcept { return too_large_; }
    std::span<const uint8_t> frame() const noexcept { return {buffer_.get(), used_}; }
    void clear() noexcept;

  private:
    bool reserve(size_t more);
    void put_varint_checked(uint64_t value);

    static constexpr FieldSpec no_field{};

    const size_t bytes_max_;
    std::unique_ptr<uint8_t[]> buffer_;
    size_t used_ = 0, cap_ = 0;
    const FieldSpec *field_ = &no_field; /* the next one to be put */
    uint8_t event_ = 0;
    bool too_large_ = false;
    LastValues last_{};
};

/* Reads the frames of one log, each handed over whole. Not after an Error. */
class EventDecoder {
  public:
    /* The bytes must outlive the decoding of the frame. */
    void open(std::span<const uint8_t> frame) noexcept;

    Result<uint8_t> next_event();
    Result<uint64_t> next_int();
    Result<std::span<const uint8_t>> next_bytes();

    /* The next field of the event, Encoding::End when it has no more. */
    const FieldSpec &field() const noexcept { return *field_; }
    bool at_event_end() const noexcept { return field_->encoding == Encoding::End; }
    bool at_frame_end() const noexcept { return in_ == end_ && at_event_end(); }

    size_t bytes_left() const noexcept { return size_t(end_ - in_); }

  private:
    const uint8_t *get_number(Encoding encoding, uint64_t *v) const noexcept;
    std::unexpected<Error> wrong(const char *field, const char *format, ...)
        __attribute__((format(printf, 3, 4), nonnull(3)));

    static constexpr FieldSpec no_field{};

    const uint8_t *in_ = nullptr, *end_ = nullptr;
    const FieldSpec *field_ = &no_field;
    uint8_t event_ = 0;
    uint64_t events_ = 0;
    LastValues last_{};
};

} // namespace ft::log

#endif
