# SPDX-License-Identifier: GPL-2.0-or-later
"""The three hosts of one run: a client and two nodes, wired as in a rack.

    client ---- eth0 ---+                  +--- up0 - br0 - tap0  node a
                        lan: bridge "lan" -+
                                           +--- up0 - br0 - tap0  node b
    node a - log0 ------ lan: bridge "log" ------ log0 - node b

The switches live in a fourth namespace, so that cutting a wire is not felt as
a lost carrier by the node at the far end. Each bridge learns addresses, as a
switch does: without the announcement at go-live the client's packets would
still go to the dead node.

A rack may have more nodes than two, and nodes without a tap0 for those who
make their own.

With flood=True the network delivers the guest's packets to both nodes, as in
docs/OPERATING.md: the switch does not learn on the nodes' ports, and each node's
host hands what comes from it for the guest to its tap, past its own bridge.
"""

import os
import socket

from . import netns
from .delay import DelayedWire

PREFIX = "ft"
GUEST_IP, CLIENT_IP, NETMASK = "10.77.0.10", "10.77.0.1", 24
GUEST_MAC = "52:54:00:77:00:10"
LOG_IP = {"a": "10.99.0.1", "b": "10.99.0.2", "c": "10.99.0.3"}
# What --network of demo, soak and bench may be, and what that means.
NETWORKS = {"both": "the guest's packets are delivered to both nodes (docs/OPERATING.md)",
            "learning": "a switch that learns delivers the guest's packets to one node"}
_serial = 0


def network_option(parser, default):
    parser.add_argument("--network", choices=NETWORKS, default=default, help="; ".join(
        f"{name}: {meaning}" for name, meaning in NETWORKS.items()) + f" (default {default})")


class Hosts:
    """Made by build(), gone after close(), whatever happened between."""

    def __init__(self, flood=False, sides=("a", "b"), taps=True):
        global _serial
        self.flood, self._taps = flood, taps
        _serial += 1
        # Serial letter: several networks of one process, one after another.
        run = f"{PREFIX}{os.getpid()}"
        tag = "" if _serial == 1 else chr(ord("a") + (_serial - 2) % 26)
        self.client = f"{run}-{tag}client"
        self.lan = f"{run}-{tag}lan"
        self.nodes = {side: f"{run}-{tag}{side}" for side in sides}
        self._control = {}
        self._wire = None

    def all(self):
        return [self.client, self.lan, *self.nodes.values()]

    def build(self):
        netns.remove_dead(PREFIX)
        try:
            for name in self.all():
                netns.remove(name)
                netns.add(name)
            self._wire_up()
            for name in self.all():
                self._control[name] = netns.socket_in(name, socket.AF_INET, socket.SOCK_DGRAM)
        except BaseException:
            self.close()
            raise
        return self

    def _wire_up(self):
        bridge = "type bridge stp_state 0 forward_delay 0 mcast_snooping 0"
        lan = [f"link add lan {bridge}", f"link add log {bridge}",
               f"link add p-client type veth peer name eth0 netns {self.client}",
               "link set p-client master lan"]
        for side, name in self.nodes.items():
            lan += [f"link add p-{side} type veth peer name up0 netns {name}",
                    f"link add l-{side} type veth peer name log0 netns {name}",
                    f"link set p-{side} master lan", f"link set l-{side} master log"]
        ports = [f"{kind}-{side}" for side in self.nodes for kind in "pl"]
        lan += [f"link set {d} up" for d in ("lan", "log", "p-client", *ports)]
        netns.batch(self.lan, lan)
        netns.batch(self.client, ["link set lo up", f"addr add {CLIENT_IP}/{NETMASK} dev eth0",
                                  "link set eth0 up"])
        for side, name in self.nodes.items():
            tap = ["tuntap add dev tap0 mode tap", "link set tap0 master br0", "link set tap0 up"] if self._taps else []
            netns.batch(name, ["link set lo up", f"link add br0 {bridge}", "link set up0 master br0",
                               f"addr add {LOG_IP[side]}/24 dev log0",
                               *(f"link set {d} up" for d in ("br0", "up0", "log0")), *tap])
        if self.flood:
            self._deliver_to_both()

    def _deliver_to_both(self):
        netns.batch(self.lan, [f"link set p-{side} type bridge_slave learning off" for side in self.nodes])
        for name in self.nodes.values():
            if self._taps:
                netns.run(["tc", "-n", name, "qdisc", "replace", "dev", "up0", "clsact"])
                netns.run(["tc", "-n", name, "filter", "replace", "dev", "up0", "ingress", "protocol", "all", "prio", "1", "handle", "800::1",
                           "u32", "match", "ether", "dst", GUEST_MAC, "action", "mirred", "egress", "redirect", "dev", "tap0"])

    def close(self):
        if self._wire:
            self._wire.stop()
            self._wire = None
        for control in self._control.values():
            control.close()
        self._control = {}
        for name in self.all():
            netns.remove(name)

    # ------------------------------------------------------------- faults --
    def set_link(self, namespace, interface, up):
        netns.set_link(self._control[namespace], interface, up)

    def unplug(self, side):
        """The host's cables: nothing leaves it any more, not even a FIN."""
        self._set_cables(side, False)

    def plug(self, side):
        self._set_cables(side, True)

    def _set_cables(self, side, up):
        self.set_link(self.nodes[side], "log0", up)
        self.set_link(self.nodes[side], "up0", up)
        self.set_link(self.lan, f"l-{side}", up)
        self.set_link(self.lan, f"p-{side}", up)

    def cut_log(self, cut=True):
        """Cuts the log link in the switch: both nodes keep their carrier."""
        self.set_link(self.lan, "l-a", not cut)

    def delay_log(self, a_to_b_ms, b_to_a_ms=0):
        """From now on frames of the log link take this long. 0, 0 ends it."""
        if self._wire:
            self._wire.stop()
            self._wire = None
        ends = [f"link set l-{side} nomaster" for side in ("a", "b")]
        if not a_to_b_ms and not b_to_a_ms:
            netns.batch(self.lan, [end.replace("nomaster", "master log") for end in ends])
            return
        self._wire = DelayedWire(self.lan, "l-a", "l-b", a_to_b_ms, b_to_a_ms)
        netns.batch(self.lan, ends)

    def limit_log(self, mbit):
        """From now on the log link carries so many Mbit/s in each direction; 0: it stands still."""
        if not self._wire:
            self.delay_log(0.1, 0.1)
        self._wire.stand_still(mbit == 0)
        if mbit:
            self._wire.limit(mbit * 125_000)
