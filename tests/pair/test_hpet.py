# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a periodic timer of the HPET whose interrupt is off looks to the guest as if
it ran on, although no clock runs for it.

Method: a bare guest (tests/guest/rep/hpet.c) reads comparator and counter of such a
timer, halts the counter, and switches the interrupt on again, recorded, and replayed
from that log, with and without one instruction per block. pair/idle sees that no
clock runs.
"""

import shutil

from ftpair import bare

SECONDS = 60                    # for one guest, on a busy host
EXPECTED = 6 * "00000000 " + "END\n"


def run(case):
    folder = bare.build(case, "hpet")
    for image in ("hpet32", "hpet64"):
        log = f"shift=2,rrfile={image}.log,rr="
        for name, way, more in (("recorded", "record", ()), ("replayed", "replay", ()), ("replayed-single", "replay", bare.ONE)):
            with bare.Run(folder, image, name, log + way, more) as guest:
                text = guest.text(SECONDS)
            case.expect(f"{image}, {name}: the comparator goes on, and rings again in time", text == EXPECTED, text.strip())
    if not case.keep:
        shutil.rmtree(folder)
