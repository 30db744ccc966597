# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a write that has completed is on the shared image, flushed or not: the
guest does not crash with its primary, so it must find what it has written.

Method: raw and qcow2, which keeps its tables in memory when it can. The guest
writes all over an empty drive past its own cache, and flushes nothing; the primary
is killed in the same moment; with the survivor the guest reads the same bytes.
"""

from ftpair import guest
from ftpair.drives import shared, zeros
from ftpair.succession import Succession

MIB = 8
FILL = (f"dd if=/dev/urandom of=/tmp/it bs=64k count={MIB * 16} && for n in $(seq 0 {MIB * 16 - 1}); do "
        "dd if=/tmp/it of=/dev/vdb bs=64k count=1 skip=$n seek=$((n * 7)) oflag=direct conv=notrunc || exit 1; done; "
        "sha256sum </tmp/it")
READ = (f"for n in $(seq 0 {MIB * 16 - 1}); do dd if=/dev/vdb bs=64k count=1 skip=$((n * 7)) iflag=direct; done "
        "2>/dev/null | sha256sum")


def test_shared_unflushed(case):
    for image_format in ("raw", "qcow2"):
        with Succession.of(case, image_format, drives=shared(2, image_format=image_format, second=zeros)) as pair:
            pair.start(captures=()).wait_up()
            wrote = guest.command(pair, f"({FILL}) 2>/dev/null", 60).split()[0]
            flushes = pair.primary.query()["disks"][1]["flushes"]
            pair.inject("kill")
            pair.wait_state(pair.secondary, "exposed", 10)
            read = guest.command(pair, READ, 60).split()[0]
            case.expect(f"{image_format}: the guest reads what it wrote", read == wrote, f"{read[:12]} {wrote[:12]}")
            case.expect(f"{image_format}: it flushed nothing", flushes == 0, f"{flushes} flushes")
