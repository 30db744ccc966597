/*
 * Frames of a guest for tests: Ethernet with tags, IGMP, MLD, PIM.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef TESTS_UNIT_SEEN_FRAMES_HPP
#define TESTS_UNIT_SEEN_FRAMES_HPP

#include <cstdint>
#include <initializer_list>
#include <vector>

namespace frames {

using Bytes = std::vector<uint8_t>;

inline Bytes join(std::initializer_list<Bytes> parts) {
    Bytes all;
    for (const Bytes &p : parts) {
        all.insert(all.end(), p.begin(), p.end());
    }
    return all;
}

inline Bytes be16(size_t v) {
    return {uint8_t(v >> 8), uint8_t(v)};
}

inline Bytes mac(uint32_t number) {
    return {0x52,
            0x54,
            uint8_t(number >> 24),
            uint8_t(number >> 16),
            uint8_t(number >> 8),
            uint8_t(number)};
}

inline Bytes tag(uint16_t type, uint16_t tci) {
    return join({be16(type), be16(tci)});
}

/* To a group, so that it is looked into. */
inline Bytes ethernet(const Bytes &source, const Bytes &tags, uint16_t type,
                      const Bytes &payload) {
    return join({{1, 0, 0x5e, 0, 0, 22}, source, tags, be16(type), payload});
}

/* With the router alert option. */
inline Bytes ipv4(uint8_t protocol, const Bytes &message) {
    return join({{0x46, 0},
                 be16(24 + message.size()),
                 {0, 1, 0x40, 0, 1, protocol, 0, 0},
                 {10, 77, 0, 10},
                 {224, 0, 0, 22},
                 {0x94, 4, 0, 0},
                 message});
}

/* With the router alert in a hop-by-hop header. */
inline Bytes ipv6(uint8_t next, const Bytes &message) {
    Bytes from(16, 0xfe), to(16, 0xff);
    return join({{0x60, 0, 0, 0},
                 be16(8 + message.size()),
                 {0, 1},
                 from,
                 to,
                 {next, 0, 5, 2, 0, 0, 1, 0},
                 message});
}

inline Bytes group4(uint8_t last) {
    return {239, 1, 2, last};
}
inline Bytes group6(uint8_t last) {
    Bytes g(16, 0);
    g[0] = 0xff, g[1] = 0x05, g[15] = last;
    return g;
}

inline Bytes igmp(uint8_t type, const Bytes &group) {
    return ipv4(2, join({{type, 0, 0, 0}, group}));
}
inline Bytes mld(uint8_t type, const Bytes &group) {
    return ipv6(58, join({{type, 0, 0, 0, 0, 0, 0, 0}, group}));
}

/* A record of IGMPv3 or MLDv2; sources: their last bytes. */
inline Bytes record(uint8_t type, const Bytes &group, const Bytes &sources = {}) {
    Bytes r = join({{type, 0}, be16(sources.size()), group});
    for (uint8_t last : sources) {
        Bytes address(group.size(), 10);
        address.back() = last;
        r = join({r, address});
    }
    return r;
}
inline Bytes report3(std::initializer_list<Bytes> records) {
    return ipv4(2, join({{0x22, 0, 0, 0, 0, 0}, be16(records.size()), join(records)}));
}
inline Bytes mld2(std::initializer_list<Bytes> records) {
    return ipv6(58, join({{143, 0, 0, 0, 0, 0}, be16(records.size()), join(records)}));
}

inline constexpr uint16_t type4 = 0x0800, type6 = 0x86dd;

} // namespace frames

#endif
