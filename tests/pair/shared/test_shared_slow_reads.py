# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a secondary that reads the shared image itself takes over although reads of its
own are under way: it waits for them, and no longer.

Method: ft-disk-reads=disk; on both nodes a read takes 100 ms longer (the fault
slow-reads). Several processes of the guest read past its cache, so that some reads are
always under way, on the primary when it is killed and on the secondary when its log
has ended.
"""

from ftpair import guest, verdict
from ftpair.case import faulty_qemu
from ftpair.drives import shared
from ftpair.succession import Succession

READERS, STEP_MS = 8, 12        # begun so far apart that they are not all done at one moment
LOAD = (f"(for n in $(seq {READERS}); do (sleep $(printf 0.%03d $((n * {STEP_MS}))); "
        "while :; do dd if=/dev/vdb of=/dev/null bs=64k iflag=direct; done) & done) >/dev/null 2>&1 </dev/null & sleep 1")
READ = "dd if=/dev/vdb of=/dev/null bs=64k count=8 iflag=direct"


def test_shared_slow_reads(case):
    slow = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "slow-reads"}}
    with Succession.of(case, drives=shared(2, reads="disk"), primary=slow, secondary=slow) as pair:
        pair.start(captures=()).wait_up()
        pair.start_long_incr()
        guest.command(pair, LOAD, 30)
        under_way = pair.primary.query()["disks"][1]["in-flight"]
        case.expect("reads are under way", under_way > 0, under_way)
        pair.fail_over()
        told = pair.primary.stderr.read_text(errors="replace")
        case.expect("it waited for its own reads", "a read of this node" in told, told.strip())
        guest.command(pair, READ, 30)
        case.judge(*verdict.replies(pair.incr.finish()))
