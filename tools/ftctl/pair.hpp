/*
 * The description of a pair: which hosts, in order of preference, may run the
 * guest, and with what arbiter and options. ftctl keeps no state of its own;
 * this stands in the domain's metadata, on every host the same:
 *
 *   <metadata>
 *     <ft:pair xmlns:ft='urn:qemu-ft:pair:1' arbiter='file:/shared/ft' options='ft-timeout=2000'>
 *       <ft:host name='a' uri='qemu+ssh://host-a/system' log='10.99.0.1:7000'/>
 *       <ft:host name='b' uri='qemu+ssh://host-b/system' log='10.99.0.2:7000'/>
 *     </ft:pair>
 *   </metadata>
 *
 * Everything here is a pure function of its text; anybody who can define a
 * domain may have written it, so each field is checked and named when wrong.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_PAIR_HPP
#define FTCTL_PAIR_HPP

#include <string>
#include <string_view>
#include <vector>

#include "sentence.hpp"

namespace ftctl {

inline constexpr const char *pair_namespace = "urn:qemu-ft:pair:1";

struct Host {
    std::string name;
    std::string uri; /* libvirt's; empty for a host of a hosts file */
    std::string log; /* HOST:PORT at which its secondary is reached */

    bool operator==(const Host &) const = default;
};

struct PairDescription {
    std::string name;
    std::string uuid; /* empty: not given yet, define gives it one */
    std::string arbiter;
    std::string options;
    std::vector<Host> hosts;

    const Host *host(std::string_view name) const;
    bool operator==(const PairDescription &) const = default;
};

/* Of a domain's XML. */
Result<PairDescription> parse_pair(const std::string &xml);

/* HOST:PORT, [HOST]:PORT -> the port. */
Result<std::string> port_of(const std::string &log);

/* Every address of the host, at that port. */
Result<std::string> listen_anywhere(const std::string &log);

/* What every host can listen at under one XML: 0.0.0.0:PORT, or [::]:PORT for
 * an IPv6 address. All hosts of the pair must agree on it. */
Result<std::string> listen_everywhere(const PairDescription &pair);

} // namespace ftctl

#endif
