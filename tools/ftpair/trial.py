# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries a command line of QEMU: does it start, or is it refused, and by what name?"""

import subprocess

from . import netns
from .node import qemu_path
from .verdict import Check


def start(namespace, words, arguments, seconds, board="q35", qemu=None):
    """(exit status or None if it runs, what it said)."""
    argv = [str(qemu or qemu_path()), "-machine", f"{board},{words}", "-m", "64", "-nodefaults",
            "-no-user-config", "-display", "none", "-vga", "none", "-S", *arguments.split()]
    process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *netns.inside(namespace, argv)],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    try:
        said, _ = process.communicate(timeout=seconds)
        return process.returncode, said.strip()
    except subprocess.TimeoutExpired:
        process.kill()
        return None, process.communicate()[0].strip()


def refused(what, word, status, said):
    """Check: it ended with a sentence that has the word."""
    return Check(f"{what}: refused, naming {word}", status == 1 and word in said,
                 f"status {status}: {said or '(nothing said)'}")
