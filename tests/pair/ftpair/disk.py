# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose guest keeps redis' data on a drive, durable before each reply.

Each side has its own image of the drive, made equal at the start; a secondary
that is spawned later finds whatever its side's image holds by then. After the
end the images are judged on the host: compared byte by byte, checked by
e2fsck, and searched for every commit that a client saw acknowledged.
"""

import re
import shutil
import subprocess
import time

from . import guest, verdict
from .pair import Failed
from .succession import Succession

MIB = 2**20


class DiskSuccession(Succession):
    """drives, size_mib, image_format: of the guest's drives, of which the first holds a file system.

    The timeout is long: nothing here is about silence.
    """

    def __init__(self, name, *, drives=1, size_mib=128, image_format="raw", device="virtio-blk-pci", words=("", ""), **options):
        self.format, self.drives = image_format, drives
        self._device, self._words = device, dict(zip("ab", words))
        super().__init__(name, primary=self._more("a"), secondary=self._more("b"), **{"timeout_ms": 2000, **options})
        for number in range(drives):
            make_image(self.image("a", number), size_mib, image_format)
            shutil.copyfile(self.image("a", number), self.image("b", number))

    def image(self, side, number=0):
        return self.folder / f"{side}{number}.{self.format}"

    def _more(self, side):
        """What the first node on that side has more than other tests' nodes."""
        arguments = []
        for number in range(self.drives):
            drive = f"if=none,id=d{number},file={side}{number}.{self.format},format={self.format}"
            arguments += ["-drive", ",".join(w for w in (drive, self._words[side]) if w),
                          "-device", f"{self._device},drive=d{number},id=disk{number}"]
        return {"parameters": "ft.file=0 ft.data=vda", "arguments": arguments}

    def changes_for(self, side):
        return {f"d{number}.file": f"{side}{number}.{self.format}" for number in range(self.drives)}

    def power_off(self, seconds=30):
        """The guest ends itself in order; both nodes follow it."""
        guest.order(self, "ft-stop")
        for node in (self.primary, self.secondary):
            if node.alive() and node.wait_exit(seconds) is None:
                raise Failed(f"the guest has powered off, {node.name} has not ended; {self.told()}")


# ------------------------------------------------------------------- images --
def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def need(*words):
    status, said = run(*words)
    if status != 0:
        raise Failed(f"{' '.join(str(w) for w in words)}: status {status}: {said}")
    return said


def make_image(path, size_mib, image_format):
    raw = path if image_format == "raw" else path.with_suffix(".tmp")
    with raw.open("wb") as file:
        file.truncate(size_mib * MIB)
    # No lazy initialisation: an idle guest must not write.
    need("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", raw)
    if image_format != "raw":
        need(qemu_img(), "convert", "-f", "raw", "-O", image_format, raw, path)
        raw.unlink()


def qemu_img():
    from .node import BUILD
    return BUILD / "qemu-img"


def as_raw(pair, side):
    """A raw copy of the side's image, to look at."""
    copy = pair.folder / f"{side}.look"
    need(qemu_img(), "convert", "-f", pair.format, "-O", "raw", pair.image(side), copy)
    return copy


def equal(pair):
    """Check: the guest would see the same bytes in both nodes' images."""
    said = [run(qemu_img(), "compare", "-f", pair.format, "-F", pair.format, pair.image("a", n), pair.image("b", n))
            for n in range(pair.drives)]
    return verdict.Check("the images are identical", all(status == 0 for status, _ in said),
                         "; ".join(text.strip() for _, text in said))


def clean(pair, side):
    """Check: e2fsck finds nothing, without replaying or mending anything."""
    status, said = run("e2fsck", "-fn", as_raw(pair, side))
    return verdict.Check(f"e2fsck -fn of {side}'s image is clean", status == 0, said.strip()[-200:])


def committed(pair, side):
    """How many INCRs the file system of the image holds, after its journal was replayed as a mount would."""
    copy = as_raw(pair, side)
    status, said = run("e2fsck", "-fy", copy)
    if status not in (0, 1):
        raise Failed(f"e2fsck -fy of {side}'s image: status {status}: {said}")
    names = re.findall(r"\S+\.incr\.aof", need("debugfs", "-R", "ls -p /appendonlydir", copy))
    count = 0
    for name in {n.split("/")[-1] for n in re.findall(r"[^/\s]+\.incr\.aof", " ".join(names))}:
        log = pair.folder / name
        need("debugfs", "-R", f"dump /appendonlydir/{name} {log}", copy)
        count += log.read_bytes().upper().count(b"\r\nINCR\r\n")
    return count


def commits(pair, side, incr):
    """Check: each acknowledged INCR is in the side's image, and none twice."""
    found, acked = committed(pair, side), incr["value"]
    # One more may have been written and not answered when everything stopped.
    return verdict.Check(f"every commit is in {side}'s image", acked <= found <= acked + 1,
                         f"{acked} acknowledged, {found} found")
