# SPDX-License-Identifier: GPL-2.0-or-later
"""One host: namespaces of its own, and in them a real libvirtd and virtlogd.

It has a network, mounts, processes, a name and cgroups of its own. Its files
(/etc/libvirt, /var/lib/libvirt and so on) are private and empty, so libvirt's
defaults hold, whatever this machine's own libvirt is set to: QEMU runs as
libvirt-qemu, with dynamic ownership, a mount namespace, the sandbox and
cgroups. Process 1 of the host is its end: with it the kernel ends all others,
so that nothing stays behind even if the test run itself is killed.

    /mnt/qemu    the folder of the QEMU under test (its path may be closed to libvirt-qemu)
    /mnt/guest   kernel and initrd of the test guest
    /mnt/ft      the arbiter's folder, shared by all hosts
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from ftpair import netns
from ftpair.hosts import LOG_IP
from ftpair.waiting import wait_until

from . import cgroups
from .virsh import Virsh

USER, GROUP = "libvirt-qemu", "kvm"
KVM_CREATE_VM = 0xAE01          # linux/kvm.h
NSENTER = ("-m", "-n", "-p", "-u", "-C")
READY_SECONDS = 30

# Runs as root of the new namespaces. $1: the host's name; $2: folder of its files; $3: its part of /run; then the shared folders as
# NAME=PATH, then -- and the cgroups as MOUNTPOINT=GROUP.
SETUP = r"""
set -e
name=$1 files=$2 run=$3
shift 3
# Not in the table that mount(8) keeps in /run, which is not ours.
mount() { command mount -n "$@"; }
hostname "$name"
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/run /mnt/sys
mount -t tmpfs -o mode=755 tmpfs /mnt/run
mkdir -p /mnt/run/libvirt /mnt/run/lock /mnt/run/netns "/mnt$run"
mount --rbind "$(dirname "$run")" "/mnt$(dirname "$run")"
mount --bind "$run" /mnt/run/libvirt
while [ $# -gt 0 ] && [ "$1" != -- ]; do
    mkdir "/mnt/${1%%=*}"
    mount --bind "${1#*=}" "/mnt/${1%%=*}"
    shift
done
shift
mount -t sysfs sysfs /mnt/sys
if [ $# -gt 0 ]; then
    case $1 in /sys/fs/cgroup=*) ;; *) mount -t tmpfs -o mode=755 tmpfs /mnt/sys/fs/cgroup ;; esac
fi
for pair in "$@"; do
    mkdir -p "/mnt${pair%%=*}"
    mount --bind "${pair#*=}" "/mnt${pair%%=*}"
done
mount --move /mnt/sys /sys
mount --move /mnt/run /run
for folder in etc/libvirt var/lib/libvirt var/cache/libvirt var/log/libvirt; do
    mount --bind "$files/$folder" "/$folder"
done
# A /dev of the host's own, with the nodes that a machine has. /dev/kvm as Debian's udev makes it, for group kvm, where this machine's
# works (FT_KVM): libvirt tries a QEMU with more rights than it runs it with, so one that only root may use works in the trial and is
# not there for QEMU's user, and libvirt would try anew in each call.
mkdir /mnt/dev
mount -t tmpfs -o mode=755 tmpfs /mnt/dev
mkdir /mnt/dev/pts /mnt/dev/shm /mnt/dev/net
while read -r node major minor; do
    mknod -m 666 "/mnt/dev/$node" c "$major" "$minor"
done <<NODES
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
net/tun 10 200
NODES
if [ -n "$FT_KVM" ]; then
    mknod /mnt/dev/kvm c 10 232
    chown root:kvm /mnt/dev/kvm
    chmod 660 /mnt/dev/kvm
fi
ln -s /proc/self/fd /mnt/dev/fd
ln -s pts/ptmx /mnt/dev/ptmx
mount -t tmpfs -o mode=1777 tmpfs /mnt/dev/shm
mount -t devpts -o newinstance,ptmxmode=666,gid=5,mode=620 devpts /mnt/dev/pts
# What lies below would still be in the list of mounts, by which libvirt makes its own /dev.
for below in $(sed -n 's|^[^ ]* \(/dev[^ ]*\) .*|\1|p' /proc/self/mounts | grep -E '^/dev(/|$)' | sort -r); do
    umount -n -l "$below"
