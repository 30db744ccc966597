# SPDX-License-Identifier: GPL-2.0-or-later
"""What the benchmark lets a guest do that lives on a drive (ftpair.root_disk)."""

import json

from . import guest
from .commit_rate import CommitRate
from .hosts import GUEST_IP
from .pair import Failed
from .workloads import Result, Workload


def fio(name, depth):
    """Random reads and writes of 4 KiB past the guest's cache, so many at a time. fio's time is the guest's, which follows the host's."""
    def measure(pair, seconds):
        text = guest.command(pair, f"ft-fio mix /dev/vdb {depth} {max(1, round(seconds))}", seconds + 60)
        try:
            job = json.loads(text[text.index("{"):])["jobs"][0]
        except (ValueError, KeyError, IndexError) as error:
            raise Failed(f"{name}: {error}: {text[-300:]}") from error
        if job["error"]:
            raise Failed(f"{name}: fio's error {job['error']}")
        return Result(job["read"]["iops"] + job["write"]["iops"])
    return Workload(name, True, "requests/s", measure)


def database(name, connections):
    """Transactions of one INSERT, each connection waiting for its commit."""
    def measure(pair, seconds):
        client = CommitRate(pair.hosts.client, "db", GUEST_IP, connections, seconds)
        client.wait_for(lambda p: p.get("done"), seconds + 60)
        result = client.finish(1)
        if result["broken"] or result.get("problems") or not result["replies"]:
            raise Failed(f"{name}: {result['broken'] or result.get('problems') or 'no commit'}")
        return Result(result["replies"] / result["seconds"], result["waits_us"])
    return Workload(name, False, "commits/s", measure)


ALL = (fio("fio", 32), fio("fio1", 1), database("db", 8), database("db1", 1))
