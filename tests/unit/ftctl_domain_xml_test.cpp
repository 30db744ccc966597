/*
 * Rewriting a pair's domain: only the words of the role change, what belongs to
 * one host goes, all else stays as it is.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include <gtest/gtest.h>

#include "tools/ftctl/domain_xml.hpp"

using namespace ftctl;

namespace {

const std::string metadata =
    "<metadata><ft:pair xmlns:ft='urn:qemu-ft:pair:1' arbiter='file:/a,b' options='ft-timeout=2000'>"
    "<ft:host name='a' uri='u' log='10.0.0.1:7000'/><ft:host name='b' uri='v' log='10.0.0.2:7000'/>"
    "</ft:pair></metadata>";

std::string domain(const std::string &inside) {
    return "<domain type='qemu' id='7' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>g</name>" +
           metadata + inside + "</domain>";
}

std::string line(const std::string &words, const std::string &option = "-machine") {
    return "<qemu:commandline><qemu:arg value='-msg'/><qemu:arg value='timestamp=on'/><qemu:arg value='" +
           option + "'/><qemu:arg value='" + words + "'/></qemu:commandline>";
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

#define EXPECT_HAS(text, part) EXPECT_TRUE(has(text, part)) << text
#define EXPECT_NOT(text, part) EXPECT_FALSE(has(text, part)) << text

} // namespace

TEST(DomainXml, StoredIsAWaitingSecondary) {
    std::string text = domain("<vcpu>1</vcpu>");
    auto stored = stored_xml(text, *parse_pair(text));
    ASSERT_TRUE(stored) << stored.error().text;
    EXPECT_HAS(*stored, "<qemu:arg value=\"-machine\"/>");
    EXPECT_HAS(
        *stored,
        "\"ft=secondary,ft-listen=0.0.0.0:7000,ft-arbiter=file:/a,,b,ft-timeout=2000\"");
    EXPECT_HAS(*stored, "<vcpu>1</vcpu>");
    EXPECT_NOT(*stored, "id=\"7\"");
}

TEST(DomainXml, StoringAgainChangesNothing) {
    std::string text = domain(line("ft=primary,ft-peer=x:1,ft-lag-limit=3"));
    auto once = stored_xml(text, *parse_pair(text));
    EXPECT_NOT(*once, "ft-lag-limit");
    EXPECT_EQ(*stored_xml(*once, *parse_pair(*once)), *once);
}

TEST(DomainXml, WithoutAPrefixForQemusNamespace) {
    std::string text = "<domain type='qemu'><name>g</name>" + metadata + "</domain>";
    auto stored = stored_xml(text, *parse_pair(text));
    EXPECT_HAS(*stored, "xmlns:qemu=\"http://libvirt.org/schemas/domain/qemu/1.0\"");
    EXPECT_HAS(*stored, "<qemu:commandline><qemu:arg value=\"-machine\"/>");
}

TEST(DomainXml, OnlyTheRolesWordsChange) {
    auto primary = role_xml(
        domain(line(
            "q35,ft=secondary,ft-listen=0.0.0.0:7000,ft-arbiter=file:/a,,b,ft-timeout=9")),
        Role::primary("10.0.0.2:7000"));
    ASSERT_TRUE(primary) << primary.error().text;
    EXPECT_HAS(
        *primary,
        "\"ft=primary,ft-peer=10.0.0.2:7000,q35,ft-arbiter=file:/a,,b,ft-timeout=9\"");
    EXPECT_HAS(*primary, "<qemu:arg value=\"-msg\"/>");
    auto alone = role_xml(*primary, Role::primary(""));
    EXPECT_NOT(*alone, "ft-peer");
    auto secondary = role_xml(*primary, Role::secondary("0.0.0.0:1"));
    EXPECT_HAS(*secondary, "ft=secondary,ft-listen=0.0.0.0:1,");
    EXPECT_NOT(*secondary, "primary");
}

TEST(DomainXml, SeveralMachineOptionsBecomeOne) {
    std::string two =
        "<qemu:commandline><qemu:arg value='-M'/><qemu:arg value='ft=primary'/><qemu:arg value='-machine'/>"
        "<qemu:arg value='ft-timeout=1'/><qemu:arg value='-machine'/><qemu:arg value='hpet=off'/></qemu:commandline>";
    auto xml = role_xml(domain(two), Role::secondary("h:1"));
    EXPECT_HAS(*xml, "\"ft=secondary,ft-listen=h:1,ft-timeout=1\"");
    EXPECT_HAS(*xml, "<qemu:arg value=\"hpet=off\"/>");
    EXPECT_NOT(*xml, "\"-M\"");
}

TEST(DomainXml, AnArgumentThatLooksLikeOneIsLeftAlone) {
    auto xml = role_xml(
        domain(
            "<qemu:commandline><qemu:arg value='-machine'/><qemu:arg value='ft=primary'/>"
            "<qemu:arg value='-append'/><qemu:arg value='ft=primary'/></qemu:commandline>"),
        Role::secondary("h:1"));
    EXPECT_HAS(*xml, "<qemu:arg value=\"-append\"/><qemu:arg value=\"ft=primary\"/>");
}

TEST(DomainXml, RefusesADomainThatIsOfNoPair) {
    EXPECT_FALSE(role_xml(domain(""), Role::secondary("h:1")));
    EXPECT_FALSE(role_xml(domain(line("hpet=off")), Role::secondary("h:1")));
    EXPECT_FALSE(role_xml("<domain", Role::secondary("h:1")));
}

TEST(DomainXml, WhatBelongsToOneHostGoes) {
    auto xml = role_xml(
        domain(
            "<devices><interface type='bridge'><target dev='vnet12'/></interface>"
            "<interface type='bridge'><target dev='vnetx'/></interface>"
            "<interface type='ethernet'><target dev='tap0'/></interface></devices>"
            "<seclabel type='dynamic' model='dac'/><seclabel type='static' model='selinux'/>" +
            line("ft=primary")),
        Role::secondary("h:1"));
    EXPECT_NOT(*xml, "vnet12");
    EXPECT_HAS(*xml, "vnetx");
    EXPECT_HAS(*xml, "tap0");
    EXPECT_NOT(*xml, "dynamic");
    EXPECT_HAS(*xml, "static");
}

TEST(DomainXml, NamesTheFirstLineThatDiffers) {
    EXPECT_TRUE(same_xml("a\nb\n", "a\nb\n"));
    EXPECT_EQ(same_xml("a\nb\n", "a\nc\n").error().text, "'b' here is 'c' there");
}

TEST(MachineWords, TwoCommasAreOne) {
    Words words{{"", "q35"}, {"a", "b,c"}, {"d", "e=f"}};
    EXPECT_EQ(words_of("q35,a=b,,c,d=e=f"), words);
    EXPECT_EQ(text_of(words), "q35,a=b,,c,d=e=f");
    EXPECT_TRUE(words_of("").empty());
}
