# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the one image of both nodes can be a block device: no acknowledged commit is lost when
the primary dies, nor when the survivor dies after it.

Method: as shared_kill, with a loop device over a file of the work folder, past the page cache,
reads from the log and from the disk. QEMU says at start what a block device cannot give. Locks
reach both nodes here, for they share a host; what two hosts do is in docs/CAVEATS.md. Skipped
where this user gets no loop device.
"""

from contextlib import contextmanager

from ftpair import disk
from ftpair.case import Skip
from ftpair.shared_disk import SharedDisk, killed_twice

WARNING = "the locks of a block device are known to this host alone"


class SharedDevice(SharedDisk):
    """The image is shared0.raw by way of shared0.device, which leads to a loop device (see on_device())."""

    def drive_word(self, side, number):
        return f"if=none,id=d{number},file=shared{number}.device,format=raw,cache=none"


@contextmanager
def on_device(pair):
    status, said = disk.run("losetup", "--find", "--show", "--direct-io=on", pair.image("a"))
    if status:
        raise Skip(f"no loop device: {said.strip()}")
    device = said.strip()
    try:
        (pair.folder / "shared0.device").symlink_to(device)
        yield
    finally:
        disk.need("losetup", "--detach", device)


def test_shared_device(case):
    for reads in ("log", "disk"):
        pair = SharedDevice.of(case, reads, reads=reads)
        # The nodes end before the device goes: until then it is busy.
        with on_device(pair), pair:
            killed_twice(case, pair)
            said = [WARNING in (pair.folder / f"{node}.stderr").read_text() for node in ("primary", "secondary")]
            case.expect("both nodes say what a block device cannot give", said == [True, True], said)
