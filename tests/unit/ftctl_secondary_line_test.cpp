/*
 * The command line of a secondary, made from its primary's; and the hosts file
 * of pairs without libvirt.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include "tools/ftctl/hosts_file.hpp"

using namespace ftctl;

namespace {

using Set = std::map<std::string, std::string>;

/* Without the program and the -machine at the end. */
CommandLine line(CommandLine words, LineChanges changes = {}) {
    changes.listen = "10.0.0.2:7000";
    words.insert(words.begin(), "qemu");
    auto made = secondary_line(words, changes);
    if (!made) {
        return {"error", made.error().text};
    }
    EXPECT_EQ(made->front(), "qemu");
    if (changes.set.empty()) {
        EXPECT_EQ(made->back(), "ft=secondary,ft-listen=10.0.0.2:7000");
        EXPECT_EQ((*made)[made->size() - 2], "-machine");
    }
    return {made->begin() + 1, made->end() - 2};
}

} // namespace

TEST(SecondaryLine, TheRoleGoesAndTheRestOfMachineStays) {
    EXPECT_EQ(line({"-machine",
                    "q35,ft=primary,ft-peer=b:7000,ft-arbiter=file:/x,ft-timeout=500"}),
              (CommandLine{"-machine", "q35,ft-arbiter=file:/x,ft-timeout=500"}));
    EXPECT_EQ(line({"-M", "pc", "-machine", "ft=primary,ft-peer=b:1"}),
              (CommandLine{"-machine", "pc"}));
}

TEST(SecondaryLine, ASurvivorWasASecondary) {
    auto first =
        secondary_line({"qemu", "-machine", "q35,ft=primary"}, {"a:1", "", "", {}});
    auto second = secondary_line(*first, {"b:2", "", "", {}});
    EXPECT_EQ(*second, (CommandLine{"qemu", "-machine", "q35", "-machine",
                                    "ft=secondary,ft-listen=b:2"}));
}

TEST(SecondaryLine, WhatOnlyAPrimaryHasGoes) {
    EXPECT_EQ(line({"-S", "-incoming", "defer", "-m", "256", "-nodefaults"}),
              (CommandLine{"-m", "256", "-nodefaults"}));
    EXPECT_EQ(line({"-append", "-S"}), (CommandLine{"-append", "-S"}));
}

TEST(SecondaryLine, FilesGetNamesOfTheirOwn) {
    EXPECT_EQ(line({"-qmp", "unix:vm.qmp,server=on", "-serial", "file:/log/vm-r1.serial",
                    "-pidfile", "vm.pid", "-monitor", "mon:stdio", "-chardev",
                    "socket,id=c,path=/run/a,,b.sock,server=on"}),
              (CommandLine{"-qmp", "unix:vm-r1.qmp,server=on", "-serial",
                           "file:/log/vm-r2.serial", "-pidfile", "vm-r1.pid", "-monitor",
                           "mon:stdio", "-chardev",
                           "socket,id=c,path=/run/a,,b-r1.sock,server=on"}));
    EXPECT_EQ(own_name("vm"), "vm-r1");
    EXPECT_EQ(own_name("/a-r9/vm-r9.qmp"), "/a-r9/vm-r10.qmp");
    EXPECT_EQ(own_name("vm-rx"), "vm-rx-r1");
}

TEST(SecondaryLine, TheMonitorIsTheOneOfTheHost) {
    LineChanges changes{"", "a/vm-a.qmp", "vm-b.qmp", {}};
    EXPECT_EQ(line({"-qmp", "unix:vm-a.qmp,server=on", "-qmp", "unix:other.qmp,server=on"},
                   changes),
              (CommandLine{"-qmp", "unix:vm-b.qmp,server=on", "-qmp",
                           "unix:other-r1.qmp,server=on"}));
    EXPECT_EQ(line({"-chardev", "socket,id=m,path=/x/vm-a.qmp"}, changes),
              (CommandLine{"-chardev", "socket,id=m,path=vm-b.qmp"}));
    EXPECT_EQ(line({"-qmp", "unix:other.qmp"}, changes)[0], "error");
}

