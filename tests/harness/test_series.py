# SPDX-License-Identifier: GPL-2.0-or-later
"""scripts/lib/series.py: how the patches of the series get their files, and what it refuses.

Goal: a patch without a name, two of the same name, and a group out of its order are refused with a sentence; everything else about a file
comes from the message.

Method: a series of two small patches as git format-patch writes them.
"""
import importlib.util
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("series", ROOT / "scripts" / "lib" / "series.py")
series = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(series)

PATCH = """From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001
From: somebody <somebody@example.org>
Date: Mon, 30 Nov 2026 08:00:00 +0000
Subject: [PATCH] a subject that is so long that git format-patch would cut the name of the file

Why.

Patch: {name}
---
 a.c | 1 +
 1 file changed, 1 insertion(+)

diff --git a/a.c b/a.c
index 8926d8cf4bc7..d8047d37523e 100644
--- a/a.c
+++ b/a.c
@@ -1,2 +1,3 @@
 first
+second
 third
"""


def write(folder, *names):
    for number, name in enumerate(names, 1):
        (folder / f"{number:04}-some.patch").write_text(PATCH.format(name=name))


def test_name_group_and_number_make_the_file(tmp_path):
    write(tmp_path, "fixes/one", "fixes/two", "hooks/three")
    series.finish(str(tmp_path))
    assert (tmp_path / "series").read_text().split() == ["fixes/0001-one.patch", "fixes/0002-two.patch", "hooks/0001-three.patch"]
    assert not list(tmp_path.glob("*.patch"))


def test_header_gets_author_and_trailers(tmp_path):
    write(tmp_path, "fixes/one")
    series.finish(str(tmp_path))
    text = (tmp_path / "fixes" / "0001-one.patch").read_text()
    assert f"From: {series.AUTHOR}\n" in text and "somebody" not in text
    assert "Patch: fixes/one\nOrigin: qemu-ft\nForwarded: no\n---\n" in text


def test_touched_counts_lines_and_names_patches(tmp_path):
    write(tmp_path, "fixes/one", "tcg/two")
    series.finish(str(tmp_path))
    table = (tmp_path / "TOUCHED.md").read_text()
    assert "2 patches change 1 existing files in 2 hunks: 2 lines added, 0 removed." in table
    assert "| a.c | 2 | 2 | 0 | fixes/one, tcg/two |" in table


@pytest.mark.parametrize("names, sentence", [
    (["one"], "names no patch"),
    (["other/one"], "names no patch"),
    (["fixes/One"], "names no patch"),
    (["fixes/one", "fixes/one"], "two patches are named fixes/one"),
    (["tcg/one", "fixes/two"], "stands behind a patch of tcg/"),
])
def test_refuses(tmp_path, names, sentence):
    write(tmp_path, *names)
    with pytest.raises(SystemExit, match=sentence):
        series.finish(str(tmp_path))
