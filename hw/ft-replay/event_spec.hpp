/*
 * The tables made from events.def: which fields an event number has, how each
 * is encoded and how large it may be. Constant data, any thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_EVENT_SPEC_HPP
#define HW_FT_REPLAY_EVENT_SPEC_HPP

#include <cstddef>
#include <cstdint>

namespace ft::log {

enum class Encoding : uint8_t {
    End, /* closes a list of fields */
    Plain,
    Zigzag,
    Fixed,
    Delta,
    Variant,
    Bytes
};

struct FieldSpec {
    const char *name = nullptr;
    Encoding encoding = Encoding::End;
    uint64_t max = UINT64_MAX;
};

struct EventSpec {
    const char *name = nullptr;        /* NULL: no such event                */
    const FieldSpec *fields = nullptr; /* up to Encoding::End                */
    uint8_t subtype = 0;               /* number - first number of the span  */
    uint8_t span = 0;
};

inline constexpr size_t event_numbers = 64;

/* name is NULL for an unknown number. */
const EventSpec &event_spec(uint8_t event) noexcept;

/* The fields behind a Variant field whose value is type (already judged). */
const FieldSpec *variant_fields(uint64_t type) noexcept;
inline constexpr uint64_t variant_max = 4;

} // namespace ft::log

#endif
