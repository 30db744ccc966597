# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: a switch that learns addresses apart for each VLAN finds the guest in each of its VLANs after a takeover.

Method: the guest uses its NIC's own address in a VLAN, and in a VLAN within another one (802.1ad), so that nothing but the tag
tells these from the untagged network. In the middle is a switch that learns by VLAN (ftpair/vlan_switch.py, for kernels whose
bridge cannot). A client pings in all three and is silent from a moment before each takeover until the survivor is live. First
a kill, then a handover to a secondary that came later. An address that the guest has taken on meanwhile must be found too.
Then the guest invents 2000 addresses: the survivor announces no more than its table holds.
FT_TAKEOVERS=20 in the environment: so many takeovers.
"""

import time

import pytest
from ftpair import guest
from ftpair.capture import ETH_P_RARP
from ftpair.hosts import GUEST_IP, GUEST_MAC
from ftpair.probes import Ping, TaggedPing
from ftpair.seen_takeovers import TIMEOUT_MS, client_mac, settled, taken_over
from ftpair.succession import Succession
from ftpair.vlan_switch import VlanSwitch

NEW_MAC = "52:54:00:77:00:40"
SOURCES_MAX, ROUNDS = 256, 5        # ft-seen.c, ft-announce.c
ROUNDS_SECONDS = 2.0                # they take half a second


@pytest.mark.setup(kind=Succession, timeout_ms=TIMEOUT_MS)
def test_network_vlan(case, pair):
    pair.start(captures=())
    pair.wait_up()
    switch = VlanSwitch(pair.hosts.lan, ["p-client", "p-a", "p-b"])
    try:
        in_each_vlan(case, pair)
        flood(case, pair)
    finally:
        switch.stop()


def in_each_vlan(case, pair):
    client, mac = pair.hosts.client, client_mac(pair)
    for line in ("ft-driver 8021q", "ip link add link eth0 name eth0.5 type vlan id 5",
                 "ip link add link eth0 name outer type vlan protocol 802.1ad id 7", "ip link add link outer name inner type vlan id 8",
                 "ip address add 10.78.0.10/24 dev eth0.5", "ip address add 10.79.0.10/24 dev inner",
                 "ip link set eth0.5 up", "ip link set outer up", "ip link set inner up",
                 f"arp -i eth0.5 -s 10.78.0.1 {mac}", f"arp -i inner -s 10.79.0.1 {mac}"):
        guest.command(pair, line)
    probes = [Ping("untagged", client, GUEST_IP),
              TaggedPing("VLAN", client, "eth0", GUEST_MAC, (5,), "10.78.0.1", "10.78.0.10"),
              TaggedPing("VLAN in VLAN", client, "eth0", GUEST_MAC, (7, 8), "10.79.0.1", "10.79.0.10")]
    try:
        for _ in taken_over(case, pair, probes):
            pass
    finally:
        for probe in probes:
            probe.close()


def flood(case, pair):
    """Each of 2000 addresses sends once, the NIC takes on another one; then the guest is taken over."""
    guest.command(pair, f"echo 1 >/proc/sys/net/ipv4/conf/eth0/arp_notify; ip link set eth0 address {NEW_MAC}")
    pair.spawn()
    pair.attach()
    guest.command(pair, "ft-group invent eth0 2000", 60)
    seen = pair.primary.query()["seen-sources"]
    case.expect("the table is full, and no fuller", seen == SOURCES_MAX, seen)
    capture = pair.capture(pair.side_of(pair.secondary))
    pair.inject("kill")
    pair.wait_state(pair.secondary, "exposed", 20)
    pair.promote()
    probe = Ping("new address", pair.hosts.client, GUEST_IP)
    try:
        settled(case, pair, [probe], "afterwards")
    finally:
        probe.close()
    time.sleep(ROUNDS_SECONDS)
    rarp = [f.head[6:12].hex(":") for f in capture.out() if f.ethertype == ETH_P_RARP]
    case.expect("what is announced is bounded", 0 < len(rarp) <= ROUNDS * (SOURCES_MAX + 1), f"{len(rarp)} frames")
    case.expect("the address that it has taken on is announced", NEW_MAC in rarp, f"{len(set(rarp))} addresses")
    case.expect("no group sends", not [mac for mac in rarp if int(mac[:2], 16) & 1])
