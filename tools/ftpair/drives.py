# SPDX-License-Identifier: GPL-2.0-or-later
"""The drives of a pair's guest: what -drive says of each on each side, and how its images come to be.

A pair is given some, Succession(drives=local(2)), and asks them for its command
lines; it knows no format and no file itself. "local": an image on each side;
"shared": both nodes have one, opened past the host's page cache, as the file of a
folder that two hosts share would be.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from .images import convert, empty_image, make_file_system

SIZE_MIB = 128
SLOWNESS = ("-object", "throttle-group,id=slow,x-iops-total=40")
SLOW = ("if=none,id=d1,driver=throttle,throttle-group=slow,file.driver={0},file.file.driver=file,"
        "file.file.filename=shared1.{0},cache=none")
PORT = ("-device", "pcie-root-port,id=port1,chassis=1,slot=1")


def file_system(drives, side, number):
    """An image with an empty file system, the same on both sides."""
    first = drives.folder / f"first{number}"
    if not first.exists():
        make_file_system(first, drives[number].size_mib)
    convert(first, "raw", drives.image(side, number), drives.format(side, number))


def zeros(drives, side, number):
    """An image in which nothing is written; in qcow2 no cluster is allocated."""
    empty_image(drives.image(side, number), drives[number].size_mib, drives.format(side, number))


@dataclass
class Drive:
    """One drive, with an image for each side.

    make(drives, side, number): makes an image. options: more of -drive. words: {side: all
    of -drive} where it is not the usual. place: {side: folder} of an image that lies in one. bus: of -device.
    """
    formats: tuple = ("raw", "raw")
    size_mib: int = SIZE_MIB
    make: Callable = file_system
    options: str = ""
    words: dict = field(default_factory=dict)
    place: dict = field(default_factory=dict)
    bus: str = ""


class Drives:
    """All of a guest's. parameters: of its kernel; arguments: what else QEMU needs for them; reads: ft-disk-reads."""

    def __init__(self, *drives, mode="local", reads=None, parameters="ft.file=0 ft.data=vda", arguments=()):
        self._drives, self.mode, self.parameters, self._more = drives, mode, parameters, arguments
        self.machine = () if mode == "local" else (f"ft-disk={mode}", *((f"ft-disk-reads={reads}",) if reads else ()))
        self.folder = None

    def __getitem__(self, number):
        return self._drives[number]

    @property
    def count(self):
        return len(self._drives)

    @property
    def sides(self):
        """Those that have images of their own."""
        return "ab" if self.mode == "local" else "a"

    def format(self, side, number=0):
        return dict(zip("ab", self[number].formats))[side]

    def name(self, side, number):
        name = f"{side if self.mode == 'local' else 'shared'}{number}.{self.format(side, number)}"
        place = self[number].place.get(side)
        return f"{place}/{name}" if place else name

    def image(self, side, number=0):
        return self.folder / self.name(side, number)

    def arguments(self, side):
        """What the first node on that side has for them."""
        words = [*self._more]
        for number, drive in enumerate(self._drives):
            usual = f"if=none,id=d{number},file={self.name(side, number)},format={self.format(side, number)}{drive.options}"
            words += ["-drive", drive.words.get(side, usual),
                      "-device", f"virtio-blk-pci,drive=d{number},id=disk{number}" + (f",bus={drive.bus}" if drive.bus else "")]
        return words

    def changes_for(self, side):
        """What a secondary on that side has otherwise than its primary's command line; of a shared image nothing."""
        return {key: value for number in range(self.count if self.mode == "local" else 0)
                for key, value in ((f"d{number}.file", self.name(side, number)), (f"d{number}.format", self.format(side, number)))}

    def make(self, folder):
        self.folder = folder
        for number, drive in enumerate(self._drives):
            for side in self.sides:
                drive.make(self, side, number)
        for first in folder.glob("first*"):
            first.unlink()


def local(count=1, *, size_mib=SIZE_MIB, formats=("raw", "raw"), words=None):
    """An image for each side, of these formats. words: {(side, number): all of -drive} where it is not the usual."""
    return Drives(*(Drive(formats, size_mib, words=words_of(words, number)) for number in range(count)))


def shared(count=1, *, image_format="raw", reads="log", words=None, second=file_system, own_port=False):
    """One image for both. second: makes that of the second drive. own_port: it is on a PCIe port of its own, so that the guest can reset it alone."""
    return Drives(*(Drive((image_format, image_format), options=",cache=none", words=words_of(words, number),
                          make=second if number == 1 else file_system, bus="port1" if own_port and number == 1 else "")
                    for number in range(count)), mode="shared", reads=reads, arguments=PORT if own_port else ())


def shared_slow(image_format="raw"):
    """The second drive's requests have to wait, so that some are in flight at any moment."""
    slow = Drive((image_format, image_format), words={side: SLOW.format(image_format) for side in "ab"})
    return Drives(Drive((image_format, image_format), options=",cache=none"), slow, mode="shared", reads="log", arguments=SLOWNESS)


def words_of(words, number):
    return {side: text for (side, drive), text in (words or {}).items() if drive == number}


def open_images(node):
    return [disk["open"] for disk in node.query()["disks"]]
