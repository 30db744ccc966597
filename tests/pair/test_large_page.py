# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a page flush inside a large page of code leaves nothing of it behind:
neither what the page led to nor when its table is walked depends on which
blocks the jump cache happens to know, which is not the same in record and in
replay.

Method: a bare guest (tests/guest/rep/large_page.c) maps a large page to other
memory, or to an entry that was not accessed, flushes one of its addresses and
executes code at another one, recorded, and replayed from that log, with and
without one instruction per block. Each time the code must be the new one, and
the entry accessed.
"""

import os
import shutil
import subprocess

from ftpair.node import BUILD, ROOT, qemu_path
from ftpair.pair import Failed

SECONDS = 60                    # for one guest, on a busy host
ONE = ("-accel", "tcg,one-insn-per-tb=on")
EXPECTED = 3 * " 00000001a 00000002a 00000002a" + " END\n"


def run(case):
    folder = BUILD / "runs" / f"large-page-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    case.folders.append(folder)
    subprocess.run([ROOT / "tests/guest/rep/build", folder], check=True)
    for image in ("large32", "large64"):
        log = f"shift=2,rrfile={image}.log,rr="
        for name, icount, more in (("recorded", "record", ()), ("replayed", "replay", ()),
                                   ("replayed-single", "replay", ONE)):
            text = guest(folder, image, name, log + icount, more)
            case.expect(f"{image}, {name}: the new code each time, and accessed", text == EXPECTED, text.strip())
    if not case.keep:
        shutil.rmtree(folder)


def guest(folder, image, name, icount, more):
    """What it printed."""
    console = folder / f"{image}-{name}.txt"
    command = ["setpriv", "--pdeathsig", "KILL", qemu_path(), "-machine", "q35", "-m", "64", "-nodefaults",
               "-no-user-config", "-display", "none", "-vga", "none", "-serial", f"file:{console}", "-kernel", image,
               "-icount", icount, *more]
    errors = folder / f"{console.stem}.stderr"
    try:
        with errors.open("wb") as to:
            status = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=to, timeout=SECONDS,
                                    check=False).returncode
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{console.stem}: the guest does not end; it printed {console.read_bytes()[-200:]}") from late
    if status:
        raise Failed(f"{console.stem}: QEMU ended with {status}: {errors.read_text()}")
    return console.read_text()
