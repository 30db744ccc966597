/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/seen_sources.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

namespace ft {

namespace {

uint64_t age(uint64_t last_ns, uint64_t now_ns) noexcept {
    return now_ns > last_ns ? now_ns - last_ns : 0;
}

} // namespace

void SeenSources::from_guest(const Place &place, uint64_t now_ns) {
    if (latest_ < seen_.size() && seen_[latest_].place == place) {
        seen_[latest_].last_ns = now_ns;
        return;
    }
    auto found = std::ranges::find(seen_, place, &Seen::place);
    if (found == seen_.end() && seen_.size() < count_max_) {
        found = seen_.insert(found, Seen{});
    } else if (found == seen_.end()) {
        found = std::ranges::min_element(seen_, {}, &Seen::last_ns);
    }
    if (found != seen_.end()) {
        *found = {.place = place, .last_ns = now_ns};
        latest_ = size_t(found - seen_.begin());
    }
}

void SeenSources::from_outside(const Place &place, uint64_t now_ns) noexcept {
    auto found = std::ranges::find(seen_, place, &Seen::place);
    if (found != seen_.end() && age(found->last_ns, now_ns) > moved_ns) {
        *found = seen_.back();
        seen_.pop_back();
    }
}

bool SeenSources::knows(const uint8_t mac[FT_MAC_BYTES]) const noexcept {
    return std::ranges::any_of(seen_, [mac](const Seen &s) {
        return std::ranges::equal(s.place.mac, std::span(mac, FT_MAC_BYTES));
    });
}

std::vector<Place> SeenSources::recent(uint64_t now_ns) const {
    std::vector<Seen> young;
    std::vector<Place> places;

    std::ranges::copy_if(seen_, std::back_inserter(young), [&](const Seen &s) {
        return age(s.last_ns, now_ns) <= age_ns_max_;
    });
    std::ranges::sort(young, std::greater(), &Seen::last_ns);
    places.reserve(young.size());
    for (const Seen &s : young) {
        places.push_back(s.place);
    }
    return places;
}

void SeenSources::save(SavedWriter &to, uint64_t now_ns) const {
    to.put(uint32_t(seen_.size()));
    for (const Seen &s : seen_) {
        to.put(s.place);
        to.put(age(s.last_ns, now_ns));
    }
}

Status SeenSources::load(SavedReader &from, uint64_t now_ns) {
    size_t count = from.get<uint32_t>();
    std::vector<Seen> seen;

    if (count > count_max_) {
        return fail("sources: %zu > max %zu", count, count_max_);
    }
    for (size_t i = 0; i < count && from.ok(); i++) {
        Place place = from.get_place();
        uint64_t age_ns = from.get<uint64_t>();
        if (from.ok() && !is_sound(place)) {
            return fail("source %zu: no address that anybody sends from", i);
        }
        seen.push_back({.place = place, .last_ns = now_ns - std::min(age_ns, now_ns)});
    }
    if (!from.ok()) {
        return fail("sources: cut short");
    }
    seen_ = std::move(seen);
    return {};
}

} // namespace ft
