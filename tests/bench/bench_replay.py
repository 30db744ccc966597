# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/bench: how fast a secondary is that has fallen behind.

SIGSTOP of the secondary while its primary works on; the silence is no failure,
because both nodes have an ft-timeout far longer. From SIGCONT on the secondary
executes what it has missed while the primary executes more:

    replay speed = instructions executed by the secondary / by the primary

over the time from SIGCONT until the lag is a tenth of what it was, or until
the time is up. The primary's are those it would have executed at its own rate: the
time in which it waits for its secondary (lag control, slowed-ns) does not count. How
fast the backlog really goes away is replay_speed_slowed: below 1 it never will.
"""

import signal
import time

from ftpair import digest, machine
from ftpair.pair import Failed
from ftpair.ticks import Worker

PATIENCE = ("ft-lag-limit=60000",)
TIMEOUT_MS = 60000
WORKLOADS, QUICK_WORKLOADS = ("cpu", "string", "fork", "compile", "crypto"), ("cpu", "fork")
CAUGHT_UP_SHARE = 0.1
PERIOD_SECONDS = 0.05
SETTLE_SECONDS = 1.0


def run(options, say):
    """(figures, {workload: [(seconds since SIGCONT, lag in s)]})."""
    figures, curves = {}, {}
    with machine.protected("replay", lambda text: None, TIMEOUT_MS, PATIENCE, options.keep) as pair:
        say("replay: booting a protected pair")
        pair.start(captures=()).wait_up()
        for name in QUICK_WORKLOADS if options.quick else WORKLOADS:
            say(f"replay {name}: the secondary stands still for {options.behind_seconds:g} s")
            speed, slowed, caught, curves[name] = fall_behind(pair, name, options.behind_seconds, options.catch_up_seconds)
            figures[f"replay_speed.{name}"], figures[f"replay_speed_slowed.{name}"] = speed, slowed
            if caught:
                figures[f"replay_caught_up_s.{name}"] = caught
            end = f"caught up in {caught:.1f} s" if caught else "still behind"
            say(f"replay {name}: speed {speed:.2f}, {slowed:.2f} with a primary that waits; {end}")
            wait_caught_up(pair, say)
            digest.compared(pair, 60)
    figures["replay_speed"] = min(v for k, v in figures.items() if k.startswith("replay_speed."))
    return figures, curves


def counts(pair):
    """(moment, instructions of the primary, of the secondary, seconds the primary has waited for it in all); asked one after
    the other, so the mean of two moments."""
    before = pair.primary.query()["icount"]
    secondary, now = pair.secondary.query()["icount"], time.monotonic()
    after = pair.primary.query()
    return now, (before + after["icount"]) / 2, secondary, after["slowed-ns"] / 1e9


def fall_behind(pair, name, seconds, catch_up_seconds):
    """(speed, speed with a slowed primary, seconds to catch up or None, curve)."""
    worker = Worker(pair, name)
    try:
        time.sleep(SETTLE_SECONDS)
        pair.secondary.signal(signal.SIGSTOP)
        time.sleep(seconds)
        pair.secondary.signal(signal.SIGCONT)
        seen = [counts(pair)]
        until = time.monotonic() + catch_up_seconds
        while time.monotonic() < until and not caught_up(seen):
            time.sleep(PERIOD_SECONDS)
            seen.append(counts(pair))
    finally:
        worker.close()
    return judge(seen, seconds)


def caught_up(seen):
    _, primary, secondary, _ = seen[-1]
    return primary - secondary <= CAUGHT_UP_SHARE * (seen[0][1] - seen[0][2])


def judge(seen, seconds):
    (begin, primary0, secondary0, waited0), (end, primary1, secondary1, waited1) = seen[0], seen[-1]
    works = 1 - (waited1 - waited0) / (end - begin) if end > begin else 0
    if works <= 0 or primary1 == primary0:
        raise Failed(f"the primary has executed nothing in {end - begin:.2f} s")
    slowed = (secondary1 - secondary0) / (primary1 - primary0)
    # The backlog grew for so long; so this is what an instruction of it is in seconds.
    scale = seconds / max(1, primary0 - secondary0)
    curve = [(t - begin, (p - s) * scale) for t, p, s, _ in seen]
    return slowed * works, slowed, (end - begin if caught_up(seen) else None), curve


def wait_caught_up(pair, say, seconds=60):
    """The next one begins without a backlog; the guest is idle now."""
    deadline, told = time.monotonic() + seconds, time.monotonic()
    while pair.primary.query()["lag-ns"] > 100e6:
        if time.monotonic() > deadline:
            raise Failed(f"the secondary is still behind after {seconds} s of an idle guest")
        if time.monotonic() > told + 2:
            told = time.monotonic()
            say(f"replay: still {pair.primary.query()['lag-ns'] / 1e9:.1f} s behind")
        time.sleep(0.1)
