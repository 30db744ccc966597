/*
 * The pair's description: what a domain's metadata may hold, and all that it
 * may not. Whoever can define a domain can write it, so each field is refused
 * by name, and nothing of it gets into a command line unseen.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include "tools/ftctl/local_pairs.hpp"

using namespace ftctl;

namespace {

const std::string host_a =
    "<ft:host name='a' uri='qemu+ssh://a/system' log='10.0.0.1:7000'/>";
const std::string host_b =
    "<ft:host name='b' uri='qemu+ssh://b/system' log='10.0.0.2:7000'/>";

std::string domain(const std::string &pair) {
    return "<domain type='qemu'><name>g</name><uuid>5f0c1f3e-6c58-4f4e-9a51-3c1d7c1b9a10</uuid><metadata>" +
           pair + "</metadata></domain>";
}

std::string with(const std::string &hosts,
                 const std::string &attributes = "arbiter='file:/ft'") {
    return domain("<ft:pair xmlns:ft='urn:qemu-ft:pair:1' " + attributes + ">" + hosts +
                  "</ft:pair>");
}

std::string why(const std::string &xml) {
    auto pair = parse_pair(xml);
    return pair ? "accepted" : pair.error().text;
}

#define EXPECT_WHY(xml, part) EXPECT_NE(why(xml).find(part), std::string::npos) << why(xml)

} // namespace

TEST(Pair, ReadsHostsInTheirOrder) {
    auto pair = parse_pair(
        with(host_b + host_a, "arbiter='file:/ft' options='ft-timeout=2000,ft-digest=0'"));
    ASSERT_TRUE(pair) << pair.error().text;
    EXPECT_EQ(pair->name, "g");
    EXPECT_EQ(pair->uuid, "5f0c1f3e-6c58-4f4e-9a51-3c1d7c1b9a10");
    EXPECT_EQ(pair->arbiter, "file:/ft");
    EXPECT_EQ(pair->options, "ft-timeout=2000,ft-digest=0");
    ASSERT_EQ(pair->hosts.size(), 2u);
    EXPECT_EQ(pair->hosts[0].name, "b");
    EXPECT_EQ(pair->hosts[1].uri, "qemu+ssh://a/system");
    EXPECT_EQ(pair->hosts[1].log, "10.0.0.1:7000");
    EXPECT_EQ(pair->host("a"), &pair->hosts[1]);
    EXPECT_EQ(pair->host("c"), nullptr);
}

TEST(Pair, AnotherPrefixForTheNamespaceIsAsGood) {
    EXPECT_EQ(
        why(domain(
            "<p:pair xmlns:p='urn:qemu-ft:pair:1' arbiter='x'>"
            "<p:host name='a' uri='u' log='a:1'/><p:host name='b' uri='v' log='b:1'/></p:pair>")),
        "accepted");
}

TEST(Pair, ForeignElementsAreNotHosts) {
    EXPECT_WHY(with(host_a + "<host name='b' uri='v' log='b:1'/>"), "1 hosts");
}

TEST(Pair, RefusesWhatIsNoDomain) {
    EXPECT_WHY("", "cannot be read");
    EXPECT_WHY("<domain><name>g</name>", "cannot be read");
    EXPECT_WHY("<network/>", "its root is <network>");
    EXPECT_WHY(
        "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain><name>&e;</name></domain>",
        "DOCTYPE");
    EXPECT_WHY("<domain><name>g</name></domain>", "holds 0 elements");
    EXPECT_WHY(
        domain(
            "<ft:pair xmlns:ft='urn:qemu-ft:pair:1'/><ft:pair xmlns:ft='urn:qemu-ft:pair:1'/>"),
        "holds 2 elements");
    EXPECT_WHY(domain("<ft:pair xmlns:ft='urn:other'/>"), "holds 0 elements");
}

TEST(Pair, RefusesFieldsByName) {
    EXPECT_WHY(with(host_a + host_b, ""), "no arbiter");
    EXPECT_WHY(with(host_a), "1 hosts");
    EXPECT_WHY(with(host_a + host_a), "have to be different");
    EXPECT_WHY(with(host_a + "<ft:host name='b' log='b:1'/>"), "host b: it has no uri");
    EXPECT_WHY(with(host_a + "<ft:host uri='v' log='b:1'/>"), "host name ''");
    EXPECT_WHY(with(host_a + "<ft:host name='-b' uri='v' log='b:1'/>"), "host name '-b'");
    EXPECT_WHY(with(host_a + "<ft:host name='b c' uri='v' log='b:1'/>"), "host name 'b c'");
    for (const char *log : {"", "b", "b:", ":1", "b:0", "b:65536", "b:999999", "b:1x",
                            "b,ft=off:1", "1:2:3", "b c:1"}) {
        EXPECT_WHY(with(host_a + "<ft:host name='b' uri='v' log='" + log + "'/>"),
                   "host b, log='");
    }
}

TEST(Pair, NothingGetsIntoTheCommandLineUnseen) {
    for (const char *options : {"ft-timeout", "accel=kvm", "ft-timeout=1,", "ft=primary",
                                "ft-timeout=1,,x=y", "dumpdtb=/etc/x"}) {
        EXPECT_WHY(
            with(host_a + host_b, "arbiter='x' options='" + std::string(options) + "'"),
            std::string(options) == "ft-timeout=1," ? "accepted" : "options: ");
    }
    for (const char *options : {"ft-peer=x:1", "ft-listen=x:1", "ft-arbiter=none"}) {
        EXPECT_WHY(
            with(host_a + host_b, "arbiter='x' options='" + std::string(options) + "'"),
            "set by ftctl itself");
    }
    EXPECT_WHY(with(host_a + host_b, "arbiter='a&#10;b'"), "control character");
    EXPECT_WHY(with(host_a + host_b, "arbiter='" + std::string(2000, 'x') + "'"),
               "longer than");
}

TEST(Pair, OneAddressToListenAtForAllHosts) {
    auto pair = parse_pair(with(host_a + host_b));
    EXPECT_EQ(listen_everywhere(*pair), "0.0.0.0:7000");
    pair->hosts[0].log = "[fe80::1]:7000";
    EXPECT_FALSE(listen_everywhere(*pair));
    pair->hosts[1].log = "[fe80::2]:7000";
    EXPECT_EQ(listen_everywhere(*pair), "[::]:7000");
    pair->hosts[1].log = "[fe80::2]:7001";
    EXPECT_FALSE(listen_everywhere(*pair));
}

TEST(Pair, TheOwnHostIsKnownByItsName) {
    PairDescription pair;
    pair.hosts = {
        {"a", "", ""}, {"b.example", "", ""}, {"c.one", "", ""}, {"c.two", "", ""}};
    EXPECT_EQ(host_by_name(pair, "a"), "a");
    EXPECT_EQ(host_by_name(pair, "a.example"), "a");
    EXPECT_EQ(host_by_name(pair, "b"), "b.example");
    EXPECT_EQ(host_by_name(pair, "c.two"), "c.two");
    EXPECT_EQ(host_by_name(pair, "c"), "");
    EXPECT_EQ(host_by_name(pair, "d"), "");
}
