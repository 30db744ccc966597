# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a host's disk error or an image that differs is an error that names the
drive; no wrong data, and the guest runs on.

Method: a second drive, raw, used by dd past the guest's cache. (1) QEMU's
blkdebug fails its writes on the secondary alone: the secondary is unusable, the
primary runs on. (2) On the primary alone: the guest gets an error on both nodes,
which stay equal, and the secondary takes over. (3) A byte of the secondary's
image is changed behind its back: the first read of it is found. (4) An image of
another size is refused before anything runs.
"""

from ftpair import disk, guest
from ftpair.drives import local
from ftpair.images import MIB
from ftpair.succession import Succession

BROKEN = 16 * MIB               # what blkdebug fails, and what is changed
SECTOR = BROKEN // 512
FILE = "if=none,id=d1,driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename={side}1.raw"
FAIL = (f",file.inject-error.0.event=none,file.inject-error.0.iotype=write,file.inject-error.0.errno={{errno}}"
        f",file.inject-error.0.sector={SECTOR}")
WRITE = f"dd if=/dev/zero of=/dev/vdb bs=4k count=1 seek={BROKEN // 4096} oflag=direct conv=notrunc"
READ = f"dd if=/dev/vdb of=/dev/null bs=4k count=1 skip={BROKEN // 4096} iflag=direct"


def test_disk_errors(case):
    fails_on_the_secondary(case)
    fails_on_the_primary(case)
    differs(case)
    another_size(case)


def broken_on(side, errno):
    return {(side, 1): (FILE + FAIL).format(side=side, errno=errno)}


def start(case, tag, words=None):
    return Succession.of(case, tag, drives=local(2, words=words))


def fails_on_the_secondary(case):
    with start(case, "secondary", broken_on("b", 28)) as pair:
        pair.start(captures=()).wait_up()
        guest.command(pair, WRITE)
        disk.lost_with(case, pair, "drive 'd1': this node's image failed a write", "a full disk")


def fails_on_the_primary(case):
    with start(case, "primary", broken_on("a", 5)) as pair:
        pair.start(captures=()).wait_up()
        disk.error_is_the_guests(case, pair, WRITE)


def differs(case):
    with start(case, "differs") as pair:
        pair.start(captures=()).wait_up()
        with pair.drives.image("b", 1).open("r+b") as file:
            file.seek(BROKEN)
            file.write(b"x")
        guest.command(pair, READ)
        disk.lost_with(case, pair, f"drive 'd1': read of 4096 bytes at {BROKEN}", "an image that differs")


def another_size(case):
    with start(case, "size") as pair:
        with pair.drives.image("b", 1).open("r+b") as file:
            file.truncate(64 * MIB)
        pair.start(captures=())
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        case.expect("another size is refused", "disk1/virtio-backend" in exposed["reason"], exposed["reason"])
