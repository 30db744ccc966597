# SPDX-License-Identifier: GPL-2.0-or-later
"""XXH3, 64 bits, seed 0, default secret: the checksum of the wire protocol.

A second implementation on purpose, written from the XXH3 specification: the
hostile peer speaks the protocol without a line of the code that it tests.
Slow (a few MB/s); its messages are small.
"""

import struct

MASK = (1 << 64) - 1
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
    "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    "3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364"
    "eac5ac8334d3ebc3c581a0fffa1363eb170ddd51b7f0da49d316552629d4689e"
    "2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")
P32 = (0, 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D)
P64 = (0, 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9,
       0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
MX1, MX2 = 0x165667919E3779F9, 0x9FB21C651E98DF25


def r32(data, at):
    return struct.unpack_from("<I", data, at)[0]


def r64(data, at):
    return struct.unpack_from("<Q", data, at)[0]


def fold(a, b):
    product = a * b
    return (product & MASK) ^ (product >> 64)


def rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def swap64(value):
    return int.from_bytes(value.to_bytes(8, "little"), "big")


def avalanche(h):
    h = (h ^ h >> 37) * MX1 & MASK
    return h ^ h >> 32


def avalanche_64(h):
    h = (h ^ h >> 33) * P64[2] & MASK
    h = (h ^ h >> 29) * P64[3] & MASK
    return h ^ h >> 32


def up_to_16(d):
    n = len(d)
    if n > 8:
        low = r64(d, 0) ^ r64(SECRET, 24) ^ r64(SECRET, 32)
        high = r64(d, n - 8) ^ r64(SECRET, 40) ^ r64(SECRET, 48)
        return avalanche(n + swap64(low) + high + fold(low, high) & MASK)
    if n >= 4:
        h = (r32(d, n - 4) + (r32(d, 0) << 32)) ^ r64(SECRET, 8) ^ r64(SECRET, 16)
        h = (h ^ rotate(h, 49) ^ rotate(h, 24)) * MX2 & MASK
        h = (h ^ (h >> 35) + n) * MX2 & MASK
        return h ^ h >> 28
    if n:
        word = d[0] << 16 | d[n >> 1] << 24 | d[n - 1] | n << 8
        return avalanche_64(word ^ r32(SECRET, 0) ^ r32(SECRET, 4))
    return avalanche_64(r64(SECRET, 56) ^ r64(SECRET, 64))


def mix(d, at, secret_at):
    return fold(r64(d, at) ^ r64(SECRET, secret_at), r64(d, at + 8) ^ r64(SECRET, secret_at + 8))


def up_to_128(d):
    n = len(d)
    h = n * P64[1]
    for i in reversed(range((n - 1) // 32 + 1)):
        h += mix(d, 16 * i, 32 * i) + mix(d, n - 16 * (i + 1), 32 * i + 16)
    return avalanche(h & MASK)


def up_to_240(d):
    n = len(d)
    h = n * P64[1]
    for i in range(8):
        h += mix(d, 16 * i, 16 * i)
    h = avalanche(h & MASK)
    for i in range(8, n // 16):
        h += mix(d, 16 * i, 16 * (i - 8) + 3)
    return avalanche(h + mix(d, n - 16, 136 - 17) & MASK)


def accumulate(acc, d, at, secret_at):
    values = struct.unpack_from("<8Q", d, at)
    keys = struct.unpack_from("<8Q", SECRET, secret_at)
    for i in range(8):
        key = values[i] ^ keys[i]
        acc[i ^ 1] = acc[i ^ 1] + values[i] & MASK
        acc[i] = acc[i] + (key & 0xFFFFFFFF) * (key >> 32) & MASK


def beyond_240(d):
    n = len(d)
    acc = [P32[3], P64[1], P64[2], P64[3], P64[4], P32[2], P64[5], P32[1]]
    last_block = (n - 1) // 1024
    for block in range(last_block + 1):
        stripes = 16 if block < last_block else ((n - 1) - 1024 * block) // 64
        for i in range(stripes):
            accumulate(acc, d, 1024 * block + 64 * i, 8 * i)
        if block < last_block:
            for i in range(8):
                acc[i] = (acc[i] ^ acc[i] >> 47 ^ r64(SECRET, 128 + 8 * i)) * P32[1] & MASK
    accumulate(acc, d, n - 64, 192 - 64 - 7)
    h = n * P64[1]
    for i in range(4):
        h += fold(acc[2 * i] ^ r64(SECRET, 11 + 16 * i), acc[2 * i + 1] ^ r64(SECRET, 19 + 16 * i))
    return avalanche(h & MASK)


def xxh3_64(data):
    n = len(data)
    if n <= 16:
        return up_to_16(data)
    if n <= 128:
        return up_to_128(data)
    return up_to_240(data) if n <= 240 else beyond_240(data)
