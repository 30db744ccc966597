/*
 * The two small message bodies that report progress: ACK (of the log) and PING/PONG
 * (of the clock). Pure functions, any thread.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <algorithm>
#include <cinttypes>
#include <cstddef>

#include "accel/ft/bytes.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft::wire {

namespace {

enum AckAt : size_t {
#define FT_BODY(message, name, offset, size, doc) FT_BODY_##message(name, offset)
#define FT_BODY_HELLO(name, offset)
#define FT_BODY_PING(name, offset)
#define FT_BODY_DISK_ZEROS(name, offset)
#define FT_BODY_ACK(name, offset) ack_##name = offset,
#include "accel/ft/wire.def"
#undef FT_BODY_ACK
#undef FT_BODY_PING
    ack_bytes = 24
};
enum PingAt : size_t {
#define FT_BODY_ACK(name, offset)
#define FT_BODY_PING(name, offset) ping_##name = offset,
#include "accel/ft/wire.def"
#undef FT_BODY
    ping_bytes = 16
};
static_assert(ack_received_seq == 0 && ack_executed_seq == 8 && ack_executed_icount == 16);
static_assert(ping_counter == 0 && ping_sender_ns == 8);

Status check_length(const char *what, size_t len, size_t expected) {
    if (len != expected) {
        return fail("%s: %zu bytes instead of %zu", what, len, expected);
    }
    return {};
}

Status decode_ack(const uint8_t *body, size_t len, FtAck &out) {
    if (Status s = check_length("ack", len, ack_bytes); !s) {
        return s;
    }
    FtAck a{.received_seq = load<uint64_t>(body + ack_received_seq),
            .executed_seq = load<uint64_t>(body + ack_executed_seq),
            .executed_icount = load<uint64_t>(body + ack_executed_icount)};
    if (a.executed_seq > a.received_seq) {
        return fail("ack, executed_seq: %" PRIu64 " > received_seq %" PRIu64,
                    a.executed_seq, a.received_seq);
    }
    out = a;
    return {};
}

Status decode_ping(const uint8_t *body, size_t len, FtPing &out) {
    if (Status s = check_length("ping", len, ping_bytes); !s) {
        return s;
    }
    out = {.counter = load<uint64_t>(body + ping_counter),
           .sender_ns = load<uint64_t>(body + ping_sender_ns)};
    return {};
}

} // namespace

} // namespace ft::wire

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
size_t ftc_wire_encode_ack(const FtAck *a, uint8_t *out, size_t cap) noexcept {
    using namespace ft::wire;
    if (cap < ack_bytes) {
        return 0;
    }
    /* The caller reads the two counters one after the other while replay runs;
     * what was consumed has been received, whatever the order of the reads. */
    ft::store(out + ack_received_seq, a->received_seq);
    ft::store(out + ack_executed_seq, std::min(a->executed_seq, a->received_seq));
    ft::store(out + ack_executed_icount, a->executed_icount);
    return ack_bytes;
}

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
bool ftc_wire_decode_ack(const uint8_t *body, size_t len, FtAck *a, FtError *err) noexcept {
    return ft::guarded(err, [&] { return ft::wire::decode_ack(body, len, *a); });
}

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
size_t ftc_wire_encode_ping(const FtPing *p, uint8_t *out, size_t cap) noexcept {
    using namespace ft::wire;
    if (cap < ping_bytes) {
        return 0;
    }
    ft::store(out + ping_counter, p->counter);
    ft::store(out + ping_sender_ns, p->sender_ns);
    return ping_bytes;
}

/* THREAD: any, no lock needed. OWNERSHIP: all arrays stay the caller's. */
bool ftc_wire_decode_ping(const uint8_t *body, size_t len, FtPing *p,
                          FtError *err) noexcept {
    return ft::guarded(err, [&] { return ft::wire::decode_ping(body, len, *p); });
}
