/*
 * A domain's XML from where the operator says: a file, stdin, or a libvirtd.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_READ_DOMAIN_HPP
#define FTCTL_READ_DOMAIN_HPP

#include <string>

#include "options.hpp"
#include "sentence.hpp"

namespace ftctl {

/* "-" is stdin; a path, or a name for which there is a file, is a file; anything
 * else is a domain that the libvirtd of --connect has stored. */
Result<std::string> read_domain(const Options &options);

} // namespace ftctl

#endif
