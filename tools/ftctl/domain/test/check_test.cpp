/*
 * Goal: check names every element that cannot be protected, not the first one.
 * Method: domains as virt-install writes them against what is expected of each;
 * for the default one the list is written by hand, from what a real libvirtd and
 * QEMU refused one after the other. Then the table itself, rule by rule.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "goldens.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "domain/documents.hpp"
#include "domain/places.hpp"

namespace ftctl::domain {
namespace {

bool names(const Findings &findings, const std::string &place, const std::string &instead) {
    return std::ranges::any_of(findings, [&](const Finding &f) {
        return f.severity == Severity::Refused && f.place == place && f.instead == instead;
    });
}

Findings findings_of(const std::string &text) {
    auto all = check_domain(text);
    EXPECT_TRUE(all) << all.error().text;
    return all ? all->front() : Findings{};
}

/* A domain with which nothing is wrong, but for what is put in. */
std::string domain_with(const std::string &device, const std::string &more = "") {
    return "<domain "
           "type='qemu'><name>g</name><uuid>5f0c1f3e-6c58-4f4e-9a51-3c1d7c1b9a10</"
           "uuid><memory>65536</memory><vcpu>1</vcpu>"
           "<os><type machine='pc-q35-10.0'>hvm</type></os><features><acpi/></features>" +
           more +
           "<devices><emulator>/opt/ft/qemu</emulator><controller type='usb' "
           "model='none'/><memballoon model='none'/><console type='pty'/>" +
           device + "</devices></domain>";
}

TEST(Check, NamesAllOfVirtInstallsDefault) {
    Findings f = findings_of(golden("default"));
    const struct {
        const char *place, *instead;
    } wanted[] = {
        {"/domain/@type", "type='qemu'"},
        {"/domain/vcpu", "<vcpu>1</vcpu>"},
        {"/domain/os/type", "<type arch='x86_64' machine='pc-q35-10.0'>hvm</type>"},
        {"/domain/devices/emulator", "<emulator>/opt/qemu-ft/build/qemu-system-x86_64</emulator>"},
        {"/domain/devices/controller[1]", "<controller type='usb' model='none'/>"},
        {"/domain/devices/interface", "<driver name='qemu'/>"},
        {"/domain/devices/channel[1]", ""},
        {"/domain/devices/channel[2]", ""},
        {"/domain/devices/input", ""},
        {"/domain/devices/graphics", ""},
        {"/domain/devices/sound", ""},
        {"/domain/devices/video/model", "<model type='none'/>"},
        {"/domain/devices/redirdev[1]", ""},
        {"/domain/devices/redirdev[2]", ""},
        {"/domain/devices/memballoon", "<memballoon model='none'/>"},
        {"/domain/devices/rng/backend", "<backend model='builtin'/>"},
        {"/domain/cpu", "<cpu mode='custom' match='exact' check='none'><model "
                        "fallback='forbid'>Nehalem</model></cpu>"},
    };
    for (const auto &[place, instead] : wanted) {
        EXPECT_TRUE(names(f, place, instead)) << place;
    }
    EXPECT_EQ(refused(f), std::size(wanted)) << lines_of({f});
}

TEST(Check, SaysOfEachGoldenWhatIsExpected) {
    for (const char *name : golden_names) {
        auto found = check_domain(golden(name));
        ASSERT_TRUE(found) << name << ": " << found.error().text;
        write_golden(std::string(name) + ".check", lines_of(*found));
        EXPECT_EQ(lines_of(*found), read_file(data_path(std::string(name) + ".check"))) << name;
    }
}

TEST(Check, LooksAtBothDocumentsOfAnInstallation) {
    auto found = check_domain(golden("install_cdrom"));
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 2u);
    EXPECT_GT(refused((*found)[0]), 10u);
    EXPECT_GT(refused((*found)[1]), 10u);
}

TEST(Check, RefusesNothingOfAGoodDomain) {
    EXPECT_EQ(
        lines_of({findings_of(domain_with("<interface type='bridge'><mac address='52:54:00:00:00:01'/><source "
                                          "bridge='br0'/><model type='virtio'/><driver name='qemu'/></interface>"
                                          "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source "
                                          "file='/a'/><target dev='vda' bus='virtio'/></disk>"
                                          "<rng model='virtio'><backend model='builtin'/></rng><serial "
                                          "type='file'><source path='/x'/></serial><panic model='isa'/>"
                                          "<watchdog model='itco' action='reset'/><audio id='1' type='none'/><input "
                                          "type='keyboard' bus='ps2'/><input type='mouse' bus='ps2'/>"
                                          "<controller type='pci' model='pcie-root'/><controller type='pci' "
                                          "model='pcie-root-port'/><controller type='sata'/>"))}),
        "note    /domain <domain type='qemu'>...\n        <metadata><ft:pair "
        ".../></metadata>\n--\n");
}

