/*
 * Goal: the rules' table and what QEMU's glue takes or refuses say the same.
 * Method: the lists are read out of accel/ft/glue/ft-device-allow.c and
 * tests/pair/operator/test_refusals.py and compared with the table in both directions.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "goldens.hpp"

#include <algorithm>
#include <regex>
#include <set>

#include <gtest/gtest.h>

namespace ftctl::domain {
namespace {

using Types = std::set<std::string>;

Types strings_in(const std::string &text) {
    static const std::regex word("\"([^\"]+)\"");
    Types found;
    for (std::sregex_iterator i(text.begin(), text.end(), word), end; i != end; ++i) {
        found.insert((*i)[1]);
    }
    return found;
}

/* The strings of: static const char *const NAME[] = { ... }; */
Types list_of(const std::string &source, const std::string &name) {
    size_t from = source.find("*const " + name + "[] = {");
    size_t to = source.find("};", from);
    EXPECT_NE(from, std::string::npos) << name << " is not in ft-device-allow.c any more";
    return from == std::string::npos ? Types{} : strings_in(source.substr(from, to - from));
}

Types allowed_by_qemu() {
    std::string source = read_file(FT_DEVICE_ALLOW_C);
    Types all = list_of(source, "allowed_types");
    all.merge(list_of(source, "allowed_objects"));
    return all;
}

Types refused_by_rules() {
    Types all;
    for (const Rule &rule : rules()) {
        std::istringstream words(rule.qemu);
        for (std::string word; words >> word;) {
            all.insert(word);
        }
    }
    return all;
}

/* "virtio-net" of a message stands for virtio-net-pci and virtio-net-device. */
bool stands_for(const Types &types, const std::string &name) {
    return types.contains(name) || types.contains(name + "-pci") || types.contains(name + "-device");
}

TEST(Tables, QemuTakesNothingThatARuleRefuses) {
    Types allowed = allowed_by_qemu();
    EXPECT_GT(allowed.size(), 60u);
    for (const std::string &type : refused_by_rules()) {
        EXPECT_FALSE(stands_for(allowed, type)) << type << " is protected now: its row in rules.cpp shrinks or goes";
    }
}

TEST(Tables, AllThatQemuTakesIsKnownHere) {
    Types known;
    for (const Accepted &a : accepted()) {
        known.insert(a.qemu);
    }
    Types allowed = allowed_by_qemu();
    for (const std::string &type : allowed) {
        EXPECT_TRUE(known.contains(type)) << type << ": QEMU takes it; say in rules.cpp what libvirt calls it";
    }
    for (const std::string &type : known) {
        EXPECT_TRUE(allowed.contains(type)) << type << ": QEMU does not take it any more";
    }
}

/* The devices and objects that the pair test sees refused. Some have no libvirt name. */
TEST(Tables, WhatThePairTestSeesRefusedHasARow) {
    const Types no_libvirt_name = {"edu",           "can-bus",           "filter-mirror",
                                   "filter-buffer", "tls-cipher-suites", "memory-backend-file"};
    static const std::regex entry(R"re(\n    \("([A-Za-z0-9_-]+)[",])re");
    std::string source = read_file(FT_TEST_REFUSALS);
    Types rows = refused_by_rules();
    size_t seen = 0;

    for (const char *list : {"\nDEVICES = [", "\nOBJECTS = ["}) {
        size_t from = source.find(list), to = source.find("\n]", from);
        ASSERT_NE(from, std::string::npos) << list;
        std::string text = source.substr(from, to - from);
        for (std::sregex_iterator i(text.begin(), text.end(), entry), end; i != end; ++i, seen++) {
            std::string type = (*i)[1];
            if (!no_libvirt_name.contains(type)) {
                EXPECT_TRUE(stands_for(rows, type)) << type << " is refused by QEMU and has no row in rules.cpp";
            }
        }
    }
    EXPECT_GT(seen, 25u);
}

} // namespace
} // namespace ftctl::domain
