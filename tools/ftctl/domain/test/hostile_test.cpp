/*
 * Goal: a text that is no domain, or a bad one, gives an error in bounded time
 * and memory, and reads no file.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "goldens.hpp"

#include <gtest/gtest.h>

#include "domain/documents.hpp"

namespace ftctl::domain {
namespace {

std::string many(const std::string &text, size_t count) {
    std::string all;
    for (size_t i = 0; i < count; i++) {
        all += text;
    }
    return all;
}

TEST(Hostile, IsAnErrorAndNothingElse) {
    const std::string cases[] = {
        "",
        "  \n",
        "hello",
        "<domain>",
        "<domain></domain>junk",
        "<network><name>n</name></network>",
        "<domain xmlns='urn:other'/>",
        "</domains><domain/><domains>",
        "<?xml version='1.0'?><!DOCTYPE domain [<!ENTITY a 'x'>]><domain>&a;</domain>",
        "<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b "
        "'&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c "
        "'&b;&b;&b;&b;&b;&b;'>]><domain><name>&c;</name></domain>",
        "<!DOCTYPE d [<!ENTITY f SYSTEM "
        "'file:///etc/passwd'>]><domain><name>&f;</name></domain>",
        "<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain/>",
        "<domain><!DOCTYPE d [<!ENTITY a 'x'>]><name>&a;</name></domain>",
        "<domain><name>&undeclared;</name></domain>",
        "<domain>\xff\xfe</domain>",
        std::string("<domain>\0</domain>", 18),
        "<domain>" + many("<a>", 5000) + many("</a>", 5000) + "</domain>",
        "<domain>" + many("<a/>", elements_max + 1) + "</domain>",
        "<domain><name>" + std::string(text_bytes_max, 'x') + "</name></domain>",
        many("<domain/>", documents_max + 1),
        "<?xml version='1.0'",
    };
    for (const std::string &text : cases) {
        auto found = check_domain(text);
        EXPECT_FALSE(found) << text.substr(0, 200);
        EXPECT_FALSE(convert_domain(text, some_wish())) << text.substr(0, 200);
        if (!found) {
            EXPECT_NE(found.error().text, "");
            EXPECT_LT(found.error().text.size(), 1000u);
        }
    }
}

TEST(Hostile, ADeclarationIsNone) {
    EXPECT_TRUE(check_domain("\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?>\n<!-- a --><domain/>"));
}

TEST(Hostile, ManyThingsThatAreWrongAreAllNamed) {
    std::string text =
        "<domain><devices>" + many("<channel/><controller type='usb'/>", elements_max / 2 - 2) + "</devices></domain>";
    auto found = check_domain(text);
    ASSERT_TRUE(found) << found.error().text;
    EXPECT_GE(found->front().size(), elements_max - 10);
}

/* Goes to a terminal. */
TEST(Hostile, ControlCharactersAreNotRepeated) {
    auto found = check_domain("<domain><vcpu>\x7f&#9;&#10;2</vcpu></domain>");
    ASSERT_TRUE(found);
    for (const Finding &f : found->front()) {
        EXPECT_EQ(f.element.find_first_of("\x7f\t\n"), std::string::npos) << f.element;
    }
}

/* Cut anywhere, or with one character less, it is an error or a domain. */
TEST(Hostile, BrokenGoldensAreHandled) {
    std::string text = golden("many");
    for (size_t at = 0; at < text.size(); at += 37) {
        (void)check_domain(text.substr(0, at));
        std::string less = text;
        less.erase(at, 1);
        if (auto c = convert_domain(less, some_wish())) {
            auto again = check_domain(c->xml, some_wish().facts);
            ASSERT_TRUE(again);
            EXPECT_EQ(refused(again->front()), 0u);
        }
    }
}

} // namespace
} // namespace ftctl::domain
