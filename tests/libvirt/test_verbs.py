# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: no verb of virsh leaves a state that lies, hangs without bound, or succeeds without effect.
Method: all verbs of ftvirt/verbs.py on a protected primary, on its secondary and on a node that runs alone: result, message, effect,
and the state of both nodes before and after. tests/libvirt/verbs writes what came out as docs/LIBVIRT-VERBS.md.
"""

import pytest

from ftvirt import verb_table, verbs


# On a protected primary test_operations.py has these, each for the price of a boot; with --full they are here too.
ELSEWHERE = {"primary": [verb for verb in verbs.INPUT if verb.name in ("reset", "reboot", "shutdown")]}


@pytest.mark.parametrize("role", verbs.ROLES)
def test_verbs(pair, role, note, request):
    without = () if request.config.getoption("--full") else ELSEWHERE.get(role, ())
    outcomes = verb_table.run(pair, role, say=pair.say, without=without)
    bad = [verb_table.line(outcome) for outcome in outcomes if not outcome.ok]
    note(f"{len(outcomes)} verbs, {len(bad)} not as they should be")
    assert not bad, "\n" + "\n".join(bad)
