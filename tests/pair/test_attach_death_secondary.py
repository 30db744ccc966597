# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: wherever in an attach the secondary dies, the guest runs on, and the
next attach works.

Method: one guest alone under INCR load. For each step of the attach a secondary
that kills itself there (fault die-at-STEP): the primary must become exposed and
say why, the client go on. Then one without the fault is attached, and dies
too, so that the guest is alone again. Behind the last step, kill -9 of the
primary: all that happened is behind one connection.
"""

import time

from ftpair import failover, verdict
from ftpair.case import faulty_qemu
from ftpair.pair import Failed
from ftpair.succession import Succession

STEPS = ("handshake", "ram-pass", "state-sent", "state-loaded", "first-frame", "first-ack")
DIE_SECONDS = 30
AFTER_SECONDS = 1


def run(case):
    qemu = faulty_qemu()
    with Succession.of(case, alone=True) as pair:
        pair.start_alone()
        pair.start_long_incr()
        for step in STEPS:
            pair.spawn(qemu, {"FT_FAULT": f"die-at-{step}"})
            dies(case, pair, step)
            pair.spawn()
            attach = pair.attach()
            pair.stay_protected(AFTER_SECONDS)
            case.say(f"{step}: the next attach took {attach.seconds:.2f} s")
            if step != STEPS[-1]:
                pair.retire(pair.secondary)
                pair.wait_state(pair.primary, "exposed", 10)
        pair.fail_over()
        time.sleep(AFTER_SECONDS)
        case.judge(*verdict.replies(pair.incr.finish()))


def dies(case, pair, step):
    begin = time.monotonic_ns()
    pair.begin_attach()
    if pair.secondary.wait_exit(DIE_SECONDS) is None:
        raise Failed(f"{step}: the secondary does not die; {pair.told()}")
    alone = pair.wait_state(pair.primary, "exposed", 10)
    pair.goes_on()
    pair.incr.wait_past(time.monotonic_ns())
    gap = pair.incr.gap_around(begin, time.monotonic_ns())[0]
    case.expect(f"{step}: the guest goes on and the primary says why", alone["reason"] and pair.primary.alive(),
                alone["reason"])
    case.expect(f"{step}: nothing is held any more", alone["held-packets"] == 0)
    case.expect(f"{step}: one pause of at most {failover.GAP_MAX_MS} ms", gap <= failover.GAP_MAX_MS * verdict.MS,
                f"{verdict.ms(gap):.1f} ms")
    case.figure(f"{step}_gap_ms", round(verdict.ms(gap), 1))
