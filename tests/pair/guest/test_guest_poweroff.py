# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that powers itself off ends the pair in order on both sides.

Method: "poweroff -f" in the guest while the client works. Both QEMUs must end
with status 0; the secondary may not go live nor emit a frame.
"""

import time

from ftpair import guest, verdict


def test_guest_poweroff(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(0.5)
    guest.order(pair, "poweroff -f")
    for node in (pair.primary, pair.secondary):
        status = node.wait_exit(20)
        case.expect(f"the {node.name} ended in order", status == 0,
                    f"status {status}, {node.errors()}; {' -> '.join(story(node))}")
    told = story(pair.secondary)
    case.expect("the secondary did not go live",
                not any(t.startswith(("going-live", "exposed")) for t in told), " -> ".join(told))
    arbiter = sorted(p.name for p in pair.arbiter_folder.iterdir())
    case.expect("nobody claimed the epoch", not any(n.startswith("ft-") for n in arbiter), arbiter)
    case.judge(verdict.silent(pair.capture("b"), "secondary silent"))


def story(node):
    return [f"{e.data['state']} ({e.data['reason']})" for e in node.qmp.events
            if e.name == "FT_STATE_CHANGE"]
