# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: whatever is on a drive when a node dies is what the guest has put there,
block by block, and in order both images hold the same.

Method: Debian on a drive; fio writes a second one at random, with 1 and with 32
requests at a time, with and without flushes, each block with its checksum, and
reads all of it again, round after round. In the middle of a round the primary is
killed, its side gets a new secondary, and the same once more. No round has failed;
after an orderly end the images are identical and clean.
"""

import signal
import time

from ftpair import disk, guest, root_disk
from ftpair.case import Skip
from ftpair.waiting import wait_until

ROUND_SECONDS = 40              # of fio, on a busy host


def test_disk_fio(case):
    if root_disk.missing():
        raise Skip(root_disk.missing())
    with root_disk.RootSuccession.of(case, drives=root_disk.root_drives(formats=("qcow2", "raw"), empty=1, size_mib=16)) as pair:
        pair.start(captures=()).wait_up()
        guest.command(pair, "ft-load fio")
        for _ in range(2):
            a_round(pair)
            pair.primary.signal(signal.SIGKILL)
            pair.wait_state(pair.secondary, "exposed", 10)
            pair.promote()
            a_round(pair)
            pair.spawn()
            pair.attach()
        a_round(pair)
        pair.stay_protected(1)
        wrong = guest.command(pair, "cat /run/ft-load/fio.wrong; cat /run/ft-load/fio.said 2>/dev/null; true").split(maxsplit=1)
        case.expect("fio reads every block as it was written", wrong == ["0"], " ".join(wrong)[:400])
        case.figure("fio_rounds", done(pair))
        pair.power_off()
        case.say("the guest has powered itself off")
        case.judge(disk.equal(pair), disk.clean(pair, "a"), disk.clean(pair, "b"))


def done(pair):
    return int(guest.command(pair, "cat /run/ft-load/fio"))


def a_round(pair):
    """Until fio has written and read one more round, and is in the middle of another."""
    enough = done(pair) + 1
    wait_until("a round of fio", lambda: done(pair) >= enough, ROUND_SECONDS, step=0.2, told=pair.told)
    time.sleep(1)
