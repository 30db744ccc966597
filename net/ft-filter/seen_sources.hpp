/*
 * The addresses that the guest has sent from, in which VLANs, and when last: its
 * NIC's own, and those of what lives behind it (macvlan, a bridge, a router's virtual
 * address). A switch has learned each of them, and after a takeover looks for it at
 * the dead node until somebody tells it otherwise.
 *
 * An address that somebody outside has begun to use is his: a virtual router address
 * moves so. Its frames may come back to the guest at once, reflected by a switch;
 * only one that is heard outside later than moved_ns is gone.
 *
 * What if it is full: the one that was silent for longest gives way. So a guest that
 * invents addresses forgets its real ones; it costs a search of a few hundred entries
 * for each packet and nothing else.
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
    /* Those that are young enough, the latest first. */
    std::vector<Place> recent(uint64_t now_ns) const;
    size_t size() const noexcept { return seen_.size(); }
    void clear() noexcept { seen_.clear(); }

    /* Ages, not times: the other node has a clock of its own. */
    void save(SavedWriter &to, uint64_t now_ns) const;
    /* Replaces what is here. */
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
