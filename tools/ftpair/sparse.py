# SPDX-License-Identifier: GPL-2.0-or-later
"""Images of any size that are made in a moment: holes, and some data here and there."""

import os
import random

MIB, GIB, TIB = 2**20, 2**30, 2**40
PIECE = 4 * MIB


def make(path, size, pieces=()):
    """pieces: [(offset, bytes, seed)]; seed 0: zeros that are written, not a hole."""
    with path.open("wb") as file:
        file.truncate(size)
        for offset, length, seed in pieces:
            file.seek(offset)
            file.write(random.Random(seed).randbytes(length) if seed else bytes(length))
    return path


def fill(path, size):
    """No hole in it, and nothing that compresses."""
    block = random.Random(size).randbytes(PIECE)
    with path.open("wb") as file:
        for number in range(size // PIECE):
            file.write(number.to_bytes(8, "little") + block[8:])
        file.flush()
        os.fsync(file.fileno())
    return path
