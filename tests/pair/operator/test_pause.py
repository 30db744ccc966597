# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: stop and cont are a pause of the pair: both nodes stand, output that was
made has left, the pair stays protected, and the guest goes on as if no time had
passed, on whichever node then has it.

Method: on one connection of INCR. Stop, much longer than ft-timeout: no instruction
is executed on either node, nothing is held, no state changes; cont: the client goes
on and digests agree. Stop, then kill -9: the survivor is exposed and paused until
cont. Stop on an exposed guest, ft-attach, cont. Stop, ft-failover, cont at the new
primary. The cuts of the attaches show no STOP and no RESUME.
"""

import time

import pytest
from ftpair import digest, guest, verdict
from ftpair.qmp import QmpError
from ftpair.succession import Succession
from ftpair.waiting import within

PAUSE_SECONDS = 3


def figures(node):
    info = node.query()
    return {key: info[key] for key in ("state", "epoch", "icount", "paused", "reason", "held-packets", "log-frames")}


def status(node):
    return node.qmp.command("query-status")["status"]


def cont_refused(node):
    try:
        node.qmp.command("cont")
    except QmpError as error:
        return str(error)
    return ""


def pause(pair):
    pair.primary.qmp.command("stop")


def resume(pair):
    pair.primary.qmp.command("cont")
    pair.goes_on()


def stands(case, pair, nodes, seconds=PAUSE_SECONDS):
    """Nothing moves on these nodes for a while."""
    within(5, lambda: {status(node) for node in nodes} == {"paused"}, step=0.02)
    case.expect("all say that they are paused", {status(n) for n in nodes} == {"paused"}, [status(n) for n in nodes])
    before, replies = [figures(n) for n in nodes], pair.incr.progress["replies"]
    time.sleep(seconds)
    after = [figures(n) for n in nodes]
    case.expect("nothing is executed and no state changes", before == after, f"{before} -> {after}")
    case.expect("nothing is held", all(f["held-packets"] == 0 for f in after[:1]), after[0])
    case.expect("query-ft says paused", all(f["paused"] for f in after), after)
    case.expect("the client waits", pair.incr.progress["replies"] - replies <= 1, pair.incr.progress)


def guest_uptime(pair):
    return float(guest.command(pair, "cat /proc/uptime").split()[0])


def events(node, since):
    return [e.name for e in node.qmp.events[since:] if e.name in ("STOP", "RESUME")]


def protected_pause(case, pair):
    uptime, begin = guest_uptime(pair), time.monotonic()
    pause(pair)
    stands(case, pair, (pair.primary, pair.secondary))
    said = cont_refused(pair.secondary)
    case.expect("a secondary does not resume", "resumed at the primary" in said, said)
    resume(pair)
    passed, grown = time.monotonic() - begin, guest_uptime(pair) - uptime
    case.expect("the guest has not seen the pause", grown < passed - PAUSE_SECONDS / 2, f"{grown:.1f} of {passed:.1f} s")
    digest.compared(pair)
    for _ in range(20):
        pause(pair)
        resume(pair)
    digest.compared(pair)


def kill_while_paused(case, pair):
    pause(pair)
    stands(case, pair, (pair.primary, pair.secondary), 1)
    pair.inject("kill")
    pair.wait_state(pair.secondary, "exposed", 10)
    pair.promote()
    stands(case, pair, (pair.primary,), 1)
    resume(pair)


def attach_while_paused(case, pair):
    since = len(pair.primary.qmp.events)
    pause(pair)
    pair.spawn()
    pair.attach()
    stands(case, pair, (pair.primary, pair.secondary), 1)
    resume(pair)
    digest.compared(pair)
    case.expect("the cut is no stop of the guest", events(pair.primary, since) == ["STOP", "RESUME"],
                events(pair.primary, since))


def failover_while_paused(case, pair):
    pause(pair)
    stands(case, pair, (pair.primary, pair.secondary), 1)
    pair.primary.qmp.command("ft-failover")
    pair.wait_state(pair.secondary, "exposed", 10)
    old = pair.primary
    pair.wait_state(old, "fenced", 10)
    pair.promote()
    case.expect("a fenced node never goes on", "fenced" in cont_refused(old), cont_refused(old))
    stands(case, pair, (pair.primary,), 1)
    resume(pair)
    old.stop()


def attach_unseen(case, pair):
    since = len(pair.primary.qmp.events)
    pair.spawn()
    pair.attach()
    case.expect("an attach is no stop of the guest", events(pair.primary, since) == [], events(pair.primary, since))
    digest.compared(pair)


@pytest.mark.setup(kind=Succession, timeout_ms=500)
def test_pause(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    protected_pause(case, pair)
    kill_while_paused(case, pair)
    attach_while_paused(case, pair)
    failover_while_paused(case, pair)
    attach_unseen(case, pair)
    time.sleep(1)
    case.judge(*verdict.replies(pair.incr.finish()))