TEST(SecondaryLine, ChangesOfTheCaller) {
    LineChanges changes{
        "",
        "",
        "",
        {{"n0.ifname", "tap1"}, {"d0.mac", "52:54:00:00:00:01"}, {"serial", "null"}}};
    auto made = secondary_line({"qemu", "-netdev", "tap,id=n0,ifname=tap0", "-device",
                                "{\"driver\": \"virtio-net-pci\", \"id\": \"d0\"}",
                                "-serial", "stdio"},
                               changes);
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_EQ(
        *made,
        (CommandLine{
            "qemu", "-netdev", "tap,id=n0,ifname=tap1", "-device",
            "{\"driver\":\"virtio-net-pci\",\"id\":\"d0\",\"mac\":\"52:54:00:00:00:01\"}",
            "-serial", "null", "-machine", "ft=secondary"}));
    EXPECT_EQ(line({"-netdev", "tap,id=n0,br=x"}, {"", "", "", {{"n0.br", ""}}}),
              (CommandLine{"-netdev", "tap,id=n0"}));
    EXPECT_EQ(line({"-serial", "stdio"}, {"", "", "", {{"serial", ""}}}), (CommandLine{}));
    EXPECT_EQ(line({"-netdev", "tap,id=n0"}, {"", "", "", {{"n1.ifname", "tap1"}}})[0],
              "error");
}

TEST(SecondaryLine, InheritedFilesAreRefused) {
    EXPECT_EQ(line({"-chardev", "socket,id=m,fd=31"})[0], "error");
    EXPECT_EQ(line({"-netdev", "{\"type\":\"tap\",\"id\":\"n0\",\"fd\":\"33\"}"})[0],
              "error");
    EXPECT_EQ(line({"-drive", "file=/dev/fdset/1,if=none"})[0], "error");
    EXPECT_FALSE(secondary_line({}, {}));
}

TEST(SecondaryLine, QuotedForAShell) {
    EXPECT_EQ(quoted({"a", "b c", "it's", "", "x=y,z"}), "a 'b c' 'it'\\''s' '' x=y,z");
}

TEST(HostsFile, ReadsPlaces) {
    auto file = parse_hosts_file(R"({"name": "g", "hosts": [
        {"name": "a", "log": "10.0.0.1:1", "qmp": "a.qmp"},
        {"name": "b", "log": "10.0.0.2:1", "qmp": "/b.qmp", "folder": "vm", "start": ["ssh", "b"],
         "set": {"n0.ifname": "t"}, "output": "/x.log"}]})",
                                 "/srv");
    ASSERT_TRUE(file) << file.error().text;
    EXPECT_EQ(file->pair.name, "g");
    EXPECT_EQ(file->pair.hosts[1].log, "10.0.0.2:1");
    EXPECT_EQ(file->places[0].log_file, "/srv/g-a.log");
    EXPECT_EQ(file->places[1].folder, "/srv/vm");
    EXPECT_EQ(file->places[1].log_file, "/x.log");
    EXPECT_EQ(file->places[1].prefix, (CommandLine{"ssh", "b"}));
}

TEST(HostsFile, NamesWhatIsWrong) {
    auto why = [](const std::string &host) {
        auto file = parse_hosts_file(
            R"({"hosts": [{"name": "a", "log": "a:1", "qmp": "a"}, )" + host + "]}", "/");
        return file ? "accepted" : file.error().text;
    };
    EXPECT_EQ(why(R"({"name": "b", "log": "b:1"})"), "host b: \"qmp\": it is missing");
    EXPECT_EQ(why(R"({"name": "b", "log": 7, "qmp": "b"})"),
              "host b: \"log\": a string is wanted");
    EXPECT_EQ(why(R"({"name": "b", "log": "b:1", "qmp": "b", "start": [1]})"),
              "host b: \"start\": a list of strings is wanted");
    EXPECT_EQ(why(R"({"name": "b", "log": "b:1", "qmp": "b", "strat": "x"})"),
              "host b: \"strat\": there is no such field");
    EXPECT_EQ(why(R"({"name": "a", "log": "b:1", "qmp": "b"})"), "host a is there twice");
    EXPECT_EQ(why("7"), "each of \"hosts\" is an object");
    EXPECT_FALSE(parse_hosts_file("{", "/"));
    EXPECT_FALSE(parse_hosts_file(R"({"hosts": []})", "/"));
}
