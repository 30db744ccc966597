#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Finishes a patch series that git format-patch wrote: neutral headers, trailers, names, the file "series" and the table TOUCHED.md.

A patch names itself by the trailer "Patch: GROUP/NAME" of its message and becomes GROUP/NNNN-NAME.patch; a number counts within its
group. Used by scripts/patches refresh.
"""
import argparse
import glob
import os
import re
import shutil
import sys

# In the order in which they are applied; what each is for is in TOUCHED.md.
GROUPS = {
    "fixes": "faults of QEMU, each with a reproducer (`qemu-patches/fixes/reproduce`); ready to be sent",
    "tcg": "TCG under icount and record/replay: speed, and TLBs that are a function of the guest's execution; of use without FT",
    "replay": "the log of record/replay as a stream",
    "loop": "the turn of the vCPU's thread with such a log",
    "hooks": "calls of FT, and what it asks of QEMU",
}
AUTHOR = "qemu-ft <qemu-ft@localhost>"
TRAILERS = ("Origin: qemu-ft", "Forwarded: no")


def finish_header(text):
    """Sets the author and adds the trailers that the message lacks."""
    head, separator, rest = text.partition("\n---\n")
    if not separator:
        sys.exit("patches: a patch has no '---' line; it was not written by git format-patch")
    # A long name is folded over two lines.
    head = re.sub(r"(?m)^From: .*(?:\n[ \t].*)*$", f"From: {AUTHOR}", head, count=1)
    missing = [line for line in TRAILERS if not re.search(f"(?m)^{line.split(':')[0]}: ", head)]
    if missing:
        last = head.rstrip("\n").rsplit("\n", 1)[-1]
        gap = "\n" if re.match(r"^[A-Z][A-Za-z-]+: ", last) and "\n\n" in head else "\n\n"
        if head.count("\n\n") == 0:
            gap = "\n\n"
        head = head.rstrip("\n") + gap + "\n".join(missing)
    return head + separator + rest


def name_of(text, path):
    """GROUP and NAME of a patch, as its message tells them."""
    head = text.partition("\n---\n")[0]
    match = re.search(r"(?m)^Patch: ([a-z]+)/([a-z0-9-]+)$", head)
    if not match or match.group(1) not in GROUPS:
        sys.exit(f"patches: the message of {os.path.basename(path)} names no patch; it needs a line 'Patch: GROUP/NAME' beside its other "
                 f"trailers, with GROUP one of {', '.join(GROUPS)} and NAME of small letters, digits and '-'")
    return match.groups()


def file_names(names):
    """GROUP/NNNN-NAME.patch for each (GROUP, NAME); groups must not mix, so that a folder shows what the series applies in a row."""
    order = list(GROUPS)
    numbers = dict.fromkeys(GROUPS, 0)
    last = 0
    for group, name in names:
        if order.index(group) < last:
            sys.exit(f"patches: {group}/{name} stands behind a patch of {order[last]}/; the groups come in the order {', '.join(GROUPS)}")
        if names.count((group, name)) > 1:
            sys.exit(f"patches: two patches are named {group}/{name}")
        last = order.index(group)
        numbers[group] += 1
        yield f"{group}/{numbers[group]:04}-{name}.patch"


def touched(text):
    """Yields (file, is new, hunks, added, removed) of one patch."""
    name, new, hunks, added, removed, left_old, left_new = None, False, 0, 0, 0, 0, 0
    for line in text.splitlines():
        if left_old > 0 or left_new > 0:
            if line.startswith("+"):
                added, left_new = added + 1, left_new - 1
            elif line.startswith("-"):
                removed, left_old = removed + 1, left_old - 1
            elif not line.startswith("\\"):
                left_old, left_new = left_old - 1, left_new - 1
            continue
        match = re.match(r"^diff --git a/(.*) b/(.*)$", line)
        if match:
            if name:
                yield name, new, hunks, added, removed
            name, new, hunks, added, removed = match.group(2), False, 0, 0, 0
        elif line.startswith("new file mode"):
            new = True
        else:
            match = re.match(r"^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@", line)
            if match:
                hunks += 1
                left_old, left_new = (int(n) if n is not None else 1 for n in match.groups())
    if name:
        yield name, new, hunks, added, removed


def table(names, patches):
    files = {}
    for patch, text in zip(names, patches):
        for name, new, hunks, added, removed in touched(text):
            row = files.setdefault(name, [False, 0, 0, 0, []])
            row[0] = row[0] or new
            row[1] += hunks
            row[2] += added
            row[3] += removed
            row[4].append("/".join(patch))
    old = {name: row for name, row in files.items() if not row[0]}
    sums = [sum(row[i] for row in old.values()) for i in (1, 2, 3)]
    yield "# Existing QEMU files that the series changes"
    yield ""
    yield "Written by `scripts/patches refresh`; do not edit."
    yield ""
    yield f"{len(patches)} patches change {len(old)} existing files in {sums[0]} hunks: {sums[1]} lines added, {sums[2]} removed."
    yield ""
    yield "| group | patches | for |"
    yield "|---|---:|---|"
    for group, purpose in GROUPS.items():
        yield f"| {group}/ | {sum(name[0] == group for name in names)} | {purpose} |"
    yield ""
    yield "| file | hunks | added | removed | patches |"
    yield "|---|---:|---:|---:|---|"
    for name in sorted(old):
        row = old[name]
        yield f"| {name} | {row[1]} | {row[2]} | {row[3]} | {', '.join(row[4])} |"
    made = sorted(set(files) - set(old))
    if made:
        yield ""
        yield "New files: " + ", ".join(made) + "."


def finish(folder):
    """FOLDER holds what git format-patch wrote; afterwards the files of qemu-patches."""
    patches, names = [], []
    paths = sorted(glob.glob(os.path.join(folder, "*.patch")))
    for path in paths:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            patches.append(finish_header(file.read()))
        names.append(name_of(patches[-1], path))
        os.remove(path)
    files = list(file_names(names))
    for group in GROUPS:
        shutil.rmtree(os.path.join(folder, group), ignore_errors=True)
        os.mkdir(os.path.join(folder, group))
    for path, text in zip(files, patches):
        with open(os.path.join(folder, path), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
    with open(os.path.join(folder, "series"), "w", encoding="ascii") as file:
        file.writelines(path + "\n" for path in files)
    with open(os.path.join(folder, "TOUCHED.md"), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in table(names, patches))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["finish"])
    parser.add_argument("folder")
    args = parser.parse_args()
    finish(args.folder)


if __name__ == "__main__":
    main()
