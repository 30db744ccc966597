/*
 * The state of a node at one instruction count as a list of named hashes, and
 * the hash of a block of guest RAM that is kept up page by page.
 *
 * Both nodes build the list in the same order; only the hashes travel. The
 * comparison names what differs. Pure, one thread at a time.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_DIGEST_HPP
#define HW_FT_REPLAY_DIGEST_HPP

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "accel/ft/result.hpp"

namespace ft::log {

class Digest {
  public:
    struct Section {
        std::string name;
        uint64_t hash;
    };

    void clear() noexcept { sections_.clear(); }
    void add(std::string name, uint64_t hash) {
        sections_.push_back({std::move(name), hash});
    }
    const std::vector<Section> &sections() const noexcept { return sections_; }

    /* A hash of all names, then the hash of each section, eight bytes each. */
    const std::vector<uint8_t> &encode();
    /* The Error names the sections that differ, the first ones if they are many. */
    Status compare(std::span<const uint8_t> theirs) const;

  private:
    uint64_t names_hash() const;

    std::vector<Section> sections_;
    std::vector<uint8_t> encoded_;
};

/*
 * Pages are hashed with their number and summed up per stripe, so that a page
 * that was written can be hashed again on its own. (The incremental hash of
 * Bellare and Micciancio, without its claim to withstand an enemy.)
 */
class RamHash {
  public:
    static constexpr size_t page_bytes = 4096;

    RamHash(std::string name, uint64_t bytes);

    uint64_t pages() const noexcept { return pages_.size(); }
    void update(uint64_t page, const uint8_t *data);
    void add_to(Digest &d) const;

  private:
    std::string name_;
    uint64_t stripe_pages_;
    std::vector<uint64_t> pages_;   /* of each page, 0 while it is not known */
    std::vector<uint64_t> stripes_; /* their sums */
};

} // namespace ft::log

#endif
