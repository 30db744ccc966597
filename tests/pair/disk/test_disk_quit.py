# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node can be ended while disk requests are in flight.

Method: a second drive is read and written without a pause. "quit" on the
secondary, whose requests wait for events that will not come: it ends, the
primary runs on. "stop", block queries and "cont" on the primary, exposed now;
what would change its drives for a later secondary is refused all the same. The
guest has lost no request. "quit" on the primary: it ends.
"""

from ftpair import guest
from ftpair.disk import DiskSuccession
from ftpair.disk_load import QUERIES, slow_drives, start_load
from test_monitor import refusal

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


def run(case):
    with DiskSuccession.of(case, drives=2, drive_words=slow_drives()) as pair:
        end_both(case, pair)


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
