/*
 * What the network has seen of the guest behind one NIC: the addresses it sends from
 * (seen_sources.hpp) and what it has reported to switches that snoop (memberships.hpp).
 * A node that goes live announces all of it from the guest's new place.
 *
 * Both nodes look at what their own guest sends; a secondary makes the same packets.
 * What was sent before the attach comes with the devices' state (save, load).
 *
 * A round is at most one frame for each address and each report; one that nobody needed
 * costs no more than that. The caller's lock covers it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_SEEN_HPP
#define NET_FT_FILTER_SEEN_HPP

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "accel/ft/ft.h"
#include "net/ft-filter/memberships.hpp"
#include "net/ft-filter/seen_sources.hpp"

namespace ft {

class Seen {
  public:
    explicit Seen(const FtSeenLimits &limits)
        : sources_(limits.sources_max, limits.age_ns_max),
          memberships_(limits.reports_max, limits.report_bytes_max) {}

    /* What precedes the Ethernet frame in each packet: nothing, or virtio's header. */
    void set_header(size_t bytes) noexcept { header_ = bytes; }
    void from_guest(std::span<const uint8_t> packet, uint64_t now_ns);
    void from_outside(std::span<const uint8_t> packet, uint64_t now_ns) noexcept;
    /* Is the packet's sender the guest, whichever way the packet came? */
    bool is_guests(std::span<const uint8_t> packet) const noexcept;
    void clear() noexcept;

    /* One round of announcements, as Ethernet frames: begin, then next until it gives
     * none. */
    void begin_round(uint64_t now_ns);
    bool next(std::span<const uint8_t> *frame);

    std::vector<uint8_t> save(uint64_t now_ns) const;
    /* Replaces all that is remembered; after an error nothing is remembered. */
    Status load(std::span<const uint8_t> saved, uint64_t now_ns);
    FtSeenStats stats() const noexcept;

  private:
    std::span<const uint8_t> frame_of(std::span<const uint8_t> packet) const noexcept;

    SeenSources sources_;
    Memberships memberships_;
    size_t header_ = 0;
    std::deque<std::vector<uint8_t>> round_;
    std::vector<uint8_t> leaving_; /* the frame given last */
    uint64_t told_ = 0;
};

/*
 * A frame as it would be on a wire: where the header leaves a checksum to the NIC, it
 * is filled in. The guest wrote that header, so it may say anything: a checksum beyond
 * the end of the frame, or before its payload (@payload_at), is ignored, because filling
 * it in would change another part of the frame than a checksum.
 */
std::vector<uint8_t> finished_frame(size_t payload_at, std::span<const uint8_t> header,
                                    std::span<const uint8_t> frame);

} // namespace ft

#endif
