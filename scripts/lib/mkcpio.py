#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a directory as a cpio archive (newc) that depends on its contents only.

Owners, times, inode numbers and the order come from the names, so the same tree gives the same bytes on every host. Needs no root:
the console's device node is written straight into the archive.
"""
import argparse
import os
import stat
import sys


def header(ino, mode, size, name, rdev=(0, 0), nlink=1):
    fields = (ino, mode, 0, 0, nlink, 0, size, 0, 0, rdev[0], rdev[1], len(name) + 1, 0)
    return b"070701" + b"".join(b"%08X" % f for f in fields) + name + b"\0"


def padded(data):
    return data + b"\0" * (-len(data) % 4)


def entries(top):
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted(files + folders):
            path = os.path.join(folder, name)
            yield os.path.relpath(path, top), path


def write(top, out):
    ino = 1
    items = sorted(entries(top))
    for name, path in items:
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            data, mode = os.readlink(path).encode(), stat.S_IFLNK | 0o777
        elif stat.S_ISDIR(mode):
            data, mode = b"", stat.S_IFDIR | 0o755
        elif stat.S_ISREG(mode):
            with open(path, "rb") as file:
                data = file.read()
            mode = stat.S_IFREG | (0o755 if mode & 0o100 else 0o644)
        else:
            sys.exit(f"mkcpio: {path} is neither a file, a directory nor a link; remove it")
        out.write(padded(header(ino, mode, len(data), name.encode())) + padded(data))
        ino += 1
        if name == "dev":
            out.write(padded(header(ino, stat.S_IFCHR | 0o600, 0, b"dev/console", (5, 1))))
            ino += 1
    out.write(padded(header(0, 0, 0, b"TRAILER!!!")))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory")
    parser.add_argument("output")
    args = parser.parse_args()
    with open(args.output, "wb") as out:
        write(args.directory, out)


if __name__ == "__main__":
    main()
