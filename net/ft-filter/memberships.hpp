/*
 * The frames by which the guest has reported to snooping switches which multicast
 * groups it listens to, as it sent them. The switch that the guest is behind after a
 * takeover knows none of its groups until a querier asks, which is every two minutes,
 * or never without a querier. Sending the same frames again tells it at once.
 *
 * A frame is kept as long as it is the last word about one of its groups, however old it
 * is: a guest reports a group once, when it joins. A later frame about the same group
 * replaces it; leaving the group removes it. A frame about several groups is kept whole
 * as long as one of them is left: the switch then also forwards the others, which costs
 * unwanted traffic until the next query. Frames that change a list of sources are kept
 * in order, because they mean something only in order.
 *
 * What if it is full: the oldest frames are dropped. The caller's lock covers it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_MEMBERSHIPS_HPP
#define NET_FT_FILTER_MEMBERSHIPS_HPP

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "accel/ft/result.hpp"
#include "net/ft-filter/membership_report.hpp"
#include "net/ft-filter/saved_bytes.hpp"

namespace ft {

class Memberships {
  public:
    /* The largest frame of a NIC without jumbo frames, with two tags. */
    static constexpr size_t frame_bytes_max = 1514 + vlan_tags_max * vlan_tag_bytes;

    Memberships(size_t count_max, size_t bytes_max)
        : count_max_(count_max), bytes_max_(bytes_max) {}

    /* The guest has sent a frame in which read_report() has found this. */
    void from_guest(std::span<const uint8_t> frame,
                    const std::vector<GroupRecord> &records);
    /* In the order in which they have to be sent. */
    std::vector<std::vector<uint8_t>> frames() const;
    size_t size() const noexcept { return reports_.size(); }
    size_t bytes() const noexcept { return bytes_; }
    void clear() noexcept;

    void save(SavedWriter &to) const;
    /* Replaces what is here. */
    Status load(SavedReader &from);

  private:
    struct Spoken {
        uint64_t key, sources;
    };
    struct Report {
        std::vector<uint8_t> frame;
        std::vector<Spoken> spoken; /* never empty */
    };

    template <typename Past>
    void forget(Past &&is_past);
    bool speaks_for(uint64_t key) const noexcept;
    void keep(Report report);
    void drop_front() noexcept;

    const size_t count_max_, bytes_max_;
    std::deque<Report> reports_;
    size_t bytes_ = 0;
};

} // namespace ft

#endif
