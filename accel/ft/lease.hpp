/*
 * The primary's right to let output go, renewed by each answered ping: valid
 * until (send time of the last ping that was answered) + timeout. The
 * secondary starts its own clock when it receives that ping, which is later,
 * so it cannot have taken over while the lease is valid.
 *
 * Every function may be called from any thread; the state is a few atomics and
 * each answer stands alone, so no order between them is needed. What must never
 * happen: a lease that an unanswered, late or invented ping makes longer.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef ACCEL_FT_LEASE_HPP
#define ACCEL_FT_LEASE_HPP

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ft {

class Lease {
  public:
    explicit Lease(uint64_t timeout_ns) noexcept : timeout_ns_(timeout_ns) {}

    /* A new secondary is connected: valid for one timeout from now; the round trips of
     * the last one are forgotten. */
    void start(uint64_t now_ns) noexcept;
    void answered(uint64_t ping_sent_ns, uint64_t now_ns) noexcept;
    bool valid(uint64_t now_ns) const noexcept;
    /* Median of the last answers, 0 before the first. */
    uint64_t rtt_ns() const noexcept;

  private:
    static constexpr size_t samples_max = 31;

    uint64_t expiry_of(uint64_t from_ns) const noexcept;

    const uint64_t timeout_ns_;
    std::atomic<uint64_t> expires_ns_{0};
    std::atomic<uint64_t> samples_{0};
    std::array<std::atomic<uint64_t>, samples_max> rtt_ns_{};
};

} // namespace ft

/* What the C border's FtLease is. */
struct FtLease : ft::Lease {
    using ft::Lease::Lease;
};

#endif
