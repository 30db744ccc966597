# SPDX-License-Identifier: GPL-2.0-or-later
"""The machines that the benchmark compares: alone in four ways, or protected.

Every one is a Pair with hosts of its own; of a machine that is alone only the
"primary" runs. The guest is the tests' own with build/guest/bench-initrd.img.
"""

import os

from . import guest, netns
from .node import BUILD, GUEST
from .pair import Pair
from .succession import Succession
from .waiting import wait_until

MEMORY_MIB = 512
INITRD = GUEST / "bench-initrd.img"
TOOLS = GUEST / "bench-root"
GUEST_WORDS = ("-m", str(MEMORY_MIB), "-initrd", str(INITRD))
EXPOSED = "exposed"
PLAIN = ("-accel", "tcg,thread=single")
ICOUNT = (*PLAIN, "-icount", "shift=2,sleep=on")
PARAMETERS = "ft.file=1"
# One httpd of busybox lets 9 connections wait: of 50 it would lose SYNs, and each costs its client a second. So there are more.
IPERF_PORT, HTTP_PORT, HTTP_PORTS = 5201, 8080, 10
SERVERS = {IPERF_PORT: f"iperf3 -s -D -p {IPERF_PORT}",
           **{port: f"httpd -p {port} -h /www" for port in range(HTTP_PORT, HTTP_PORT + HTTP_PORTS)}}
SERVERS_SECONDS = 20


def pristine_qemu():
    """QEMU without the series (scripts/build --pristine), or None."""
    path = BUILD / "pristine" / "qemu-system-x86_64"
    return path if os.access(path, os.X_OK) else None


def alone_options():
    """{name: more for its Node}. Without a pristine build the yardstick is this build with ft=off."""
    pristine = pristine_qemu()
    yardstick = {"qemu": pristine} if pristine else {"machine": ("ft=off",)}
    ways = {"plain": {**yardstick, "arguments": PLAIN}, "icount": {**yardstick, "arguments": ICOUNT}}
    # The second machine of the bound; with a pristine build it is also a yardstick of what the series costs.
    ways["ftoff" if pristine else "beside"] = {"machine": ("ft=off",), "arguments": PLAIN}
    # A primary without a secondary: all that lockstep does to the vCPU, on a core of its own.
    ways[EXPOSED] = {"machine": ("ft=primary", "ft-arbiter=none")}
    return ways


def alone(name, tag, say, keep=False):
    more = dict(alone_options()[name])
    more["arguments"] = (*GUEST_WORDS, *more.get("arguments", ()))
    return Pair(f"bench-{name}-{tag}", ft=False, primary={**more, "parameters": PARAMETERS}, say=say, keep=keep)


def protected(tag, say, timeout_ms, machine=(), keep=False, network="learning"):
    # With names each thread's CPU time can be told apart.
    more = {"arguments": (*GUEST_WORDS, "-name", "debug-threads=on"), "parameters": PARAMETERS}
    return Succession(f"bench-protected-{tag}", machine=machine, primary=more, secondary=more,
                      timeout_ms=timeout_ms, say=say, keep=keep, flood=network == "both")


def prepare(pair):
    """Once, when the guest is up: the servers that only the benchmark needs."""
    guest.command(pair, f"{{ {'; '.join(SERVERS.values())}; }} >/dev/null 2>&1 </dev/null")
    wait_for_servers(pair, SERVERS)


def wait_for_servers(pair, ports):
    """Until each of these ports is listened on in the guest. iperf3 closes its own between two tests."""
    pattern = "|".join(f"{port:04X}" for port in ports)
    listening = f"cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -cE ':({pattern}) 0*:0* 0A'; true"
    wait_until(f"all of {sorted(ports)} listened on in the guest", lambda: int(guest.command(pair, listening)) >= len(ports),
               SERVERS_SECONDS)


def tool(namespace, name, *words):
    """The command line of a program of the guest's release, run by the client."""
    return netns.inside(namespace, [str(TOOLS / "lib64" / "ld-linux-x86-64.so.2"), "--library-path", str(TOOLS / "lib"),
                                    str(TOOLS / "bin" / name), *words])


def pause(pair):
    pair.primary.qmp.command("stop")


def resume(pair):
    pair.primary.qmp.command("cont")
