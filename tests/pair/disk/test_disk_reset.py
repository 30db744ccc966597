# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a drive that is reset with requests in flight loses none of them to a
deadlock, and the nodes stay equal.

Method: a second drive that answers late is used by several processes without a
pause; meanwhile the guest reboots, then the driver is unbound and bound again
with the load on. A trace tells that both nodes drained with requests in flight.
The pair stays protected in one epoch, digests agree, block queries are answered.
Then the guest reboots once more and the primary is killed in that moment: the
survivor's guest comes up and the drive works.
"""

import re
import signal
import time

from ftpair import disk, guest
from ftpair.disk_load import QUERIES, slow_drives, start_load
from ftpair.node import READY
from ftpair.pair import Failed

ROUNDS = 2
BIND = "/sys/bus/virtio/drivers/virtio_blk"
TRACE = ("-d", "trace:ft_disk_drain", "-D", "{side}.drain")
KILL_SECONDS = (0.2, 0.25, 0.3)     # after the order, which waits 0.2 s itself


def run(case):
    resets(case, lambda tag: disk.DiskSuccession.of(case, tag, drives=2, drive_words=slow_drives(), more=TRACE))


def resets(case, make):
    """make(tag): the pair."""
    with make("") as pair:
        reboot_and_unbind(case, pair)
    for number, seconds in enumerate(KILL_SECONDS):
        with make(f"kill{number}") as pair:
            killed_in_the_reset(case, pair, seconds)


def reboot_and_unbind(case, pair):
    pair.start(captures=()).wait_up()
    epoch = pair.primary.query()["epoch"]
    start_load(pair)
    guest.order(pair, "reboot -f")
    pair.wait_guest(boots=2)
    still(pair, "after the reboot")
    drained = [busy_drains(pair, side) for side in "ab"]
    case.expect("both drained with requests in flight", drained[0] and drained[0] == drained[1], drained)
    device = guest.command(pair, "basename $(readlink -f /sys/block/vdb/device)").strip()
    for number in range(ROUNDS):
        start_load(pair)
        for node in (pair.primary, pair.secondary):
            for query in QUERIES:
                node.qmp.command(query)
        guest.command(pair, f"echo {device} >{BIND}/unbind; echo {device} >{BIND}/bind; sleep 0.2; ls /sys/block", 60)
        still(pair, f"after unbind {number + 1}")
    case.expect("the same epoch", pair.secondary.query()["epoch"] == epoch, epoch)
    errors = [d["errors"] for d in pair.primary.query()["disks"]]
    case.expect("no request failed", errors == [0, 0], errors)


def busy_drains(pair, side):
    return re.findall(r"drive=(\S+) in_flight=([1-9]\d*)", (pair.folder / f"{side}.drain").read_text())


def still(pair, when):
    pair.wait_protected(30)
    digests = pair.secondary.query()["digests"]
    pair.ask_digest()
    deadline = time.monotonic() + 20
    while pair.secondary.query()["digests"] <= digests:
        if time.monotonic() > deadline:
            raise Failed(f"{when}: no digest; {pair.told()}")
        time.sleep(0.1)


def killed_in_the_reset(case, pair, seconds):
    pair.start(captures=()).wait_up()
    start_load(pair)
    guest.order(pair, "reboot -f")
    time.sleep(seconds)
    pair.primary.signal(signal.SIGKILL)
    pair.wait_state(pair.secondary, "exposed", 20)
    deadline = time.monotonic() + 60
    while READY not in pair.secondary.console():
        if time.monotonic() > deadline:
            raise Failed(f"the survivor's guest does not come up; {pair.told()}")
        time.sleep(0.1)
    case.say(f"killed {seconds} s after the order; the survivor drained {busy_drains(pair, 'b')}")
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=4k count=10 iflag=direct; ls /data")
