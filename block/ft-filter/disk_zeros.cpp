/*
 * The body of DISK_ZEROS: how many chunks of a drive are zeros. Pure functions, any
 * thread. What the secondary says of its image is put in its place by the copy map;
 * what the primary wants made zeros is bounded here.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <cinttypes>
#include <cstddef>

#include "accel/ft/bytes.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

namespace {

enum At : size_t {
#define FT_BODY(message, name, offset, size, doc) FT_BODY_##message(name, offset)
#define FT_BODY_HELLO(name, offset)
#define FT_BODY_ACK(name, offset)
#define FT_BODY_PING(name, offset)
#define FT_BODY_DISK_ZEROS(name, offset) at_##name = offset,
#include "accel/ft/wire.def"
#undef FT_BODY
    body_bytes = FT_DISK_ZEROS_BYTES
};
static_assert(at_chunks == 0);

Status decode(const uint8_t *body, size_t len, uint64_t &n) {
    if (len != body_bytes) {
        return fail("disk_zeros: %zu bytes instead of %zu", len, size_t(body_bytes));
    }
    uint64_t chunks = load<uint64_t>(body + at_chunks);
    if (chunks == 0) {
        return fail("disk_zeros, chunks: 0");
    }
    n = chunks;
    return {};
}

Status check_run(uint64_t bytes, uint64_t first, uint64_t n) {
    uint64_t chunks = bytes / FT_DISK_CHUNK_BYTES + (bytes % FT_DISK_CHUNK_BYTES != 0);

    if (n > FT_DISK_ZEROS_MAX) {
        return fail("disk_zeros, chunks: %" PRIu64 " > max %d", n, int(FT_DISK_ZEROS_MAX));
    }
    if (first > chunks || n > chunks - first) {
        return fail("disk_zeros: %" PRIu64 " chunks from %" PRIu64
                    " on, the drive has %" PRIu64,
                    n, first, chunks);
    }
    return {};
}

} // namespace

} // namespace ft

/* THREAD: any, no lock needed. OWNERSHIP: body stays the caller's. */
void ftc_disk_zeros_encode(uint64_t n, uint8_t *body) noexcept {
    ft::store<uint64_t>(body + ft::at_chunks, n);
}

/* THREAD: any, no lock needed. OWNERSHIP: body stays the caller's. */
bool ftc_disk_zeros_decode(const uint8_t *body, size_t len, uint64_t *n,
                           FtError *err) noexcept {
    return ft::guarded(err, [&] { return ft::decode(body, len, *n); });
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_disk_zeros_check(uint64_t bytes, uint64_t first, uint64_t n,
                          FtError *err) noexcept {
    return ft::guarded(err, [&] { return ft::check_run(bytes, first, n); });
}
