# SPDX-License-Identifier: GPL-2.0-or-later
"""All verbs on all nodes, one after the other, and the table of docs/LIBVIRT-VERBS.md."""

from ftpair.pair import Failed

from . import verb_run, verbs
from .node import Node
from .virsh import VirshError

HEAD = """# What virsh does with a protected domain

Made by `tests/libvirt/verbs --markdown`, which runs every verb on the primary and on the secondary of a protected pair and on a node that runs alone
(`exposed`), with {libvirt}, default settings. Each success was looked at for its effect, each refusal for having none; both nodes' states were
compared before and after. `scripts/test --only libvirt/` does the same and fails when a verb does something else than this table says.

*works*: it has its effect, and a protected pair is still protected. *refused*: nothing has changed; the sentence is virsh's last one. Where a state
has changed, libvirt's and FT's word of the node stand behind it.

| `virsh` | protected primary | secondary | exposed |
|---|---|---|---|
"""


def pick(only=None, without=()):
    return [verb for verb in verbs.ALL if verb not in without and (not only or any(word in verb.words for word in only))]


def node_for(pair, role):
    """A node in that role, whatever was there before."""
    primary, secondary = pair.protect()
    if role == "exposed":
        pair.virsh(secondary)("destroy", pair.name)
        pair.wait_state(primary, "exposed", 10)
        return Node(pair, primary, [primary])
    return Node(pair, primary if role == "primary" else secondary, [primary, secondary])


def run(pair, role, only=None, say=lambda text: None, without=()):
    """An Outcome for each verb on a node of that role."""
    outcomes, node = [], None
    for verb in pick(only, without):
        try:
            if node is None or not fit(node, role):
                node = node_for(pair, role)
            outcome = verb_run.try_verb(node, verb, role)
        except (Failed, VirshError, OSError) as error:
            outcome = verb_run.Outcome(verb, role, "-", "", "", [str(error)])
            node = None
        outcomes.append(outcome)
        say(line(outcome))
        if verb.fresh:
            node = None
    return outcomes


def fit(node, role):
    """Still what the next verb wants to find?"""
    state = "exposed" if role == "exposed" else "protected"
    return all(node.pair.look(side)["state"] == state for side in node.nodes) and node.pair.guest_answers()


def line(outcome):
    problems = f"  BUT {'; '.join(outcome.problems)}" if outcome.problems else ""
    return f"{outcome.role:9} {outcome.verb.name:50} {outcome.result:8} {outcome.message} {outcome.state}{problems}"


# ------------------------------------------------------------------ markdown --
def cell(outcome):
    if outcome is None:
        return "-"
    text = outcome.result if outcome.ok else f"**{outcome.result}, {'; '.join(outcome.problems)}**"
    if outcome.message:
        text += f": {outcome.message}"
    if outcome.state:
        text += f" ({outcome.state})"
    return text.replace("|", "\\|").replace("\n", " ")


def markdown(outcomes, libvirt):
    """outcomes: of all roles."""
    by = {(outcome.verb.name, outcome.role): outcome for outcome in outcomes}
    rows = []
    for verb in verbs.ALL:
        cells = [cell(by.get((verb.name, role))) for role in verbs.ROLES]
        # The same everywhere is said once.
        same = len(set(cells)) == 1
        rows.append(f"| `{verb.name}` | " + (f"{cells[0]} | the same | the same |" if same and len(cells[0]) > 40 else " | ".join(cells) + " |"))
    return HEAD.format(libvirt=libvirt) + "\n".join(rows) + "\n"
