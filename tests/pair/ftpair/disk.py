# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose guest keeps redis' data on a drive, durable before each reply.

Each side has its own image of the drive, made equal at the start; a secondary
that is spawned later finds whatever its side's image holds by then. After the
end the images are judged on the host: compared byte by byte, checked by
e2fsck, and searched for every commit that a client saw acknowledged.
"""

import re
import subprocess
from dataclasses import dataclass

from . import guest, verdict
from .node import BUILD
from .pair import Failed
from .succession import Succession

MIB = 2**20


class DiskSuccession(Succession):
    """drives, size_mib: the guest's, of which the first holds a file system. formats: of a's images and of b's.

    drive_words: {(side, number): what -drive says} where it is not the usual. The timeout is long: nothing here is
    about silence.
    """

    def __init__(self, name, *, drives=1, size_mib=128, formats=("raw", "raw"), drive_words=None, file_mib=0, more=(),
                 **options):
        self.formats, self.drives, self.size_mib = dict(zip("ab", formats)), drives, size_mib
        self._file_mib, self._more_arguments = file_mib, more
        self._words, self._memory = drive_words or {}, options.pop("memory_mib", None)
        super().__init__(name, primary=self._more("a"), secondary=self._more("b"), **{"timeout_ms": 2000, **options})
        for number in range(drives):
            first = self.folder / "first"
            make_file_system(first, size_mib)
            for side in "ab":
                convert(first, "raw", self.image(side, number), self.formats[side])
            first.unlink()

    def image(self, side, number=0):
        return self.folder / f"{side}{number}.{self.formats[side]}"

    def _more(self, side):
        """What the first node on that side has more than other tests' nodes."""
        arguments = ["-m", str(self._memory)] if self._memory else []
        for number in range(self.drives):
            arguments += ["-drive", self._words.get((side, number), self.drive_word(side, number)),
                          "-device", f"virtio-blk-pci,drive=d{number},id=disk{number}"]
        arguments += [argument.format(side=side) for argument in self._more_arguments]
        return {"parameters": f"ft.file={self._file_mib} ft.data=vda", "arguments": arguments}

    def drive_word(self, side, number):
        return f"if=none,id=d{number},file={self.image_name(side, number)},format={self.formats[side]}"

    def image_name(self, side, number):
        return f"{side}{number}.{self.formats[side]}"

    def changes_for(self, side):
        changes = {}
        for number in range(self.drives):
            changes[f"d{number}.file"] = self.image_name(side, number)
            changes[f"d{number}.format"] = self.formats[side]
        return changes

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


def make_file_system(path, size_mib):
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
    # No lazy initialisation: an idle guest must not write.
    need("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", path)


def empty_image(path, size_mib, image_format):
    need(BUILD / "qemu-img", "create", "-q", "-f", image_format, path, f"{size_mib}M")


def convert(source, source_format, target, target_format):
    need(BUILD / "qemu-img", "convert", "-f", source_format, "-O", target_format, source, target)


def as_raw(pair, side):
    """A raw copy of the side's image, to look at."""
    copy = pair.folder / f"{side}.look"
    convert(pair.image(side), pair.formats[side], copy, "raw")
    return copy


def equal(pair):
    """Check: the guest would see the same bytes in both nodes' images."""
    said = [run(BUILD / "qemu-img", "compare", "-f", pair.formats["a"], "-F", pair.formats["b"],
                pair.image("a", n), pair.image("b", n))
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


# ---------------------------------------------------------- a demo and a soak --
def after(pair, story):
    """Checks of the survivor's image when its guest has powered itself off."""
    survivor = pair.node(story.survivor)
    guest.order(pair, "ft-stop")
    if survivor.wait_exit(30) is None:
        raise Failed(f"the guest has powered off, {survivor.name} has not ended: {survivor.errors()}")
    return [clean(pair, story.survivor), commits(pair, story.survivor, story.incr)]


@dataclass
class End:
    """What the images say after the guest has powered itself off."""
    checks: list
    figures: dict


def end(pair):
    """Ends clients and guest in order, and judges what is on the images."""
    incr = pair.incr.finish()
    wrong = int(guest.command(pair, "cat /run/ft-load/disk.wrong"))
    rounds = guest.command(pair, "ft-load show").split()
    pair.power_off()
    found = [committed(pair, side) for side in "ab"]
    checks = [equal(pair), *(clean(pair, side) for side in "ab"), *(commits(pair, side, incr) for side in "ab"),
              verdict.Check("every file read as it was written", wrong == 0 and "disk" in rounds, f"{wrong} wrong; {rounds}")]
    return End(checks, {
        "commits": incr["value"],
        "commits_lost": max(0, incr["value"] - min(found)), "commits_doubled": max(0, max(found) - incr["value"] - 1),
        "fsck_errors": sum(not check.ok for check in checks[1:3]), "verify_errors": wrong,
        "images_differ": int(not checks[0].ok)})
