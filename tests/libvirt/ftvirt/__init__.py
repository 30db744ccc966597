# SPDX-License-Identifier: GPL-2.0-or-later
"""Hosts with a real libvirtd each, in namespaces, and a protected domain on them.

It stands on tests/pair/ftpair: the wires, the guest, the clients and the
verdicts are the same.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "pair"))
