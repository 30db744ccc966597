# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: an error of a shared image, or two images where one was meant, is an error
that names the drive; no wrong data, and the guest runs on.

Method: a second drive, used by dd past the guest's cache. (1) QEMU's blkdebug fails
the primary's writes: the guest gets the error, on both nodes, and the secondary
takes over. (2) It fails the secondary's reads with ft-disk-reads=disk: the secondary
is unusable. (3) A copy of the image: the attach is refused, nobody has locked it.
(4) Another size, and ft-disk=local against shared: refused by name.
"""

import shutil

from ftpair import disk, guest, images
from ftpair.drives import local, shared
from ftpair.images import MIB
from ftpair.succession import Succession

BROKEN = 16 * MIB
FILE = "if=none,id=d1,driver=raw,file.driver=blkdebug,file.image.driver=file,file.image.filename=shared1.raw,cache=none"
FAIL = ",file.inject-error.0.event=none,file.inject-error.0.iotype={what},file.inject-error.0.errno={errno}" \
       f",file.inject-error.0.sector={BROKEN // 512}"
WRITE = f"dd if=/dev/zero of=/dev/vdb bs=4k count=1 seek={BROKEN // 4096} oflag=direct conv=notrunc"
READ = f"dd if=/dev/vdb of=/dev/null bs=4k count=1 skip={BROKEN // 4096} iflag=direct"
COPY = "if=none,id=d1,file=copy.raw,format=raw,cache=none"


def test_shared_errors(case):
    fails_on_the_primary(case)
    fails_on_the_secondary(case)
    a_copy(case)
    another_size(case)
    local_against_shared(case)


def start(case, tag, words=None, **options):
    return Succession.of(case, tag, drives=shared(2, words=words, **options))


def fails_on_the_primary(case):
    with start(case, "primary", {("a", 1): FILE + FAIL.format(what="write", errno=5)}) as pair:
        pair.start(captures=()).wait_up()
        disk.error_is_the_guests(case, pair, WRITE)
        guest.command(pair, WRITE)


def fails_on_the_secondary(case):
    words = {("b", 1): FILE + FAIL.format(what="read", errno=5)}
    with start(case, "secondary", words, reads="disk") as pair:
        pair.start(captures=()).wait_up()
        guest.command(pair, READ)
        failed = pair.wait_state(pair.secondary, "failed", 10)
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        text = "drive 'd1': this node's image failed a read"
        case.expect("the secondary names it", text in failed["reason"], failed["reason"])
        case.expect("the primary names it", text in exposed["reason"], exposed["reason"])
        guest.command(pair, f"ls /data; {WRITE}; {READ}")


def a_copy(case):
    with start(case, "copy", {("b", 1): COPY}) as pair:
        shutil.copy(pair.drives.image("a", 1), pair.folder / "copy.raw")
        pair.start(captures=())
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        case.expect("a copy is refused", "the peer refused: drive 'd1': nobody has locked" in exposed["reason"],
                    exposed["reason"])
        case.expect("the secondary waits on", pair.secondary.state() == "waiting", "")


def another_size(case):
    with start(case, "size", {("b", 1): COPY}) as pair:
        images.empty_image(pair.folder / "copy.raw", 64, "raw")
        pair.start(captures=())
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        case.expect("another size is refused", "disk1/virtio-backend" in exposed["reason"], exposed["reason"])


def local_against_shared(case):
    with Succession.of(case, "local", drives=local()) as pair:
        pair.secondary.argv[4] += ",ft-disk=shared"
        pair.secondary.argv = [word + ",cache=none" if word.startswith("if=none,id=d0") else word
                               for word in pair.secondary.argv]
        pair.start(captures=())
        exposed = pair.wait_state(pair.primary, "exposed", 20)
        case.expect("local against shared is refused", "the machines differ: ft-disk: here 'shared', peer 'local'" in exposed["reason"],
                    exposed["reason"])
