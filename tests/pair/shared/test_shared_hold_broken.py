# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the checks of shared_hold can fail.

Method: the same measurement with the hold switched off by the fault
write-before-ack; both checks must find it broken.
"""

from ftpair import write_rule
from ftpair.case import faulty_qemu
from ftpair.drives import shared, zeros
from ftpair.succession import Succession


def test_shared_hold_broken(case):
    broken = {"qemu": faulty_qemu(), "environment": {"FT_FAULT": "write-before-ack"}}
    with Succession.of(case, drives=shared(2, second=zeros), arguments=write_rule.node_arguments(), primary=broken) as pair:
        pair.start(captures=()).wait_up()
        checks = write_rule.measure(pair, pair.drives.image("a", 1))
        for check in checks:
            case.expect(f"found broken: {check.name}", not check.ok, check.detail)
        case.expect("two checks were made", len(checks) == 2, len(checks))
