# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive that is reset with requests in flight loses none of them to a
deadlock, and the nodes stay equal.

Method: a second drive is read and written without a pause by several processes;
meanwhile its driver is unbound and bound again, some times; then the guest
reboots with the load still on. The pair stays protected in one epoch, digests
agree, block queries are answered, and after a kill the client goes on.
"""

import time

from ftpair import disk, guest, verdict
from ftpair.pair import Failed

ROUNDS = 4
LOAD = ("for n in 1 2 3 4; do (while :; do dd if=/dev/vdb of=/dev/null bs=4k count=2000 skip=$((n * 1000)) iflag=direct; "
        "dd if=/dev/zero of=/dev/vdb bs=64k count=50 seek=$((n * 100)) oflag=direct conv=notrunc; done) & done")
BIND = "/sys/bus/virtio/drivers/virtio_blk"
QUERIES = ("query-block", "query-blockstats", "query-named-block-nodes", "query-jobs")


def run(case):
    with disk.DiskSuccession.of(case, drives=2) as pair:
        pair.start(captures=()).wait_up()
        epoch = pair.primary.query()["epoch"]
        device = guest.command(pair, "basename $(readlink -f /sys/block/vdb/device)").strip()
        for number in range(ROUNDS):
            load(pair)
            for node in (pair.primary, pair.secondary):
                for query in QUERIES:
                    node.qmp.command(query)
            guest.command(pair, f"echo {device} >{BIND}/unbind; echo {device} >{BIND}/bind; sleep 0.2; ls /dev/vdb", 60)
            still(pair, f"after unbind {number + 1}")
        load(pair)
        guest.order(pair, "reboot -f")
        pair.wait_guest(boots=2)
        still(pair, "after the reboot")
        case.expect("the same epoch", pair.secondary.query()["epoch"] == epoch, epoch)
        errors = [d["errors"] for d in pair.primary.query()["disks"]]
        case.expect("no request failed", errors == [0, 0], errors)
        pair.start_long_incr()
        load(pair)
        pair.fail_over()
        result = pair.incr.finish()
        case.judge(*verdict.replies(result))


def load(pair):
    guest.command(pair, f"({LOAD}) >/dev/null 2>&1 </dev/null & sleep 0.5")


def still(pair, when):
    pair.wait_protected(30)
    digests = pair.secondary.query()["digests"]
    pair.ask_digest()
    deadline = time.monotonic() + 20
    while pair.secondary.query()["digests"] <= digests:
        if time.monotonic() > deadline:
            raise Failed(f"{when}: no digest; {pair.told()}")
        time.sleep(0.1)
