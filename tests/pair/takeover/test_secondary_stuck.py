# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary that executes nothing any more is dropped, the guest does not
crawl behind it for ever, and it never goes live.

Method: with the fault "stand-still" the secondary stops reading its log at frame
100 but acknowledges on; the primary becomes exposed and says why, the client's
replies go on without loss, the secondary ends failed.
"""

import time

from ftpair import verdict
from ftpair.case import faulty_qemu


def test_secondary_stuck(case):
    with case.pair(secondary={"qemu": faulty_qemu(), "environment": {"FT_FAULT": "stand-still"}}) as pair:
        pair.start()
        pair.wait_state(pair.primary, "exposed", 90)
        pair.wait_guest()
        pair.start_incr()
        time.sleep(1)
        case.judge(*verdict.replies(pair.incr.finish()))
        reason = pair.primary.query()["reason"]
        case.expect("the primary says why", "stands still" in reason, reason)
        ended = pair.secondary.query()
        case.expect("the secondary does not go live", ended["state"] == "failed", ended["reason"])
