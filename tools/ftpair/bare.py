# SPDX-License-Identifier: GPL-2.0-or-later
"""Bare guests (tests/guest/rep): built here, executed by a QEMU without FT with record/replay, read from their console."""

import os
import shutil
import subprocess

from .node import BUILD, ROOT, qemu_path
from .pair import Failed

ONE = ("-accel", "tcg,one-insn-per-tb=on")


def build(case, name):
    """A work folder of the case, with all bare guests in it."""
    folder = BUILD / "runs" / f"{name}-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    case.folders.append(folder)
    subprocess.run([ROOT / "tests/guest/rep/build", folder], check=True)
    return folder


class Run:
    """One guest, from its start; its console is the file self.console."""

    def __init__(self, folder, image, name, icount, more=()):
        self.console = folder / f"{image}-{name}.txt"
        self._errors = folder / f"{image}-{name}.stderr"
        command = ["setpriv", "--pdeathsig", "KILL", qemu_path(), "-machine", "q35", "-m", "64", "-nodefaults",
                   "-no-user-config", "-display", "none", "-vga", "none", "-serial", f"file:{self.console}", "-kernel", image,
                   "-icount", icount, *more]
        with self._errors.open("wb") as errors:
            self.process = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stderr=errors)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def text(self, seconds):
        """What it printed, when it has switched itself off; Failed if that takes longer."""
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired as late:
            raise Failed(f"{self.console.stem}: the guest does not end; it came to {self.console.read_bytes()[-200:]}") from late
        if status:
            raise Failed(f"{self.console.stem}: QEMU ended with {status}: {self._errors.read_text()}")
        return self.console.read_text()


def expect_each_way(case, name, images, expected, what, seconds=60):
    """Each image prints what is expected: recorded, and replayed from that log with and without one instruction per block."""
    folder = build(case, name)
    for image in images:
        log = f"shift=2,rrfile={image}.log,rr="
        for way, icount, more in (("recorded", "record", ()), ("replayed", "replay", ()), ("replayed-single", "replay", ONE)):
            with Run(folder, image, way, log + icount, more) as guest:
                text = guest.text(seconds)
            case.expect(f"{image}, {way}: {what}", text == expected, text.strip())
    if not case.keep:
        shutil.rmtree(folder)
