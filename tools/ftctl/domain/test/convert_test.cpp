/*
 * Goal: what convert writes passes check, and converting it again changes nothing.
 * Method: the domains that virt-install writes, one with everything in it, and the
 * cases in which a person has to decide.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "goldens.hpp"

#include <gtest/gtest.h>

namespace ftctl::domain {
namespace {

std::string converted(const std::string &text, const Wish &wish = some_wish()) {
    auto c = convert_domain(text, wish);
    EXPECT_TRUE(c) << c.error().text;
    return c ? c->xml : "";
}

bool has(const std::string &text, const std::string &part) {
    return text.find(part) != std::string::npos;
}

TEST(Convert, GoldensPassCheckAndStayAsTheyAre) {
    for (const char *name : golden_names) {
        std::string once = converted(golden(name));
        auto found = check_domain(once, some_wish().facts);
        ASSERT_TRUE(found) << name;
        EXPECT_EQ(refused(found->front()), 0u) << name << "\n" << lines_of(*found);
        EXPECT_EQ(converted(once), once) << name;
        /* Without a wish of its own the pair's description stays. */
        Wish same = some_wish();
        same.pair = {};
        EXPECT_EQ(converted(once, same), once) << name;
        write_golden(std::string(name) + ".converted", once);
        EXPECT_EQ(once, read_file(data_path(std::string(name) + ".converted"))) << name;
    }
}

TEST(Convert, OfAnInstallationTakesTheMachineThatItLeaves) {
    auto c = convert_domain(golden("install_cdrom"), some_wish());
    ASSERT_TRUE(c) << c.error().text;
    EXPECT_EQ(c->documents, 2u);
    EXPECT_FALSE(has(c->xml, "cdrom"));
}

TEST(Convert, WritesTheRoleOfAWaitingSecondary) {
    std::string text = converted(golden("default"));
    EXPECT_TRUE(has(text, "ft=secondary,ft-listen=0.0.0.0:7000,ft-arbiter=file:/shared/ft,ft-timeout=2000")) << text;
    EXPECT_TRUE(has(text, "<ft:host name=\"b\" uri=\"qemu+ssh://host-b/system\" log=\"10.99.0.2:7000\"/>")) << text;
}

TEST(Convert, KeepsWhatAGuestIsKnownBy) {
    std::string text = converted(golden("default"));
    EXPECT_TRUE(has(text, "bf805aa7-bad4-4e2a-bd3d-23b7bfebbbb8"));
    EXPECT_TRUE(has(text, "52:54:00:1d:77:7e"));
}

TEST(Convert, MakesUpWhatHasToBeEqualOnAllHosts) {
    std::string text = "<domain "
                       "type='kvm'><name>g</name><memory>65536</memory><vcpu>2</vcpu><os><type>hvm</"
                       "type></os><genid/><devices>"
                       "<interface type='bridge'><source bridge='br0'/></interface></devices></domain>";
    std::string once = converted(text);
    EXPECT_TRUE(has(once, "<mac address=\"52:54:00:")) << once;
    EXPECT_TRUE(has(once, "<uuid>")) << once;
    EXPECT_FALSE(has(once, "<genid/>")) << once;
    EXPECT_TRUE(has(once, "pc-i440fx-10.0")) << once;
    EXPECT_EQ(converted(once), once);
    EXPECT_NE(converted(text), once);
}

TEST(Convert, SharedImagesKeepTheirOwner) {
    std::string once = converted(golden("sata"), some_wish("ft-disk=shared"));
    EXPECT_TRUE(has(once, "cache=\"none\"")) << once;
    EXPECT_TRUE(has(once, "<seclabel model=\"dac\" relabel=\"no\"/>")) << once;
    EXPECT_TRUE(has(once, "<target dev=\"vda\" bus=\"virtio\"/>")) << once;
    EXPECT_TRUE(has(once, "discard=\"unmap\"") == has(golden("sata"), "discard=\"unmap\"")) << once;
}

TEST(Convert, MovesDrivesToFreeNames) {
    std::string text = converted(golden("many"));
    EXPECT_TRUE(has(text, "dev=\"vda\"") && has(text, "dev=\"vdb\"")) << text;
    EXPECT_FALSE(has(text, "dev=\"sd")) << text;
}

TEST(Convert, FollowsAPciBridgeThatGoes) {
    std::string text = golden("serial_only");
    text.insert(text.find("<console"), "<controller type='pci' index='20' model='dmi-to-pci-bridge'><address "
                                       "type='pci' bus='0' slot='9'/></controller>"
                                       "<controller type='pci' index='21' model='dmi-to-pci-bridge'/>");
    std::string once = converted(text);
    EXPECT_FALSE(has(once, "dmi-to-pci")) << once;
    EXPECT_FALSE(has(once, "type=\"pci\" bus")) << once;
    EXPECT_EQ(converted(once), once);
}

TEST(Convert, AsksAPersonWhereItCannotKnow) {
    std::string text = golden("serial_only");
    text.insert(text.find("<console"), "<interface type='hostdev'><mac address='52:54:00:00:00:02'/><source><address "
                                       "type='pci' slot='1'/></source></interface>");
    auto c = convert_domain(text, some_wish());
    ASSERT_FALSE(c);
    EXPECT_TRUE(has(c.error().text, "interface")) << c.error().text;
    Wish wish = some_wish();
    wish.facts.bridge = "br7";
    EXPECT_TRUE(has(converted(text, wish), "<source bridge=\"br7\"/>"));
}

TEST(Convert, NeedsAPair) {
    Wish wish = some_wish();
    wish.pair = {};
    EXPECT_FALSE(convert_domain(golden("default"), wish));
    wish = some_wish();
    wish.pair.hosts[1].log = "10.99.0.2:7001";
    auto c = convert_domain(golden("default"), wish);
    ASSERT_FALSE(c);
    EXPECT_TRUE(has(c.error().text, "port")) << c.error().text;
}

TEST(Convert, TextOfAPairIsOnlyText) {
    Wish wish = some_wish();
    wish.facts.emulator = "/opt/a&b<c>'/qemu";
    wish.pair.hosts[0].uri = "qemu:///system?socket=/a&b'\"<";
    std::string once = converted(golden("default"), wish);
    EXPECT_TRUE(has(once, "/opt/a&amp;b&lt;c&gt;'/qemu")) << once;
    EXPECT_EQ(converted(once, wish), once);
}

} // namespace
} // namespace ftctl::domain
