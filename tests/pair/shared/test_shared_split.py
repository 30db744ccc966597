# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: of a shared image there is never a second writer: not a primary that hung
in the middle of a write and comes back, not one behind a cut link.

Method: redis commits to one drive, dd writes to another without a pause, which the
host throttles, so that there are always writes that QEMU has taken and not done.
(1) SIGSTOP of the primary: the secondary wins the epoch, waits for the image and
says so; the image does not change. SIGCONT: the old primary finishes those writes, is
fenced and closes its images, the secondary opens them and the client goes on. (2) The same, but the old
primary is killed instead. (3) The log link is cut with both alive. Each time QEMU's
traces say that no write of the loser began or ended behind the winner's opening, no
commit is lost, and the file system is clean.
"""

import hashlib
import signal
import time

from ftpair import disk, guest, split, trace, verdict
from ftpair.drives import open_images, shared_slow
from ftpair.pair import Failed
from ftpair.succession import Succession
from ftpair.waiting import wait_until

WORK_SECONDS = 2
FROZEN_SECONDS = 1.5
TRACES = ("ft_disk_go", "ft_disk_complete", "ft_disk_image", "ft_disk_reissue")
LOAD = "(for n in 1 2 3 4; do (while :; do dd if=/dev/urandom of=/dev/vdb bs=64k count=40 seek=$((n * 100)) " \
       "oflag=direct conv=notrunc; done) & done) >/dev/null 2>&1 </dev/null & sleep 0.5"


def test_shared_split(case):
    for image_format in ("raw", "qcow2"):
        for wake in (signal.SIGCONT, signal.SIGKILL):
            with start(case, f"{image_format}-{wake.name.lower()}", image_format) as pair:
                frozen(case, pair, wake)
        with start(case, f"{image_format}-link", image_format) as pair:
            cut_off(case, pair)


def start(case, tag, image_format):
    return Succession.of(case, tag, drives=shared_slow(image_format), arguments=trace.arguments(TRACES, "{side}.trace"), timeout_ms=500)


def work(pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    guest.command(pair, LOAD)
    time.sleep(WORK_SECONDS)


def content(pair):
    return [hashlib.sha256(pair.drives.image("a", number).read_bytes()).hexdigest() for number in range(pair.drives.count)]


def frozen(case, pair, wake):
    work(pair)
    old, new = pair.primary, pair.secondary
    pair.inject("stop")
    waits = waiting(new)
    case.expect("the takeover says what it waits for", "drive 'd0'" in waits or "drive 'd1'" in waits, waits)
    before = content(pair)
    time.sleep(FROZEN_SECONDS)
    query = new.query()
    case.expect("it goes on waiting", query["state"] == "going-live" and not any(d["open"] for d in query["disks"]),
                query["state"])
    case.expect("nobody writes meanwhile", content(pair) == before, "")
    old.signal(wake)
    if wake == signal.SIGCONT:
        pair.wait_state(old, "fenced", 10)
    pair.wait_state(new, "exposed", 10)
    case.expect("it waits for nothing any more", "waits-for" not in new.query(), "")
    if wake == signal.SIGCONT:
        case.expect("the old primary has closed its images", open_images(old) == [False, False], "")
    pair.promote()
    finish(case, pair, "a", "b")


def waiting(node, seconds=10):
    return wait_until("a takeover that waits", lambda: node.query().get("waits-for"), seconds, step=0.02,
                      told=lambda: f"{node.name} is {node.state()}")


def cut_off(case, pair):
    work(pair)
    since = time.time_ns()
    pair.hosts.cut_log()
    events = split.settle(pair, since, 20)
    winner = split.winner_of(events)
    case.expect("exactly one goes on", winner, {side: e.data["state"] for side, e in events.items()})
    loser = "b" if winner == "a" else "a"
    if winner == "b":
        pair.promote()
    finish(case, pair, loser, winner)


def finish(case, pair, loser, winner):
    pair.goes_on()
    time.sleep(WORK_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()), one_writer(pair, loser, winner))
    result = pair.incr.result
    guest.order(pair, "ft-stop")
    if pair.node(winner).wait_exit(30) is None:
        raise Failed(f"the guest has powered off, {pair.node(winner).name} has not ended")
    case.judge(disk.clean(pair, winner), disk.commits(pair, winner, result))


def one_writer(pair, loser, winner):
    """By the traces of both: what the loser did to the image, it did before the winner opened it."""
    theirs = trace.read(pair.folder / f"{winner}.trace")
    ours = trace.read(pair.folder / f"{loser}.trace")
    went = [p for p in ours if p.name == "ft_disk_go"]
    if loser == "b":            # a secondary that lost has never opened it
        return verdict.Check("the loser never wrote", not went, f"{len(went)} writes")
    wrote = {(p.fields["drive"], p.fields["request"]) for p in went}
    ended = [p for p in ours if p.name == "ft_disk_complete" and (p.fields["drive"], p.fields["request"]) in wrote]
    opened = [p.real_ns for p in theirs if p.name == "ft_disk_image" and p.fields["what"] == "open"]
    last = max(p.real_ns for p in (*went, *ended))
    again = sum(p.name == "ft_disk_reissue" for p in theirs)
    return verdict.Check("the old primary's last write is older than the opening",
                         len(opened) == pair.drives.count and last < min(opened),
                         f"{len(went)} begun, {len(ended)} ended, the last {(min(opened, default=0) - last) / 1e6:.1f} ms "
                         f"before; {again} issued again")
