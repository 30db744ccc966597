# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/layers is shown what it must refuse: a call and an include that run up, a file without a floor."""

import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOW, HIGH = "accel/ft/glue/ft-node.c", "accel/ft/glue/ft-session.h"


class Layers(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for folder in ("accel/ft/glue", "hw/ft-replay/glue", "net/ft-filter/glue", "block/ft-filter/glue"):
            shutil.copytree(ROOT / folder, self.root / folder)

    def check(self):
        run = subprocess.run([ROOT / "scripts/layers", "--check", "--root", self.root], stdout=subprocess.PIPE, check=False)
        return run.returncode, run.stdout.decode()

    def change(self, name, old, new):
        text = (self.root / name).read_text()
        self.assertIn(old, text)
        (self.root / name).write_text(text.replace(old, new, 1))

    def test_the_tree_as_it_is(self):
        self.assertEqual(self.check()[0], 0)

    def test_a_call_that_runs_up(self):
        self.change(LOW, "    return qemu_clock_get_ns", "    ft_input(FT_IN_TIMER, 0, NULL, NULL);\n    return qemu_clock_get_ns")
        status, text = self.check()
        self.assertEqual(status, 1)
        self.assertIn("ft-node.c -> ft-session.c: runs up, by ft_input", text)

    def test_an_include_that_runs_up(self):
        self.change(LOW, '#include "qemu/osdep.h"', f'#include "qemu/osdep.h"\n#include "{HIGH}"')
        status, text = self.check()
        self.assertEqual(status, 1)
        self.assertIn("ft-node.c -> ft-session.h: runs up, by #include", text)

    def test_one_wing_calls_another(self):
        self.change("net/ft-filter/glue/ft-announce.c", "    in_round = false;\n    ft_", "    in_round = false;\n    ft_disk_look();\n    ft_")
        status, text = self.check()
        self.assertEqual(status, 1)
        self.assertIn("runs aside, by ft_disk_look", text)

    def test_a_file_without_a_floor(self):
        (self.root / "net/ft-filter/glue/ft-new.c").write_text('#include "qemu/osdep.h"\n')
        status, text = self.check()
        self.assertEqual(status, 1)
        self.assertIn("ft-new.c: has no place in FLOORS", text)
