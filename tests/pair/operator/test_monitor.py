# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the monitor tells how the pair stands, and refuses what would tear it.

Method: query-ft, its histograms and "info ft" under load on both sides; then commands that the
log does not carry, by QMP and by HMP, on both sides: each is refused with a
reason that names FT, and the pair is protected as before.
"""

import time

from ftpair import verdict
from ftpair.qmp import refusal

REFUSED = [
    ("set-action", {"reboot": "shutdown"}), ("balloon", {"value": 1 << 27}), ("qom-set", {"path": "/machine", "property": "x", "value": 1}),
    ("migrate-set-parameters", {"max-bandwidth": 1 << 20}), ("dump-guest-memory", {"paging": False, "protocol": "file:x"}),
    ("set_link", {"name": "n0", "up": False}),
    ("device_add", {"driver": "virtio-rng-pci", "id": "late"}),
    ("netdev_del", {"id": "n0"}),
    ("migrate", {"uri": "tcp:127.0.0.1:1"}),
    ("block_resize", {"node-name": "d0", "size": 1 << 20}),
    ("blockdev-mirror", {"device": "d0", "target": "d1", "sync": "full"}),
    ("block-stream", {"device": "d0"}),
    ("blockdev-snapshot-sync", {"device": "d0", "snapshot-file": "x"}),
    ("blockdev-snapshot-internal-sync", {"device": "d0", "name": "x"}),
    ("transaction", {"actions": []}),
    ("blockdev-backup", {"device": "d0", "target": "d1", "sync": "full"}),
    ("block-commit", {"device": "d0"}),
    ("blockdev-add", {"driver": "null-co", "node-name": "late"}),
    ("device_add", {"driver": "virtio-blk-pci", "drive": "late"}),
    ("device_del", {"id": "disk0"}),
    ("eject", {"id": "disk0"}),
]
REFUSED_HMP = ["set_link n0 off", "snapshot_blkdev x y", "savevm x", "block_resize d0 1M",
               "drive_add 0 if=none,driver=null-co", "drive_del d0", "drive_backup d0 x", "drive_mirror d0 x", "commit all",
               "change d0 x", "eject d0", "qemu-io d0 flush"]


def counters(case, pair):
    a, b = pair.primary.query(), pair.secondary.query()
    case.expect("roles", (a["role"], b["role"]) == ("primary", "secondary"), (a["role"], b["role"]))
    case.expect("same epoch", a["epoch"] == b["epoch"] and a["epoch"] > 0, (a["epoch"], b["epoch"]))
    case.expect("no reason while protected", a["reason"] == b["reason"] == "", (a["reason"], b["reason"]))
    case.expect("log counted", a["log-bytes"] > 0 and b["log-frames"] > 0, (a["log-bytes"], b["log-frames"]))
    case.expect("output released", a["released-packets"] > 0, a["released-packets"])
    case.expect("hold times in order", 0 < a["hold-ns-p50"] <= a["hold-ns-p99"] <= a["hold-ns-max"],
                (a["hold-ns-p50"], a["hold-ns-p99"], a["hold-ns-max"]))
    case.expect("heartbeat's round trip", 0 < a["ack-rtt-ns"] < 10**9, a["ack-rtt-ns"])
    for name in ("hold-ns-p50", "hold-ns-p99", "hold-ns-max", "ack-rtt-ns", "lag-ns",
                 "log-bytes-per-second", "attach-pause-ns"):
        case.figure(name, a[name])


def histogram(case, pair):
    """Each turn of the primary's vCPU has put one lag into it."""
    before = lags(pair.primary)
    time.sleep(1)
    after = lags(pair.primary)
    ends = [b["upto-ns"] for b in after]
    turns = sum(b["count"] for b in after) - sum(b["count"] for b in before)
    case.expect("lags are counted at each turn", turns > 100, f"{turns} in a second of load")
    case.expect("bins in order, none empty", ends == sorted(set(ends)) and all(b["count"] for b in after), after)
    case.expect("most turns are less than a second behind", sum(b["count"] for b in after if b["upto-ns"] < 10**9) > turns / 2, after)
    case.expect("a secondary has none", lags(pair.secondary) == [], lags(pair.secondary))


def lags(node):
    return node.qmp.command("query-ft-histograms")["lag"]


def test_monitor(case, pair):
    pair.start().wait_up()
    pair.start_incr()
    time.sleep(2)
    counters(case, pair)
    histogram(case, pair)
    for node in (pair.primary, pair.secondary):
        text = node.qmp.command("human-monitor-command", command_line="info ft")
        case.expect(f"info ft on the {node.name}", "protected" in text, text.strip())
        for command, arguments in REFUSED:
            said = refusal(node, command, arguments)
            case.expect(f"{node.name} refuses {command}", "FT" in said, said)
        for line in REFUSED_HMP:
            said = node.qmp.command("human-monitor-command", command_line=line)
            case.expect(f"{node.name} refuses HMP {line}", "FT" in said, said.strip())
    pair.wait_protected(2)
    case.judge(*verdict.replies(pair.incr.finish()))
