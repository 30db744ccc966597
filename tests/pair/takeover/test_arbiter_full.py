# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a takeover needs no room on the arbiter's disk: that was made when the node started.

Method: the arbiter's folder is a file system of 64 KiB, which is filled to the last byte and the last inode when the pair is protected. After a
kill -9 of the
primary the secondary wins the epoch and the client goes on. A file more does not fit, which is tried before and after.
"""

import os
from pathlib import Path

from ftpair import guest
from ftpair.netns import run as run_command
from ftpair.pair import Failed


def test_arbiter_full(case, pair):
    run_command(["mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=100", "tmpfs", str(pair.arbiter_folder)])
    try:
        pair.start().wait_up()
        fill(pair.arbiter_folder)
        pair.start_incr()
        guest.kill_primary(case, pair)
        case.expect("the folder was full all the time", not fits(pair.arbiter_folder))
    finally:
        pair.secondary.stop()
        pair.primary.stop()
        run_command(["umount", str(pair.arbiter_folder)])


def fill(folder: Path):
    try:
        (folder / "ballast").write_bytes(bytes(1 << 20))
    except OSError:
        pass
    try:
        for number in range(1000):
            (folder / f"empty{number}").touch()
    except OSError:
        pass
    if fits(folder) or os.statvfs(folder).f_ffree:
        raise Failed("the arbiter's folder is not full")


def fits(folder):
    try:
        (folder / "one-more").write_bytes(b"x")
    except OSError:
        return False
    return True
