# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary whose main loop hangs could not take over: it is dropped, the guest goes on, and the primary says why. If both
nodes hang, as on a storage that both use, none gives way: they are a pair again when it comes back.

Method: threads stopped by ptrace, for longer than the watchdog's limit. An idle guest hardly needs the secondary's main loop to be
replayed, so its log goes on and its heartbeats live.
"""

import time

from ftpair import verdict
from ftpair.frozen_thread import main_loop

HANG_S = 14.0


def test_hang_secondary(case):
    with case.pair() as pair:
        pair.start().wait_up()
        both_hang(case, pair)
        pair.start_incr()
        frozen = main_loop(pair.secondary)
        begun = time.monotonic()
        answer = pair.wait_state(pair.primary, "exposed", 25)
        case.figure("dropped_s", round(time.monotonic() - begun, 1))
        case.expect("the primary says why", "secondary dropped: its" in answer["reason"], answer["reason"])
        case.expect("the clients are served", pair.wait_replies_after(time.monotonic_ns()))
        frozen.thaw()
        ended = pair.wait_state(pair.secondary, "failed", 10)
        case.expect("the secondary is of no more use", "secondary dropped" in ended["reason"], ended["reason"])
        case.judge(*verdict.replies(pair.incr.finish()))


def both_hang(case, pair):
    nodes = (pair.primary, pair.secondary)
    epoch = pair.primary.query()["epoch"]
    frozen = [main_loop(node) for node in nodes]
    time.sleep(HANG_S)
    for thread in frozen:
        thread.thaw()
    time.sleep(2)
    answers = [node.query() for node in nodes]
    case.expect("both have seen it", all(a["stalls"] == 1 for a in answers), [a["stalls"] for a in answers])
    case.expect("they are a pair still", [a["state"] for a in answers] == ["protected"] * 2 and answers[0]["epoch"] == epoch,
                [(a["state"], a["reason"]) for a in answers])
