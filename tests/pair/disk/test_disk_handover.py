# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a planned failover with disk requests in flight loses none of them.

Method: redis commits to one drive, another one answers late and is used without
a pause. ft-failover on the primary: it waits for its requests before it hands
over; the client goes on with the secondary, the drives work there.
"""

import time

from ftpair import guest, verdict
from ftpair.disk import DiskSuccession
from ftpair.disk_load import slow_drives, start_load

WORK_SECONDS = 2


def run(case):
    with DiskSuccession.of(case, drives=2, drive_words=slow_drives()) as pair:
        hand_over(case, pair)


def hand_over(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    start_load(pair)
    time.sleep(WORK_SECONDS)
    pair.primary.qmp.command("ft-failover")
    pair.wait_state(pair.secondary, "exposed", 20)
    pair.wait_state(pair.primary, "fenced", 20)
    pair.promote()
    pair.goes_on()
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=4k count=10 iflag=direct; sync", 30)
    errors = [d["errors"] for d in pair.primary.query()["disks"]]
    case.expect("no request failed", errors == [0, 0], errors)
    case.judge(*verdict.replies(pair.incr.finish()))
