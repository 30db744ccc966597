# SPDX-License-Identifier: GPL-2.0-or-later
"""Both nodes live and cannot see each other: who went on, who stopped."""

from . import verdict
from .pair import Failed
from .verdict import Check

SETTLED = ("exposed", "fenced", "failed")


def settle(pair, since_real_ns, seconds=5):
    """The event with which each side ("a", "b") came to rest."""
    events = {}
    for side, node in (("a", pair.primary), ("b", pair.secondary)):
        events[side] = pair.state_event(node, SETTLED, since_real_ns, seconds)
        if events[side] is None:
            raise Failed(f"{node.name} did not settle: {node.query()}")
    return events


def winner_of(events):
    """The side that is exposed; "" when it is not exactly one."""
    exposed = [side for side, event in events.items() if event.data["state"] == "exposed"]
    return exposed[0] if len(exposed) == 1 else ""


def checks(pair, events):
    """Exactly one goes on, and the other is fenced and silent."""
    states = {side: event.data["state"] for side, event in events.items()}
    winner = winner_of(events)
    one = Check("exactly one goes on", sorted(states.values()) == ["exposed", "fenced"], f"{states}")
    if not winner:
        return [one]
    loser = "b" if winner == "a" else "a"
    # The secondary never had the right to speak; the primary had it until the
    # winner, node b, took the epoch.
    since = 0 if loser == "b" else min(e.real_ns for e in events.values())
    return [one, verdict.silent(pair.capture(loser), f"loser (node {loser}) silent", since)]
