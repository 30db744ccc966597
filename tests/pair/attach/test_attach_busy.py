# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: an attach over a slow link to a guest that writes to its memory all the time ends: protected, or with both
figures; and nobody who talks to the guest notices.

Method: a log link of 100 Mbit/s, INCR in a closed loop, programs in the guest that write. One rewrites 48 MiB as fast as it can,
and the link, fast at first, becomes slow in the middle: the attach gives up and says what the guest writes and what the link
carries, in the event and in query-ft, and the guest runs on at its speed. One computes while it writes 16 MiB, again and again:
it is slowed, and protected. No gap of the client is longer than half a second (and what a busy host makes of itself), and the
primary's memory does not grow by more than what the docs say.
"""

import re
import threading
import time

import pytest
from ftpair import digest, guest, verdict
from ftpair.succession import Succession

MBIT, FAST_MBIT, GAP_MS_MAX, GROWS_MIB_MAX = 100, 1000, 500, 64
GIVE_UP_SECONDS, ATTACH_SECONDS, BEFORE_SECONDS = 60, 60, 2
REWRITE = "/tmp/writer 48 0"             # MiB, turns between two pages
COMPUTE = "/tmp/writer 16 20000"
SMALL = {"parameters": "ft.file=0", "arguments": ("-mem-prealloc",)}


@pytest.mark.setup(kind=Succession, alone=True, primary=SMALL, timeout_ms=2000)
def test_attach_busy(case, pair):
    # A link that becomes slow loses what is under way, heartbeats too: twice the same one, and 500 ms are over.
    begin(pair)
    gives_up(case, pair)
    is_slowed(case, pair)
    case.judge(*verdict.replies(pair.incr.finish()))


def begin(pair):
    pair.start_alone()
    guest.install(pair, "writer")
    pair.start_long_incr()


def load(pair, line):
    """Starts the program in the guest, and lets it work for a while; the command that ends it."""
    guest.command(pair, f"{line} >/dev/null 2>&1 </dev/null & echo $! >/tmp/load")
    time.sleep(BEFORE_SECONDS)
    return "kill -9 $(cat /tmp/load)"


def gives_up(case, pair):
    end = load(pair, REWRITE)
    pair.spawn()
    pair.hosts.limit_log(FAST_MBIT)
    with Watch(pair) as watch:
        pair.begin_attach()
        pair.wait_state(pair.primary, "syncing", 5)
        watch.first_pass.wait(ATTACH_SECONDS)
        pair.hosts.limit_log(MBIT)
        said = pair.wait_state(pair.primary, "exposed", GIVE_UP_SECONDS)
    names_both(case, said["reason"])
    event = pair.state_event(pair.primary, ("exposed",), watch.begin_real_ns, 1)
    case.expect("the event says it too", event and event.data["reason"] == said["reason"], said["reason"])
    runs_on(case, pair)
    watch.judge(case, pair, "an attach that cannot win")
    guest.command(pair, end)


def names_both(case, reason):
    figures = re.search(r"the guest writes ([\d.]+) MB/s, the link carries ([\d.]+) MB/s", reason)
    case.expect("it says what the guest writes and what the link carries", figures, reason)
    wrote, carried = (float(f) for f in figures.groups())
    case.expect("the figures are those of link and guest", 6 < carried < MBIT / 6 and wrote > carried, reason)


def runs_on(case, pair):
    before = pair.primary.query()
    time.sleep(1)
    after = pair.primary.query()
    case.expect("the guest is not slowed any more", after["slowed-ns"] == before["slowed-ns"] and not after["attach-slowed"],
                f"{(after['slowed-ns'] - before['slowed-ns']) / 1e6:.1f} ms in a second")
    case.expect("it stays exposed", after["state"] == "exposed", after["reason"])


def is_slowed(case, pair):
    end = load(pair, COMPUTE)
    pair.spawn()
    pair.hosts.limit_log(MBIT)
    with Watch(pair) as watch:
        attach = pair.attach(ATTACH_SECONDS)
    case.figure("attach_seconds", round(attach.seconds, 1))
    case.say(f"attached in {attach.seconds:.1f} s, {attach.bytes >> 20} MiB, pause {verdict.ms(attach.pause_ns):.0f} ms")
    case.expect("the guest was slowed", watch.slowed_most > 0, f"by {watch.slowed_most} % at most")
    watch.judge(case, pair, "an attach that slows the guest")
    pair.stay_protected(2)
    digest.compared(pair, 30)
    guest.command(pair, end)


class Watch:
    """What query-ft says meanwhile, and how large the primary's process is."""

    def __init__(self, pair):
        self._pair, self._over, self.first_pass = pair, threading.Event(), threading.Event()
        self.slowed_most = self.rss_most = 0
        self._behind = []               # (when, how far the guest's clock was behind), ns
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self.rss_before = self.rss()
        self.begin_ns, self.begin_real_ns = time.monotonic_ns(), time.time_ns()
        self._thread.start()
        return self

    def __exit__(self, *why):
        self.end_ns = time.monotonic_ns()
        self._over.set()
        self._thread.join()

    def rss(self):
        with open(f"/proc/{self._pair.primary.pid}/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) >> 10 for line in status if line.startswith("VmRSS"))

    def _run(self):
        while not self._over.wait(0.05):
            self.rss_most = max(self.rss_most, self.rss())
            query = self._pair.primary.query()
            self.slowed_most = max(self.slowed_most, query["attach-slowed"])
            self._behind.append((time.monotonic_ns(), query["clock-behind-ns"]))
            if query["attach-looks"]:
                self.first_pass.set()

    def starved_ns(self, begin_ns, end_ns):
        """How much further the guest's clock fell behind meanwhile: time of the host's that its vCPU did not get."""
        seen = [behind for at, behind in self._behind if begin_ns - 10**8 <= at <= end_ns + 10**8]
        return max(seen) - min(seen) if seen else 0

    def judge(self, case, pair, what):
        pair.incr.wait_past(self.end_ns + 100_000_000)
        length, *gap = pair.incr.gap_around(self.begin_ns, self.end_ns)
        # A busy host makes gaps of its own, in a guest that is not slowed as well.
        before = verdict.ms(pair.incr.gap_around(self.begin_ns - BEFORE_SECONDS * 10**9, self.begin_ns)[0])
        starved = verdict.ms(self.starved_ns(*gap))
        case.expect(f"{what}: no gap above {GAP_MS_MAX} ms", verdict.ms(length) <= GAP_MS_MAX + before + starved,
                    f"{verdict.ms(length):.0f} ms after {(gap[0] - self.begin_ns) / 1e9:.1f} s, {before:.0f} ms before the "
                    f"attach; its host was away for {starved:.0f} ms")
        case.expect(f"{what}: at most {GROWS_MIB_MAX} MiB of memory", self.rss_most - self.rss_before <= GROWS_MIB_MAX,
                    f"RSS {self.rss_before} MiB before, {self.rss_most} MiB at most")
