/*
 * What virt-install 4.1 of Debian 12 prints (test/data/README says with which
 * words), what check says of it and what convert makes of it.
 *
 * With FT_WRITE_GOLDENS=1 in the environment the expectations are written anew;
 * read the difference before you commit it.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_DOMAIN_TEST_GOLDENS_HPP
#define FTCTL_DOMAIN_TEST_GOLDENS_HPP

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "domain/convert.hpp"

namespace ftctl::domain {

inline const char *const golden_names[] = {
    "default",    "two_vcpus",        "uefi",          "pc",          "scsi", "sata",    "e1000e", "vnc",     "spice",
    "cloud_init", "host_passthrough", "install_cdrom", "serial_only", "nat",  "windows", "many",   "bare_ft",
};

inline std::string data_path(const std::string &name) {
    return std::string(FT_TEST_DATA) + "/" + name;
}

inline std::string read_file(const std::string &path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

inline std::string golden(const std::string &name) {
    return read_file(data_path(name + ".xml"));
}

inline void write_golden(const std::string &name, const std::string &text) {
    if (std::getenv("FT_WRITE_GOLDENS")) {
        std::ofstream(data_path(name)) << text;
    }
}

/* The emulator is that of README, which no machine needs to have. */
inline Wish some_wish(const std::string &options = "ft-timeout=2000") {
    Wish wish;
    wish.facts.emulator = "/opt/qemu-ft/build/qemu-system-x86_64";
    wish.pair.arbiter = "file:/shared/ft";
    wish.pair.options = options;
    wish.pair.hosts = {{"a", "qemu+ssh://host-a/system", "10.99.0.1:7000"},
                       {"b", "qemu+ssh://host-b/system", "10.99.0.2:7000"}};
    return wish;
}

/* One line a finding, as in the .check files. */
inline std::string lines_of(const std::vector<Findings> &documents) {
    std::ostringstream out;
    for (const Findings &findings : documents) {
        for (const Finding &f : findings) {
            out << (f.severity == Severity::Refused ? "refused " : "note    ") << f.place << " " << f.element
                << "\n        " << (f.instead.empty() ? "(left out)" : f.instead) << "\n";
        }
        out << "--\n";
    }
    return out.str();
}

} // namespace ftctl::domain

#endif
