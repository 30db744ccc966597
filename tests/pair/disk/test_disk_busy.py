# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: an attach to a guest that writes to its drives faster than the link carries the copy ends: protected, or with both figures;
and nobody who talks to the guest notices.

Method: a log link of 200 Mbit/s, INCR in a closed loop that commits each to the first drive, a ping every 10 ms. Programs in the guest
write to two more drives as fast as they can, some 64 KiB at a time: their writes are delayed, and the pair is protected; the images are
the same in the end. Before that so many large writes at a time to one of these drives, over a slower link, that delays are not enough:
the attach gives up and says what the guest writes and what the copy carries, and the guest runs on, not delayed. No gap of either client
is longer than half a second (and what a busy host makes of itself).
"""

import re
import time

import pytest
from ftpair import digest, disk, guest, verdict
from ftpair.drives import Drive, Drives
from ftpair.succession import Succession
from ftpair.watch import Watch

MBIT, SLOW_MBIT, GAP_MS_MAX = 200, 40, 500
GIVE_UP_SECONDS, ATTACH_SECONDS, BEFORE_SECONDS = 90, 120, 3
# 8 MiB that are not alike, written again and again with another beginning, so that each write changes what is there.
RANDOM = "dd if=/dev/urandom of=/tmp/random bs=64k count=128"
LOAD = ("for n in $(seq {loops}); do for d in {drives}; do (i=$n; while [ ! -e /tmp/stop ]; do i=$((i + 1)); "
        "dd if=/tmp/random of=/dev/$d bs={size}k count=$((4096 / {size})) skip=$((i % (4096 / {size}))) seek=$((n * 4096 / {size})) "
        "oflag=direct conv=notrunc; done) & done; done")


# A flush of the host's may take a second while all this is written, attach or not; nothing here is about that.
@pytest.mark.setup(kind=Succession, drives=Drives(*(Drive(options=",cache=unsafe") for _ in range(3))), alone=True)
def test_disk_busy(case, pair):
    pair.start_alone()
    guest.command(pair, f"{RANDOM} 2>/dev/null")
    pair.start_long_incr()
    gives_up(case, pair)
    is_delayed(case, pair)
    result = pair.incr.finish()
    case.judge(*verdict.replies(result))
    pair.power_off()
    case.judge(disk.equal(pair), disk.commits(pair, "b", result))


def load(pair, **options):
    """Starts the programs in the guest, and lets them work for a while; what they write, MB/s."""
    guest.command(pair, f"rm -f /tmp/stop; ({LOAD.format(**options)}) >/dev/null 2>&1 </dev/null")
    return rate(pair, BEFORE_SECONDS)


def rate(pair, seconds):
    """What the guest writes to the drives of the programs meanwhile, MB/s."""
    begun, before = time.monotonic(), written(pair)
    time.sleep(seconds)
    return (written(pair) - before) / (time.monotonic() - begun) / 1e6


def end_load(pair):
    guest.command(pair, "touch /tmp/stop; while pidof dd; do sleep 0.1; done", 60)


def written(pair):
    return sum(d["written-bytes"] for d in pair.primary.query()["disks"][1:])


def gives_up(case, pair):
    before = load(pair, loops=6, drives="vdb", size=1024)
    pair.spawn()
    pair.hosts.limit_log(SLOW_MBIT)
    with Clients(case, pair, "an attach that cannot win") as clients:
        pair.begin_attach()
        clients.until(("exposed",), GIVE_UP_SECONDS)
        said = pair.primary.query()["reason"]
    figures = re.search(r"drive 'd1': the guest writes ([\d.]+) MB/s to its drives, the copy to the secondary carries ([\d.]+) MB/s", said)
    case.expect("it says what the guest writes and what the copy carries", figures, said)
    wrote, carried = (float(f) for f in figures.groups())
    case.expect("the figures are those of link and guest", SLOW_MBIT / 40 < carried < SLOW_MBIT / 4 and wrote > carried, said)
    after = rate(pair, BEFORE_SECONDS)
    query = pair.primary.query()
    case.expect("it stays exposed", query["state"] == "exposed", query["reason"])
    # Only writes that make something left for the copy are ever delayed.
    left = [d["copy-left"] for d in query["disks"]]
    case.expect("it writes, and nothing is left to copy", after > 0 and not any(left), f"{before:.1f} MB/s before, {after:.1f} MB/s now, left {left}")
    end_load(pair)


def is_delayed(case, pair):
    before = load(pair, loops=3, drives="vdb vdc", size=64)
    pair.spawn()
    pair.hosts.limit_log(MBIT)
    with Clients(case, pair, "an attach that delays writes") as clients:
        begun, wrote = time.monotonic(), written(pair)
        pair.begin_attach()
        clients.until(("protected", "exposed"), ATTACH_SECONDS)
        seconds, wrote = time.monotonic() - begun, (written(pair) - wrote) / 1e6
    query = pair.primary.query()
    case.expect("protected", query["state"] == "protected", query["reason"])
    case.figure("attach_s", round(seconds, 1))
    case.say(f"attached in {seconds:.1f} s")
    case.expect("its writes were delayed, and went on", 0 < wrote / seconds < before,
                f"{before:.1f} MB/s before, {wrote / seconds:.1f} MB/s meanwhile")
    pair.stay_protected(2)
    end_load(pair)
    digest.compared(pair, 30)


class Clients(Watch):
    """Both clients, from the beginning of an attach to its end."""

    def __init__(self, case, pair, what):
        super().__init__(pair, (pair.primary,))
        self._case, self._pair, self._what = case, pair, what
        self._said = []                 # (when, query-ft)
        self._gap_end_ns = 0            # of the longest gap of the pings

    def __enter__(self):
        super().__enter__()
        self.begin()
        super().until(lambda w: False, BEFORE_SECONDS)
        self._before_ms = self.gap_ms
        self.begin_ns = time.monotonic_ns()
        self.begin()
        return self

    def step(self):
        gap_ns = self.gap_ns
        super().step()
        if self.gap_ns > gap_ns:
            self._gap_end_ns = time.monotonic_ns()
        if told := self.told.get(self._pair.primary.name):
            self._said.append((time.monotonic_ns(), told))

    def _starved_ms(self, begin_ns, end_ns):
        """How much further the guest's clock fell behind meanwhile, time of the host's that its vCPU did not get; and how long a guest that is
        not slowed for an attach has waited for its secondary, which got none either."""
        said = [told for at, told in self._said if begin_ns - 10**8 <= at <= end_ns + 2 * 10**8]
        behind = [told["clock-behind-ns"] for told in said] or [0]
        waited = sum(after["slowed-ns"] - before["slowed-ns"] for before, after in zip(said, said[1:])
                     if not before["attach-slowed"] and not after["attach-slowed"])
        return verdict.ms(max(behind) - min(behind) + waited)

    def until(self, states, seconds):
        """An attach begins, and then ends in one of these states."""
        super().until(lambda w: w.state(self._pair.primary) == "syncing", 5)
        super().until(lambda w: w.state(self._pair.primary) in states, seconds)
        ended_ns = time.monotonic_ns()
        super().until(lambda w: self._pair.incr.progress.get("last_ns", 0) > ended_ns + 300_000_000, 5)     # what was held comes now

    def __exit__(self, *why):
        super().__exit__(*why)
        if not why[0]:
            self._judge(time.monotonic_ns())

    def _judge(self, end_ns):
        self._pair.incr.wait_past(end_ns)
        before = verdict.ms(self._pair.incr.gap_around(self.begin_ns - BEFORE_SECONDS * 10**9, self.begin_ns)[0])
        length, *gap = self._pair.incr.gap_around(self.begin_ns, end_ns)
        after, starved = verdict.ms(length), self._starved_ms(*gap)
        self._case.figure(f"gap_ms {self._what}", [round(self.gap_ms), round(after)])
        pause = verdict.ms(self._pair.primary.query()["attach-pause-ns"])
        away = self._starved_ms(self._gap_end_ns - self.gap_ns, self._gap_end_ns)
        self._case.expect(f"{self._what}: no gap of the pings above {GAP_MS_MAX} ms", self.gap_ms <= GAP_MS_MAX + self._before_ms + away,
                          f"{self.gap_ms:.0f} ms after {(self._gap_end_ns - self.begin_ns) / 1e9:.1f} s, {self._before_ms:.0f} ms before the attach; "
                          f"the cut's pause {pause:.0f} ms; its host was away for {away:.0f} ms")
        self._case.expect(f"{self._what}: none of the commits", after <= GAP_MS_MAX + before + starved,
                          f"{after:.0f} ms after {(gap[0] - self.begin_ns) / 1e9:.1f} s, {before:.0f} ms before the attach; its host was away for "
                          f"{starved:.0f} ms")
