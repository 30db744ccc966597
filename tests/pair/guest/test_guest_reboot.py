# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that reboots is protected before, during and after.

Method: "reboot -f" in the guest. Both nodes reset their machine at the same
instruction; the guest comes up again while the pair stays protected in the
same epoch, INCR works on a new connection and goes on after a kill.
"""

from ftpair import guest


def test_guest_reboot(case):
    small = {"parameters": "ft.file=0"}
    with case.pair(primary=small, secondary=small) as pair:
        pair.start().wait_up()
        epoch = pair.primary.query()["epoch"]
        guest.command(pair, "touch /run/before")
        guest.order(pair, "reboot -f")
        pair.wait_guest(boots=2)
        pair.wait_protected(5)
        case.expect("the same epoch", pair.secondary.query()["epoch"] == epoch, epoch)
        case.expect("a fresh guest", guest.command(pair, "ls /run").find("before") < 0)
        # SeaBIOS adds a reset of its own, for it cannot start twice without one.
        resets = [[e.data for e in node.qmp.events if e.name == "RESET"]
                  for node in (pair.primary, pair.secondary)]
        case.expect("the same resets on both nodes", resets[0] and resets[0] == resets[1], resets)
        pair.start_incr()
        guest.kill_primary(case, pair)
        guest.command(pair, "ls /run")
