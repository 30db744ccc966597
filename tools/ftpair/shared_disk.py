# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose nodes use one image: ft-disk=shared.

The image is a file in the work folder, opened past the host's page cache, as the
file of a folder that two hosts share would be.
"""

import time

from . import disk
from .disk import DiskSuccession, empty_image

WORK_SECONDS = 3                # of the client, between two deaths
SLOWNESS = ("-object", "throttle-group,id=slow,x-iops-total=40")
SLOW = ("if=none,id=d1,driver=throttle,throttle-group=slow,file.driver={0},file.file.driver=file,"
        "file.file.filename=shared1.{0},cache=none")


class SharedDisk(DiskSuccession):
    """image_format: of the image. reads: who reads for the secondary. drives, drive_words and so on: as there.

    empty_second: the second drive is one of zeros, with no cluster allocated in qcow2.
    own_port: the second drive is on a PCIe port of its own, so that the guest can reset it alone.
    qemu, environment: of the first node on that side (on).
    """

    def __init__(self, name, *, image_format="raw", reads="log", machine=(), empty_second=False,
                 own_port=False, on="a", qemu=None, environment=None, **options):
        self._port = own_port
        self._first = on, {"qemu": qemu, "environment": environment}
        super().__init__(name, formats=(image_format, image_format),
                         machine=("ft-disk=shared", f"ft-disk-reads={reads}", *machine), **options)
        if empty_second:
            empty_image(self.image("a", 1), self.size_mib, image_format)

    def _more(self, side):
        more = super()._more(side)
        if self._port:
            more["arguments"] = ["-device", "pcie-root-port,id=port1,chassis=1,slot=1", *(
                f"{word},bus=port1" if word.startswith("virtio-blk-pci,drive=d1") else word for word in more["arguments"])]
        return {**more, **(self._first[1] if side == self._first[0] else {})}

    def image(self, side, number=0):
        return self.folder / self.image_name(side, number)

    def image_name(self, side, number):
        return f"shared{number}.{self.formats[side]}"

    def changes_for(self, side):
        return {}               # it is the primary's image

    def drive_word(self, side, number):
        return super().drive_word(side, number) + ",cache=none"

    @classmethod
    def slow(cls, case, tag="", more=(), image_format="raw", **options):
        """The same with a second drive whose requests have to wait, so that some are in flight at any moment."""
        words = {(side, 1): SLOW.format(image_format) for side in "ab"}
        return cls.of(case, tag, drives=2, drive_words=words, more=(*SLOWNESS, *more), image_format=image_format,
                      **options)

    def open_images(self, node):
        return [d["open"] for d in node.query()["disks"]]


def killed_twice(case, pair):
    pair.start(captures=()).wait_up()
    case.expect("open on the primary alone", (pair.open_images(pair.primary), pair.open_images(pair.secondary))
                == ([True], [False]), "")
    pair.start_long_incr()
    time.sleep(WORK_SECONDS)
    case.expect("digests agree", pair.secondary.query()["digests"] > 0, pair.secondary.query()["digests"])
    pair.fail_over()
    case.expect("open on the survivor", pair.open_images(pair.primary) == [True], "")
    time.sleep(WORK_SECONDS)
    disk.last_node_dies(case, pair)
