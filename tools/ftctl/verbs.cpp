/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs.hpp"

#include "manuals.hpp"

#include <CLI/CLI.hpp>

namespace ftctl {
namespace {

void common(CLI::App &c, Options &o) {
    c.add_option("--connect,-c", o.connect, "the libvirtd that is asked for the guest")->capture_default_str();
    c.add_flag("--json", o.as_json, "print one JSON object");
}

void guest(CLI::App &c, Options &o) {
    c.add_option("NAME", o.name, "the guest's name; not needed with --hosts");
    common(c, o);
    c.add_option("--hosts", o.hosts_file, "plain QEMU processes without libvirt: a JSON file that names them");
    c.callback([&o] {
        if (o.name.empty() && o.hosts_file.empty()) {
            throw CLI::RequiredError("NAME, or --hosts FILE,");
        }
    });
}

void patient(CLI::App &c, Options &o) {
    guest(c, o);
    c.add_option("--seconds", o.seconds, "give up after so long");
}

void domain_arguments(CLI::App &c, Options &o) {
    /* The options are one object for all verbs: a default is for those that ask for it. */
    c.callback([&o] { o.name = o.name.empty() ? "-" : o.name; });
    c.add_option("WHAT", o.name, "a file, - for stdin (default), or the name of a domain that libvirt has stored");
    c.add_option("--emulator", o.emulator, "path of the QEMU with ft=, the same on all hosts");
    common(c, o);
}

void convert_arguments(CLI::App &c, Options &o) {
    domain_arguments(c, o);
    c.add_option("--host", o.pair_hosts,
                 "NAME,URI,HOST:PORT: a host of the pair, its libvirt and its end of the log link; "
                 "once for each, in order of preference");
    c.add_option("--arbiter", o.arbiter, "who decides after a failure: file:DIR, a folder that all hosts share");
    c.add_option("--options", o.ft_options, "more ft- options: ft-timeout=2000,ft-disk=shared");
    c.add_option("--bridge", o.bridge, "for interfaces that cannot stay as they are");
    c.add_option("--cpu", o.cpu, "model for a guest that had the host's")->capture_default_str();
}

constexpr const char *check_manual =
    "Names every element that cannot be protected, each with what to write instead. What is only worth knowing is\n"
    "called a note. Asks no QEMU: what libvirt or QEMU refuse for other reasons is theirs to say.\n\n"
    "  virt-install ... --print-xml | ftctl check\n"
    "  ftctl check guest1 --json\n\n"
    "virt-install prints two domains for an installation: both are looked at. Exit status 1: something is refused.";

constexpr const char *convert_manual =
    "Prints the domain as it can be protected: what check refuses is left out or written anew, and the pair's\n"
    "description and its role, a waiting secondary, are put in. Without --host the domain's own <ft:pair> stays.\n"
    "Converting the result again changes nothing. Of virt-install's two domains the second is taken, the machine\n"
    "that an installation leaves. Where only a person can decide, nothing is printed but why.\n\n"
    "  virsh dumpxml --inactive guest1 | ftctl convert --arbiter file:/shared/ft\n"
    "      --host a,qemu+ssh://host-a/system,10.99.0.1:7000 --host b,qemu+ssh://host-b/system,10.99.0.2:7000 >guest1.xml\n"
    "  ftctl define guest1.xml\n\n"
    "The guest sees other hardware: drives become /dev/vdX, the screen becomes a serial console (its kernel needs\n"
    "console=ttyS0), the CPU a named model. Try the converted domain once before you rely on it.";

void define_arguments(CLI::App &c, Options &o) {
    c.add_option("FILE", o.name, "the domain's XML, - for stdin, or the name of a domain that libvirt has stored")
        ->required();
    common(c, o);
    c.add_flag("--unchecked", o.force, "also a domain in which ftctl check finds what cannot be protected");
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
    c.add_flag("--print", o.print, "start nothing; print what would be started");
}

void failover_arguments(CLI::App &c, Options &o) {
    patient(c, o);
    c.add_flag("!--no-respawn", o.respawn, "end the old primary and leave the guest exposed");
}

void local_arguments(CLI::App &c, Options &o) {
    common(c, o);
    c.add_option("--host", o.on, "this host's name in <ft:pair> (default: found by host name or UUID)");
}

void evacuate_arguments(CLI::App &c, Options &o) {
    local_arguments(c, o);
    c.add_flag("--back", o.back, "the host is back: it may be used again");
    c.add_option("--seconds", o.seconds, "give up after so long");
}

constexpr Verb table[] = {
    {"check", "names what of a domain cannot be protected", check_manual, domain_arguments, check},
    {"convert", "writes a domain that can be protected", convert_manual, convert_arguments, convert},
    {"define", "stores a pair's domain on all its hosts", manual::define, define_arguments, define},
    {"start", "starts a pair", manual::start, start_arguments, start},
    {"stop", "ends a pair for good, the guest's power cut", manual::stop, stop_arguments, stop},
    {"shutdown", "presses the guest's power button and waits until it is off", manual::shutdown, patient, shutdown},
    {"reboot", "the same, and waits until it is up and protected again", manual::reboot, patient, reboot},
    {"status", "one line for each host", manual::status, patient, status},
    {"watch", "prints what happens, until it is interrupted", manual::watch, guest, watch},
    {"failover", "hands the guest over to its other host", manual::failover, failover_arguments, failover},
    {"respawn", "gives an exposed guest a second node", manual::respawn, respawn_arguments, respawn},
    {"test-failover", "hands over, and protects again; prints times", manual::test_failover, patient, test_failover},
    {"test-restart", "replaces the second node; prints times", manual::test_restart, patient, test_restart},
    {"evacuate", "hands over what runs here: before this host is shut down", manual::evacuate, evacuate_arguments,
     evacuate},
    {"agent", "brings redundancy back by itself; one on each host", manual::agent, local_arguments, agent},
};

} // namespace

std::span<const Verb> verbs() {
    return table;
}

} // namespace ftctl
