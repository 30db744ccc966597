# SPDX-License-Identifier: GPL-2.0-or-later
"""Two QEMUs, three hosts, one client: what pair tests, demo, benchmark and soak are made of.

One noun a module: netns (namespaces), hosts (the network of one run), delay
(a slow wire), qmp, node (one QEMU), clients (what the outside sees), capture
(what leaves a tap), pair (all of it together), verdict (what must hold) and
timeline (the story told afterwards). Python's standard library only.
"""
