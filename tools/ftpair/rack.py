# SPDX-License-Identifier: GPL-2.0-or-later
"""What a network may have besides the plain bridges of hosts.py: snooping with a
querier, IPv6, and clients at the bridge of a node's own host."""

from . import netns
from .hosts import NETMASK

QUERIER_IP = "10.77.0.254"
LOCAL_IP = {"a": "10.77.0.2", "b": "10.77.0.3"}


def snoop(hosts, igmp=3, mld=2):
    """All bridges snoop; the switch in the middle asks for memberships, rarely: it will not help after a takeover.

    A bridge that asks needs addresses for it; before its first answers are due it floods, so that time is short.
    """
    switch_ipv6(hosts.lan, "lan", True)     # its address must be there at once: it asks once, and then not for long
    netns.batch(hosts.lan, [f"addr add {QUERIER_IP}/{NETMASK} dev lan",
                            f"link set lan type bridge mcast_snooping 1 mcast_igmp_version {igmp} mcast_mld_version {mld} "
                            "mcast_query_use_ifaddr 1 mcast_query_response_interval 100"])
    for name in hosts.nodes.values():
        netns.batch(name, ["link set br0 type bridge mcast_snooping 1"])
    netns.batch(hosts.lan, ["link set lan type bridge mcast_querier 1"])


def switch_ipv6(namespace, interface, on):
    folder = f"/proc/sys/net/ipv6/conf/{interface}"
    netns.run(netns.inside(namespace, ["sh", "-c", f"echo 0 > {folder}/accept_dad; echo {int(not on)} > {folder}/disable_ipv6"]))


def addresses(namespace, *words):
    netns.batch(namespace, [f"addr add {word} dev eth0" for word in words])


class LocalClient:
    """A client whose cable is in the bridge of one node's host."""

    def __init__(self, hosts, side):
        self.namespace = f"{hosts.nodes[side].removesuffix(side)}local{side}"    # see netns.remove_dead
        netns.remove(self.namespace)
        netns.add(self.namespace)
        node = hosts.nodes[side]
        netns.batch(node, [f"link add local0 type veth peer name eth0 netns {self.namespace}",
                           "link set local0 master br0", "link set local0 up"])
        netns.batch(self.namespace, ["link set eth0 up"])
        addresses(self.namespace, f"{LOCAL_IP[side]}/{NETMASK}")

    def close(self):
        netns.remove(self.namespace)
