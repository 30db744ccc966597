#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the 1 MiB block of the guest's /www/file.bin, and the sha256 of the whole file.

The file is 64 blocks of 1 MiB. Block N is a line of 64 bytes that names N, followed by the same pseudo-random bytes each time: cheap
to put together in an emulated guest, yet a block that is lost, repeated or swapped changes the sum.
"""
import argparse
import hashlib
import random

BLOCK = 1 << 20
LINE = 64


def body():
    return random.Random(0x5EED).randbytes(BLOCK - LINE)


def line(number):
    return b"FT-FILE block %06d" % number + b"." * (LINE - 21) + b"\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blocks", type=int, default=64)
    parser.add_argument("--body", help="writes the part that all blocks share to this file")
    parser.add_argument("--whole", help="writes the whole file (what the guest serves)")
    args = parser.parse_args()
    data = body()
    if args.body:
        with open(args.body, "wb") as out:
            out.write(data)
    digest = hashlib.sha256()
    whole = open(args.whole, "wb") if args.whole else None
    for number in range(args.blocks):
        assert len(line(number)) == LINE
        for part in (line(number), data):
            digest.update(part)
            if whole:
                whole.write(part)
    if whole:
        whole.close()
    print(f"{digest.hexdigest()}  file.bin")


if __name__ == "__main__":
    main()
