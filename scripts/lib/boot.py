#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Boots the test guest once and tells how long it took to FT-GUEST-READY; used by scripts/guest --boot."""
import os
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("FT_BUILD_DIR", os.path.join(ROOT, "build"))
LIMIT_S = 60


def find_qemu():
    for path in (os.environ.get("FT_QEMU", ""), f"{BUILD}/qemu-system-x86_64", f"{BUILD}/pristine/qemu-system-x86_64"):
        if path and os.access(path, os.X_OK):
            return path
    sys.exit("guest: there is no QEMU to boot with; run scripts/build")


def main():
    with open(f"{BUILD}/guest/cmdline", encoding="ascii") as file:
        cmdline = file.read().strip()
    command = [find_qemu(), "-machine", "q35", "-accel", "tcg,thread=single", "-m", "256", "-nodefaults", "-display", "none",
               "-serial", "stdio", "-kernel", f"{BUILD}/guest/vmlinuz", "-initrd", f"{BUILD}/guest/initrd.img",
               "-append", cmdline, "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0",
               "-device", "virtio-rng-pci"] + sys.argv[1:]
    start = time.monotonic()
    ready = False
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as qemu:
        os.set_blocking(qemu.stdout.fileno(), False)
        text = b""
        while qemu.poll() is None and time.monotonic() < start + LIMIT_S and not ready:
            text += qemu.stdout.read() or b""
            ready = any(line.startswith(b"FT-GUEST-READY") for line in text.splitlines())
            time.sleep(0.01)
        elapsed = time.monotonic() - start
        qemu.kill()
        text += qemu.stdout.read() or b""
    sys.stdout.write(text.decode(errors="replace"))
    if not ready:
        sys.exit(f"guest: no FT-GUEST-READY after {elapsed:.1f} s; the guest's console is above")
    print(f"guest: FT-GUEST-READY after {elapsed:.2f} s")


if __name__ == "__main__":
    main()
