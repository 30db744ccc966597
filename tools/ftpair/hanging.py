# SPDX-License-Identifier: GPL-2.0-or-later
"""What a primary that hangs and is taken over looks like, for tests that differ in how it hangs."""

import time

from . import verdict
from .waiting import wait_until, within

LIMIT_S = 10.0                  # of the watchdog, with an ft-timeout of up to a second
LATE_S = 8.0                    # two timeouts, a look, and a busy host


def secondary_says(pair, words, seconds=9):
    """Its reason, while it is protected still, once that has the words."""
    def says():
        answer = pair.secondary.query()
        return answer["state"] == "protected" and words in answer["reason"] and answer["reason"]

    return wait_until(f"a protected secondary that says '{words}'", says, seconds,
                      told=lambda: f"it is {pair.secondary.state()}: {pair.secondary.query()['reason']}")


def taken_over(case, pair, begun, parts):
    """The secondary says which of these parts stands still, takes over after the limit, and serves. The moment, by its own event."""
    said = secondary_says(pair, " has not moved for")
    case.expect("the secondary says what stands still", any(f"the primary's {p} has not" in said for p in parts), said)
    answer = pair.wait_state(pair.secondary, "exposed", LIMIT_S + LATE_S)
    took_s = time.monotonic() - begun
    case.figure("takeover_s", round(took_s, 1))
    case.expect("it takes over after the limit, not before", LIMIT_S - 2 < took_s < LIMIT_S + LATE_S, f"{took_s:.1f} s: {answer['reason']}")
    case.expect("it says why", any(f"its {p} has not moved" in answer["reason"] for p in parts), answer["reason"])
    case.expect("the clients are served", pair.wait_replies_after(time.monotonic_ns()))
    return pair.state_event(pair.secondary, ("exposed",)).real_ns


def told_while_it_hangs(case, pair, part, word):
    """stderr and the event do not wait for the main loop."""
    said = pair.primary.errors()
    case.expect("the primary says so on stderr", f"ft: the {part} has not moved for" in said, said)
    event = pair.primary.qmp.wait_event(lambda e: e.name == "FT_WATCHDOG" and e.data["part"] == word and not e.data["moves"], 1)
    case.expect("and with an event", event, event)


def fenced_when_it_moves(case, pair, taken_real_ns, part):
    """It may not emit one frame after the other node took over."""
    answer = pair.wait_state(pair.primary, "fenced", 15)
    case.expect("the old primary is fenced", True, answer["reason"])
    within(5, lambda: not pair.primary.query().get("stands-still") and "moves again" in pair.primary.errors())
    answer = pair.primary.query()
    case.expect("it has counted that, and is well again", answer["stalls"] >= 1 and "stands-still" not in answer, answer["stalls"])
    said = pair.primary.errors()
    case.expect("it says that it moves again", f"the {part} moves again after" in said, said)
    time.sleep(1)
    case.judge(verdict.silent(pair.capture("a"), "the old primary is silent after the takeover", taken_real_ns))
