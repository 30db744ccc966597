# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of drives, made and looked at with the host's programs."""

import subprocess

from .failure import Failed
from .node import BUILD

MIB = 2**20


def run(*words):
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def need(*words):
    status, said = run(*words)
    if status != 0:
        raise Failed(f"{' '.join(str(w) for w in words)}: status {status}: {said}")
    return said


def make_file_system(path, size_mib):
    with path.open("wb") as file:
        file.truncate(size_mib * MIB)
    # No lazy initialisation: an idle guest must not write.
    need("mke2fs", "-q", "-t", "ext4", "-E", "lazy_itable_init=0,lazy_journal_init=0", path)


def empty_image(path, size_mib, image_format):
    need(BUILD / "qemu-img", "create", "-q", "-f", image_format, path, f"{size_mib}M")


def convert(source, source_format, target, target_format):
    need(BUILD / "qemu-img", "convert", "-f", source_format, "-O", target_format, source, target)
