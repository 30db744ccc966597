/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "accel/ft/lease.hpp"

#include <algorithm>

#include "accel/ft/ft.h"
#include "accel/ft/result.hpp"

namespace ft {

uint64_t Lease::expiry_of(uint64_t from_ns) const noexcept {
    uint64_t end = from_ns + timeout_ns_;
    return end < from_ns ? UINT64_MAX : end;
}

void Lease::start(uint64_t now_ns) noexcept {
    samples_.store(0);
    expires_ns_.store(expiry_of(now_ns));
}

void Lease::answered(uint64_t ping_sent_ns, uint64_t now_ns) noexcept {
    /* The send time came back from the peer. One from the future is none of
     * ours, and believing it would stretch the lease. */
    if (ping_sent_ns > now_ns) {
        return;
    }
    uint64_t expiry = expiry_of(ping_sent_ns);
    uint64_t current = expires_ns_.load();
    while (expiry > current && !expires_ns_.compare_exchange_weak(current, expiry)) {
    }
    uint64_t n = samples_.fetch_add(1);
    rtt_ns_[n % samples_max].store(now_ns - ping_sent_ns, std::memory_order_relaxed);
}

bool Lease::valid(uint64_t now_ns) const noexcept {
    return now_ns < expires_ns_.load();
}

uint64_t Lease::rtt_ns() const noexcept {
    std::array<uint64_t, samples_max> sorted;
    size_t n = std::min<uint64_t>(samples_.load(), samples_max);

    if (n == 0) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        sorted[i] = rtt_ns_[i].load(std::memory_order_relaxed);
    }
    auto middle = sorted.begin() + n / 2;
    std::nth_element(sorted.begin(), middle, sorted.begin() + n);
    return *middle;
}

} // namespace ft

/* THREAD: any, no lock needed. OWNERSHIP: the caller frees with ftc_lease_free. */
FtLease *ftc_lease_new(uint64_t timeout_ns) noexcept {
    return ft::make_or_null<FtLease>(timeout_ns);
}

/* THREAD: any, after the last user. OWNERSHIP: l is gone; NULL is fine. */
void ftc_lease_free(FtLease *l) noexcept {
    delete l;
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
void ftc_lease_start(FtLease *l, uint64_t now_ns) noexcept {
    l->start(now_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
void ftc_lease_answered(FtLease *l, uint64_t ping_sent_ns, uint64_t now_ns) noexcept {
    l->answered(ping_sent_ns, now_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
bool ftc_lease_valid(const FtLease *l, uint64_t now_ns) noexcept {
    return l->valid(now_ns);
}

/* THREAD: any, no lock needed. OWNERSHIP: nothing changes hands. */
uint64_t ftc_lease_rtt_ns(const FtLease *l) noexcept {
    return l->rtt_ns();
}
