# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that sleeps is a guest that is well: nobody is given up meanwhile, it wakes on either node.

Method: the guest is offered no S3 (neither the firmware's tables nor /sys/power/mem_sleep's "deep"). It suspends to idle, which stops
all its clocks, for longer than six ft-timeouts of 500 ms, after which a replay that stands still is dropped; a key wakes it, both nodes
have stayed protected. It sleeps again and its primary is killed: the survivor's guest wakes by a key and answers; S3 is as unknown there.
An alarm of its RTC wakes it from this sleep in no QEMU, with ft= or without. FT_SLEEP_SECONDS makes the sleep longer.
"""

import os
import signal
import time

import pytest
from ftpair import digest, guest
from ftpair.pair import Failed

SLEEP_S = int(os.environ.get("FT_SLEEP_SECONDS", "7"))
AWAKE_S = 15                    # for the guest to answer again, on a busy machine


@pytest.mark.setup(timeout_ms=500)
def test_sleep(case, pair):
    pair.start().wait_up()
    no_s3(case, pair, "protected")
    begin = time.time_ns()
    wakes(case, pair, pair.primary, sleep(pair), "protected")
    told = [(n.name, e.data) for n in (pair.primary, pair.secondary) for e in n.qmp.events
            if e.name == "FT_STATE_CHANGE" and e.real_ns >= begin]
    states = [node.state() for node in (pair.primary, pair.secondary)]
    case.expect("nobody was given up in the sleep", not told and states == ["protected"] * 2, (told, states))
    case.expect("digests are equal", digest.compared(pair) > 0)
    count = sleep(pair)
    pair.primary.signal(signal.SIGKILL)
    pair.wait_state(pair.secondary, "exposed", 10)
    wakes(case, pair, pair.secondary, count, "on the survivor")
    no_s3(case, pair, "on the survivor")


def no_s3(case, pair, when):
    modes = guest.command(pair, "cat /sys/power/mem_sleep").split()
    tables = guest.command(pair, "dmesg | grep 'ACPI: PM: (supports' || true")
    case.expect(f"{when}: no S3 for the guest", modes == ["[s2idle]"] and "S3" not in tables, (modes, tables.strip()))


def sleep(pair):
    """Until it has slept for long; how often it had been woken before."""
    count = woken(pair)
    guest.command(pair, "echo enabled > /sys/devices/platform/i8042/serio0/power/wakeup")
    guest.order(pair, "echo freeze > /sys/power/state")
    time.sleep(SLEEP_S)
    return count


def wakes(case, pair, node, count, when):
    try:
        awake = woken(pair, 1) is not None
    except Failed:
        awake = False
    case.expect(f"{when}: it sleeps", not awake)
    node.qmp.command("send-key", keys=[{"type": "qcode", "data": "a"}])
    now = woken(pair, AWAKE_S)
    case.expect(f"{when}: a key has woken it", now == count + 1, f"suspends {count} -> {now}")


def woken(pair, seconds=20):
    return int(guest.command(pair, "cat /sys/power/suspend_stats/success", seconds))
