# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests of the whole guest, compared by the nodes at one instruction count."""

from .waiting import wait_until


def compared(pair, seconds=15):
    """Asks for one; how many the secondary has found equal since the attach."""
    pair.primary.qmp.command("x-ft-digest", full=True)
    made = pair.primary.query()["digests"]
    equal = lambda: pair.wait_state(pair.secondary, "protected", 1)["digests"]      # else it says what differs
    wait_until(f"{made} digests compared", lambda: equal() >= made, seconds, told=lambda: f"{equal()} were")
    return equal()
