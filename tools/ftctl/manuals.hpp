/*
 * What `ftctl VERB --help` says below the options: what the verb does, what can
 * go wrong, examples. Lines of at most 100 columns; the terminal wraps the rest.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */
#ifndef FTCTL_MANUALS_HPP
#define FTCTL_MANUALS_HPP

namespace ftctl::manual {

inline constexpr const char *define = R"(
Reads the hosts from <ft:pair> in the domain's <metadata> and stores the domain on all of them, byte by
byte the same. Its role there is a waiting secondary: whoever starts it (virsh start, autostart,
libvirt-guests) gets a harmless node, never a second machine. The -machine words of FT are written anew
from the description; the first host fills in what the text leaves open (MAC and PCI addresses).
Defining again replaces what is stored; a pair that runs keeps what it was started with. What ftctl check
refuses is refused here too.

  <metadata>
    <ft:pair xmlns:ft='urn:qemu-ft:pair:1' arbiter='file:/shared/ft' options='ft-timeout=1000'>
      <ft:host name='host-a' uri='qemu+ssh://host-a/system' log='10.99.0.1:7000'/>
      <ft:host name='host-b' uri='qemu+ssh://host-b/system' log='10.99.0.2:7000'/>
    </ft:pair>
  </metadata>

  ftctl define guest1.xml)";

inline constexpr const char *start = R"(
Asks ALL hosts of the pair first, and refuses if one has the guest or cannot be asked. Then starts a
secondary on the first other host that takes it, the guest on --on or the first host of the list, and
waits until it is protected. What is left of an earlier run (fenced, failed, waiting) is ended.

--force: hosts that cannot be asked are switched off; you have made sure (power switch). Without any host
for a second node the guest then starts alone. It never overrules a host that says it has the guest.

  ftctl start guest1
  ftctl start guest1 --on host-b
  ftctl start guest1 --force            host-a is dead and its power is cut)";

inline constexpr const char *stop = R"(
Ends the pair for good, as if the power of both machines were cut: the primary is told to quit, so that
its secondary does not take over, then the rest is ended. `virsh destroy` of the primary is a failure
instead, and the other host takes over.

--force: ends whatever a host shows, secondaries first, also where no primary answers.

  ftctl stop guest1)";

inline constexpr const char *shutdown = R"(
Presses the power button of the guest (ACPI), waits until it has powered itself off, and sees that
nothing is left on any host. Fails if the guest does not react in time (120 s, or --seconds).

  ftctl shutdown guest1 --seconds 300)";

inline constexpr const char *reboot = R"(
Presses the power button of the guest with the intent that it boots again (as virsh reboot), waits until
it is off and on again, and until it is protected again. Under libvirt only: without it nobody would
switch the machine on again. A reboot from inside the guest needs nothing of this; the pair goes through
it together.

  ftctl reboot guest1)";

inline constexpr const char *status = R"(
One line for all, and one for each host. A dead host, a libvirtd that hangs or a QEMU that hangs costs at
most 2 s in all (--seconds). Exit status 0 says that the question was answered, not that all is well:
with --json look at "guest".

  ftctl status guest1
  ftctl status guest1 --json | jq -r .guest)";

inline constexpr const char *watch = R"(
Prints how the hosts stand and each change of it, from events and a look every two seconds, until it is
interrupted. With --json one object a line.

  ftctl watch guest1)";

inline constexpr const char *failover = R"(
Planned failover: hands the guest over to its other host; no packet is lost. Then ends the old primary and
makes it the new secondary, or whatever host of the list takes it. --no-respawn leaves the guest exposed
where it is; an agent would protect it again. An unplanned failover needs no command.

  ftctl failover guest1)";

inline constexpr const char *respawn = R"(
Gives an exposed guest a second node: one that waits already if there is one, else a new one on the first
host of the list that takes it, made from the running guest's own description. A host whose process has
just died comes last. Ends what is left there of the pair: a fenced or failed node, or one that hangs.
Does nothing for a guest that is protected.

  ftctl respawn guest1 --on host-c
  ftctl respawn --hosts pair.json       without libvirt; see OPERATING.md, "Without libvirt"
  ftctl respawn guest1 --print          what would be started)";

inline constexpr const char *test_failover = R"(
Shows that the second node can take over: ftctl failover, with the time of each step.

  ftctl test-failover guest1 --json | jq .handover_seconds)";

inline constexpr const char *test_restart = R"(
Shows that the second node can be replaced: ft-detach (the guest runs on, exposed), end of the old
secondary, a new one in its place, attach; with the time of each step.

  ftctl test-restart guest1)";

inline constexpr const char *evacuate = R"(
Before this host is shut down: marks it as not to be used, hands the guests that run here over to their
other hosts (under 2 s for a protected one; one that is not protected is protected first, if that can be
done in time), and ends the second nodes that run here in an orderly way, so that their guests find
another host. --back takes the mark away, and so does the start of an agent on this host.
ftctl-evacuate.service does both, at shutdown and at boot.
Fails if a guest could not be moved: it still runs here.

  ftctl evacuate
  ftctl evacuate --back)";

inline constexpr const char *agent = R"(
One on each host; brings redundancy back by itself. It watches the pairs that are defined on this host,
and acts when a guest runs here, exposed: uses a secondary that waits, or starts one on another host, and
attaches it. It does not act after ft-detach ("detached by operator"), nor when the guest is off, nor for
a guest that runs elsewhere: that host's own agent does. So two agents never fight.

A process that hangs on another host and has lost the guest is ended through that host's libvirtd. After a
failure it tries again with growing pauses (1 to 60 s). It keeps nothing: it may be stopped and started
at any time, libvirtd too. Log lines go to stderr, state to systemd (Type=notify, ftctl-agent.service).

  ftctl agent
  ftctl agent --connect qemu:///system --host host-a)";

} // namespace ftctl::manual

#endif
