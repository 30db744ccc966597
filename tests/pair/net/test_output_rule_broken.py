# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the check of test_output_rule can fail.

Method: the same measurement with the hold switched off by the fault hook
release-before-ack; the checks that prove the rule must all find it broken.
"""

from ftpair import output_rule
from ftpair.case import faulty_qemu


def test_output_rule_broken(case):
    broken = {"qemu": faulty_qemu(), "arguments": output_rule.node_arguments(),
              "environment": {"FT_FAULT": "release-before-ack"}}
    with case.pair(primary=broken) as pair:
        pair.start(captures=("a", "b")).wait_up()
        checks = [c for c in output_rule.measure(pair) if "tap" in c.name or "round trip" in c.name]
        for check in checks:
            case.expect(f"found broken: {check.name}", not check.ok, check.detail)
        case.expect("three checks were made", len(checks) == 3, len(checks))
