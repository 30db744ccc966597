/*
 * The addresses that the guest has sent from, in which VLANs, and when last: its
 * NIC's own, and those of what lives behind it (macvlan, a bridge, a router's virtual
 * address). A switch has learned each of them, and after a takeover looks for it at
 * the dead node until somebody tells it otherwise.
 *
 * An address that another station has begun to use is not the guest's any more: a
 * virtual router's address moves that way. But a switch may reflect the guest's own
 * frame to it at once, so a frame from outside counts only when the guest has not used
 * the address for moved_ns.
 *
 * What if it is full: the address that was silent for longest is forgotten. A guest that
 * invents addresses so loses its real ones here; that costs a search of a few hundred
 * entries for each packet, and nothing else.
 *
 * The caller's lock covers it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_SEEN_SOURCES_HPP
#define NET_FT_FILTER_SEEN_SOURCES_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "accel/ft/result.hpp"
#include "net/ft-filter/saved_bytes.hpp"

namespace ft {

class SeenSources {
  public:
    static constexpr uint64_t moved_ns = 1'000'000'000;

    SeenSources(size_t count_max, uint64_t age_ns_max)
        : count_max_(count_max), age_ns_max_(age_ns_max) {}

    void from_guest(const Place &place, uint64_t now_ns);
    void from_outside(const Place &place, uint64_t now_ns) noexcept;
    /* Has the guest sent from this address, in whatever VLAN? */
    bool knows(const uint8_t mac[FT_MAC_BYTES]) const noexcept;
    /* The places from which the guest has sent recently enough, the latest first. */
    std::vector<Place> recent(uint64_t now_ns) const;
    size_t size() const noexcept { return seen_.size(); }
    void clear() noexcept { seen_.clear(); }

    /* Saves ages, not times: the other node has a clock of its own. */
    void save(SavedWriter &to, uint64_t now_ns) const;
    /* Replaces all that is remembered. */
    Status load(SavedReader &from, uint64_t now_ns);

  private:
    struct Seen {
        Place place;
        uint64_t last_ns;
    };

    const size_t count_max_;
    const uint64_t age_ns_max_;
    std::vector<Seen> seen_;
    size_t latest_ = 0; /* most packets come from the same address as the last one */
};

} // namespace ft

#endif
