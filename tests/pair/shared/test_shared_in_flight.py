# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a write that was in flight when the primary died is on the shared image once
the guest has been told that it is done, as if the guest had been alone.

Method: raw and qcow2. Four writers in the guest put random blocks on a drive that the
host throttles, so that some are always under way, and note the sum of each block when
its write has returned. The primary is killed, and the next one; a
trace tells that requests were issued again. Each noted block reads as it was noted.
"""

import re
import time

from ftpair import guest, trace
from ftpair.drives import shared_slow
from ftpair.succession import Succession
from ftpair.waiting import wait_until

ROUNDS, WORK_SECONDS = 2, 1.5
WRITER = ("mkdir -p /run/sums; for w in 1 2 3 4; do (n=0; while [ ! -e /run/stop ]; do head -c 4096 /dev/urandom >/tmp/w$w; "
          "dd if=/tmp/w$w of=/dev/vdb bs=4096 count=1 seek=$((w * 4000 + n)) oflag=direct conv=notrunc && "
          "sha256sum </tmp/w$w >/run/sums/$w.$n; n=$((n + 1)); done; touch /run/stopped.$w) & done")
CHECK = ("wrong=0; for f in /run/sums/*; do b=${f##*/}; w=${b%.*}; n=${b#*.}; "
         "[ \"$(dd if=/dev/vdb bs=4096 count=1 skip=$((w * 4000 + n)) iflag=direct 2>/dev/null | sha256sum)\" = \"$(cat $f)\" ] "
         "|| wrong=$((wrong + 1)); done; echo $(ls /run/sums | wc -l) $wrong")
STOP = "touch /run/stop; while [ $(ls /run/stopped.* 2>/dev/null | wc -l) -lt 4 ]; do sleep 0.1; done"


def test_shared_in_flight(case):
    for image_format in ("raw", "qcow2"):
        with Succession.of(case, image_format, drives=shared_slow(image_format),
                           arguments=trace.arguments(("ft_disk_reissue",), "{side}.trace")) as pair:
            kills(case, pair)


def wait_in_flight(pair, seconds=10):
    """A guest of a slow host does not always have a write under way."""
    wait_until("a write under way", lambda: pair.primary.query()["disks"][1]["in-flight"], seconds, step=0, told=pair.told)


def kills(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    guest.command(pair, f"({WRITER}) >/dev/null 2>&1 </dev/null &")
    for number in range(ROUNDS):
        time.sleep(WORK_SECONDS)
        if number:
            pair.spawn()
            pair.attach()
            time.sleep(WORK_SECONDS)
        wait_in_flight(pair)
        pair.fail_over()
    guest.command(pair, STOP, 60)
    # The check need not be slow.
    pair.primary.qmp.command("qom-set", path="/objects/slow", property="limits", value={"iops-total": 0})
    blocks, wrong = (int(word) for word in guest.command(pair, CHECK, 120).split())
    again = sum(len(re.findall("ft_disk_reissue drive=d1", path.read_text(errors="replace")))
                for path in pair.folder.glob("*.trace*"))
    case.figure("issued_again", again)
    case.expect("requests were issued again", again > 0, again)
    case.expect("each block that was written is there", blocks > 20 and wrong == 0, f"{wrong} wrong of {blocks}")
