# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: two machines that differ are not made a pair; both sides say in what.

Method: a secondary with one thing changed for each case: the primary must run
its guest, exposed, the secondary wait on, and both name the difference.
"""

from ftpair.pair import Failed

# (what differs, arguments of the secondary, words of which one must be named)
CASES = [
    ("RAM", ["-m", "192"], ("ram",)),
    ("a device", ["-device", "virtio-rng-pci"], ("device",)),
    ("CPU model", ["-cpu", "Nehalem"], ("cpu",)),
    ("another VM", ["-uuid", "12345678-1234-1234-1234-123456789abc"], ("uuid",)),
]


def run(case):
    for number, (what, arguments, words) in enumerate(CASES):
        with case.pair(str(number), secondary={"arguments": arguments}) as pair:
            pair.start()
            answers = [pair.wait_state(pair.primary, "exposed", 15),
                       pair.wait_state(pair.secondary, "waiting", 5)]
            if not pair.primary.qmp.command("query-status")["running"]:
                raise Failed(f"{what}: the primary's guest does not run")
            for node, answer in zip((pair.primary, pair.secondary), answers):
                said = f"{answer['reason']} | {node.errors()}"
                case.expect(f"{what}: the {node.name} names it",
                            any(w in said.lower() for w in words), said)
            if number == 0:
                pair.wait_guest()
