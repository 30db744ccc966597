/*
 * The frames by which the guest has told snooping switches what it listens to, as it
 * sent them. A switch behind which the guest appears after a takeover knows nothing
 * of its groups until it asks, every two minutes, or never where nobody asks; the
 * same frames once more tell it at once.
 *
 * Kept is each frame that still speaks for a group, for as long as it does, however
 * old: a guest reports a group once when it joins. What a later frame says of the
 * group takes its place; leaving takes it away. A frame that speaks for several
 * groups is kept whole as long as one of them is left: the switch then hears of the
 * others too, which costs some traffic that the guest does not want, until the
 * switch asks. Frames of changes (some sources more, some less) are kept in order,
 * because they mean something only in order.
 *
 * What if it is full: the oldest give way. The caller's lock covers it.
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
    /* What a NIC without jumbo frames sends, with two tags. */
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
