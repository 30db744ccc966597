# SPDX-License-Identifier: GPL-2.0-or-later
"""What a pair test gets to work with, and what became of it."""

import os
import unittest

from .node import faults_qemu_path
from .pair import Failed, Pair
from .verdict import Check, failures


class Skip(unittest.SkipTest):
    """The test has nothing to test in this build or on this machine."""


class Case:
    def __init__(self, name, say, keep=False):
        self.name, self.say, self.keep = name, say, keep
        self.checks = []
        self.figures = {}
        self.folders = []

    def pair(self, tag="", **options):
        return Pair.of(self, tag, **options)

    def left(self):
        """The work folders that are still there: of what failed, or all."""
        return [folder for folder in self.folders if folder.exists()]

    def judge(self, *checks):
        """Every check is kept and shown; the first bad ones end the test.

        Called inside "with pair", so that a failure keeps the work folder.
        """
        self.checks += checks
        for check in checks:
            self.say(str(check))
        bad = failures(checks)
        if bad:
            raise Failed("; ".join(f"{c.name} ({c.detail})" for c in bad))

    def expect(self, name, ok, detail=""):
        self.judge(Check(name, bool(ok), str(detail)))

    def figure(self, name, value):
        self.figures[name] = value


def faulty_qemu():
    """FT_FAULT works only in a build made for it, never in a release."""
    path = faults_qemu_path()
    if not os.access(path, os.X_OK):
        raise Skip(f"no {path.name}: run scripts/build --faults")
    return path
