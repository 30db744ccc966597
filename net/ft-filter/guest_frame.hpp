/*
 * The outside of an Ethernet frame: who sent it, in which VLAN, and where its
 * payload begins. Pure functions; for a frame that is cut short or makes no sense
 * there is no Place, and it is not remembered.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_GUEST_FRAME_HPP
#define NET_FT_FILTER_GUEST_FRAME_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "accel/ft/ft.h"

namespace ft {

inline constexpr size_t ethernet_head_bytes = 14;
inline constexpr size_t vlan_tag_bytes = 4;
inline constexpr size_t vlan_tags_max = 2; /* 802.1ad: one within another */
inline constexpr size_t rarp_bytes_max = 60 + vlan_tags_max * vlan_tag_bytes;

/*
 * Where a switch files a sender: the address, in a VLAN. A tag is kept as its two
 * type bytes and its VLAN's number; priorities teach a switch nothing, and a tag
 * with nothing but a priority (VLAN 0) counts as none. Unused bytes are zero.
 */
struct Place {
    std::array<uint8_t, FT_MAC_BYTES> mac{};
    uint8_t tags_count = 0;
    std::array<uint8_t, vlan_tags_max * vlan_tag_bytes> tags{};

    bool operator==(const Place &) const = default;
};

/* Can a single station send from this place: no group address, not all zeros; at
 * most two tags, each of a VLAN that exists? Places that the peer has sent are checked
 * as well. */
bool is_sound(const Place &place) noexcept;

struct GuestFrame {
    Place place;
    uint16_t type;                    /* behind the tags */
    std::span<const uint8_t> payload; /* behind the type */
};

std::optional<GuestFrame> read_frame(std::span<const uint8_t> frame) noexcept;

/* RFC 903: a broadcast that every switch learns from and no host answers. */
std::vector<uint8_t> make_rarp(const Place &place);

} // namespace ft

#endif
