/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/wire.hpp"

#include <array>
#include <cinttypes>

#include "accel/ft/assert.hpp"
#include "accel/ft/bytes.hpp"
#include "accel/ft/hash.hpp"

namespace ft::wire {

namespace {

/* A mirror of the header, only to prove that wire.def leaves no hole and no
 * overlap: each field starts where the one before it ends. */
struct HeaderMirror {
#define FT_HEADER(name, offset, size, doc) uint8_t name[size];
#include "accel/ft/wire.def"
#undef FT_HEADER
};
#define FT_HEADER(name, offset, size, doc) \
    static_assert(offsetof(HeaderMirror, name) == (offset), #name " is misplaced");
#include "accel/ft/wire.def"
#undef FT_HEADER
static_assert(sizeof(HeaderMirror) == FT_WIRE_HEADER_BYTES);
static_assert(at::header_sum + 8 == FT_WIRE_HEADER_BYTES);

#define FT_MESSAGE(name, number, channel, sender, body_min, body_max, doc)        \
    static_assert(FT_MSG_##name == (number), #name ": ft.h and wire.def differ"); \
    static_assert(uint32_t(body_max) <= uint32_t(FT_WIRE_BODY_MAX));
#include "accel/ft/wire.def"
#undef FT_MESSAGE

constexpr auto specs = [] {
    std::array<MessageSpec, 256> table{};
#define FT_MESSAGE(name, number, channel, sender, body_min, body_max, doc) \
    table[number] = {#name, body_min, body_max};
#include "accel/ft/wire.def"
#undef FT_MESSAGE
    return table;
}();

Status check_version(const uint8_t *in) {
    unsigned low = in[at::version_min], high = in[at::version_max];

    if (low > high || high < version_min || low > version_max) {
        return fail("version: peer speaks %u..%u, this build %u..%u", low, high,
                    unsigned(version_min), unsigned(version_max));
    }
    return {};
}

Status check_limits(const FtMsgHeader &h) {
    const MessageSpec &spec = message_spec(h.type);

    if (!spec.name) {
        return fail("type: %u is no message of this version", h.type);
    }
    if (h.body_len > spec.body_max) {
        return fail("body_len: %" PRIu32 " > max %" PRIu32 " (%s)", h.body_len,
                    spec.body_max, spec.name);
    }
    if (h.body_len < spec.body_min) {
        return fail("body_len: %" PRIu32 " < min %" PRIu32 " (%s)", h.body_len,
                    spec.body_min, spec.name);
    }
    if (h.type == FT_MSG_LOG && (h.seq == 0 || h.seq_last < h.seq)) {
        return fail("seq: LOG holds frames %" PRIu64 "..%" PRIu64, h.seq, h.seq_last);
    }
    return {};
}

Status check_reserved(const uint8_t *in) {
    if (in[at::reserved] != 0) {
        return fail("reserved: %u instead of 0", in[at::reserved]);
    }
    if (uint32_t r = load<uint32_t>(in + at::reserved2); r != 0) {
        return fail("reserved2: %" PRIu32 " instead of 0", r);
    }
    return {};
}

} // namespace

const MessageSpec &message_spec(uint8_t type) noexcept {
    return specs[type];
}

Result<Decoded> decode_header(const uint8_t *in) {
    if (uint32_t m = load<uint32_t>(in + at::magic); m != magic) {
        return fail("magic: 0x%08" PRIx32 " instead of 0x%08" PRIx32, m, magic);
    }
    if (Status s = check_version(in); !s) {
        return std::unexpected(s.error());
    }
    Decoded d{.header = {.type = in[at::type],
                         .epoch = load<uint64_t>(in + at::epoch),
                         .session = load<uint64_t>(in + at::session),
                         .seq = load<uint64_t>(in + at::seq),
                         .seq_last = load<uint64_t>(in + at::seq_last),
                         .body_len = load<uint32_t>(in + at::body_len)},
              .body_sum = load<uint64_t>(in + at::body_sum)};
    if (Status s = check_reserved(in); !s) {
        return std::unexpected(s.error());
    }
    if (Status s = check_limits(d.header); !s) {
        return std::unexpected(s.error());
    }
    uint64_t stored = load<uint64_t>(in + at::header_sum);
    if (uint64_t sum = hash64(in, at::header_sum); sum != stored) {
        return fail("header_sum: 0x%016" PRIx64 " sent, 0x%016" PRIx64 " computed", stored,
                    sum);
    }
    return d;
}

Status check_body(const FtMsgHeader &h, uint64_t body_sum, const uint8_t *body) {
    if (uint64_t sum = hash64(body, h.body_len); sum != body_sum) {
        return fail("body_sum: 0x%016" PRIx64 " sent, 0x%016" PRIx64
                    " computed (%s, %" PRIu32 " bytes)",
                    body_sum, sum, message_spec(h.type).name, h.body_len);
    }
    return {};
}

static void encode_header(const FtMsgHeader &h, const uint8_t *body, uint8_t *out) {
    Status limits = check_limits(h);
    FT_ASSERT(limits, "we were about to send it: %s", limits.error().text.c_str());

    store<uint32_t>(out + at::magic, magic);
    out[at::version_min] = version_min;
    out[at::version_max] = version_max;
    out[at::type] = h.type;
    out[at::reserved] = 0;
    store(out + at::epoch, h.epoch);
    store(out + at::session, h.session);
    store(out + at::seq, h.seq);
    store(out + at::seq_last, h.seq_last);
    store(out + at::body_len, h.body_len);
    store<uint32_t>(out + at::reserved2, 0);
    store(out + at::body_sum, hash64(body, h.body_len));
    store(out + at::header_sum, hash64(out, at::header_sum));
}

} // namespace ft::wire

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
void ftc_wire_encode_header(const FtMsgHeader *h, const uint8_t *body,
                            uint8_t *out) noexcept {
    ft::wire::encode_header(*h, body, out);
}

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
bool ftc_wire_decode_header(const uint8_t *in, FtMsgHeader *h, uint64_t *body_sum,
                            FtError *err) noexcept {
    return ft::guarded(err, [&]() -> ft::Status {
        auto d = ft::wire::decode_header(in);
        if (!d) {
            return std::unexpected(d.error());
        }
        *h = d->header;
        *body_sum = d->body_sum;
        return {};
    });
}

/* THREAD: any, no lock needed. OWNERSHIP: body stays the caller's. */
bool ftc_wire_check_body(const FtMsgHeader *h, uint64_t body_sum, const uint8_t *body,
                         FtError *err) noexcept {
    return ft::guarded(err, [&] { return ft::wire::check_body(*h, body_sum, body); });
}
