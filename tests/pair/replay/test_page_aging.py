# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that is short of memory stays exact: it sees when its TLBs were
filled, by the accessed bits that it clears in page tables without a flush.

Method: "ft-load memory" swaps and ages pages by both of Linux's algorithms,
with forks and random numbers beside it. Linux's counters must show that; a
digest each half second must be equal, one of the whole guest at the end too,
and the survivor of a kill swaps on.
"""

import time

from ftpair import digest, guest
from ftpair.waiting import wait_until, within

FILL_SECONDS = 30               # until the load has filled its memory
SURVIVOR_SECONDS = 20
SECONDS, DIGEST_MS = 25, 500
DIGESTS_MIN = 30                # 50, on a host that has time for them
COUNTERS = ("pgscan_anon", "pgsteal_anon", "pswpout", "pswpin")
ENOUGH = 200                    # pages in SECONDS, of each kind; thousands when nothing else runs


def test_page_aging(case):
    small = {"parameters": "ft.file=0", "machine": [f"ft-digest={DIGEST_MS}"]}
    with case.pair(primary=small, secondary=small) as pair:
        pair.start().wait_up()
        pair.start_incr()
        guest.command(pair, "ft-load memory")
        before = wait_swapping(pair)
        guest.command(pair, "ft-load fork; ft-load urandom")
        equal = pair.secondary.query()["digests"]
        time.sleep(SECONDS)
        equal = digest.compared(pair) - equal
        case.expect(f"{DIGESTS_MIN} digests equal in {SECONDS} s", equal >= DIGESTS_MIN, equal)
        ages(case, "the pair", before, counters(pair))
        guest.kill_primary(case, pair)
        before = counters(pair)
        # Its memory limit makes the load sleep for seconds at times.
        within(SURVIVOR_SECONDS, lambda: least(before, counters(pair)) >= ENOUGH / 10, step=0.5)
        ages(case, "the survivor", before, counters(pair), ENOUGH / 10)
        case.expect("no program was killed", counters(pair)["oom_kill"] == 0)


def counters(pair):
    text = guest.command(pair, "cat /proc/vmstat")
    return {name: int(value) for name, value in (line.split() for line in text.splitlines())}


def wait_swapping(pair):
    wait_until("the guest swaps", lambda: counters(pair)["pswpin"], FILL_SECONDS, step=0.5,
               told=lambda: guest.command(pair, "ft-load show; cat /proc/swaps"))
    return counters(pair)


def least(before, after):
    return min(after[name] - before[name] for name in COUNTERS)


def ages(case, who, before, after, enough=ENOUGH):
    grown = {name: after[name] - before[name] for name in COUNTERS}
    case.expect(f"{who} ages pages", min(grown.values()) >= enough, grown)
