/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/hello.hpp"

#include <cinttypes>
#include <cstring>

#include "accel/ft/assert.hpp"
#include "accel/ft/bytes.hpp"

namespace ft::wire {

namespace {

struct HelloMirror {
#define FT_BODY(message, name, offset, size, doc) FT_BODY_##message(name, size)
#define FT_BODY_HELLO(name, size) uint8_t name[size];
#define FT_BODY_ACK(name, size)
#define FT_BODY_PING(name, size)
#define FT_BODY_DISK_ZEROS(name, size)
#include "accel/ft/wire.def"
#undef FT_BODY
#undef FT_BODY_HELLO
};
#define FT_BODY(message, name, offset, size, doc) FT_BODY_##message(name, offset)
#define FT_BODY_HELLO(name, offset) \
    static_assert(offsetof(HelloMirror, name) == (offset), #name " is misplaced");
#include "accel/ft/wire.def"
#undef FT_BODY
#undef FT_BODY_HELLO
#undef FT_BODY_ACK
#undef FT_BODY_PING
#undef FT_BODY_DISK_ZEROS

constexpr size_t fixed_bytes = sizeof(HelloMirror);
static_assert(fixed_bytes == 48);

#define AT(name) offsetof(HelloMirror, name)

bool is_channel(uint8_t channel) {
    return channel == FT_CHANNEL_LOG || channel == FT_CHANNEL_HEARTBEAT ||
           channel == FT_CHANNEL_WITNESS;
}

} // namespace

size_t encode_hello(const FtHello &h, std::span<uint8_t> out) {
    FT_ASSERT(is_channel(h.channel), "hello channel %u", h.channel);
    FT_ASSERT(h.role == FT_ROLE_PRIMARY || h.role == FT_ROLE_SECONDARY, "hello role %u",
              h.role);
    FT_ASSERT(h.timeout_ns != 0, "hello without a timeout");
    FT_ASSERT(h.fingerprint_len <= FT_FINGERPRINT_MAX, "fingerprint of %" PRIu32 " bytes",
              h.fingerprint_len);

    size_t len = fixed_bytes + h.fingerprint_len;
    if (out.size() < len) {
        return 0;
    }
    uint8_t *p = out.data();
    p[AT(channel)] = h.channel;
    p[AT(role)] = h.role;
    store<uint16_t>(p + AT(reserved), 0);
    store(p + AT(fingerprint_len), h.fingerprint_len);
    memcpy(p + AT(vm_uuid), h.vm_uuid, FT_UUID_BYTES);
    memcpy(p + AT(node_id), h.node_id, FT_UUID_BYTES);
    store(p + AT(timeout_ns), h.timeout_ns);
    if (h.fingerprint_len) {
        memcpy(p + fixed_bytes, h.fingerprint, h.fingerprint_len);
    }
    return len;
}

static Status check_hello(const FtHello &h, uint16_t reserved, size_t len) {
    if (!is_channel(h.channel)) {
        return fail("hello, channel: %u is not 1 (log), 2 (heartbeat) or 3 (witness)",
                    h.channel);
    }
    if (h.role != FT_ROLE_PRIMARY && h.role != FT_ROLE_SECONDARY) {
        return fail("hello, role: %u is neither 1 (primary) nor 2 (secondary)", h.role);
    }
    if (reserved != 0) {
        return fail("hello, reserved: %u instead of 0", reserved);
    }
    if (h.timeout_ns == 0) {
        return fail("hello, timeout_ns: 0 < min 1");
    }
    if (h.fingerprint_len > FT_FINGERPRINT_MAX) {
        return fail("hello, fingerprint_len: %" PRIu32 " > max %d", h.fingerprint_len,
                    FT_FINGERPRINT_MAX);
    }
    if (h.fingerprint_len != len - fixed_bytes) {
        return fail("hello, fingerprint_len: %" PRIu32 ", but %zu bytes follow",
                    h.fingerprint_len, len - fixed_bytes);
    }
    return {};
}

Result<FtHello> decode_hello(std::span<const uint8_t> body) {
    if (body.size() < fixed_bytes) {
        return fail("hello: %zu bytes < min %zu", body.size(), fixed_bytes);
    }
    const uint8_t *p = body.data();
    FtHello h{};
    h.channel = p[AT(channel)];
    h.role = p[AT(role)];
    memcpy(h.vm_uuid, p + AT(vm_uuid), FT_UUID_BYTES);
    memcpy(h.node_id, p + AT(node_id), FT_UUID_BYTES);
    h.timeout_ns = load<uint64_t>(p + AT(timeout_ns));
    h.fingerprint = reinterpret_cast<const char *>(p + fixed_bytes);
    h.fingerprint_len = load<uint32_t>(p + AT(fingerprint_len));
    if (Status s = check_hello(h, load<uint16_t>(p + AT(reserved)), body.size()); !s) {
        return std::unexpected(s.error());
    }
    return h;
}

} // namespace ft::wire

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
size_t ftc_wire_encode_hello(const FtHello *h, uint8_t *out, size_t cap) noexcept {
    return ft::wire::encode_hello(*h, {out, cap});
}

/* THREAD: any, no lock needed. OWNERSHIP: h->fingerprint points into body. */
bool ftc_wire_decode_hello(const uint8_t *body, size_t len, FtHello *h,
                           FtError *err) noexcept {
    return ft::guarded(err, [&]() -> ft::Status {
        auto decoded = ft::wire::decode_hello({body, len});
        if (!decoded) {
            return std::unexpected(decoded.error());
        }
        *h = *decoded;
        return {};
    });
}
