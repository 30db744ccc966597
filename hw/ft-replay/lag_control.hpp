/*
 * How the primary waits for a secondary that cannot follow: a pause behind each
 * turn of the vCPU loop, so short and so often that the guest only seems to run on
 * a slower host. It grows from nothing at half of the limit, so that the lag comes
 * to rest where both nodes are equally fast instead of swinging around the limit.
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