/* Each with the place that has to be named. */
TEST(Check, KnowsWhatVirtInstallDoesNotWrite) {
    const struct {
        const char *device, *place;
    } cases[] = {
        {"<rng model='virtio'><backend model='egd' type='udp'/></rng>", "/domain/devices/rng/backend"},
        {"<rng model='virtio'><backend model='random'>/dev/hwrng</backend></rng>", "/domain/devices/rng/backend"},
        {"<input type='evdev'><source dev='/dev/input/event1'/></input>", "/domain/devices/input"},
        {"<crypto model='virtio' type='qemu'><backend model='builtin'/></crypto>", "/domain/devices/crypto"},
        {"<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>", "/domain/devices/disk"},
        {"<disk type='file'><target dev='sda'/></disk>", "/domain/devices/disk/target"},
        {"<disk type='file'><driver iothread='1'/><target dev='vda' bus='virtio'/></disk>",
         "/domain/devices/disk/driver/@iothread"},
        {"<disk type='file'><driver error_policy='stop'/><target dev='vda' "
         "bus='virtio'/></disk>",
         "/domain/devices/disk/driver/@error_policy"},
        {"<disk type='file'><target dev='vda' "
         "bus='virtio'/><iotune><total_iops_sec>9</total_iops_sec></iotune></disk>",
         "/domain/devices/disk/iotune"},
        {"<disk type='vhostuser'><target dev='vda' bus='virtio'/></disk>", "/domain/devices/disk"},
        {"<interface type='bridge'><source bridge='b'/><model type='virtio'/><driver "
         "name='qemu'/></interface>",
         "/domain/devices/interface"},
        {"<interface type='bridge'><mac address='52:54:00:00:00:01'/><model "
         "type='virtio'/><driver name='vhost'/></interface>",
         "/domain/devices/interface"},
        {"<interface type='bridge'><mac address='52:54:00:00:00:01'/><model "
         "type='virtio'/><driver name='qemu' queues='4'/></interface>",
         "/domain/devices/interface/driver/@queues"},
        {"<interface type='hostdev'><mac address='52:54:00:00:00:01'/><model "
         "type='virtio'/><driver name='qemu'/></interface>",
         "/domain/devices/interface"},
        {"<interface type='bridge'><mac address='52:54:00:00:00:01'/></interface>", "/domain/devices/interface"},
        {"<console type='pty'><target type='virtio'/></console>", "/domain/devices/console[2]"},
        {"<controller type='pci' model='dmi-to-pci-bridge'/>", "/domain/devices/controller[2]"},
        {"<watchdog model='itco' action='pause'/>", "/domain/devices/watchdog/@action"},
        {"<memory model='dimm'/>", "/domain/devices/memory"},
        {"<novelty/>", "/domain/devices/novelty"},
    };
    for (const auto &[device, place] : cases) {
        Findings f = findings_of(domain_with(device));
        EXPECT_EQ(refused(f), 1u) << device << "\n" << lines_of({f});
        EXPECT_TRUE(std::ranges::any_of(f, [&](const Finding &one) { return one.place == place; })) << device << "\n"
                                                                                                    << lines_of({f});
    }
}

TEST(Check, SharedImagesNeedMore) {
    std::string disk = "<disk type='file'><driver type='raw'/><source file='/a'/><target "
                       "dev='vda' bus='virtio'/></disk>";
    std::string shared = "<metadata><ft:pair xmlns:ft='urn:qemu-ft:pair:1' "
                         "options='ft-disk=shared'/></metadata>";
    EXPECT_EQ(refused(findings_of(domain_with(disk))), 0u);
    Findings f = findings_of(domain_with(disk, shared));
    EXPECT_EQ(refused(f), 2u) << lines_of({f});
    EXPECT_TRUE(names(f, "/domain/devices/disk", "<driver cache='none'/>"));
    EXPECT_TRUE(names(f, "/domain/devices/disk/source", "<seclabel model='dac' relabel='no'/>"));
}

TEST(Check, KnowsWhatIsNoDevice) {
    const struct {
        const char *more, *place;
    } cases[] = {
        {"<pm><suspend-to-mem enabled='yes'/></pm>", "/domain/pm/suspend-to-mem"},
        {"<clock offset='localtime'/>", "/domain/clock/@offset"},
        {"<iothreads>1</iothreads>", "/domain/iothreads"},
        {"<on_crash>restart</on_crash>", "/domain/on_crash"},
        {"<genid/>", "/domain/genid"},
        {"<cpu mode='host-model'/>", "/domain/cpu"},
        {"<maxMemory slots='2'>99</maxMemory>", "/domain/maxMemory"},
        {"<launchSecurity type='sev'/>", "/domain/launchSecurity"},
    };
    for (const auto &[more, place] : cases) {
        Findings f = findings_of(domain_with("", more));
        EXPECT_EQ(refused(f), 1u) << more << "\n" << lines_of({f});
        EXPECT_TRUE(std::ranges::any_of(f, [&](const Finding &one) { return one.place == place; })) << more;
    }
}

TEST(Check, BoardsAreWrittenOutWhole) {
    const struct {
        const char *machine;
        bool good;
    } cases[] = {{"pc-q35-10.0", true},  {"pc-i440fx-10.0", true},
                 {"pc-q35-7.2", true},   {"pc-i440fx-2.12", true},
                 {"q35", false},         {"pc", false},
                 {"pc-q35-10.1", false}, {"pc-i440fx-11.0", false},
                 {"microvm", false},     {"pc-q35-noble", false}};
    for (const auto &[machine, good] : cases) {
        std::string text = domain_with("");
        text.replace(text.find("pc-q35-10.0"), 11, machine);
        EXPECT_EQ(refused(findings_of(text)), good ? 0u : 1u) << machine;
    }
}

/* Each rule's XPath is sound, and each text to write instead is XML. */
TEST(Rules, AreWellFormed) {
    auto documents = parse_domains(domain_with(""));
    ASSERT_TRUE(documents);
    for (const Rule &rule : rules()) {
        places(documents->front(), rule.where, {});
        EXPECT_NE(std::string(rule.why), "") << rule.where;
        if (rule.fix && rule.instead[0] == '<' && std::string(rule.instead).find("check=") == std::string::npos) {
            EXPECT_TRUE(parse_domains("<domain>" + filled(rule.instead, {}) + "</domain>")) << rule.instead;
        }
    }
}

} // namespace
} // namespace ftctl::domain
