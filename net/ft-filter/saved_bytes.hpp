/*
 * What the tables of seen addresses look like on their way to another node: little
 * endian integers and bytes, one after the other. The reader never goes beyond the
 * end: it then answers zeros and says so in ok().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef NET_FT_FILTER_SAVED_BYTES_HPP
#define NET_FT_FILTER_SAVED_BYTES_HPP

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <span>
#include <vector>

#include "accel/ft/bytes.hpp"
#include "net/ft-filter/guest_frame.hpp"

namespace ft {

class SavedWriter {
  public:
    template <std::unsigned_integral T>
    void put(T v) {
        size_t at = bytes_.size();
        bytes_.resize(at + sizeof(T));
        store(&bytes_[at], v);
    }
    void put(std::span<const uint8_t> data) {
        bytes_.insert(bytes_.end(), data.begin(), data.end());
    }
    void put(const Place &place) {
        put(std::span(place.mac));
        put(place.tags_count);
        put(std::span(place.tags));
    }
    std::vector<uint8_t> take() { return std::move(bytes_); }

  private:
    std::vector<uint8_t> bytes_;
};

class SavedReader {
  public:
    explicit SavedReader(std::span<const uint8_t> bytes) : rest_(bytes) {}

    template <std::unsigned_integral T>
    T get() noexcept {
        auto data = get_bytes(sizeof(T));
        return data.size() == sizeof(T) ? load<T>(data.data()) : T(0);
    }
    std::span<const uint8_t> get_bytes(size_t count) noexcept {
        ok_ = ok_ && count <= rest_.size();
        auto data = rest_.first(ok_ ? count : 0);
        rest_ = rest_.subspan(data.size());
        return data;
    }
    Place get_place() noexcept {
        Place place;
        std::ranges::copy(get_bytes(place.mac.size()), place.mac.begin());
        place.tags_count = get<uint8_t>();
        std::ranges::copy(get_bytes(place.tags.size()), place.tags.begin());
        return place;
    }
    bool ok() const noexcept { return ok_; }
    bool at_end() const noexcept { return ok_ && rest_.empty(); }

  private:
    std::span<const uint8_t> rest_;
    bool ok_ = true;
};

} // namespace ft

#endif
