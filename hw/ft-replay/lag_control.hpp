/*
 * How the primary waits for a secondary that cannot follow: a pause behind each
 * turn of the vCPU loop, so short and so often that the guest only seems to run on
 * a slower host. From a 25th of the limit on it is 3 % of the time, so that a lag
 * which something has caused once goes away although both nodes are equally fast;
 * from half of the limit on it grows with the lag, which so comes to rest where both
 * are equally fast instead of swinging around the limit.
 *
 * Pure: no state, no clock. THREAD: any.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LAG_CONTROL_HPP
#define HW_FT_REPLAY_LAG_CONTROL_HPP

#include <cstdint>

namespace ft {

/* lag_ns: of the secondary. ran_ns: host time of the turn that has ended. */
uint64_t lag_pause_ns(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept;

} // namespace ft

#endif
