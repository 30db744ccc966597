/*
 * A primary's command line, turned into the one of a secondary for it.
 *
 * Nobody has to keep two command lines equal: what the primary was started with
 * is the truth. Only words change, no file is touched:
 *
 * - every "-machine" loses ft, ft-peer and ft-listen; a last one says
 *   ft=secondary and where to listen (QEMU merges them);
 * - -S, -incoming and -loadvm go: the state comes from the primary;
 * - the monitor by which ftctl knows the primary gets the other host's path;
 *   further monitors, consoles, log and pid files get a name of their own,
 *   vm.serial becomes vm-r1.serial and then vm-r2.serial, so that both fit on
 *   one host;
 * - the caller's own changes are made last: {"n0.ifname", "tap1"} sets a
 *   property of the option with id=n0, {"machine.ft-timeout", "900"} one of
 *   -machine, {"serial", "null"} the whole value of -serial. An empty value
 *   removes.
 *
 * Pure functions. tools/ftpair/secondary_line.py does the same for tests
 * that start nodes by themselves.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_SECONDARY_LINE_HPP
#define FTCTL_SECONDARY_LINE_HPP

#include <map>
#include <string>
#include <vector>

#include "sentence.hpp"

namespace ftctl {

using CommandLine = std::vector<std::string>;

struct LineChanges {
    std::string listen;       /* HOST:PORT */
    std::string monitor_from; /* the primary's; empty: all monitors are numbered */
    std::string monitor_to;
    std::map<std::string, std::string> set;
};

/* arguments[0] is the program. */
Result<CommandLine> secondary_line(const CommandLine &arguments, const LineChanges &changes);

/* vm.qmp -> vm-r1.qmp -> vm-r2.qmp: never the name its parent has. */
std::string own_name(const std::string &path);

/* For a shell. */
std::string quoted(const CommandLine &line);

} // namespace ftctl

#endif
