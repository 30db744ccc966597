/*
 * The pairs that one libvirtd knows, and which of a pair's hosts it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_LOCAL_PAIRS_HPP
#define FTCTL_LOCAL_PAIRS_HPP

#include <string>
#include <vector>

#include "libvirt_host.hpp"
#include "pair.hpp"

namespace ftctl {

/* The pair of that name. */
Result<PairDescription> find_pair(LibvirtHost &libvirt, const std::string &name, Deadline deadline);

/* A domain with <ft:pair>, or what is wrong with it. */
struct FoundPair {
    std::string name;
    Result<PairDescription> pair;
};
Result<std::vector<FoundPair>> list_pairs(LibvirtHost &libvirt, Deadline deadline);

/* The pair's host whose libvirtd this is: by its name, or its first label; else
 * by asking all hosts for their UUID, which takes seconds (their capabilities). */
Result<std::string> own_host(const PairDescription &pair, LibvirtHost &local, Deadline deadline);
/* The part of own_host() that asks nobody: the host of that name. Empty if there is
 * none, or more than one. */
std::string host_by_name(const PairDescription &pair, const std::string &host_name);

} // namespace ftctl

#endif
