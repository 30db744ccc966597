# SPDX-License-Identifier: GPL-2.0-or-later
"""A pair whose guest keeps redis' data on a drive, durable before each reply.

Each side has its own image of the drive, made equal at the start; a secondary
that is spawned later finds whatever its side's image holds by then. After the
end the images are judged on the host: compared byte by byte, checked by
e2fsck, and searched for every commit that a client saw acknowledged.
"""

import re
import signal
import subprocess
from dataclasses import dataclass

from . import guest, verdict
from .node import BUILD
from .pair import Failed
from .succession import Succession

MIB = 2**20


class DiskSuccession(Succession):
    """drives, size_mib: the guest's, of which the first holds a file system. formats: of a's images and of b's.

    mode: ft-disk. "local": an image for each side; "shared": both have a's. drive_words: {(side, number): what -drive
    says} where it is not the usual. first: more for the first primary's Node. The timeout is long: nothing here is about silence.
    """

    def __init__(self, name, *, drives=1, size_mib=128, formats=("raw", "raw"), mode="local", drive_words=None, file_mib=0,
                 more=(), machine=(), first=None, **options):
        self.formats, self.drives, self.size_mib, self.mode = dict(zip("ab", formats)), drives, size_mib, mode
        self._file_mib, self._more_arguments = file_mib, more
        self._words, self._memory = drive_words or {}, options.pop("memory_mib", None)
        super().__init__(name, primary={**self._more("a"), **(first or {})}, secondary=self._more("b"),
                         machine=(*machine, *(() if mode == "local" else (f"ft-disk={mode}",))),
                         **{"timeout_ms": 2000, **options})
        for number in range(drives):
            for side in "ab" if mode == "local" else "a":
                self.make_image(side, number)
        for first in self.folder.glob("first*"):
            first.unlink()

    def make_image(self, side, number):
        first = self.folder / f"first{number}"
        if not first.exists():
            make_file_system(first, self.size_mib)
        convert(first, "raw", self.image(side, number), self.formats[side])

    def parameters(self):
        """What the kernel's command line has more."""
        return f"ft.file={self._file_mib} ft.data=vda"

    def image(self, side, number=0):
        return self.folder / self.image_name(side, number)

    def _more(self, side):
        """What the first node on that side has more than other tests' nodes."""
        arguments = ["-m", str(self._memory)] if self._memory else []
        for number in range(self.drives):
            arguments += ["-drive", self._words.get((side, number), self.drive_word(side, number)),
                          "-device", f"virtio-blk-pci,drive=d{number},id=disk{number}"]
        arguments += [argument.format(side=side) for argument in self._more_arguments]
        return {"parameters": self.parameters(), "arguments": arguments}

    def drive_word(self, side, number):
        return f"if=none,id=d{number},file={self.image_name(side, number)},format={self.formats[side]}"

    def image_name(self, side, number):
        side = side if self.mode == "local" else "a"
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
    counts = next((line.split(": ", 1)[1] for line in said.splitlines() if ".look: " in line), "")
    return verdict.Check(f"e2fsck -fn of {side}'s image is clean", status == 0, counts if status == 0 else said.strip()[-400:])


def committed(pair, side, folder="/appendonlydir"):
    """How many INCRs redis' files in the image hold, after its journal was replayed as a mount would."""
    copy = as_raw(pair, side)
    status, said = run("e2fsck", "-fy", copy)
    if status not in (0, 1):
        raise Failed(f"e2fsck -fy of {side}'s image: status {status}: {said}")
    names = re.findall(r"\S+\.incr\.aof", need("debugfs", "-R", f"ls -p {folder}", copy))
    count = 0
    for name in {n.split("/")[-1] for n in re.findall(r"[^/\s]+\.incr\.aof", " ".join(names))}:
        log = pair.folder / name
        need("debugfs", "-R", f"dump {folder}/{name} {log}", copy)
        count += log.read_bytes().upper().count(b"\r\nINCR\r\n")
    return count


def commits(pair, side, incr):
    """Check: each acknowledged INCR is in the side's image, and none twice."""
    return commits_check(side, incr["value"], committed(pair, side))


def commits_check(side, acked, found):
    # One more may have been written and not answered when everything stopped.
    return verdict.Check(f"every INCR is in {side}'s image", acked <= found <= acked + 1,
                         f"{acked} acknowledged, {found} found")


# ------------------------------------------------- what tests of both modes ask --
def error_is_the_guests(case, pair, write):
    """The primary's second drive fails this write: the guest sees it, on both nodes alike, and they stay a pair."""
    try:
        guest.command(pair, write)
        case.expect("the guest gets an error", False, "it wrote")
    except Failed as error:
        case.expect("the guest gets an error", "Input/output error" in str(error), error)
    pair.stay_protected(1)
    errors = [node.query()["disks"][1]["errors"] for node in (pair.primary, pair.secondary)]
    case.expect("the same error on both nodes", errors == [1, 1], errors)
    pair.start_long_incr()
    pair.fail_over()


def lost_with(case, pair, text, what):
    """The secondary is of no more use, the primary runs on, and both name the drive."""
    failed = pair.wait_state(pair.secondary, "failed", 10)
    exposed = pair.wait_state(pair.primary, "exposed", 20)
    case.expect(f"the secondary names it: {what}", text in failed["reason"], failed["reason"])
    case.expect(f"the primary names it: {what}", text in exposed["reason"], exposed["reason"])
    guest.command(pair, "ls /data")


def last_node_dies(case, pair):
    """Ends the client, kills the survivor on side b, and looks for each commit in its image."""
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    drive = pair.primary.query()["disks"][0]
    case.expect("the guest wrote and flushed", drive["writes"] > 0 and drive["flushes"] > 0, drive)
    pair.primary.signal(signal.SIGKILL)
    pair.primary.wait_exit(10)
    case.judge(commits(pair, "b", result))


@dataclass
class End:
    """What the images say after the guest has powered itself off."""
    checks: list
    figures: dict
