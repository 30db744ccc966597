/*
 * A pair's domain, rewritten: as it is stored on all hosts (a waiting
 * secondary), and as it is started in one role on one host. Pure functions.
 *
 * The ft words stand in <qemu:commandline> as a second -machine, which QEMU
 * merges into libvirt's own. What belongs to the host that the text was read
 * from goes: the run's id, taps that libvirt has named (vnetN), the labels it
 * made up for this run.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_XML_HPP
#define FTCTL_DOMAIN_XML_HPP

#include <string>

#include "machine_words.hpp"
#include "pair.hpp"

namespace ftctl {

/* All ft words are written anew from the pair's description. */
Result<std::string> stored_xml(const std::string &xml, const PairDescription &pair);

/* Only the role's words change; the rest is as the survivor was started. A
 * domain without ft words is refused: it is not of a pair. */
Result<std::string> role_xml(const std::string &xml, const Role &role);

/* Have two hosts the same domain stored? Byte by byte; else the first line that differs. */
Status same_xml(const std::string &a, const std::string &b);

} // namespace ftctl

#endif
