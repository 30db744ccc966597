/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs.hpp"

#include <CLI/CLI.hpp>

namespace ftctl {
namespace {

void common(CLI::App &c, Options &o) {
    c.add_option("--connect,-c", o.connect, "the libvirtd that is asked for the guest")->capture_default_str();
    c.add_flag("--json", o.as_json, "print one JSON object");
}

void guest(CLI::App &c, Options &o) {
    c.add_option("NAME", o.name, "the guest's name")->required();
    common(c, o);
    c.add_option("--hosts", o.hosts_file, "plain QEMU processes without libvirt: a JSON file that names them");
}

void patient(CLI::App &c, Options &o) {
    guest(c, o);
    c.add_option("--seconds", o.seconds, "give up after so long");
}

void define_arguments(CLI::App &c, Options &o) {
    c.add_option("FILE", o.name, "the domain's XML, or - for stdin")->required();
    common(c, o);
}

void start_arguments(CLI::App &c, Options &o) {
    patient(c, o);
    c.add_option("--on", o.on, "the host that runs the guest first (default: the first of the list)");
    c.add_flag("--force", o.force, "the hosts that cannot be asked are switched off: I have made sure");
}

void stop_arguments(CLI::App &c, Options &o) {
    guest(c, o);
    c.add_flag("--force", o.force, "end whatever can be ended, also if nobody says that it is the primary");
}

void respawn_arguments(CLI::App &c, Options &o) {
    patient(c, o);
    c.add_option("--on", o.on, "the host for the second node (default: the first that takes it)");
}

void failover_arguments(CLI::App &c, Options &o) {
    patient(c, o);
    c.add_flag("!--no-respawn", o.respawn, "end the old primary and leave the guest exposed");
}

constexpr Verb table[] = {
    {"define", "stores a pair's domain on all its hosts", "", define_arguments, define},
    {"start", "starts a pair", "", start_arguments, start},
    {"stop", "ends a pair for good, the guest's power cut", "", stop_arguments, stop},
    {"shutdown", "presses the guest's power button and waits until it is off", "", patient, shutdown},
    {"reboot", "the same, and waits until it is up and protected again", "", patient, reboot},
    {"status", "one line for each host", "", patient, status},
    {"failover", "hands the guest over to its other host", "", failover_arguments, failover},
    {"respawn", "gives an exposed guest a second node", "", respawn_arguments, respawn},
    {"test-failover", "hands over, and protects again; prints times", "", patient, test_failover},
    {"test-restart", "replaces the second node; prints times", "", patient, test_restart},
};

} // namespace

std::span<const Verb> verbs() {
    return table;
}

} // namespace ftctl
