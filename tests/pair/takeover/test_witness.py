# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary knows that its primary's process has died before the kernel has freed its memory.

Method: kill -9 of the primary, several times in a row, the survivor with a new
secondary each time; its reason says whether the witness (a connection that the
kernel ends at once) or the log connection told it. The thread that holds the witness
may be the last one to end, so one death in several is noticed by the other. The same with
the fault no-witness must say the other reason: otherwise this test would prove
nothing. (That an orderly end is no death is pair/quit's affair.)
"""

from ftpair.case import faulty_qemu
from ftpair.distribution import median
from ftpair.succession import Succession
from ftpair.verdict import ms

REASON = "the peer's process has died"
DEATHS = 8


def test_witness(case):
    with Succession.of(case, "witness") as pair:
        reasons, notice_ms = deaths(case, pair, DEATHS)
        noticed = sum(REASON in reason for reason in reasons)
        case.figure("noticed_by_the_witness", noticed)
        case.figure("notice_ms_p50", round(median(notice_ms), 2))
        case.expect("the witness told of a death", noticed > 0, f"{noticed} of {DEATHS}: {reasons}")
    blind = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "no-witness"}}
    with Succession.of(case, "without", primary=blind) as pair:
        reasons, notice_ms = deaths(case, pair, 1)
        case.figure("notice_ms_without", round(notice_ms[0], 2))
        case.expect("without it the log connection tells, later", REASON not in reasons[0], reasons[0])


def deaths(case, pair, count):
    """What each survivor says, and how long it took to notice."""
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    reasons, notice_ms = [], []
    for number in range(1, count + 1):
        fault_ns = pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        answer = pair.secondary.query()
        reasons.append(answer["reason"])
        notice_ms.append(ms(answer["takeover-detected-ns"] - fault_ns))
        case.say(f"death {number}: noticed after {notice_ms[-1]:.2f} ms: {answer['reason']}")
        pair.promote()
        pair.goes_on()
        if number < count:
            pair.spawn()
            pair.attach()
    return reasons, notice_ms
