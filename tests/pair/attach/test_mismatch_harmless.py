# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: what belongs to each host may differ: no guest sees it, not even after it has booted again on the survivor.

Method: a secondary with all of it changed at once: other firmware and NIC ROM of the same size (their contents come with the state),
another start of its real-time clock, RAM from a file, filled at once, a small cache of translated blocks, messages of QEMU, another
name. Digests of all are equal when protected and behind a reboot; after a kill the survivor serves the client and boots once more.
"""

import shutil
from pathlib import Path

from ftpair import digest, guest
from ftpair.node import BUILD

OTHER = BUILD / "harmless"
FIRMWARE = Path("/usr/share/seabios/bios-256k.bin")
ROM = Path("/usr/lib/ipxe/qemu/efi-virtio.rom")
BOOTED_SECONDS = 120


def arguments():
    return ["-bios", str(OTHER / FIRMWARE.name), "-L", str(OTHER), "-rtc", "base=2001-02-03T04:05:06",
            "-object", "memory-backend-file,id=pc.ram,size=256M,share=off,prealloc=on,merge=off,dump=off,mem-path=/dev/shm",
            "-machine", "memory-backend=pc.ram,mem-merge=off,dump-guest-core=off",
            "-accel", "tcg,tb-size=32", "-d", "guest_errors,unimp", "-D", "secondary.debug",
            "-overcommit", "cpu-pm=off", "-msg", "timestamp=on", "-name", "other,debug-threads=on"]


def make_others():
    shutil.rmtree(OTHER, ignore_errors=True)
    OTHER.mkdir()
    for path in (FIRMWARE, ROM):
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        (OTHER / path.name).write_bytes(data)


def test_mismatch_harmless(case):
    make_others()
    small = {"parameters": "ft.file=0"}
    with case.pair(primary={**small, "arguments": ["-object", "memory-backend-ram,id=pc.ram,size=256M", "-machine", "memory-backend=pc.ram"]},
                   secondary={**small, "arguments": arguments()}) as pair:
        pair.start().wait_up()
        case.expect("digests are equal", digest.compared(pair) > 0)
        guest.order(pair, "reboot -f")
        pair.wait_guest(boots=2)
        case.expect("digests are equal behind a reboot", digest.compared(pair) > 0)
        pair.start_incr()
        guest.kill_primary(case, pair)
        guest.order(pair, "reboot -f")
        pair.primary.serial = pair.secondary.serial
        pair.primary, pair.secondary = pair.secondary, pair.primary
        pair.wait_guest()
        guest.command(pair, "true")
