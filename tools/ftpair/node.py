# SPDX-License-Identifier: GPL-2.0-or-later
"""One QEMU: its command line, its process, its monitor, its console.

The process is started through exec only (setpriv, nsenter), so its pid is the
one we started, and it dies with the harness even if that is killed.
"""

import os
import shlex
import signal
import subprocess
from pathlib import Path

from . import netns
from .hosts import GUEST_IP, GUEST_MAC, LOG_IP, NETMASK, CLIENT_IP
from .qmp import Qmp, QmpError

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("FT_BUILD_DIR") or ROOT / "build")
GUEST = BUILD / "guest"
LOG_PORT = 7000
READY = "FT-GUEST-READY"


def qemu_path():
    """The QEMU with FT; FT_QEMU names another one."""
    return Path(os.environ.get("FT_QEMU") or BUILD / "qemu-system-x86_64").absolute()


def faults_qemu_path():
    """The one that obeys FT_FAULT (scripts/build --faults). Never a release."""
    return Path(os.environ.get("FT_QEMU_FAULTS") or BUILD / "qemu-system-x86_64-faults").absolute()


def kernel_command_line(more=""):
    base = (GUEST / "cmdline").read_text().strip()
    words = [w for w in base.split() if not w.startswith(("ft.ip=", "ft.gw="))]
    return " ".join([*words, f"ft.ip={GUEST_IP}/{NETMASK}", f"ft.gw={CLIENT_IP}", *more.split()])


class Node:
    """A primary on side "a" or a secondary on side "b" of one pair.

    machine: extra -machine words. arguments: extra QEMU arguments. board: the
    machine type. parameters: extra words for the guest's kernel.
    """

    def __init__(self, name, namespace, folder, machine, uuid, arguments=(), environment=None,
                 qemu=None, board="q35", parameters=""):
        self.name, self.namespace, self.folder = name, namespace, folder
        self.serial = folder / f"{name}.serial"
        self.stderr = folder / f"{name}.stderr"
        self.qmp = None
        self.process = None
        self._environment = environment or {}
        # Paths are relative to the work folder: see Qmp about long ones.
        self.argv = [
            str(qemu or qemu_path()), "-name", name, "-machine", ",".join([board, *machine]),
            "-uuid", uuid, "-m", "256", "-nodefaults", "-no-user-config",
            "-display", "none", "-vga", "none",
            "-kernel", str(GUEST / "vmlinuz"), "-initrd", str(GUEST / "initrd.img"),
            "-append", kernel_command_line(parameters),
            "-netdev", "tap,id=n0,ifname=tap0,script=no,downscript=no",
            "-device", f"virtio-net-pci,netdev=n0,mac={GUEST_MAC}",
            "-device", "virtio-rng-pci",
            "-serial", f"file:{self.serial.name}",
            "-qmp", f"unix:{name}.qmp,server=on,wait=off", *arguments]

    def start(self):
        (self.folder / f"{self.name}.cmd").write_text(shlex.join(self.argv) + "\n")
        with self.stderr.open("wb") as errors:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *netns.inside(self.namespace, self.argv)],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                env={**os.environ, **self._environment})
        return self

    def connect(self):
        """Waits for the monitor; a QEMU that refused to start says why."""
        try:
            self.qmp = Qmp(self.folder / f"{self.name}.qmp", self.alive)
        except QmpError as error:
            status = self.wait_exit(0.2)
            ended = "has no monitor" if status is None else f"ended with status {status}"
            raise RuntimeError(f"{self.name} {ended}: {self.errors()}") from error
        return self

    def errors(self):
        return self.stderr.read_text(errors="replace").strip() or "(it said nothing)"

    def console(self):
        return self.serial.read_text(errors="replace") if self.serial.exists() else ""

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process.poll() is None

    def query(self, seconds=10.0):
        return self.qmp.command("query-ft", seconds)

    def state(self):
        return self.query()["state"]

    def signal(self, number):
        os.kill(self.pid, number)

    def wait_exit(self, seconds):
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self):
        """Ends the process we started, and only that one."""
        if self.process is None:
            return
        if self.alive():
            self.signal(signal.SIGKILL)
        self.process.wait()
        if self.qmp:
            self.qmp.close()


def primary_words(arbiter, timeout_ms, peer_port=LOG_PORT):
    return ["ft=primary", f"ft-peer={LOG_IP['b']}:{peer_port}", f"ft-arbiter={arbiter}",
            f"ft-timeout={timeout_ms}"]


def secondary_words(arbiter, timeout_ms):
    return ["ft=secondary", f"ft-listen={LOG_IP['b']}:{LOG_PORT}", f"ft-arbiter={arbiter}",
            f"ft-timeout={timeout_ms}"]
