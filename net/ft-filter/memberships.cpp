/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/ft-filter/memberships.hpp"

#include <algorithm>

#include "accel/ft/assert.hpp"

namespace ft {

void Memberships::from_guest(std::span<const uint8_t> frame,
                             const std::vector<GroupRecord> &records) {
    if (frame.size() > frame_bytes_max) {
        return;
    }
    Report report{.frame{frame.begin(), frame.end()}, .spoken{}};

    for (const GroupRecord &r : records) {
        bool all = r.says == Says::Listens || r.says == Says::Leaves;
        forget([&](const Spoken &s) {
            return s.key == r.key && (all || s.sources == r.sources);
        });
        /* To block sources of a group of which nothing is kept means nothing. */
        if (r.says != Says::Leaves && (r.says != Says::Blocks || speaks_for(r.key))) {
            report.spoken.push_back({.key = r.key, .sources = r.sources});
        }
    }
    if (!report.spoken.empty()) {
        keep(std::move(report));
    }
}

template <typename Past>
void Memberships::forget(Past &&is_past) {
    for (Report &r : reports_) {
        std::erase_if(r.spoken, is_past);
    }
    std::erase_if(reports_, [this](const Report &r) {
        bytes_ -= r.spoken.empty() ? r.frame.size() : 0;
        return r.spoken.empty();
    });
}

bool Memberships::speaks_for(uint64_t key) const noexcept {
    return std::ranges::any_of(reports_, [key](const Report &r) {
        return std::ranges::find(r.spoken, key, &Spoken::key) != r.spoken.end();
    });
}

void Memberships::keep(Report report) {
    if (count_max_ == 0 || report.frame.size() > bytes_max_) {
        return;
    }
    while (reports_.size() >= count_max_ || report.frame.size() > bytes_max_ - bytes_) {
        drop_front();
    }
    bytes_ += report.frame.size();
    reports_.push_back(std::move(report));
}

void Memberships::drop_front() noexcept {
    FT_ASSERT(!reports_.empty() && bytes_ >= reports_.front().frame.size(),
              "%zu bytes in %zu reports", bytes_, reports_.size());
    bytes_ -= reports_.front().frame.size();
    reports_.pop_front();
}

std::vector<std::vector<uint8_t>> Memberships::frames() const {
    std::vector<std::vector<uint8_t>> all;
    all.reserve(reports_.size());
    for (const Report &r : reports_) {
        all.push_back(r.frame);
    }
    return all;
}

void Memberships::clear() noexcept {
    reports_.clear();
    bytes_ = 0;
}

void Memberships::save(SavedWriter &to) const {
    to.put(uint32_t(reports_.size()));
    for (const Report &r : reports_) {
        to.put(uint16_t(r.frame.size()));
        to.put(std::span(r.frame));
        to.put(uint16_t(r.spoken.size()));
        for (const Spoken &s : r.spoken) {
            to.put(s.key);
            to.put(s.sources);
        }
    }
}

Status Memberships::load(SavedReader &from) {
    size_t count = from.get<uint32_t>();
    Memberships loaded(count_max_, bytes_max_);

    if (count > count_max_) {
        return fail("reports: %zu > max %zu", count, count_max_);
    }
    for (size_t i = 0; i < count && from.ok(); i++) {
        Report report;
        size_t len = from.get<uint16_t>();
        auto frame = from.get_bytes(len);
        size_t spoken = from.get<uint16_t>();
        if (len > frame_bytes_max || spoken > frame_bytes_max) {
            return fail("report %zu: a frame of %zu bytes with %zu records", i, len,
                        spoken);
        }
        if (from.ok() && (spoken == 0 || !read_frame(frame))) {
            return fail("report %zu: no frame of a guest", i);
        }
        report.frame.assign(frame.begin(), frame.end());
        for (size_t k = 0; k < spoken && from.ok(); k++) {
            uint64_t key = from.get<uint64_t>();
            report.spoken.push_back({.key = key, .sources = from.get<uint64_t>()});
        }
        loaded.keep(std::move(report));
    }
    if (!from.ok()) {
        return fail("reports: cut short");
    }
    reports_ = std::move(loaded.reports_);
    bytes_ = loaded.bytes_;
    return {};
}

} // namespace ft