done
mount --move /mnt/dev /dev
mount --bind "$files/etc/default" /etc/default/libvirt-guests
mount --bind "$files/etc/hosts" /etc/hosts
echo ready
exec env --ignore-signal=CHLD sleep infinity
"""


# libvirt's hook: when a node has started, its host's bridge hands the guest's packets to its tap, whoever the guest is with
# (docs/OPERATING.md, "Delivering the guest's packets to both nodes").
HOOK = r"""#!/bin/sh
[ "$2" = started ] || exit 0
{ tr -d '\n'; echo; } | sed "s/<interface /\n&/g" | sed -n "s/^<interface .*<mac address='\([^']*\)'.*<target dev='\([^']*\)'.*/\1 \2/p" |
{
    n=0
    while read -r mac dev; do
        n=$((n + 1))
        tc qdisc replace dev up0 clsact
        tc filter replace dev up0 ingress protocol all prio 1 handle 800::$n u32 match ether dst "$mac" action mirred egress redirect dev "$dev"
    done
}
"""


def kvm_works():
    """Whether this machine's /dev/kvm makes a virtual machine; there is one that does not where that is not allowed."""
    try:
        kvm = os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        os.close(fcntl.ioctl(kvm, KVM_CREATE_VM, 0))
        return True
    except OSError:
        return False
    finally:
        os.close(kvm)


def host_name(side):
    return f"host-{side}"


class HostError(Exception):
    pass


