# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may import whom, and what each pair test must have.

A test imports no test and no folder of tests: what two of them need is in tools/.
What lies in scripts/ and tools/ imports nothing from tests/. A pair test says its
goal and its method, and has the one function by which pytest finds it.
"""

import ast
import unittest

from ftpair.node import ROOT

TESTS, PAIR = ROOT / "tests", ROOT / "tests" / "pair"
# tests/bench and tests/soak are programs of several files; the harness' tests try the benchmark's arithmetic.
PROGRAMS = ("bench", "soak")


def python_in(folder):
    """All Python there: by its name, or by its first line."""
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        if path.suffix == ".py" or (not path.suffix and path.read_bytes()[:40].startswith((b"#!/usr/bin/python3", b"#!/usr/bin/env python3"))):
            yield path


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def modules_of_tests():
    """What an import of a test's file, or of a folder of tests, would be called."""
    files = [path for path in python_in(TESTS) if not any(program in path.parts for program in PROGRAMS)]
    return {"tests", *(path.stem for path in files if path.suffix == ".py")}


def wrong_imports(folder, forbidden):
    return [f"{path.relative_to(ROOT)} imports {name}" for path in python_in(folder) for name in imported(path) if name.split(".")[0] in forbidden]


class Layout(unittest.TestCase):
    def test_no_test_imports_a_test(self):
        self.assertEqual(wrong_imports(TESTS, modules_of_tests()), [])

    def test_nothing_else_imports_from_tests(self):
        programs = {path.stem for program in PROGRAMS for path in python_in(TESTS / program)}
        for folder in ("scripts", "tools"):
            self.assertEqual(wrong_imports(ROOT / folder, modules_of_tests() | programs), [])

    def test_a_pair_test_says_what_it_is_for(self):
        for path in PAIR.rglob("test_*.py"):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            with self.subTest(path.name):
                self.assertTrue(text.startswith("Goal: "))
                self.assertIn("\nMethod: ", text)

    def test_a_pair_test_is_one_function(self):
        """Named as its file, or pytest would not find it, and scripts/test would not know it."""
        for path in PAIR.rglob("test_*.py"):
            functions = [node.name for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef)]
            with self.subTest(path.name):
                self.assertEqual([name for name in functions if name.startswith("test_")], [path.stem])
                self.assertNotIn("run", functions)

    def test_each_lies_in_a_folder_and_each_name_is_there_once(self):
        names = [path.stem for path in PAIR.rglob("test_*.py")]
        self.assertEqual(sorted(names), sorted(set(names)))
        self.assertEqual(list(PAIR.glob("test_*.py")), [])
