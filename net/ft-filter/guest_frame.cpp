/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/guest_frame.hpp"

#include <algorithm>
#include <iterator>

#include "net/ft-filter/network_bytes.hpp"

namespace ft {

namespace {

constexpr uint16_t vlan_mask = 0xfff, vlan_none = 0, vlan_reserved = 0xfff;

bool is_tag(uint16_t type) noexcept {
    return type == 0x8100 || type == 0x88a8 || type == 0x9100;
}

/* Puts one tag on; false: no such VLAN. */
bool add_tag(Place &place, uint16_t type, uint16_t vlan) noexcept {
    if (vlan == vlan_none) {
        return true;
    }
    if (vlan == vlan_reserved) {
        return false;
    }
    uint8_t *tag = &place.tags[place.tags_count++ * vlan_tag_bytes];
    put16(tag, type);
    put16(tag + 2, vlan);
    return true;
}

} // namespace

bool is_sound(const Place &place) noexcept {
    if ((place.mac[0] & 1) || place.mac == decltype(place.mac){} ||
        place.tags_count > vlan_tags_max) {
        return false;
    }
    for (size_t i = 0; i < place.tags_count; i++) {
        const uint8_t *tag = &place.tags[i * vlan_tag_bytes];
        uint16_t vlan = get16(tag + 2);
        if (!is_tag(get16(tag)) || vlan == vlan_none || vlan >= vlan_reserved) {
            return false;
        }
    }
    return std::all_of(place.tags.begin() + place.tags_count * vlan_tag_bytes,
                       place.tags.end(), [](uint8_t unused) { return unused == 0; });
}

std::optional<GuestFrame> read_frame(std::span<const uint8_t> frame) noexcept {
    if (frame.size() < ethernet_head_bytes) {
        return std::nullopt;
    }
    GuestFrame f{};
    std::copy_n(&frame[FT_MAC_BYTES], FT_MAC_BYTES, f.place.mac.begin());
    f.type = get16(&frame[2 * FT_MAC_BYTES]);
    frame = frame.subspan(ethernet_head_bytes);
    while (is_tag(f.type) && f.place.tags_count < vlan_tags_max) {
        if (frame.size() < vlan_tag_bytes ||
            !add_tag(f.place, f.type, get16(frame.data()) & vlan_mask)) {
            return std::nullopt;
        }
        f.type = get16(&frame[2]);
        frame = frame.subspan(vlan_tag_bytes);
    }
    f.payload = frame;
    return is_sound(f.place) ? std::optional(f) : std::nullopt;
}

std::vector<uint8_t> make_rarp(const Place &place) {
    /* Ethernet, IPv4, their lengths, request reverse. */
    static constexpr uint8_t fixed[] = {0x80, 0x35, 0, 1, 8, 0, 6, 4, 0, 3};
    static constexpr size_t payload_bytes = 46; /* the shortest that Ethernet has */
    std::vector<uint8_t> f(FT_MAC_BYTES, 0xff);
    auto add = [&](const auto &bytes, size_t count) {
        f.insert(f.end(), std::begin(bytes), std::begin(bytes) + ptrdiff_t(count));
    };

    add(place.mac, place.mac.size());
    add(place.tags, place.tags_count * vlan_tag_bytes);
    add(fixed, std::size(fixed));
    for (int sender_and_target = 0; sender_and_target < 2; sender_and_target++) {
        add(place.mac, place.mac.size());
        f.insert(f.end(), 4, 0);
    }
    f.resize(ethernet_head_bytes + place.tags_count * vlan_tag_bytes + payload_bytes);
    return f;
}

} // namespace ft