class Host:
    """side: its letter. folder: where its files go; run: its part of /run, the same path inside and outside."""

    def __init__(self, side, namespace, folder, run, shared, options=""):
        self.side, self.name = side, host_name(side)
        self.namespace, self.folder, self.run = namespace, folder, run
        self._shared, self._options = shared, options
        self.uri = f"qemu+unix:///system?socket={run}/libvirt-sock"
        self.virsh = Virsh(self.uri)
        self._first = self._inside = None       # the process that we started, and the host's process 1
        self._groups = {}

    # ------------------------------------------------------------- life cycle --
    def switch_on(self):
        self._make_files()
        self._groups = cgroups.make(self.namespace)
        shared = [f"{name}={path}" for name, path in self._shared.items()]
        groups = [f"{mount}={group}" for mount, group in self._groups.items()]
        unshare = ["setpriv", "--pdeathsig", "KILL", *netns.inside(self.namespace, [
            "unshare", "--mount", "--uts", "--ipc", "--cgroup", "--pid", "--fork", "--kill-child", "--mount-proc",
            "sh", "-c", SETUP, "sh", self.name, str(self.folder), str(self.run), *shared, "--", *groups])]
        self._first = subprocess.Popen(cgroups.joined(self._groups.values(), unshare), stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                       env={**os.environ, "FT_KVM": "1" if kvm_works() else ""})
        said = self._first.stdout.readline()
        if said.strip() != "ready":
            raise HostError(f"{self.name}: {said}{self._first.communicate()[0]}")
        self._inside = int(Path(f"/proc/{self._first.pid}/task/{self._first.pid}/children").read_text().split()[0])
        cgroups.settle(self._groups.values(), (self._first.pid, self._inside))
        self.start_daemons()
        return self

    def _make_files(self):
        for name in ("etc/libvirt", "var/lib/libvirt/images", "var/cache/libvirt", "var/log/libvirt/qemu"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.run.mkdir(parents=True, exist_ok=True)
        self.guests_settings("")
        hook = self.folder / "etc/libvirt/hooks/qemu"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK)
        hook.chmod(0o755)
        (self.folder / "etc/hosts").write_text("".join(
            f"{address} {name}\n" for address, name in [("127.0.0.1", "localhost"), *((LOG_IP[s], host_name(s)) for s in LOG_IP)]))
        # Two hosts have two identities; here both would read the same one from the mainboard.
        (self.folder / "etc/libvirt/libvirtd.conf").write_text(
            f'host_uuid = "{uuid.uuid4()}"\nlog_outputs = "3:file:/var/log/libvirt/libvirtd.log"\n{self._options}')

    def switch_off(self):
        """As if its power were cut: every process on it ends at once."""
        if self._first is None:
            return
        if self._inside and self._first.poll() is None:
            os.kill(self._inside, signal.SIGKILL)
        elif self._first.poll() is None:
            self._first.kill()
        self._first.wait()
        self._first.stdout.close()
        self._first = self._inside = None
        cgroups.remove(self._groups.values())
        shutil.rmtree(self.run, ignore_errors=True)

    @property
    def process_1(self):
        """Our number of it: whose namespaces are the host's."""
        return self._inside

    @property
    def is_on(self):
        return self._first is not None and self._first.poll() is None

    # --------------------------------------------------------------- processes --
    def inside(self, argv):
        """The command line that runs argv on the host. Its pid is not that of the process in there."""
        return cgroups.joined(cgroups.leaves(self._groups.values()), [
            "nsenter", "-t", str(self._inside), *NSENTER, "--", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL=C.UTF-8", *map(str, argv)])

    def call(self, argv, seconds=60, check=True):
        """Runs it on the host as root; the finished process."""
        done = subprocess.run(self.inside(argv), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds)
        if check and done.returncode:
            raise HostError(f"{self.name}: {' '.join(map(str, argv))}: {done.stderr.strip() or done.stdout.strip() or done.returncode}")
        return done

    def popen(self, argv, **more):
        """Starts it on the host; it ends with the host, or with us."""
        return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self.inside(["setpriv", "--pdeathsig", "KILL", *argv])],
                                stdin=subprocess.DEVNULL, **more)

    def path(self, inside):
        """A file of the host, as a path that we can open."""
        return Path(f"/proc/{self._inside}/root") / str(inside).lstrip("/")

    def outer_pid(self, pid):
        """Our number of the process that the host knows under this one."""
        space = os.readlink(f"/proc/{self._inside}/ns/pid")
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                last = re.search(r"^NSpid:.*?(\d+)$", (entry / "status").read_text(), re.M)
                if last and int(last[1]) == pid and os.readlink(entry / "ns/pid") == space:
                    return int(entry.name)
            except OSError:
                continue        # it ended while we looked
        raise HostError(f"{self.name}: no process {pid}")

    def pid_in(self, file):
        """Our number of the process whose pid stands in this file of the host."""
        return self.outer_pid(int(self.path(file).read_text()))

    def qemu_pid(self, domain):
        return self.pid_in(f"/run/libvirt/qemu/{domain}.pid")

    # ------------------------------------------------------------------ daemons --
    def start_daemons(self):
        self.start_virtlogd()
        self.start_libvirtd()

    def start_virtlogd(self):
        self.call(["virtlogd", "-d"])

    def start_libvirtd(self):
        """Until it answers, having found again what runs."""
        self.call(["libvirtd", "-d"])
        wait_until(f"{self.name}: an answer of libvirtd", lambda: self.virsh.try_("list", seconds=READY_SECONDS).ok, READY_SECONDS,
                   told=self.log_end, error=HostError)

    def end_libvirtd(self, number=signal.SIGKILL):
        """Ends it, by default as hard as can be; returns when it is gone."""
        pid = self.pid_in("/run/libvirtd.pid")
        os.kill(pid, number)
        wait_until(f"{self.name}: libvirtd's end by signal {number}", lambda: not os.path.exists(f"/proc/{pid}"), READY_SECONDS,
                   step=0.01, error=HostError)

    def guests_settings(self, text):
        """What /etc/default/libvirt-guests says on this host."""
        (self.folder / "etc/default").write_text(text)

    def log_end(self, lines=15):
        log = self.folder / "var/log/libvirt/libvirtd.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.exists() else "(no libvirtd.log)"

    def qemu_log(self, domain):
        """What the domain's QEMU has said, with its command line."""
        log = self.folder / f"var/log/libvirt/qemu/{domain}.log"
        return log.read_text(errors="replace") if log.exists() else ""
