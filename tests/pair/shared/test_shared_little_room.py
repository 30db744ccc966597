# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a read of a shared image whose data find no room in the log waits until the
sender has taken enough, and goes on then.

Method: the primary has the fault little-room: there is room only while its ring is
empty. Several processes of the guest read past its cache, more at once than a frame
takes. Reads have waited (traced), reading has gone on all the time, digests agree;
after a kill of the primary the survivor reads on.
"""

import time

from ftpair import digest, guest, trace
from ftpair.case import faulty_qemu
from ftpair.drives import shared
from ftpair.images import MIB
from ftpair.succession import Succession

SLICES, SLICE_SECONDS = 4, 1
READERS = 4
LOAD = (f"(for n in $(seq {READERS}); do (while :; do dd if=/dev/vdb of=/dev/null bs=1M count=8 iflag=direct; done) & done) "
        ">/dev/null 2>&1 </dev/null & sleep 0.5")
TRACE_FILE = "primary.trace"


def test_shared_little_room(case):
    little = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "little-room"}}
    with Succession.of(case, drives=shared(2), arguments=trace.arguments(["ft_disk_no_room"], TRACE_FILE), primary=little) as pair:
        pair.start(captures=()).wait_up()
        guest.command(pair, LOAD)
        for number in range(1, SLICES + 1):
            before = read_bytes(pair)
            time.sleep(SLICE_SECONDS)
            read = (read_bytes(pair) - before) / MIB
            case.expect(f"second {number}: reading goes on", read > 1, f"{read:.1f} MiB")
        waited = len(trace.read(pair.folder / TRACE_FILE))
        case.figure("reads_waited", waited)
        case.expect("reads had to wait for room", waited > READERS, waited)
        case.expect("digests agree", digest.compared(pair) > 1)
        pair.stay_protected(1)
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=64k count=8 iflag=direct")


def read_bytes(pair):
    return pair.primary.query()["disks"][1]["read-bytes"]
