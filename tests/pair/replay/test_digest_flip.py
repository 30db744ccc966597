# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a difference in memory, in a register or in a device is found by the next
digest and named, and the guest is protected again with no operator; without
digests it is found by the first output that differs.

Method: one guest under INCR. Secondaries with the faults flip-ram, flip-cpu and
flip-device change one bit just before their second digest; ft-respawn calls
ftctl respawn each time. Then a pair without digests: the test changes a text
in the secondary's memory from outside; a while later the guest sends that text.
"""

import shlex
import time

from ftpair import guest, memory, tools, verdict
from ftpair.case import faulty_qemu
from ftpair.pair import Failed
from ftpair.secondary_line import own_name
from ftpair.succession import Succession
from ftpair.waiting import wait_until

NAMES = {"flip-ram": "ram pc.ram 0x4000000-", "flip-cpu": "cpu/0", "flip-device": "pcspk/0"}
DIGEST_MS = 1000
# The second digest comes a second after the cut; memory that was not hashed yet waits for the third.
FOUND_MS = 2 * DIGEST_MS + 1000
AGAIN_SECONDS, QUIET_SECONDS = 60, 3
TEXT, OTHER = b"a-text-in-memory", b"a-text-in-memorz"


def test_digest_flip(case):
    found_by_digest(case, faulty_qemu())
    found_by_output(case)


# ---------------------------------------------------------------------- digests --
def found_by_digest(case, qemu):
    more = {"machine": [f"ft-digest={DIGEST_MS}", "ft-respawn=sh respawn.sh"], "parameters": "ft.file=0",
            # The tool needs a monitor of its own.
            "arguments": ("-qmp", "unix:auto.qmp,server=on,wait=off")}
    with Succession.of(case, alone=True, primary=more) as pair:
        pair.start_alone()
        pair.start_long_incr()
        for fault, name in NAMES.items():
            flip(case, pair, qemu, fault, name)
            again(case, pair, fault)
            # Not a loss but an order: nothing respawns.
            pair.primary.qmp.command("ft-detach")
            pair.wait_state(pair.primary, "exposed", 10)
        case.judge(*verdict.replies(pair.incr.finish()))


def flip(case, pair, qemu, fault, name):
    pair.spawn(qemu, {"FT_FAULT": fault})
    set_respawn(pair)
    pair.begin_attach()
    begin = time.time_ns()
    protected = pair.state_event(pair.primary, ("protected",), begin)
    alone = pair.state_event(pair.primary, ("exposed",), protected.real_ns if protected else begin)
    if not protected or not alone:
        raise Failed(f"{fault}: found nothing; {pair.told()}")
    failed = pair.state_event(pair.secondary, ("failed",), begin, 1)
    judge_flip(case, pair, fault, name, protected, alone, failed)


def judge_flip(case, pair, fault, name, protected, alone, failed):
    took = verdict.ms(alone.real_ns - protected.real_ns)
    case.expect(f"{fault}: found within {FOUND_MS} ms", took <= FOUND_MS, f"{took:.0f} ms after the cut")
    for who, event in (("primary", alone), ("secondary", failed)):
        case.expect(f"{fault}: the {who} names {name}", event and name in event.data["reason"],
                    event.data["reason"] if event else pair.told())


def set_respawn(pair):
    """For the present secondary: it still holds its place when it has failed."""
    words = tools.command(pair, "respawn", monitors={"a": "auto.qmp", "b": f"auto-r{pair.started}.qmp"})
    (pair.folder / "respawn.out").unlink(missing_ok=True)
    (pair.folder / "respawn.sh").write_text(f"exec {shlex.join(words)} >respawn.out 2>&1\n")


def again(case, pair, fault):
    """What ft-respawn has started protects the guest."""
    pid = wait(pair, lambda: tools.PID.search(said(pair)), f"{fault}: a respawn")[1]
    pair.retire(pair.secondary)
    tools.adopt(pair, "b", int(pid), own_name(pair.primary.name))
    wait(pair, lambda: pair.primary.state() == "protected", f"{fault}: protected again")
    pair.stay_protected(2)
    case.expect(f"{fault}: digests are equal again", pair.secondary.query()["digests"] > 1, said(pair).splitlines()[-1])


def said(pair):
    """What ftctl has printed so far."""
    out = pair.folder / "respawn.out"
    return out.read_text() if out.exists() else ""


def wait(pair, condition, what):
    return wait_until(what, condition, AGAIN_SECONDS, told=lambda: f"{said(pair)}; {pair.told()}")


# ------------------------------------------------------------------- no digests --
def found_by_output(case):
    with Succession.of(case, "off", machine=("ft-digest=0",)) as pair:
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        # In two parts, so that only the file holds the text.
        guest.command(pair, f"printf '%s%s' {TEXT[:5].decode()} {TEXT[5:].decode()} >/run/text")
        time.sleep(1)
        changed = memory.change(pair.secondary.pid, TEXT, OTHER)
        case.expect("the secondary's memory was changed", changed > 0, f"{changed} places")
        pair.stay_protected(QUIET_SECONDS)
        case.say("nobody has noticed")
        answer = guest.command(pair, "cat /run/text")
        case.expect("the client got the primary's text", answer == TEXT.decode(), answer)
        reasons = [pair.wait_state(pair.secondary, "failed", 5)["reason"],
                   pair.wait_state(pair.primary, "exposed", 10)["reason"]]
        case.expect("both nodes name the output", all("output" in r.lower() for r in reasons), reasons)
        pair.goes_on()
        pair.spawn()
        pair.attach()
        pair.stay_protected(1)
        case.judge(*verdict.replies(pair.incr.finish()))
