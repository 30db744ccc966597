# SPDX-License-Identifier: GPL-2.0-or-later
"""What became of a guest's drives.

The guest keeps redis' data on the first one, durable before each reply. After the
end the images are judged on the host: compared byte by byte, checked by e2fsck,
and searched for every commit that a client saw acknowledged.
"""

import re
import signal
import time
from dataclasses import dataclass

from . import guest, verdict
from .drives import open_images
from .failure import Failed
from .images import convert, need, run
from .node import BUILD

KILL_SECONDS = 3                # the client works so long between two deaths


def as_raw(pair, side):
    """A raw copy of the side's image, to look at."""
    copy = pair.folder / f"{side}.look"
    convert(pair.drives.image(side), pair.drives.format(side), copy, "raw")
    return copy


def equal(pair):
    """Check: the guest would see the same bytes in both nodes' images."""
    drives = pair.drives
    said = [run(BUILD / "qemu-img", "compare", "-f", drives.format("a", n), "-F", drives.format("b", n), drives.image("a", n), drives.image("b", n))
            for n in range(drives.count)]
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


def killed_twice(case, pair):
    pair.start(captures=()).wait_up()
    case.expect("open on the primary alone", (open_images(pair.primary), open_images(pair.secondary))
                == ([True], [False]), "")
    pair.start_long_incr()
    time.sleep(KILL_SECONDS)
    case.expect("digests agree", pair.secondary.query()["digests"] > 0, pair.secondary.query()["digests"])
    pair.fail_over()
    case.expect("open on the survivor", open_images(pair.primary) == [True], "")
    time.sleep(KILL_SECONDS)
    last_node_dies(case, pair)


@dataclass
class End:
    """What the images say after the guest has powered itself off."""
    checks: list
    figures: dict
