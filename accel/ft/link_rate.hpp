/*
 * How much the link to the secondary carries, seen from what is still on its way.
 *
 * What was given to a socket has not been carried yet: megabytes wait in the kernel. So the
 * caller says how much it has given in all, and how much of that is not acknowledged; the
 * difference has been carried. A link that was busy at both ends of an interval has shown
 * what it can do. One that was idle in between can do at least what it did.
 *
 * All times are nanoseconds. THREAD: one, main; no clock of its own.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_LINK_RATE_HPP
#define ACCEL_FT_LINK_RATE_HPP

#include <cstdint>

namespace ft {

class LinkRate {
  public:
    explicit LinkRate(uint64_t now_ns) noexcept : last_{now_ns, 0, 0}, moved_ns_(now_ns) {}

    /* given: bytes since the attach began; under_way: those that are not acknowledged. */
    void look(uint64_t now_ns, uint64_t given, uint64_t under_way) noexcept;
    /* Bytes a second, 0 before anything is known. */
    uint64_t rate() const noexcept {
        return uint64_t(bytes_ / (seconds_ > 0 ? seconds_ : 1));
    }
    /* Has it been busy for long enough to have shown what it can do? Else the rate is what
     * it carried at least: little was sent. */
    bool known() const noexcept { return busy_bytes_ >= 1 << 20 || busy_seconds_ >= 1; }
    uint64_t carried() const noexcept { return last_.carried; }
    uint64_t under_way() const noexcept { return last_.under_way; }
    /* When it last carried something. */
    uint64_t moved_ns() const noexcept { return moved_ns_; }

  private:
    void learn(double bytes, double seconds) noexcept;

    struct {
        uint64_t at_ns, carried, under_way;
    } last_;
    uint64_t moved_ns_;
    double bytes_ = 0, seconds_ = 0;
    double busy_bytes_ = 0, busy_seconds_ = 0; /* in all */
};

} // namespace ft

#endif
