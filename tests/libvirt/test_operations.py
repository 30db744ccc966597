# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what an operator does to a protected guest works, each time, and leaves the pair protected and equal.
Method: virsh on the primary, over and over (20 times with --full): send-key and inject-nmi, which the guest counts; suspend and resume,
under a client on one connection; reset, reboot and shutdown. Both nodes compare a digest of the whole machine after each.
"""

import time

from ftvirt import verbs
from ftvirt.console import Console
from ftvirt.node import Node

# Each of these costs a boot of the guest.
BOOTS_FEW = 1


def boots(times):
    return times if times > 2 else BOOTS_FEW


def right(problem):
    """Of an effect that is looked for: "" or what is missing."""
    assert not problem, problem


def counted(pair, times, verb, name, note):
    primary, secondary = pair.protect()
    node = Node(pair, primary, [primary, secondary])
    for number in range(times):
        before = node.interrupts(name)
        pair.virsh(primary)(*verb)
        problem = node.until(lambda: node.interrupts(name) > before, f"{' '.join(verb)} number {number + 1}: the guest's count stays {before}")
        assert not problem, problem
        pair.compare_digests(primary, secondary)
    note(f"{times} of {times}")


def test_send_key(pair, times, note):
    counted(pair, times, ("send-key", pair.name, "KEY_A"), "i8042", note)


def test_inject_nmi(pair, times, note):
    counted(pair, times, ("inject-nmi", pair.name), "NMI", note)


def test_console(pair, note):
    """What is typed on the primary's console is the guest's input; the secondary's connects and stays silent.

    No more at a time than the UART's 16 bytes: what is beyond them is lost."""
    primary, secondary = pair.protect()
    with Console(pair.virsh(primary), pair.name) as console:
        assert console.wait(b"Escape character", 10), console.shown
        # virsh names its escape character before its stream is there: what is typed in between is lost.
        for _ in range(5):
            console.type(b"echo b$((6*7))\r")
            if console.wait(b"b42", 5):
                break
        assert b"b42" in console.shown, console.shown
    with Console(pair.virsh(secondary), pair.name) as console:
        assert console.wait(b"Escape character", 10), console.shown
        console.type(b"echo n$((6*7))\r")
        assert not console.wait(b"n42", 2), console.shown
    pair.compare_digests(primary, secondary)
    note("the primary's answers, the secondary's is silent")


def test_suspend_resume(pair, times, note):
    """The pair stands still as one, and goes on as one: the client waits, and loses nothing."""
    primary, secondary = pair.protect()
    node = Node(pair, primary, [primary, secondary])
    pair.start_incr()
    for _ in range(times):
        pair.virsh(primary)("suspend", pair.name)
        right(verbs.paused(node))
        assert pair.query(primary)["state"] == pair.query(secondary)["state"] == "protected", pair.told()
        pair.virsh(primary)("resume", pair.name)
        pair.goes_on()
        assert pair.virsh(primary).state(pair.name).startswith("running"), pair.virsh(primary).state(pair.name)
        pair.compare_digests(primary, secondary)
    pair.finish_incr()
    note(f"{times} of {times}")


def test_suspended_takeover(pair, note):
    """A primary that dies while the pair is suspended: whatever the survivor does, it says so, and the guest can go on."""
    primary, secondary = pair.protect()
    pair.virsh(primary)("suspend", pair.name)
    pair.signal_qemu(primary)
    pair.wait_state(secondary, "exposed", 20)
    state = pair.virsh(secondary).state(pair.name)
    node = Node(pair, secondary, [secondary])
    if state.startswith("paused"):
        right(node.guest_stands())
        pair.virsh(secondary)("resume", pair.name)
    right(node.guest_runs())
    assert pair.guest_answers(20), "the guest does not answer"
    note(f"the survivor: {state}")


def test_attach_suspended(pair, note):
    """virsh suspend on a node that runs alone, a new secondary, virsh resume."""
    primary, secondary = pair.protect()
    pair.virsh(secondary)("destroy", pair.name)
    pair.wait_state(primary, "exposed", 10)
    pair.virsh(primary)("suspend", pair.name)
    pair.respawn(primary)
    primary, secondary = pair.sides()
    pair.virsh(primary)("resume", pair.name)
    node = Node(pair, primary, [primary, secondary])
    right(verbs.resumed(node))
    assert pair.guest_answers(20), "the guest does not answer"
    pair.compare_digests(primary, secondary)
    note(pair.virsh(primary).state(pair.name))


def test_attach_and_libvirt(pair, note):
    """What libvirt tells its listeners of an attach. The cut may show as a pause and its end; the domain never stops."""
    primary, secondary = pair.protect()
    pair.virsh(secondary)("destroy", pair.name)
    pair.wait_state(primary, "exposed", 10)
    events = pair.listen(primary)
    pair.respawn(primary)
    told = events.life()
    assert set(told) <= {"suspended", "resumed"}, told
    assert told.count("suspended") == told.count("resumed") <= 1, told
    assert pair.virsh(primary).state(pair.name).startswith("running"), pair.virsh(primary).state(pair.name)
    note(f"life cycle events of an attach: {', '.join(told) or 'none'}")


def test_reset(pair, times, note):
    primary, secondary = pair.protect()
    epoch = pair.query(primary)["epoch"]
    node = Node(pair, primary, [primary, secondary])
    for _ in range(boots(times)):
        verbs.counts_boots(node)
        pair.virsh(primary)("reset", pair.name)
        right(verbs.rebooted(node))
        pair.compare_digests(primary, secondary)
    assert pair.query(secondary)["epoch"] == epoch, "it was not protected all the while"
    note(f"{boots(times)} of {boots(times)}")


def test_reboot(pair, times, note):
    """libvirt's own way: power button, SHUTDOWN, system_reset, cont. The guest runs, and is protected or says truly why not."""
    told = []
    for _ in range(boots(times)):
        primary, secondary = pair.protect()
        pid = pair.host(primary).qemu_pid(pair.name)
        node = Node(pair, primary, [primary])
        verbs.counts_boots(node)
        pair.virsh(primary)("reboot", pair.name)
        right(verbs.rebooted(node))
        assert pair.host(primary).qemu_pid(pair.name) == pid, "another process"
        assert pair.virsh(primary).state(pair.name).startswith("running"), pair.virsh(primary).state(pair.name)
        look = pair.look(primary)
        assert look["state"] in ("protected", "exposed") and look["role"] == "primary", look
        assert look["state"] == "protected" or look["reason"], "exposed without a reason"
        assert pair.look(secondary)["role"] != "primary", pair.told()
        told.append(f"{look['state']} {look['reason']}".strip())
    primary, secondary = pair.protect()
    pair.compare_digests(primary, secondary)
    note(f"{boots(times)} of {boots(times)}: {'; '.join(sorted(set(told)))}")


def test_shutdown(pair, times, note):
    """Both nodes end, and nobody takes over."""
    took = []
    for _ in range(boots(times)):
        primary, secondary = pair.protect()
        begin = time.monotonic()
        events = pair.listen(secondary)
        pair.virsh(primary)("shutdown", pair.name)
        for side in (primary, secondary):
            pair.wait_state(side, "shut off", 60)
        took.append(time.monotonic() - begin)
        assert not {"going-live", "exposed"} & set(events.states()), f"the secondary: {events.states()}"
        assert pair.virsh(primary).state(pair.name) == "shut off (shutdown)", pair.virsh(primary).state(pair.name)
    note(f"{boots(times)} of {boots(times)}, at most {max(took):.1f} s")
