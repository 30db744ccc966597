/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/membership_report.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "accel/ft/hash.hpp"
#include "net/ft-filter/network_bytes.hpp"

namespace ft {

namespace {

using Bytes = std::span<const uint8_t>;

constexpr uint16_t type_ipv4 = 0x0800, type_ipv6 = 0x86dd;
constexpr uint8_t protocol_igmp = 2, protocol_icmpv6 = 58, protocol_pim = 103;
constexpr uint8_t next_hop_by_hop = 0, next_destination_options = 60;
constexpr uint8_t pim_hello = 0x20; /* version 2, type 0 */

/* IGMP and MLD are one protocol with two sizes of address and two sets of numbers. */
struct Numbers {
    size_t address_bytes;
    size_t group_at; /* of all messages but the newest report */
    uint8_t query, report_old, report, leave, report_list;
    uint8_t multicast_mask, multicast; /* the first byte of a group's address */
};
constexpr Numbers igmp{4, 4, 0x11, 0x12, 0x16, 0x17, 0x22, 0xf0, 0xe0};
constexpr Numbers mld{16, 8, 130, 131, 131, 132, 143, 0xff, 0xff};

/* Record types of IGMPv3 and MLDv2 (RFC 3376, 4.2.12). */
enum : uint8_t { is_include = 1, is_exclude, to_include, to_exclude, allow, block };

/* What the record says to a switch; no value: nothing, or it is of a later version. */
std::optional<Says> meaning(uint8_t type, size_t sources) noexcept {
    switch (type) {
    case is_exclude:
    case to_exclude:
        return Says::Listens;
    case to_include:
        return sources ? Says::Listens : Says::Leaves;
    case is_include:
        /* A report that answers a query for some sources names only those. */
        return sources ? Says::Adds : Says::Leaves;
    case allow:
        return sources ? std::optional(Says::Adds) : std::nullopt;
    case block:
        return sources ? std::optional(Says::Blocks) : std::nullopt;
    default:
        return std::nullopt;
    }
}

class Report {
  public:
    explicit Report(const Place &place)
        : place_(hash64(reinterpret_cast<const uint8_t *>(&place), sizeof(place))) {}

    void add(Says says, uint8_t protocol, Bytes group, Bytes sources = {}) {
        uint64_t key = hash64_seeded(group.data(), group.size(), place_ + protocol);
        records.push_back(
            {.key = key, .sources = hash64(sources.data(), sources.size()), .says = says});
    }

    /* From this a switch learns where a multicast router is. */
    void add_router(uint8_t protocol) { add(Says::Listens, protocol, {}); }

    std::vector<GroupRecord> records;

  private:
    static_assert(std::has_unique_object_representations_v<Place>);
    const uint64_t place_;
};

bool is_group(Bytes address, const Numbers &n) noexcept {
    return (address[0] & n.multicast_mask) == n.multicast;
}

/* IGMPv3, MLDv2: a list of records. */
void read_list(Bytes m, const Numbers &n, Report &report) {
    size_t count = get16(&m[6]);
    Bytes rest = m.subspan(8);

    while (count-- > 0) {
        size_t head = 4 + n.address_bytes;
        if (rest.size() < head) {
            report.records.clear();
            return;
        }
        size_t sources = get16(&rest[2]);
        size_t len = sources * n.address_bytes, auxiliary = rest[1] * size_t(4);
        if (rest.size() - head < len + auxiliary) {
            report.records.clear();
            return;
        }
        Bytes group = rest.subspan(4, n.address_bytes);
        std::optional<Says> says = meaning(rest[0], sources);
        if (says && is_group(group, n)) {
            report.add(*says, n.report, group, rest.subspan(head, len));
        }
        rest = rest.subspan(head + len + auxiliary);
    }
}

void read_message(Bytes m, const Numbers &n, Report &report) {
    if (m.size() < 8) {
        return;
    }
    if (m[0] == n.report_list) {
        read_list(m, n, report);
        return;
    }
    if (m.size() < n.group_at + n.address_bytes) {
        return;
    }
    Bytes group = m.subspan(n.group_at, n.address_bytes);
    bool general = std::ranges::all_of(group, [](uint8_t b) { return b == 0; });
    if (m[0] == n.query && general) {
        report.add_router(n.query);
    } else if (m[0] == n.leave && is_group(group, n)) {
        report.add(Says::Leaves, n.report, group);
    } else if ((m[0] == n.report || m[0] == n.report_old) && is_group(group, n)) {
        report.add(Says::Listens, n.report, group);
    }
}

void read_pim(Bytes m, uint8_t family, Report &report) {
    if (m.size() >= 4 && m[0] == pim_hello) {
        report.add_router(family);
    }
}

void read_ipv4(Bytes p, Report &report) {
    if (p.size() < 20 || p[0] >> 4 != 4) {
        return;
    }
    size_t head = (p[0] & 15) * size_t(4), total = get16(&p[2]);
    bool fragment = get16(&p[6]) & 0x3fff;
    if (head < 20 || total < head || total > p.size() || fragment) {
        return;
    }
    Bytes message = p.subspan(head, total - head);
    if (p[9] == protocol_igmp) {
        read_message(message, igmp, report);
    } else if (p[9] == protocol_pim) {
        read_pim(message, 4, report);
    }
}

void read_ipv6(Bytes p, Report &report) {
    if (p.size() < 40 || p[0] >> 4 != 6 || get16(&p[4]) > p.size() - 40) {
        return;
    }
    uint8_t next = p[6];
    p = p.subspan(40, get16(&p[4]));
    /* The router alert of MLD is an option of the first. */
    while (next == next_hop_by_hop || next == next_destination_options) {
        if (p.size() < 8 || p.size() < (p[1] + size_t(1)) * 8) {
            return;
        }
        next = p[0];
        p = p.subspan((p[1] + size_t(1)) * 8);
    }
    if (next == protocol_icmpv6) {
        read_message(p, mld, report);
    } else if (next == protocol_pim) {
        read_pim(p, 6, report);
    }
}

} // namespace

std::vector<GroupRecord> read_report(const GuestFrame &frame) {
    Report report(frame.place);

    if (frame.type == type_ipv4) {
        read_ipv4(frame.payload, report);
    } else if (frame.type == type_ipv6) {
        read_ipv6(frame.payload, report);
    }
    return std::move(report.records);
}

} // namespace ft
