/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/frame.hpp"

#include <algorithm>
#include <cinttypes>

#include "accel/ft/assert.hpp"
#include "hw/ft-replay/varint.hpp"

namespace ft::log {

Result<std::span<const uint8_t>> cut_frame(std::span<const uint8_t> &body) {
    uint64_t len;
    const uint8_t *begin = body.data(), *end = begin + body.size();
    const uint8_t *events = get_varint(begin, end, &len);

    if (!events) {
        return fail("frame length: bad varint, or the body ends in it");
    }
    if (len == 0) {
        return fail("frame length: 0 < min 1");
    }
    if (len > frame_bytes_max) {
        return fail("frame length: %" PRIu64 " > max %zu", len, frame_bytes_max);
    }
    if (len > size_t(end - events)) {
        return fail("frame length: %" PRIu64 ", but the body ends after %zu bytes", len,
                    size_t(end - events));
    }
    body = body.subspan(size_t(events - begin) + size_t(len));
    return std::span(events, size_t(len));
}

FrameHeader frame_at(const ByteRing &ring, size_t offset) noexcept {
    uint8_t bytes[frame_header_max];
    size_t n = std::min(sizeof(bytes), ring.readable() - offset);
    uint64_t len = 0;

    ring.peek(offset, bytes, n);
    const uint8_t *after = get_varint(bytes, bytes + n, &len);
    FT_ASSERT(after && len > 0 && size_t(after - bytes) + len <= ring.readable() - offset,
              "the ring holds no whole frame at %zu: length %" PRIu64 ", %zu bytes in all",
              offset, len, ring.readable());
    return {size_t(after - bytes), size_t(len)};
}

} // namespace ft::log
