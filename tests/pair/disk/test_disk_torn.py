# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a link that tears while drives are copied costs the attach and nothing
else: the guest runs on, the half-written images never become a machine, and the
next attach completes them.

Method: a second drive of random data, the secondary's is empty. When some of it
was sent the log link is cut, both nodes alive. The primary is exposed again, the
secondary waits. With the link back an attach succeeds, INCR has gone on all the
time; the guest powers itself off, the images are identical.
"""

import os

import pytest
from ftpair import disk, verdict
from ftpair.drives import local
from ftpair.dying import waits_again
from ftpair.images import MIB
from ftpair.pair import Failed
from ftpair.succession import Succession
from ftpair.waiting import wait_until

RANDOM = 256 * MIB


@pytest.mark.setup(kind=Succession, drives=local(2, size_mib=RANDOM // MIB + 64), alone=True, timeout_ms=1000)
def test_disk_torn(case, pair):
    with pair.drives.image("a", 1).open("r+b") as file:
        file.write(os.urandom(RANDOM))
    pair.start_alone()
    pair.start_long_incr()
    pair.secondary.start().connect()
    pair.begin_attach()
    case.figure("torn_at_mib", torn(pair) / MIB)
    said = pair.wait_state(pair.primary, "exposed", 20)["reason"]
    case.expect("the primary says why", said and not said.startswith("no secondary"), said)
    case.expect("the secondary waits again", waits_again(pair.secondary, 20), pair.secondary.query()["reason"])
    case.expect("it has what was sent and no more", not same(pair), "the images are equal already")
    pair.goes_on()
    pair.hosts.cut_log(False)
    pair.attach()
    pair.stay_protected(1)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    pair.power_off()
    case.judge(disk.equal(pair), disk.clean(pair, "b"), disk.commits(pair, "b", result))


def torn(pair, seconds=20):
    """Cuts the link when something was sent, and not all; how much."""
    sent = wait_until("some of the drive sent", lambda: pair.primary.query()["disks"][1]["copied-bytes"], seconds, step=0.005, told=pair.told)
    if sent >= RANDOM:
        raise Failed("all was sent before the link was cut")
    pair.hosts.cut_log()
    return sent


def same(pair):
    with pair.drives.image("a", 1).open("rb") as a, pair.drives.image("b", 1).open("rb") as b:
        a.seek(RANDOM - MIB)
        b.seek(RANDOM - MIB)
        return a.read(MIB) == b.read(MIB)
