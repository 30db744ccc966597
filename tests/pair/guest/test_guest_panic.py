# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that panics does so on both nodes; that is no failure of one.

Method: sysrq c in the guest. Without panic= the kernel stays in its loop: the
pair stays protected, and after a kill the secondary runs the same panicked
guest, which its memory shows (its console was silent while it followed). With
panic=1 the guest reboots itself, protected all the while.
"""

import time

from ftpair import guest

CRASH = "echo c >/proc/sysrq-trigger"
WORDS = "Kernel panic - not syncing: sysrq triggered crash"
RAM_MIB = 256


def test_guest_panic(case):
    small = {"parameters": "ft.file=0"}
    with case.pair("stays", primary=small, secondary=small) as pair:
        pair.start().wait_up()
        stays(case, pair)
    again = {"parameters": "ft.file=0 panic=1"}
    with case.pair("reboots", primary=again, secondary=again) as pair:
        pair.start().wait_up()
        reboots(case, pair)


def stays(case, pair):
    panic(case, pair)
    time.sleep(pair.timeout_ms / 1000 + 1)
    pair.wait_protected(1)
    case.expect("the secondary follows", pair.primary.query()["lag-ns"] < 10**9,
                pair.primary.query()["lag-ns"])
    pair.inject("kill")
    before = pair.wait_state(pair.secondary, "exposed", 10)["icount"]
    time.sleep(1)
    after = pair.secondary.query()["icount"]
    case.expect("the survivor runs the guest", after > before, f"{after - before} instructions")
    case.expect("the same panic", WORDS.encode() in memory_of(pair.secondary), WORDS)


def reboots(case, pair):
    panic(case, pair)
    pair.wait_guest(boots=2)
    pair.wait_protected(5)
    pair.start_incr()
    guest.kill_primary(case, pair)


def panic(case, pair):
    guest.order(pair, CRASH)
    deadline = time.monotonic() + 20
    while WORDS not in pair.primary.console() and time.monotonic() < deadline:
        time.sleep(0.05)
    case.expect("the guest panics", WORDS in pair.primary.console(), WORDS)


def memory_of(node):
    file = node.folder / f"{node.name}.ram"
    node.qmp.command("pmemsave", seconds=30, val=0, size=RAM_MIB << 20, filename=file.name)
    try:
        return file.read_bytes()
    finally:
        file.unlink()
