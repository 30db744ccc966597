/*
 * What the command line says, for all verbs.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_OPTIONS_HPP
#define FTCTL_OPTIONS_HPP

#include <string>
#include <vector>

namespace ftctl {

struct Options {
    std::string name; /* the guest; define: the XML file */
    std::string connect = "qemu:///system";
    std::string hosts_file; /* not empty: plain QEMU processes, no libvirt */
    std::string on;         /* start: the primary's host; respawn: the secondary's; agent: this one */
    bool force = false;
    bool respawn = true;
    bool back = false;  /* evacuate: take the mark away again */
    bool print = false; /* respawn: only show what would be started */
    bool as_json = false;
    /* check, convert */
    std::string emulator; /* the QEMU with ft=, the same path on all hosts */
    std::string cpu = "Nehalem";
    std::string bridge;
    std::vector<std::string> pair_hosts; /* NAME,URI,HOST:PORT               */
    std::string arbiter;
    std::string ft_options;
    double seconds = 0; /* 0: the verb's own patience */

    double patience(double own) const { return seconds > 0 ? seconds : own; }
};

} // namespace ftctl

#endif
