# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a node can be ended while disk requests are in flight.

Method: a second drive is read and written without a pause. "quit" on the
secondary, whose requests wait for events that will not come: it ends, the
primary runs on. "stop", block queries and "cont" on the primary, exposed now;
the guest has lost no request. "quit" on the primary: it ends.
"""

from ftpair import guest
from ftpair.disk import DiskSuccession
from ftpair.disk_load import QUERIES, slow_drives, start_load

END_SECONDS = 15


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
