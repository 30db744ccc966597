/*
 * What a frame of the guest tells a switch that snoops: which groups the guest
 * listens to (IGMPv1, v2, v3; MLDv1, v2), and that it routes multicast (its own
 * queries, PIM hellos). Pure: bytes in, records out. The bytes are the guest's:
 * every length is checked, and a message that is malformed says nothing.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_MEMBERSHIP_REPORT_HPP
#define NET_FT_FILTER_MEMBERSHIP_REPORT_HPP

#include <cstdint>
#include <vector>

#include "net/ft-filter/guest_frame.hpp"

namespace ft {

enum class Says : uint8_t {
    Listens, /* replaces all that was said of the group                                */
    Adds,    /* adds these sources */
    Blocks,  /* blocks these sources  */
    Leaves,  /* leaves the group  */
};

struct GroupRecord {
    uint64_t key;     /* of place, protocol and group: a hash */
    uint64_t sources; /* of the list of sources: a hash */
    Says says;
};

/* Empty: it is no report. */
std::vector<GroupRecord> read_report(const GuestFrame &frame);

} // namespace ft

#endif
