# SPDX-License-Identifier: GPL-2.0-or-later
"""The guest's RAM in a QEMU of ours, changed from outside: what a cosmic ray does.

Neither QEMU nor the guest notices, dirty tracking included.
"""

RAM_BYTES = 256 << 20           # as node.py gives it
CHUNK_BYTES = 4 << 20


def change(pid, old, new):
    """Each text becomes the other, of the same length; how many there were."""
    assert len(old) == len(new)
    count = 0
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        for begin, end in mappings(pid):
            for place in find(memory, begin, end, old):
                memory.seek(place)
                memory.write(new)
                count += 1
    return count


def mappings(pid):
    """Those that are large enough to hold the guest's RAM."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        for line in maps:
            begin, end = (int(word, 16) for word in line.split()[0].split("-"))
            if end - begin >= RAM_BYTES and line.split()[1].startswith("rw-"):
                yield begin, end


def find(memory, begin, end, text):
    for chunk in range(begin, end, CHUNK_BYTES):
        memory.seek(chunk)
        # A text may lie across two chunks.
        data = memory.read(min(CHUNK_BYTES + len(text) - 1, end - chunk))
        place = data.find(text)
        while place >= 0:
            yield chunk + place
            place = data.find(text, place + 1)
