# SPDX-License-Identifier: GPL-2.0-or-later
"""The hosts of one run, wired up, with what they share: a client, the guest, the arbiter's folder."""

import os
import re
import shutil
import stat
from pathlib import Path

from ftpair.hosts import PREFIX, Hosts
from ftpair.node import BUILD, GUEST, qemu_path

from . import cgroups
from .host import GROUP, USER, Host

RUN = Path("/run")
NEEDED = ("libvirtd", "virtlogd", "virsh", "nsenter", "unshare", "setpriv")


def no_root():
    """Why this user can set up no rack; "" if he can."""
    return "" if os.geteuid() == 0 else "not root: a libvirtd of its own needs mounts, cgroups and users that an ordinary user has not"


def missing():
    """What has to be installed or built first; "" if all is there."""
    absent = [name for name in NEEDED if not shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")]
    if absent:
        return f"{', '.join(absent)} missing: run scripts/setup"
    return "" if os.access(qemu_path(), os.X_OK) else f"no {qemu_path()}: run scripts/build"


class Rack:
    """Made by build(), gone after close(), whatever happened between."""

    def __init__(self, name, sides=("a", "b", "c"), say=lambda text: None, keep=False):
        self.name, self.say, self.keep = name, say, keep
        self.folder = BUILD / "runs" / f"libvirt-{name}-{os.getpid()}"
        self.run = RUN / f"{PREFIX}{os.getpid()}"
        self.network = Hosts(flood=True, sides=sides, taps=False)
        self.arbiter = self.folder / "arbiter"
        self.qemu = Path(os.path.realpath(qemu_path()))
        shared = {"qemu": self.qemu.parent, "guest": GUEST, "ft": self.arbiter}
        self.hosts = {side: Host(side, self.network.nodes[side], self.folder / f"host-{side}", self.run / side, shared)
                      for side in sides}

    @property
    def client(self):
        """The namespace of the guest's clients."""
        return self.network.client

    def build(self):
        remove_dead()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.arbiter.mkdir(parents=True)
        shutil.chown(self.arbiter, USER, GROUP)
        self.arbiter.chmod(0o770)
        for path in GUEST.glob("*"):
            if path.is_file() and not path.stat().st_mode & stat.S_IROTH:
                raise RuntimeError(f"{path} is not readable by {USER}: chmod o+r it")
        try:
            self.network.build()
            for host in self.hosts.values():
                self.say(f"{host.name}: switching on, libvirtd at {host.run}")
                host.switch_on()
        except BaseException:
            self.close()
            raise
        return self

    def close(self):
        for host in self.hosts.values():
            host.switch_off()
        self.network.close()
        shutil.rmtree(self.run, ignore_errors=True)
        if not self.keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def remove_dead():
    """What a killed run left behind. Its processes have ended with it, and its network is removed by Hosts."""
    cgroups.remove_dead(PREFIX)
    for path in RUN.glob(f"{PREFIX}*"):
        match = re.fullmatch(PREFIX + r"(\d+)", path.name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            shutil.rmtree(path, ignore_errors=True)
