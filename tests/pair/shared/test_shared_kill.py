# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: with one image for both nodes no acknowledged commit is lost when the
primary dies, nor when the survivor dies after it.

Method: as disk_kill, with ft-disk=shared, raw and qcow2, reads from the log and
from the disk. Before the kill the image is open on the primary alone, afterwards
on the survivor; the digests agree.
"""

from ftpair import disk
from ftpair.drives import shared
from ftpair.succession import Succession

KINDS = (("raw", "log"), ("raw", "disk"), ("qcow2", "log"))


def test_shared_kill(case):
    for image_format, reads in KINDS:
        with Succession.of(case, f"{image_format}-{reads}", drives=shared(image_format=image_format, reads=reads)) as pair:
            disk.killed_twice(case, pair)
