/*
 * Goal: the digest names what differs and nothing else; a page hashed again
 * leaves the same sum as hashing all anew. Method: small states, one byte flipped.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#include "hw/ft-replay/digest.hpp"

#include <gtest/gtest.h>

#include <random>

#include "accel/ft/ft.h"

using ft::log::Digest;
using ft::log::RamHash;

namespace {

Digest three(uint64_t middle) {
    Digest d;
    d.add("cpu/0", 1);
    d.add("apic/0", middle);
    d.add("ram pc.ram 0x0-0xfff", 3);
    return d;
}

std::vector<uint8_t> memory(size_t pages) {
    std::mt19937_64 random(7);
    std::vector<uint8_t> m(pages * RamHash::page_bytes);
    for (uint8_t &b : m) {
        b = uint8_t(random());
    }
    return m;
}

Digest of(const std::vector<uint8_t> &m) {
    RamHash r("ram", m.size());
    for (uint64_t p = 0; p < r.pages(); p++) {
        r.update(p, m.data() + p * RamHash::page_bytes);
    }
    Digest d;
    r.add_to(d);
    return d;
}

} // namespace

TEST(Digest, EqualStatesAgree) {
    Digest a = three(2), b = three(2);
    EXPECT_TRUE(a.compare(b.encode()));
}

TEST(Digest, NamesTheSectionThatDiffers) {
    Digest a = three(2), b = three(9);
    ft::Status s = a.compare(b.encode());
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().text, "digest: 1 of 3 sections differ: apic/0");
}

TEST(Digest, NamesAFewOfMany) {
    Digest a, b;
    for (uint64_t i = 0; i < 9; i++) {
        a.add("s" + std::to_string(i), i);
        b.add("s" + std::to_string(i), i + 1);
    }
    ft::Status s = a.compare(b.encode());
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().text, "digest: 9 of 9 sections differ: s0, s1, s2, s3, ...");
}

TEST(Digest, OtherNamesAreNoEquality) {
    Digest a, b;
    a.add("cpu/0", 1);
    b.add("cpu/1", 1);
    EXPECT_FALSE(a.compare(b.encode()));
}

TEST(Digest, AForeignLengthIsAnErrorWhateverItIs) {
    Digest a = three(2);
    std::vector<uint8_t> bytes = a.encode();
    for (size_t len = 0; len < bytes.size(); len++) {
        EXPECT_FALSE(a.compare({bytes.data(), len})) << len;
    }
    bytes.push_back(0);
    EXPECT_FALSE(a.compare(bytes));
}

TEST(RamHash, OneChangedByteChangesOneStripe) {
    auto m = memory(1024);
    Digest before = of(m);
    m[700 * RamHash::page_bytes + 5] ^= 1;
    Digest after = of(m);
    ASSERT_EQ(before.sections().size(), 16u);
    for (size_t i = 0; i < 16; i++) {
        EXPECT_EQ(before.sections()[i].hash == after.sections()[i].hash, i != 700 / 64)
            << i;
    }
    ft::Status s = after.compare(before.encode());
    ASSERT_FALSE(s);
    EXPECT_EQ(s.error().text, "digest: 1 of 16 sections differ: ram ram 0x280000-0x2bffff");
}

TEST(RamHash, TwoPagesThatChangePlacesDiffer) {
    auto m = memory(64);
    Digest before = of(m);
    std::swap_ranges(m.begin(), m.begin() + RamHash::page_bytes,
                     m.begin() + 3 * RamHash::page_bytes);
    EXPECT_FALSE(of(m).compare(before.encode()));
}

TEST(RamHash, HashingAPageAgainIsHashingAllAnew) {
    auto m = memory(200);
    RamHash r("ram", m.size());
    for (uint64_t p = 0; p < 200; p++) {
        r.update(p, m.data() + p * RamHash::page_bytes);
    }
    m[3] ^= 1;
    m[150 * RamHash::page_bytes] ^= 1;
    r.update(150, m.data() + 150 * RamHash::page_bytes);
    r.update(0, m.data());
    Digest d;
    r.add_to(d);
    EXPECT_TRUE(of(m).compare(d.encode()));
}

TEST(Digest, CrossesTheBorder) {
    FtDigest *d = ftc_digest_new();
    FtRamHash *r = ftc_ram_hash_new("x", FT_RAM_PAGE_BYTES);
    std::vector<uint8_t> page(FT_RAM_PAGE_BYTES, 1);
    const char *name;
    uint64_t hash;
    size_t len;
    FtError why = {""};

    ftc_digest_add(d, "cpu/0", 5);
    ftc_ram_hash_page(r, 0, page.data());
    ftc_ram_hash_add(r, d);
    const uint8_t *bytes = ftc_digest_encode(d, &len);
    EXPECT_EQ(len, 24u);
    EXPECT_TRUE(ftc_digest_compare(d, bytes, len, &why));
    EXPECT_FALSE(ftc_digest_compare(d, bytes, len - 1, &why));
    EXPECT_STRNE(why.text, "");
    ASSERT_TRUE(ftc_digest_section(d, 1, &name, &hash));
    EXPECT_STREQ(name, "ram x 0x0-0xfff");
    EXPECT_FALSE(ftc_digest_section(d, 2, &name, &hash));
    ftc_ram_hash_free(r);
    ftc_digest_free(d);
}
