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

from ftpair import disk, guest, netns, verdict
from ftpair.pair import Failed

ROOM = 8                        # MiB
WRITE = "dd if=/dev/urandom of=/dev/vdb bs=1M seek={} count={} oflag=direct conv=notrunc"


class SmallDisk(disk.DiskSuccession):
    """small: the side whose second image has little room."""

    def __init__(self, name, *, small, **options):
        self._small = small
        super().__init__(name, drives=2, **options)

    def image_name(self, side, number):
        name = super().image_name(side, number)
        return f"small/{name}" if (side, number) == (self._small, 1) else name

    def make_image(self, side, number):
        """A hole, no file system."""
        if number == 0:
            super().make_image(side, number)
            return
        if side == self._small:
            self.image(side, number).parent.mkdir()
            netns.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}m", "small", str(self.folder / "small")])
        with self.image(side, number).open("wb") as file:
            file.truncate(self.size_mib * disk.MIB)

    def room(self, mib):
        netns.run(["mount", "-o", f"remount,size={mib}m", str(self.folder / "small")])

    def __exit__(self, *why):
        for node in (self.primary, self.secondary):
            node.stop()
        netns.run(["umount", "-l", str(self.folder / "small")])
        return super().__exit__(*why)


def test_disk_full(case):
    of_the_secondary(case)
    of_the_primary(case)


def of_the_secondary(case):
    with SmallDisk.of(case, "secondary", small="b", alone=True) as pair:
        with pair.image("a", 1).open("r+b") as file:
            file.write(os.urandom(3 * ROOM * disk.MIB))
        pair.start_alone()
        pair.start_long_incr()
        pair.spawn()
        refused = attach_fails(pair)
        text = "drive 'd1' of the secondary: No space left on device"
        case.expect("the attach names drive and cause", text in refused, refused)
        pair.goes_on()
        pair.room(4 * ROOM)
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
    with SmallDisk.of(case, "primary", small="a") as pair:
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
        there = disk.need("sh", "-c", whole.format(pair.image("a", 1))).split()[0]
        case.expect("where there was room the data is right", seen == there, f"{seen} {there}")
        case.judge(*verdict.replies(pair.incr.finish()))
