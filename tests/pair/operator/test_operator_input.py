# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what an operator does to a protected guest is input of the guest: keys,
NMI, reset and the power button happen at one instruction on both nodes.

Method: each is asked for at the primary while INCR works and the guest is busy,
many times; the guest shows that it had it, the pair stays protected and a whole
digest of both nodes agrees behind it. The same commands on the secondary are
refused and name the primary's address. A takeover afterwards works. At last the
power button: the guest powers itself off, both nodes end in order.
"""

import re

from ftpair import digest, guest
from ftpair.hosts import LOG_IP
from ftpair.qmp import QmpError
from ftpair.waiting import within

ROUNDS = 5
KEY = {"keys": [{"type": "qcode", "data": "a"}, {"type": "qcode", "data": "b"}], "hold_time": 30}
EVENT = {"events": [{"type": "key", "data": {"down": True, "key": {"type": "qcode", "data": "x"}}},
                    {"type": "key", "data": {"down": False, "key": {"type": "qcode", "data": "x"}}}]}
COMMANDS = (("send-key", KEY), ("input-send-event", EVENT), ("inject-nmi", {}), ("system_reset", {}),
            ("system_powerdown", {}), ("stop", {}))


def interrupts(pair, pattern):
    """How often the guest has had an interrupt whose line of /proc/interrupts matches."""
    text = guest.command(pair, "cat /proc/interrupts")
    line = next(line for line in text.splitlines() if re.search(pattern, line))
    return int(line.split(":")[1].split()[0])


def counted(case, pair, name, arguments, pattern):
    """The guest has more of that interrupt after each one; both nodes agree."""
    for _ in range(ROUNDS):
        before = interrupts(pair, pattern)
        pair.primary.qmp.command(name, **arguments)
        within(10, lambda: interrupts(pair, pattern) > before)
        after = interrupts(pair, pattern)
        case.expect(f"{name} reaches the guest", after > before, f"{before} -> {after}")
        digest.compared(pair)
    pair.wait_protected(2)


def refused(case, pair):
    """All of them on the secondary, by QMP and by the monitor for people."""
    for name, arguments in COMMANDS:
        try:
            said = f"(accepted: {pair.secondary.qmp.command(name, **arguments)})"
        except QmpError as error:
            said = str(error)
        case.expect(f"the secondary refuses {name}", f"ask the primary at {LOG_IP['a']}" in said, said)
    for line in ("sendkey a", "nmi", "system_reset", "system_powerdown", "stop", "mouse_move 1 1"):
        said = pair.secondary.qmp.command("human-monitor-command", command_line=line)
        case.expect(f"the secondary refuses HMP {line}", "ask the primary at" in said, said.strip())


def resets(case, pair):
    for boots in range(2, 2 + ROUNDS - 3):
        pair.primary.qmp.command("system_reset")
        pair.wait_guest(boots=boots)
        pair.wait_protected(5)
        digest.compared(pair)
    seen = [[e.data for e in node.qmp.events if e.name == "RESET"] for node in (pair.primary, pair.secondary)]
    case.expect("the same resets on both nodes", seen[0] and seen[0] == seen[1], seen)


def power_button(case, pair):
    pair.primary.qmp.command("system_powerdown")
    ends = []
    for node in (pair.primary, pair.secondary):
        ends.append(node.wait_exit(20))
    case.expect("both nodes ended in order", ends == [0, 0],
                f"{ends}: {pair.primary.errors()}; {pair.secondary.errors()}")
    case.expect("the guest heard the button", "FT-GUEST-POWER-BUTTON" in pair.primary.console(),
                pair.primary.console()[-200:])
    told = [e.data["state"] for e in pair.secondary.qmp.events if e.name == "FT_STATE_CHANGE"]
    case.expect("no takeover", not {"going-live", "exposed"} & set(told), told)


def test_operator_input(case):
    small = {"parameters": "ft.file=0"}
    with case.pair(primary=small, secondary=small) as pair:
        pair.start().wait_up()
        pair.start_incr()
        counted(case, pair, "send-key", KEY, r"i8042$")
        counted(case, pair, "input-send-event", EVENT, r"i8042$")
        counted(case, pair, "inject-nmi", {}, r"^ *NMI:")
        refused(case, pair)
        pair.incr.finish()
        resets(case, pair)
        power_button(case, pair)
    with case.pair("after", primary=small, secondary=small) as pair:
        pair.start().wait_up()
        pair.primary.qmp.command("system_reset")
        pair.wait_guest(boots=2)
        pair.start_incr()
        pair.primary.qmp.command("inject-nmi")
        pair.primary.qmp.command("send-key", **KEY)
        guest.kill_primary(case, pair)
