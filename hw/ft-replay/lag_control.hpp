/*
 * How the primary waits for a secondary that cannot follow: by pauses so short
 * and so often that the guest only seems to run on a slower host. Their share of the
 * time grows with the lag, which so comes to rest where both nodes are equally fast
 * instead of swinging. No pause below a 20th of the limit: two equal hosts interrupt
 * each other that much anyway. Above it the share rises steeply, because a longer
 * backlog does not help a secondary that already has enough to execute. Near the limit
 * the guest is paused almost all the time.
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
