# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting for something to come true: the one loop with a deadline that tests and helpers have."""

import time

from .failure import Failed

STEP_SECONDS = 0.05             # how long between two looks


def within(seconds, condition, step=STEP_SECONDS):
    """What the condition gives as soon as that is true; what it gave last when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(step)
    return value


def wait_until(what, condition, seconds, *, step=STEP_SECONDS, told=None, error=Failed):
    """The same, but Failed if it does not come true: it names what was waited for, and what told() says then."""
    value = within(seconds, condition, step)
    if not value:
        raise error(f"not within {seconds:g} s: {what}" + (f"; {told()}" if told else ""))
    return value
