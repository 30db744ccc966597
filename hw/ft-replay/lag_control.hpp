/*
 * How the primary waits for a secondary that cannot follow: by pauses so short
 * and so often that the guest only seems to run on a slower host. Their share of the
 * time grows with the lag, which so comes to rest where both nodes are equally fast
 * instead of swinging: none of it while two equal nodes take turns at being held up
 * by their hosts; behind that steeply, for a lag that is longer gives a secondary that
 * has enough to execute nothing. Nearly all at the limit.
 *
 * Pure: no state, no clock. THREAD: any.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef HW_FT_REPLAY_LAG_CONTROL_HPP
#define HW_FT_REPLAY_LAG_CONTROL_HPP

#include <cstdint>

namespace ft {

/*
 * lag_ns: of the secondary. ran_ns: host time of the turn that has ended. The
 * caller may let pauses add up to a millisecond or so: falling asleep costs time too.
 */
uint64_t lag_pause_ns(uint64_t lag_ns, uint64_t limit_ns, uint64_t ran_ns) noexcept;

} // namespace ft

#endif
