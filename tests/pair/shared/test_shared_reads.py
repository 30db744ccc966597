# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: with ft-disk-reads=disk the secondary finds in the image what the primary
has found there, whatever the guest writes meanwhile; the log carries no data.

Method: raw; several processes of the guest read and write the same few blocks past
its cache. The pair stays protected, digests agree. Beside it the same load with
ft-disk-reads=log: the bytes of log for each byte read. Then the primary is killed.
"""

import time

from ftpair import digest, guest
from ftpair.drives import shared
from ftpair.images import MIB
from ftpair.succession import Succession

SECONDS = 5
LOAD = ("(for n in 1 2 3; do (while :; do dd if=/dev/vdb of=/dev/null bs=64k count=8 iflag=direct; done) & done; "
        "for n in 1 2; do (while :; do dd if=/dev/urandom of=/dev/vdb bs=16k count=8 seek=$((n * 8)) oflag=direct "
        "conv=notrunc; done) & done) >/dev/null 2>&1 </dev/null & sleep 0.5")


def test_shared_reads(case):
    ratio = {reads: log_for_reads(case, reads) for reads in ("log", "disk")}
    case.expect("the log carries the data, or not", ratio["log"] > 1 and ratio["disk"] < 0.5, ratio)


def log_for_reads(case, reads):
    with Succession.of(case, reads, drives=shared(2, reads=reads)) as pair:
        pair.start(captures=()).wait_up()
        guest.command(pair, LOAD)
        before = pair.primary.query()
        time.sleep(SECONDS)
        pair.stay_protected(1)
        after = pair.primary.query()
        case.expect("digests agree", digest.compared(pair) > 1)
        pair.stay_protected(1)
        read, written = (after["disks"][1][key] - before["disks"][1][key] for key in ("read-bytes", "written-bytes"))
        log = after["log-bytes"] - before["log-bytes"]
        case.figure(f"{reads}_read_mib", read / MIB)
        case.figure(f"{reads}_written_mib", written / MIB)
        case.figure(f"{reads}_log_mib", log / MIB)
        case.say(f"reads from the {reads}: {read / MIB:.1f} MiB read, {written / MIB:.1f} MiB written, "
                 f"{log / MIB:.1f} MiB of log")
        case.expect("it read and wrote", read > MIB and written > MIB, (read, written))
        pair.inject("kill")
        pair.wait_state(pair.secondary, "exposed", 10)
        guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=64k count=8 iflag=direct; ls /data")
        return log / read
