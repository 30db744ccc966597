# SPDX-License-Identifier: GPL-2.0-or-later
"""A second drive that is read and written past the guest's cache without a pause.

SLOW is a drive of zeros that answers late, so that requests are in flight whatever the moment.
"""

from . import guest

SLOW = "if=none,id=d1,driver=null-co,read-zeroes=on,size=8M,latency-ns=150000000"
LOAD = ("for n in 1 2 3 4; do (while :; do dd if=/dev/vdb of=/dev/null bs=4k count=200 skip=$((n * 100)) iflag=direct; "
        "dd if=/dev/zero of=/dev/vdb bs=64k count=10 seek=$((n * 10)) oflag=direct conv=notrunc; done) & done")
QUERIES = ("query-block", "query-blockstats", "query-named-block-nodes", "query-jobs")


def slow_drives():
    return {(side, 1): SLOW for side in "ab"}


def start_load(pair):
    guest.command(pair, f"({LOAD}) >/dev/null 2>&1 </dev/null & sleep 0.5")
