/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/event_spec.hpp"

#include <array>

#include "accel/ft/ft.h"

namespace ft::log {

namespace {

#define FT_PLAIN(name, max)         \
    FieldSpec {                     \
        #name, Encoding::Plain, max \
    }
#define FT_ZIGZAG(name)         \
    FieldSpec {                 \
        #name, Encoding::Zigzag \
    }
#define FT_FIXED(name)         \
    FieldSpec {                \
        #name, Encoding::Fixed \
    }
#define FT_DELTA(name)         \
    FieldSpec {                \
        #name, Encoding::Delta \
    }
#define FT_VARIANT(name)                      \
    FieldSpec {                               \
        #name, Encoding::Variant, variant_max \
    }
#define FT_BYTES(name, max)         \
    FieldSpec {                     \
        #name, Encoding::Bytes, max \
    }

#define FT_EVENT(name, number, span, doc, ...) \
    constexpr FieldSpec fields_##name[] = {__VA_ARGS__ __VA_OPT__(, ) FieldSpec{}};
#define FT_INPUT(name, type, ...) \
    constexpr FieldSpec fields_input_##name[] = {__VA_ARGS__, FieldSpec{}};
#include "hw/ft-replay/events.def"
#undef FT_EVENT
#undef FT_INPUT

#define FT_EVENT(name, number, span, doc, ...)                                     \
    static_assert(FT_EV_##name == (number), #name ": ft.h and events.def differ"); \
    static_assert((number) + (span) <= event_numbers);
#include "hw/ft-replay/events.def"
#undef FT_EVENT

constexpr auto specs = [] {
    std::array<EventSpec, 256> table{};
#define FT_EVENT(event_name, number, event_span, doc, ...)                       \
    for (uint8_t i = 0; i < (event_span); i++) {                                 \
        if (table[(number) + i].name) {                                          \
            throw "two events share the number of " #event_name;                 \
        }                                                                        \
        table[(number) + i] = {#event_name, fields_##event_name, i, event_span}; \
    }
#include "hw/ft-replay/events.def"
#undef FT_EVENT
    return table;
}();

constexpr auto variants = [] {
    std::array<const FieldSpec *, variant_max + 1> table{};
#define FT_INPUT(name, type, ...) table[type] = fields_input_##name;
#include "hw/ft-replay/events.def"
#undef FT_INPUT
    return table;
}();

/* The last value is kept per event number, so two delta fields in one event
 * would share it. */
consteval bool one_delta_at_most() {
    for (const EventSpec &e : specs) {
        int deltas = 0;
        for (const FieldSpec *f = e.fields; f && f->encoding != Encoding::End; f++) {
            deltas += f->encoding == Encoding::Delta;
        }
        if (deltas > 1 || (deltas && e.span > 1)) {
            return false;
        }
    }
    return true;
}
static_assert(one_delta_at_most());

} // namespace

const EventSpec &event_spec(uint8_t event) noexcept {
    return specs[event];
}

const FieldSpec *variant_fields(uint64_t type) noexcept {
    return variants[type];
}

} // namespace ft::log
