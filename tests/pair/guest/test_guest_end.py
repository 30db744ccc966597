# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: when the guest ends, both nodes end as one, or nobody says "protected".

Method: a guest that powers itself off, with a timeout of two seconds: both
processes end within a fraction of it, no takeover. With -no-shutdown, as libvirt
starts all: the primary runs no guest, is exposed and says why, ft-attach is
refused; then libvirt's way to reboot (system_reset, cont) gives a guest that is
protected again and survives a kill. -action reboot=shutdown and a reboot: both
nodes end, no takeover. pvpanic with -action panic=pause: nobody is protected.
"""

import time

from ftpair import guest, verdict
from ftpair.qmp import QmpError
from ftpair.succession import Succession

# What a kernel with the driver of pvpanic-pci (1b36:0011) does when it panics: a byte to its first BAR.
PANIC = ("for d in /sys/bus/pci/devices/*; do "
         "[ $(cat $d/vendor)$(cat $d/device) = 0x1b360x0011 ] || continue; echo 1 >$d/enable; "
         "read -r bar rest <$d/resource; devmem $bar 8 1; done")


def small(*arguments, parameters="ft.file=0"):
    return {"parameters": parameters, "arguments": arguments}


def states(node):
    return [e.data["state"] for e in node.qmp.events if e.name == "FT_STATE_CHANGE"]


def no_takeover(case, node):
    case.expect("no takeover", not {"going-live", "exposed"} & set(states(node)), states(node))


def ends(case, pair, what, order):
    """Both processes, and when after the guest's own end."""
    guest.order(pair, order)
    event = pair.primary.qmp.wait_event(lambda e: e.name == "SHUTDOWN", 20)
    case.expect(f"{what}: the primary says SHUTDOWN", event)
    codes, times = [], []
    for node in (pair.primary, pair.secondary):
        codes.append(node.wait_exit(10))
        times.append(time.time_ns() / 1e9 - event.real_ns / 1e9)
    case.expect(f"{what}: both end in order", codes == [0, 0], f"{codes} {pair.primary.errors()} {pair.secondary.errors()}")
    case.figure(f"{what}_end_s", round(max(times), 3))
    case.expect(f"{what}: at once, not after a timeout", max(times) < pair.timeout_ms / 1000, f"{times} s")
    no_takeover(case, pair.secondary)


def no_shutdown(case, pair):
    guest.order(pair, "poweroff -f")
    told = pair.wait_state(pair.primary, "exposed", 10)
    case.expect("the primary says why", told["reason"] == "the guest has powered itself off", told["reason"])
    case.expect("its guest is off", pair.primary.qmp.command("query-status")["status"] == "shutdown")
    told = pair.wait_state(pair.secondary, "failed", 10)
    case.expect("the secondary says why", "the guest has powered itself off" in told["reason"], told["reason"])
    no_takeover(case, pair.secondary)
    try:
        said = str(pair.primary.qmp.command("ft-attach"))
    except QmpError as error:
        said = str(error)
    case.expect("a guest that is off is not attached", "does not run (shutdown)" in said, said)


def fake_reboot(case, pair):
    pair.retire(pair.secondary)
    pair.primary.qmp.command("system_reset")
    pair.primary.qmp.command("cont")
    pair.wait_guest(boots=2)
    case.expect("exposed", pair.primary.query()["state"] == "exposed", pair.primary.query()["reason"])
    pair.start_long_incr()
    pair.spawn()
    pair.attach()
    pair.stay_protected(2)
    pair.fail_over()
    case.judge(*verdict.replies(pair.incr.finish()))


def reboot_at_once(case, pair):
    """libvirt does not wait for our state: system_reset and cont come with its SHUTDOWN."""
    guest.order(pair, "poweroff -f")
    case.expect("SHUTDOWN", pair.primary.qmp.wait_event(lambda e: e.name == "SHUTDOWN", 20))
    pair.primary.qmp.command("system_reset")
    pair.primary.qmp.command("cont")
    told = pair.wait_state(pair.primary, "exposed", 10)
    case.expect("the primary says why", told["reason"] == "the guest has powered itself off", told["reason"])
    pair.wait_guest(boots=2)
    no_takeover(case, pair.secondary)


def panicked(case, pair):
    guest.order(pair, PANIC)
    told = pair.wait_state(pair.primary, "exposed", 20)
    case.expect("the primary says why", told["reason"] == "the guest has panicked", told["reason"])
    told = pair.wait_state(pair.secondary, "failed", 10)
    no_takeover(case, pair.secondary)
    for node in (pair.primary, pair.secondary):
        status = node.qmp.command("query-status")["status"]
        case.expect(f"the {node.name}'s guest has stopped", status != "running", status)


def test_guest_end(case):
    with case.pair("off", timeout_ms=2000, primary=small(), secondary=small()) as pair:
        pair.start(captures=()).wait_up()
        ends(case, pair, "poweroff", "poweroff -f")
    stays = small("-no-shutdown")
    with Succession.of(case, "no-shutdown", timeout_ms=2000, primary=stays, secondary=stays) as pair:
        pair.start(captures=()).wait_up()
        no_shutdown(case, pair)
        fake_reboot(case, pair)
    with Succession.of(case, "at-once", timeout_ms=2000, primary=stays, secondary=stays) as pair:
        pair.start(captures=()).wait_up()
        reboot_at_once(case, pair)
    panics = small("-no-shutdown", "-device", "pvpanic-pci", "-action", "panic=pause", parameters="ft.file=0")
    with Succession.of(case, "panic", timeout_ms=2000, primary=panics, secondary=panics) as pair:
        pair.start(captures=()).wait_up()
        panicked(case, pair)
    once = small("-action", "reboot=shutdown")
    with case.pair("no-reboot", timeout_ms=2000, primary=once, secondary=once) as pair:
        pair.start(captures=()).wait_up()
        ends(case, pair, "reboot", "reboot -f")
