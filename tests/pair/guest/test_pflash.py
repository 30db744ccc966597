# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a guest without a disk, but with flash memory in a file, is protected: what it writes there is in both nodes' files.

Method: the firmware comes from one flash chip, a second one is empty and each node's own file. The guest writes a byte into that: both
files hold it, digests are equal, and the survivor of a kill reads it and writes another one. Before, the secondary aborted in the
load: only drives with a filter of FT were opened for writing.
"""

from pathlib import Path

from ftpair import digest, guest

FIRMWARE = Path("/usr/share/seabios/bios-256k.bin")
BYTES = 256 * 1024
# The chips are mapped below 4 GiB, one below the other.
CHIP = (1 << 32) - FIRMWARE.stat().st_size - BYTES if FIRMWARE.exists() else 0
PROGRAM, READ_ARRAY = 0x40, 0xFF


def flash(pair, name):
    path = pair.folder / f"{name}.flash"
    path.write_bytes(b"\xff" * BYTES)
    return path


def drives(name):
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={FIRMWARE}",
            "-drive", f"if=pflash,unit=1,format=raw,file={name}.flash"]


def test_pflash(case):
    more = {name: {"arguments": drives(name), "parameters": "ft.file=0 iomem=relaxed"} for name in ("primary", "secondary")}
    with case.pair(**more) as pair:
        files = {name: flash(pair, name) for name in ("primary", "secondary")}
        pair.start().wait_up()
        program(pair, 0, 0xA5)
        case.expect("digests are equal", digest.compared(pair) > 0)
        holds(case, files, 0, 0xA5, "while protected")
        pair.start_incr()
        guest.kill_primary(case, pair)
        case.expect("the survivor reads it", byte_at(pair, 0) == 0xA5, hex(byte_at(pair, 0)))
        program(pair, 1, 0x5A)
        holds(case, {"secondary": files["secondary"]}, 1, 0x5A, "by the survivor")


def program(pair, at, value):
    for word in (PROGRAM, value, READ_ARRAY):
        guest.command(pair, f"devmem {CHIP + at:#x} 8 {word:#x}")


def byte_at(pair, at):
    return int(guest.command(pair, f"devmem {CHIP + at:#x} 8"), 16)


def holds(case, files, at, value, when):
    for name, path in files.items():
        found = path.read_bytes()[at]
        case.expect(f"the {name}'s file has what was written {when}", found == value, hex(found))
