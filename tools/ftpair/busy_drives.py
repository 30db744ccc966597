# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests do to a pair whose second drive is busy all the time, whether the nodes have an image each or share one."""

import re
import signal
import time

from . import guest, verdict
from .disk_load import QUERIES, start_load
from .node import READY
from .qmp import refusal
from .waiting import wait_until

WORK_SECONDS = 2
END_SECONDS = 15
# While the guest is alone, too: a later secondary would not have it.
REFUSED = [
    ("block_resize", {"device": "d1", "size": 16 << 20}),
    ("device_add", {"driver": "virtio-blk-pci", "drive": "late"}), ("device_del", {"id": "disk1"}),
    ("blockdev-snapshot-sync", {"device": "d1", "snapshot-file": "x"}), ("transaction", {"actions": []}),
    ("blockdev-snapshot-internal-sync", {"device": "d0", "name": "x"}),
    ("drive-mirror", {"device": "d1", "target": "x", "sync": "full"}), ("block-stream", {"device": "d1"}),
    ("drive-backup", {"device": "d1", "target": "x", "sync": "full"}), ("block-commit", {"device": "d1"}),
    ("block_set_io_throttle", {"device": "d1", "bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 9, "iops_rd": 0, "iops_wr": 0}),
]
ROUNDS = 2
BIND = "/sys/bus/virtio/drivers/virtio_blk"
TRACE = ("-d", "trace:ft_disk_drain", "-D", "{side}.drain")
KILL_SECONDS = (0.2, 0.25, 0.3)     # after the order, which waits 0.2 s itself


# ---------------------------------------------------------------- handover --
def hand_over(case, pair):
    pair.start(captures=()).wait_up()
    pair.start_long_incr()
    start_load(pair)
    time.sleep(WORK_SECONDS)
    pair.primary.qmp.command("ft-failover")
    pair.wait_state(pair.secondary, "exposed", 20)
    pair.wait_state(pair.primary, "fenced", 20)
    pair.promote()
    pair.goes_on()
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=4k count=10 iflag=direct; sync", 30)
    errors = [d["errors"] for d in pair.primary.query()["disks"]]
    case.expect("no request failed", errors == [0, 0], errors)
    case.judge(*verdict.replies(pair.incr.finish()))


# --------------------------------------------------------------------- end --
def end_both(case, pair):
    pair.start(captures=()).wait_up()
    start_load(pair)
    end(case, pair.secondary)
    pair.wait_state(pair.primary, "exposed", 20)
    for command in ("stop", *QUERIES, "cont"):
        pair.primary.qmp.command(command)
    for command, arguments in REFUSED:
        said = refusal(pair.primary, command, arguments)
        case.expect(f"exposed, it refuses {command}", "FT" in said, said)
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=4k count=10 iflag=direct; ls /data; sync", 30)
    errors = [d["errors"] for d in pair.primary.query()["disks"]]
    case.expect("no request failed", errors == [0, 0], errors)
    end(case, pair.primary)


def end(case, node):
    try:
        node.qmp.command("quit")
    except Exception as error:          # it may be gone before it has answered
        case.say(f"{node.name}: {error}")
    status = node.wait_exit(END_SECONDS)
    case.expect(f"{node.name} ends in order", status == 0, f"status {status}: {node.errors()}")


# ------------------------------------------------------------------- reset --
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
    wait_until(f"{when}: a digest compared", lambda: pair.secondary.query()["digests"] > digests, 20, told=pair.told)


def killed_in_the_reset(case, pair, seconds):
    pair.start(captures=()).wait_up()
    start_load(pair)
    guest.order(pair, "reboot -f")
    time.sleep(seconds)
    pair.primary.signal(signal.SIGKILL)
    pair.wait_state(pair.secondary, "exposed", 20)
    wait_until("the survivor's guest up", lambda: READY in pair.secondary.console(), 60, told=pair.told)
    case.say(f"killed {seconds} s after the order; the survivor drained {busy_drains(pair, 'b')}")
    guest.command(pair, "dd if=/dev/vdb of=/dev/null bs=4k count=10 iflag=direct; ls /data")
