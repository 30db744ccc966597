/*
 * A hosts file: a pair of plain QEMU processes, for ftctl --hosts.
 *
 *   { "name": "guest1",
 *     "hosts": [
 *       { "name": "a", "log": "10.99.0.1:7000", "qmp": "vm-a.qmp", "folder": "/srv/vm" },
 *       { "name": "b", "log": "10.99.0.2:7000", "qmp": "exec:ssh b socat - UNIX-CONNECT:/srv/vm/vm-b.qmp",
 *         "folder": "/srv/vm", "start": ["ssh", "b"], "set": { "n0.ifname": "tap1" }, "output": "b.log" } ] }
 *
 * folder: where QEMU runs on that host, by default the file's own; start: what
 * a node is started with, by default nothing; output: where what it says goes,
 * on this host (default NAME-HOST.log in the file's folder).
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_HOSTS_FILE_HPP
#define FTCTL_HOSTS_FILE_HPP

#include "qmp_node.hpp"

namespace ftctl {

struct HostsFile {
    PairDescription pair;
    std::vector<Place> places; /* one for each host */
};

/* folder: the file's. Pure; each field that is wrong is named. */
Result<HostsFile> parse_hosts_file(const std::string &text, const std::string &folder);
Result<HostsFile> read_hosts_file(const std::string &path);

} // namespace ftctl

#endif
