# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/lib/failed.py: what scripts/test repeats at its end of a test that failed."""

import importlib.util

import pytest
from ftpair.node import ROOT

SPEC = importlib.util.spec_from_file_location("failed", ROOT / "scripts" / "lib" / "failed.py")
failed = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(failed)

PAIR = """       1.00 s  ok   first: 1
       2.00 s  FAIL second: 4 of 5
idle                     FAIL    5.1 s  second (4 of 5); third (no)
    work folder: build/runs/idle-1
    once more: tests/pair/run --only idle --keep
"""
TRACEBACK = ("quit    FAIL    5.1 s  tests/pair/x.py:1: in test\n" + "    f()\n" * 9
             + "E   KeyError: 3\n    once more: tests/pair/run --only quit --keep\n")
GTEST = """[ RUN      ] Log.Reads
/x/log_test.cpp:33: Failure
Expected equality of these values:
  a
    Which is: 3
  b
[  FAILED  ] Log.Reads (0 ms)
"""
PYTEST = "tests/libvirt/test_x.py:3: in test_y\n    assert a == b\nE   assert 3 == 4\nsystem-out: much\n"


@pytest.mark.parametrize("text, said", (
    (PAIR, ["second (4 of 5); third (no)"]),
    (GTEST, ["/x/log_test.cpp:33: Failure", "Expected equality of these values:", "  a", "    Which is: 3", "  b"]),
    (PYTEST, ["E   assert 3 == 4"]),
    ("one\n\ntwo\n", ["one", "two"]),
))
def test_the_reason_is_cut_out(tmp_path, text, said):
    (tmp_path / "log").write_text(text)
    assert failed.reason(tmp_path / "log") == said


def test_of_an_exception_the_end_is_shown(tmp_path):
    (tmp_path / "log").write_text(TRACEBACK)
    said = failed.reason(tmp_path / "log")
    assert len(said) == failed.LINES_MAX and said[-1] == "E   KeyError: 3"


def test_long_lines_come_in_pieces(tmp_path):
    (tmp_path / "log").write_text(f"idle    FAIL    5.1 s  {'x' * 600}\n")
    assert [len(line) for line in failed.reason(tmp_path / "log")] == [240, 240, 120]


def test_no_log_says_nothing(tmp_path):
    assert failed.reason("") == [] == failed.reason(tmp_path / "none")
