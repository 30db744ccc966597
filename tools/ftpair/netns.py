# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces: who may make them, and sockets that live in one.

A socket belongs to the namespace it was made in, for ever. So a throw-away
thread enters the namespace, makes the socket and ends; the harness then sets
links down or captures frames there without starting a process. This matters
for the faults: "links down in the same instant as the kill" must not wait
for a fork of ip(8).
"""

import ctypes
import fcntl
import os
import re
import socket
import struct
import subprocess
import sys
import threading

RUN_DIR = "/run/netns"
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1
INSIDE = "FTPAIR_INSIDE_USERNS"

_libc = ctypes.CDLL(None, use_errno=True)


class NoPrivilege(Exception):
    """This user cannot make the namespaces; the text says what is missing."""


def enter_privileges():
    """Returns when this process may make namespaces; may re-execute it.

    Root stays as it is. An ordinary user is moved into a user namespace in
    which it is root over networks of its own, where the kernel allows that.
    """
    if os.environ.get(INSIDE):
        _private_run()
        return
    if os.geteuid() == 0:
        return
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        raise NoPrivilege("not root, and /dev/net/tun is not open to this user "
                          "(chmod 0666 /dev/net/tun, or run as root)")
    probe = subprocess.run(["unshare", "-Urn", "--mount", "true"],
                           capture_output=True, text=True)
    if probe.returncode != 0:
        raise NoPrivilege("not root, and this kernel gives ordinary users no user namespace ("
                          + probe.stderr.strip() + "); run as root, or allow it with "
                          "sysctl kernel.unprivileged_userns_clone=1 or "
                          "kernel.apparmor_restrict_unprivileged_userns=0")
    print("not root: continuing inside a user namespace of its own", flush=True)
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "-Urn", "--mount", sys.executable, *sys.argv])


def _private_run():
    """ip netns wants to write /run/netns; inside the user namespace it may not."""
    if not os.access("/run", os.W_OK):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)


def run(argv, **kwargs):
    """Runs a set-up command; its own words are in the exception when it fails."""
    done = subprocess.run(argv, capture_output=True, text=True, **kwargs)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def inside(namespace, argv):
    """The command line that runs argv in the namespace under the same pid."""
    return ["nsenter", f"--net={RUN_DIR}/{namespace}", "--", *argv]


def add(namespace):
    run(["ip", "netns", "add", namespace])
    # Router solicitations and neighbour discovery would be frames nobody asked for.
    run(inside(namespace, ["sh", "-c", "for f in all default; do p=/proc/sys/net/ipv6/conf/$f/disable_ipv6;"
                           " [ ! -w $p ] || echo 1 > $p; done"]))


def batch(namespace, lines):
    run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines) + "\n")


def remove(namespace):
    subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


def remove_dead(prefix):
    """Namespaces that a killed run left behind: named PREFIX<pid>-..., pid gone."""
    if not os.path.isdir(RUN_DIR):
        return
    for name in os.listdir(RUN_DIR):
        match = re.fullmatch(re.escape(prefix) + r"(\d+)-[a-z]+", name)
        if match and not os.path.exists(f"/proc/{match[1]}"):
            remove(name)


def socket_in(namespace, *args):
    """socket.socket(*args), made inside the namespace."""
    result = []

    def work():
        try:
            fd = os.open(f"{RUN_DIR}/{namespace}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _libc.setns(fd, CLONE_NEWNET) != 0:
                    number = ctypes.get_errno()
                    raise OSError(number, f"setns {namespace}: {os.strerror(number)}")
            finally:
                os.close(fd)
            result.append(socket.socket(*args))
        except OSError as error:
            result.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(result[0], OSError):
        raise result[0]
    return result[0]


class Listener:
    """Accepts TCP connections in the namespace; serve(sock) gets a thread for each."""

    def __init__(self, namespace, address, serve):
        self._serve = serve
        self._socket = socket_in(namespace, socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)
        self._socket.listen(8)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)     # wakes accept()
        except OSError:
            pass
        self._socket.close()


def grow_buffer(sock, size):
    """A receive buffer beyond the system's limit, where we may; else up to it."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, 33, size)      # SO_RCVBUFFORCE
    except PermissionError:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)


def set_link(control, interface, up):
    """Sets a link up or down through a socket of its namespace, at once."""
    request = struct.pack("16sH14x", interface.encode(), 0)
    flags = struct.unpack("16sH14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[1]
    flags = flags | IFF_UP if up else flags & ~IFF_UP
    fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", interface.encode(), flags))
