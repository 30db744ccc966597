# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest that resets a shared drive while writes wait for their ack does not
wait for the peer; the writes still reach the image, before anything later.

Method: with either ft-disk-reads the log link takes 300 ms, so that writes are always held. With writers on the
second drive the guest resets it alone (a function level reset, in the vCPU's thread),
then reboots (in the main loop), until it has done so with a write just waiting; a trace tells that held writes were left behind, on
the primary alone. Digests agree, the drive works after the reboot. Then once more,
with the secondary killed in that moment: the guest comes up on the primary.
"""

import re
import signal
import time

from ftpair import guest
from ftpair.busy_drives import still
from ftpair.drives import shared
from ftpair.node import READY
from ftpair.pair import Failed
from ftpair.succession import Succession
from ftpair.waiting import wait_until

DELAY_MS = 300
REBOOTS = 20                    # in each a write waits, or not: one in two or three
TRACES = ("-d", "trace:ft_disk_abandon,trace:ft_disk_drain", "-D", "{side}.drain")
LOAD = ("(for n in 1 2 3 4; do (while :; do dd if=/dev/urandom of=/dev/vdb bs=16k count=40 seek=$((n * 100)) "
        "oflag=direct conv=notrunc; done) & done) >/dev/null 2>&1 </dev/null & sleep 1")
RESET = "echo 1 >/sys/bus/pci/devices/$(basename $(readlink -f /sys/block/vdb/device/..))/reset"


def test_shared_reset_held(case):
    for reads in ("log", "disk"):
        with start(case, reads, reads) as pair:
            resets(case, pair)
    with start(case, "alone", "log") as pair:
        loses_its_secondary(case, pair)


def start(case, tag, reads):
    return Succession.of(case, tag, drives=shared(2, own_port=True, reads=reads), arguments=TRACES)


def abandoned(pair, side):
    return len(re.findall("ft_disk_abandon", (pair.folder / f"{side}.drain").read_text()))


def resets(case, pair):
    pair.start(captures=()).wait_up()
    pair.hosts.delay_log(DELAY_MS)
    guest.command(pair, LOAD, 60)
    guest.order(pair, RESET)
    time.sleep(2)
    by_guest = abandoned(pair, "a")
    case.expect("the reset left writes behind", by_guest > 0, by_guest)
    still(pair, "after the reset of the device")
    guest.order(pair, "reboot -f")
    pair.wait_guest(boots=2)
    for boots in range(3, 3 + REBOOTS):
        guest.command(pair, LOAD, 60)
        guest.order(pair, "reboot -f")
        pair.wait_guest(boots=boots)
        if abandoned(pair, "a") > by_guest:
            break
    case.expect("the reboot left writes behind", abandoned(pair, "a") > by_guest, abandoned(pair, "a"))
    case.expect("the secondary holds none", abandoned(pair, "b") == 0, abandoned(pair, "b"))
    still(pair, "after the reboot")
    pair.hosts.delay_log(0)
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=16k count=40 iflag=direct; ls /data", 60)
    time.sleep(1)
    left = [(d["in-flight"], d["held"]) for d in pair.primary.query()["disks"]]
    case.expect("nothing is left", left == [(0, 0), (0, 0)], left)


def loses_its_secondary(case, pair):
    pair.start(captures=()).wait_up()
    pair.hosts.delay_log(DELAY_MS)
    boots = reboot_with_a_write(pair)
    pair.secondary.signal(signal.SIGKILL)
    pair.wait_state(pair.primary, "exposed", 20)
    wait_until("the guest up", lambda: pair.primary.console().count(READY) > boots, 60, told=pair.told)
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=16k count=40 iflag=direct; ls /data", 60)
    left = [(d["in-flight"], d["held"]) for d in pair.primary.query()["disks"]]
    case.expect("nothing is left", left == [(0, 0), (0, 0)], left)


def reboot_with_a_write(pair):
    """How often it was up until a reboot left a write behind; it is just going on. Not each one finds one waiting."""
    up = lambda: pair.primary.console().count(READY)
    for boots in range(1, 1 + REBOOTS):
        guest.command(pair, LOAD, 60)
        guest.order(pair, "reboot -f")
        wait_until("a write left behind, or the guest up", lambda: abandoned(pair, "a") > 0 or up() > boots, 60, step=0.005, told=pair.told)
        if abandoned(pair, "a"):
            return boots
    raise Failed(f"{REBOOTS} reboots have left no write behind; {pair.told()}")
