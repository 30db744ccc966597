# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: after a takeover the network reaches every address that the guest uses, and its groups, not only its NIC's own address.

Method: the guest uses a second address (macvlan), one in a VLAN, IPv6 and two multicast groups; all bridges have learned
where these are and snoop, with a querier that will not ask again in time. Clients ask all of them, and are silent from a moment
before each takeover until the survivor is live, so that nothing but its announcement tells the bridges. The primary is killed,
then the next one hands over, and so on, with a new secondary each time, which has heard nothing of what the guest said before.
Each must be answered within a second of going live, IPv6 by a client that has to look for the address anew.
FT_TAKEOVERS=20 in the environment: so many, and with the older versions of IGMP and MLD too.
"""

import json

from ftpair import guest, netns, rack
from ftpair.hosts import GUEST_IP
from ftpair.probes import Group, Ping, Ping6, TaggedPing
from ftpair.seen_takeovers import TAKEOVERS, TIMEOUT_MS, client_mac, settled, taken_over
from ftpair.succession import Succession

MACVLAN_IP, VLAN_IP, GUEST_IP6 = "10.79.0.10", "10.78.0.10", "fd77::10"
MACVLAN_MAC, VLAN_MAC = "52:54:00:77:00:20", "52:54:00:77:00:30"
GROUP4, GROUP6, PORT = "239.1.2.3", "ff05::77", 4000
CLIENT_IP, CLIENT_VLAN_IP, VLAN = "10.77.0.1", "10.78.0.1", 5


def test_network_after(case):
    versions = [(3, 2), (2, 1)] if TAKEOVERS > 2 else [(3, 2)]
    for igmp, mld in versions:
        with Succession.of(case, f"igmp{igmp}", timeout_ms=TIMEOUT_MS) as pair:
            take_over_again(case, pair, igmp, mld)


def take_over_again(case, pair, igmp, mld):
    pair.start(captures=())
    pair.wait_up()
    client_side(pair, igmp, mld)
    guest_side(pair)
    probes = ask(pair)
    slowest = {}
    try:
        settled(case, pair, probes, "before")
        for firsts in taken_over(case, pair, probes):
            for name, first in firsts.items():
                slowest[name] = max(slowest.get(name, 0), first)
    finally:
        for probe in probes:
            probe.close()
    for name, value in slowest.items():
        case.figure(f"igmp{igmp}_{name.replace(' ', '_')}_ms", round(value, 1))


def client_side(pair, igmp, mld):
    hosts = pair.hosts
    rack.switch_ipv6(hosts.client, "eth0", True)
    rack.addresses(hosts.client, "10.79.0.1/24", "fd77::1/64 nodad")
    rack.snoop(hosts, igmp, mld)


def guest_side(pair):
    """What the guest uses besides its NIC's address."""
    for line in ("ft-driver macvlan 8021q",
                 "ip link add link eth0 name mv0 type macvlan", f"ip link set mv0 address {MACVLAN_MAC}",
                 f"ip address add {MACVLAN_IP}/24 dev mv0", "ip link set mv0 up",
                 f"ip link add link eth0 name eth0.{VLAN} type vlan id {VLAN}", f"ip link set eth0.{VLAN} address {VLAN_MAC}",
                 f"ip address add {VLAN_IP}/24 dev eth0.{VLAN}", f"ip link set eth0.{VLAN} up",
                 f"arp -i eth0.{VLAN} -s {CLIENT_VLAN_IP} {client_mac(pair)}",
                 "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad", "echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6",
                 f"ip -6 address add {GUEST_IP6}/64 dev eth0",
                 f"ft-group {PORT} {GROUP4} eth0", f"ft-group {PORT} {GROUP6} eth0"):
        guest.command(pair, line)


def ask(pair):
    client = pair.hosts.client
    index = json.loads(netns.run(["ip", "-n", client, "-j", "link", "show", "eth0"]))[0]["ifindex"]
    return [Ping("NIC", client, GUEST_IP), Ping("macvlan", client, MACVLAN_IP),
            TaggedPing("VLAN", client, "eth0", VLAN_MAC, (VLAN,), CLIENT_VLAN_IP, VLAN_IP), Ping6("IPv6", client, GUEST_IP6),
            Group("IPv4 group", client, GROUP4, PORT, CLIENT_IP, index), Group("IPv6 group", client, GROUP6, PORT, CLIENT_IP, index)]
