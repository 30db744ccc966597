# SPDX-License-Identifier: GPL-2.0-or-later
"""Digests of the whole guest, compared by the nodes at one instruction count."""

import time

from .pair import Failed


def compared(pair, seconds=15):
    """Asks for one; how many the secondary has found equal since the attach."""
    pair.primary.qmp.command("x-ft-digest", full=True)
    made = pair.primary.query()["digests"]
    deadline = time.monotonic() + seconds
    while (equal := pair.secondary.query()["digests"]) < made:
        pair.wait_state(pair.secondary, "protected", 1)     # else it says what differs
        if time.monotonic() > deadline:
            raise Failed(f"{equal} of {made} digests compared after {seconds} s")
        time.sleep(0.05)
    return equal
