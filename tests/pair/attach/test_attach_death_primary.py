# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: wherever in an attach the primary dies, the secondary knows what it is:
without the whole state it waits for the next primary, with it it is the guest.

Method: primaries that kill themselves at a step of the attach (fault
die-at-STEP). Before the state was sent: the secondary goes back to waiting each
time; a last primary is attached to it and dies under load. From there on: the
secondary takes over and INCR goes on, on its connection; a fresh secondary
protects it again.
"""

from ftpair import verdict
from ftpair.case import faulty_qemu
from ftpair.dying import die, next_primary, waits_again
from ftpair.succession import Succession

TOO_EARLY = ("handshake", "ram-pass", "cut")
IN_TIME = ("state-sent", "state-loaded", "first-frame", "first-ack")
AFTER_SECONDS = 1


def test_attach_death_primary(case):
    qemu = faulty_qemu()
    forgets(case, qemu)
    for step in IN_TIME:
        saves(case, qemu, step)


def forgets(case, qemu):
    """One secondary for all primaries: that it can load again is half of the test."""
    with Succession.of(case, alone=True) as pair:
        pair.secondary.start().connect()
        for step in TOO_EARLY:
            next_primary(pair, qemu, step)
            die(pair, step)
            case.expect(f"{step}: the secondary waits again and says why", waits_again(pair.secondary),
                        pair.secondary.query()["reason"])
            case.expect(f"{step}: the arbiter was not asked", not list(pair.arbiter_folder.glob("ft-*")))
        next_primary(pair)
        pair.wait_guest()
        pair.start_long_incr()
        pair.attach()
        pair.stay_protected(AFTER_SECONDS)
        pair.inject("kill")
        survives(case, pair, "after three broken loads")


def saves(case, qemu, step):
    dying = {"qemu": qemu, "environment": {"FT_FAULT": f"die-at-{step}"}, "parameters": "ft.file=0"}
    with Succession.of(case, step, alone=True, primary=dying, secondary={"parameters": "ft.file=0"}) as pair:
        pair.start_alone()
        pair.start_long_incr()
        pair.secondary.start().connect()
        die(pair, step)
        survives(case, pair, step)


def survives(case, pair, what):
    live = pair.wait_state(pair.secondary, ("exposed", "failed", "waiting", "fenced"), 15)
    case.expect(f"{what}: the secondary takes over", live["state"] == "exposed", f"{live['state']}: {live['reason']}")
    pair.promote()
    pair.goes_on()
    pair.spawn()
    pair.attach()
    pair.stay_protected(AFTER_SECONDS)
    case.judge(*verdict.replies(pair.incr.finish()))
