# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: when the host asks a CPU to leave its loop is not visible to the guest,
and what an instruction leaves for the CPU to do is done before anyone looks.

Method: a bare guest (tests/guest/rep/turn_end.c) under protection. Its timer
interrupts come at the entry of a page that is fetched for the first time, and
its handler looks whether the page's entry is accessed: QEMU looks the next block
up before it sees that it has to stop, or not. It changes the memory map all the
time, with a digest each 5 ms. Digests agree, and the entry was accessed each time.
"""

import shutil

from ftpair import bare
from ftpair.succession import Succession
from ftpair.waiting import wait_until

SECONDS = 120                   # for the whole guest, on a busy host
DIGESTS = 50
EXPECTED = "00000000 some END"


def test_turn_end(case):
    folder = bare.build(case, "turn-end")
    for image in ("turn32", "turn64"):
        more = {"arguments": ("-kernel", str(folder / image))}
        with Succession.of(case, image, primary={**more, "machine": ("ft-digest=5",)}, secondary=more) as pair:
            pair.start(captures=()).wait_protected()
            end(pair)
            pair.stay_protected(1)
            digests = pair.secondary.query()["digests"]
            case.expect(f"{image}: digests agree", digests >= DIGESTS, digests)
            text = pair.primary.console().strip()
            case.expect(f"{image}: accessed each time", text == EXPECTED, text)
    if not case.keep:
        shutil.rmtree(folder)


def end(pair):
    """Until the guest has printed its result."""
    def ended():
        pair.stay_protected(0.1)
        return "END" in pair.primary.console()

    wait_until("the guest at its end", ended, SECONDS, told=pair.told)
