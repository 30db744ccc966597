# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a primary whose log makes the guest's clock stand still is not followed; the
secondary names the field, and the guest goes on at the primary.

Method: the fault clock-stands writes a rate of 0 into the log after a moment.
"""

import time

from ftpair import verdict
from ftpair.case import faulty_qemu


def test_hostile_clock(case):
    with case.pair(primary={"qemu": faulty_qemu(), "environment": {"FT_FAULT": "clock-stands"}}) as pair:
        pair.start()
        failed = pair.wait_state(pair.secondary, "failed", 90)
        case.expect("the secondary names the field", "guest clock: rate: 0" in failed["reason"], failed["reason"])
        pair.wait_state(pair.primary, "exposed", 20)
        pair.wait_guest()
        pair.start_incr()
        time.sleep(1)
        case.judge(*verdict.replies(pair.incr.finish()))
