# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the one image of both nodes can be a block device: no acknowledged commit is lost when
the primary dies, nor when the survivor dies after it.

Method: as shared_kill, with a loop device over a file of the work folder, past the page cache,
reads from the log and from the disk. QEMU says at start what a block device cannot give. Locks
reach both nodes here, for they share a host; what two hosts do is in docs/CAVEATS.md. Skipped
where this user gets no loop device.
"""

from contextlib import contextmanager

from ftpair import disk, images
from ftpair.case import Skip
from ftpair.drives import shared
from ftpair.succession import Succession

# The image is shared0.raw by way of shared0.device, which leads to a loop device (see on_device()).
WORDS = "if=none,id=d0,file=shared0.device,format=raw,cache=none"
WARNING = "the locks of a block device are known to this host alone"


@contextmanager
def on_device(pair):
    status, said = images.run("losetup", "--find", "--show", "--direct-io=on", pair.drives.image("a"))
    if status:
        raise Skip(f"no loop device: {said.strip()}")
    device = said.strip()
    try:
        (pair.folder / "shared0.device").symlink_to(device)
        yield
    finally:
        images.need("losetup", "--detach", device)


def test_shared_device(case):
    for reads in ("log", "disk"):
        pair = Succession.of(case, reads, drives=shared(reads=reads, words={(side, 0): WORDS for side in "ab"}))
        # The nodes end before the device goes: until then it is busy.
        with on_device(pair), pair:
            disk.killed_twice(case, pair)
            said = [WARNING in (pair.folder / f"{node}.stderr").read_text() for node in ("primary", "secondary")]
            case.expect("both nodes say what a block device cannot give", said == [True, True], said)
