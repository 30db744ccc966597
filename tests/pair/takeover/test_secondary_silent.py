# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the secondary is not to be seen or heard before it goes live, and then
announces itself.

Method: capture on its tap through boot and traffic holds no frame, its serial
console stays empty; after a kill of the primary a RARP of the guest's MAC
comes first, so that switches learn the new port.
"""

import time

from ftpair import verdict
from ftpair.capture import ETH_P_RARP
from ftpair.hosts import GUEST_MAC


def test_secondary_silent(case, pair):
    pair.start(captures=("a", "b")).wait_up()
    pair.start_incr()
    time.sleep(2)
    case.judge(verdict.silent(pair.capture("b"), "secondary's tap silent while it follows"))
    primary_frames = len(pair.capture("a").out())
    case.expect("the primary's tap was not silent", primary_frames > 100, primary_frames)
    console = pair.secondary.console()
    case.expect("secondary's console empty", not console, f"{len(console)} characters")
    fault_real = time.time_ns()
    pair.inject("kill")
    pair.wait_state(pair.secondary, "exposed", 5)
    pair.wait_replies_after(time.monotonic_ns())
    time.sleep(1)
    announced(case, pair.capture("b").out(fault_real))
    case.judge(*verdict.replies(pair.incr.finish()))


def announced(case, frames):
    mac = bytes.fromhex(GUEST_MAC.replace(":", ""))
    rarp = [i for i, f in enumerate(frames) if f.ethertype == ETH_P_RARP and f.head[6:12] == mac]
    case.expect("RARP with the guest's MAC seen", rarp, f"{len(rarp)} of {len(frames)} frames")
    case.expect("RARP comes first", rarp[0] == 0, f"frame number {rarp[0] + 1}")
