# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts with a real libvirtd each, in namespaces, and a protected domain on them.

It stands on ftpair, which lies beside it: the wires, the guest, the clients and
the verdicts are the same.
"""
