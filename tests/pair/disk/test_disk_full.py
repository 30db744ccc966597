# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a host's file system that is full is an error that names the drive; no
wrong data, and the guest runs on.

Method: the image of a second drive lies on a small tmpfs, sparse. (1) The
secondary's: an attach that copies more than there is room for fails, and works
with more room. (2) It is full while the pair is protected: the secondary is
unusable, the primary runs on. (3) The primary's is full: the guest gets an error,
the same on both nodes, which stay protected; where it had room its data is right.
"""

import os
from contextlib import contextmanager

from ftpair import disk, guest, images, netns, verdict
from ftpair.drives import Drive, Drives
from ftpair.images import MIB
from ftpair.pair import Failed
from ftpair.succession import Succession

ROOM, SMALL = 8, "small"        # MiB, and the name of the folder
WRITE = "dd if=/dev/urandom of=/dev/vdb bs=1M seek={} count={} oflag=direct conv=notrunc"


def hole(drives, side, number):
    """No file system, and nothing written."""
    path = drives.image(side, number)
    if path.parent != drives.folder:
        path.parent.mkdir()
        netns.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", SMALL, str(path.parent)])
    with path.open("wb") as file:
        file.truncate(drives[number].size_mib * MIB)


@contextmanager
def small(case, tag, side, **options):
    """A pair whose second image has little room on that side."""
    drives = Drives(Drive(), Drive(make=hole, place={side: SMALL}))
    with Succession.of(case, tag, drives=drives, **options) as pair:
        try:
            yield pair
        finally:
            pair.primary.stop()
            pair.secondary.stop()
            netns.run(["umount", "-l", str(pair.folder / SMALL)])


def room(pair, mib):
    netns.run(["mount", "-o", f"remount,size={mib}m", str(pair.folder / SMALL)])


def test_disk_full(case):
    of_the_secondary(case)
    of_the_primary(case)


def of_the_secondary(case):
    with small(case, "secondary", "b", alone=True) as pair:
        with pair.drives.image("a", 1).open("r+b") as file:
            file.write(os.urandom(3 * ROOM * MIB))
        pair.start_alone()
        pair.start_long_incr()
        pair.spawn()
        refused = attach_fails(pair)
        text = "drive 'd1' of the secondary: No space left on device"
        case.expect("the attach names drive and cause", text in refused, refused)
        pair.goes_on()
        room(pair, 4 * ROOM)
        pair.spawn()
        pair.attach()
        pair.stay_protected(1)
        guest.command(pair, WRITE.format(4 * ROOM, 2 * ROOM), 30)
        disk.lost_with(case, pair, "drive 'd1': this node's image failed a write", "a file system that is full")
        pair.goes_on()
        case.judge(*verdict.replies(pair.incr.finish()))


def attach_fails(pair):
    pair.begin_attach()
    try:
        pair.wait_state(pair.primary, "protected", 30)
    except Failed:
        return pair.primary.query()["reason"]
    raise Failed(f"the attach found room; {pair.told()}")


def of_the_primary(case):
    with small(case, "primary", "a") as pair:
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        half, whole = "dd if=/dev/vdb bs=1M count=4 iflag=direct 2>/dev/null | sha256sum", "head -c 4194304 {} | sha256sum"
        guest.command(pair, WRITE.format(0, ROOM // 2))
        try:
            guest.command(pair, WRITE.format(ROOM, 2 * ROOM))
            case.expect("the guest gets an error", False, "dd wrote")
        except Failed as error:
            case.expect("the guest gets an error", "error" in str(error) or "No space" in str(error), error)
        pair.stay_protected(1)
        errors = [node.query()["disks"][1]["errors"] for node in (pair.primary, pair.secondary)]
        case.expect("the same errors on both nodes", errors[0] == errors[1] > 0, errors)
        pair.fail_over()
        seen = guest.command(pair, half).split()[0]
        there = images.need("sh", "-c", whole.format(pair.drives.image("a", 1))).split()[0]
        case.expect("where there was room the data is right", seen == there, f"{seen} {there}")
        case.judge(*verdict.replies(pair.incr.finish()))
