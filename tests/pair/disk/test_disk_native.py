# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: images whose answers come by a descriptor, to the main loop, are as safe as
those of the thread pool, whose answers the vCPU takes.

Method: as disk_kill, with aio=native on both nodes, in both modes: redis commits to
its drive; the primary is killed, then the survivor; each acknowledged commit is there.
"""

import time

from ftpair import disk, drives
from ftpair.succession import Succession

WORK_SECONDS = 2
WORD = "if=none,id=d0,file={},format=raw,cache=none,aio=native"


def test_disk_native(case):
    own = {(side, 0): WORD.format(f"{side}0.raw") for side in "ab"}
    with Succession.of(case, "local", drives=drives.local(words=own)) as pair:
        die_twice(case, pair)
    one = {(side, 0): WORD.format("shared0.raw") for side in "ab"}
    with Succession.of(case, "shared", drives=drives.shared(words=one)) as pair:
        die_twice(case, pair)


def die_twice(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    pair.fail_over()
    time.sleep(WORK_SECONDS)
    disk.last_node_dies(case, pair)
