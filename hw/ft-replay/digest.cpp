/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hw/ft-replay/digest.hpp"

#include <algorithm>
#include <cinttypes>
#include <new>

#include "accel/ft/assert.hpp"
#include "accel/ft/bytes.hpp"
#include "accel/ft/ft.h"
#include "accel/ft/hash.hpp"

namespace ft::log {

namespace {

constexpr size_t named_max = 4;
constexpr uint64_t stripes_max = 16;
constexpr uint64_t stripe_pages_min = 64;

} // namespace

uint64_t Digest::names_hash() const {
    std::string all;
    for (const Section &s : sections_) {
        all += s.name;
        all += '\n';
    }
    return hash64(reinterpret_cast<const uint8_t *>(all.data()), all.size());
}

const std::vector<uint8_t> &Digest::encode() {
    encoded_.resize(8 * (1 + sections_.size()));
    store(encoded_.data(), names_hash());
    for (size_t i = 0; i < sections_.size(); i++) {
        store(encoded_.data() + 8 * (1 + i), sections_[i].hash);
    }
    return encoded_;
}

Status Digest::compare(std::span<const uint8_t> theirs) const {
    if (theirs.size() != 8 * (1 + sections_.size())) {
        return fail("digest: %zu sections here, the peer has %zu", sections_.size(),
                    theirs.size() / 8 - (theirs.size() >= 8));
    }
    if (load<uint64_t>(theirs.data()) != names_hash()) {
        return fail("digest: the peer has sections of other names");
    }
    std::string names;
    size_t different = 0;
    for (size_t i = 0; i < sections_.size(); i++) {
        if (load<uint64_t>(theirs.data() + 8 * (1 + i)) != sections_[i].hash &&
            different++ < named_max) {
            names += names.empty() ? "" : ", ";
            names += sections_[i].name;
        }
    }
    if (different == 0) {
        return {};
    }
    return fail("digest: %zu of %zu sections differ: %s%s", different, sections_.size(),
                names.c_str(), different > named_max ? ", ..." : "");
}

RamHash::RamHash(std::string name, uint64_t bytes) : name_(std::move(name)) {
    uint64_t pages = (bytes + page_bytes - 1) / page_bytes;

    stripe_pages_ = std::max(stripe_pages_min, (pages + stripes_max - 1) / stripes_max);
    pages_.resize(pages);
    stripes_.resize((pages + stripe_pages_ - 1) / stripe_pages_);
}

void RamHash::update(uint64_t page, const uint8_t *data) {
    FT_ASSERT(page < pages_.size(), "page %" PRIu64 " of %zu", page, pages_.size());
    uint64_t hash = hash64_seeded(data, page_bytes, page + 1);

    stripes_[page / stripe_pages_] += hash - pages_[page];
    pages_[page] = hash;
}

void RamHash::add_to(Digest &d) const {
    char range[48];

    for (size_t i = 0; i < stripes_.size(); i++) {
        uint64_t first = i * stripe_pages_;
        uint64_t end = std::min<uint64_t>(first + stripe_pages_, pages_.size());

        snprintf(range, sizeof(range), " 0x%" PRIx64 "-0x%" PRIx64, first * page_bytes,
                 end * page_bytes - 1);
        d.add("ram " + name_ + range, stripes_[i]);
    }
}

} // namespace ft::log

struct FtDigest {
    ft::log::Digest core;
};

struct FtRamHash {
    ft::log::RamHash core;
};

/* THREAD: any. OWNERSHIP: the caller frees with ftc_digest_free. */
FtDigest *ftc_digest_new(void) noexcept {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): ends the process, like g_malloc
    return new FtDigest;
}

/* THREAD: any. OWNERSHIP: takes d; NULL is fine. */
void ftc_digest_free(FtDigest *d) noexcept {
    delete d;
}

/* THREAD: one at a time. OWNERSHIP: nothing changes hands. */
void ftc_digest_clear(FtDigest *d) noexcept {
    d->core.clear();
}

/* THREAD: one at a time. OWNERSHIP: name is copied. */
void ftc_digest_add(FtDigest *d, const char *name, uint64_t hash) noexcept {
    d->core.add(name, hash);
}

/* THREAD: one at a time. OWNERSHIP: the digest's, valid until the next encode. */
const uint8_t *ftc_digest_encode(FtDigest *d, size_t *len) noexcept {
    const auto &bytes = d->core.encode();
    *len = bytes.size();
    return bytes.data();
}

/* THREAD: one at a time. OWNERSHIP: theirs stays the caller's. */
bool ftc_digest_compare(const FtDigest *d, const uint8_t *theirs, size_t len,
                        FtError *err) noexcept {
    return ft::guarded(err, [&] { return d->core.compare({theirs, len}); });
}

/* THREAD: one at a time. OWNERSHIP: *name is the digest's, valid until it changes. */
bool ftc_digest_section(const FtDigest *d, size_t i, const char **name,
                        uint64_t *hash) noexcept {
    const auto &sections = d->core.sections();
    if (i >= sections.size()) {
        return false;
    }
    *name = sections[i].name.c_str();
    *hash = sections[i].hash;
    return true;
}

/* THREAD: any. OWNERSHIP: the caller frees; name is copied. */
FtRamHash *ftc_ram_hash_new(const char *name, uint64_t bytes) noexcept {
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): ends the process, like g_malloc
    return new FtRamHash{ft::log::RamHash(name, bytes)};
}

/* THREAD: any. OWNERSHIP: takes r; NULL is fine. */
void ftc_ram_hash_free(FtRamHash *r) noexcept {
    delete r;
}

/* THREAD: one at a time. OWNERSHIP: data (FT_RAM_PAGE_BYTES) stays the caller's. */
void ftc_ram_hash_page(FtRamHash *r, uint64_t page, const uint8_t *data) noexcept {
    r->core.update(page, data);
}

/* THREAD: one at a time. OWNERSHIP: nothing changes hands. */
void ftc_ram_hash_add(const FtRamHash *r, FtDigest *d) noexcept {
    r->core.add_to(d->core);
}

static_assert(ft::log::RamHash::page_bytes == FT_RAM_PAGE_BYTES);
