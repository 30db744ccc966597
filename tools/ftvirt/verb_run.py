# SPDX-License-Identifier: GPL-2.0-or-later
"""Tries a verb of virsh on one node and judges what came of it."""

import re
from dataclasses import dataclass

from ftpair.pair import Failed

from . import verbs
from .virsh import VirshError


@dataclass
class Outcome:
    verb: object
    role: str
    result: str                 # works, refused, or what is wrong with it: hung, lies, harms ...
    message: str
    state: str                  # afterwards, where it is another one
    problems: list

    @property
    def ok(self):
        return not self.problems


def try_verb(node, verb, role):
    """Before, the verb itself, its effect, what it has left; undone at the end."""
    if verb.before:
        verb.before(node)
    before = node.told()
    words = [word.replace("GUEST", node.pair.name).replace("OTHER", node.other_uri()).replace("\u00a0", " ").replace("FILE", verbs.FILE)
             for word in verb.words.split(" ")]
    done = node.virsh.try_(*words, seconds=verb.seconds, stdin=verb.stdin or None)
    problems = []
    if done.status is None:
        problems.append(f"no end after {verb.seconds} s")
    works = bool(re.search(verb.works_if, done.text)) if verb.works_if else done.ok
    result = verbs.WORKS if works else verbs.REFUSED
    if result != verb.expect[role]:
        problems.append(f"is to be {verb.expect[role]}")
    problems += worked(node, verb, done) if works else refused(node, verb, role, done)
    after = node.told()
    if not same(after, before) and (verb.same_state or not works):
        after = settle(node, before)
        if not same(after, before):
            problems.append(f"left {after}, was {before}")
    outcome = Outcome(verb, role, result, "" if works else message(done), state_words(before, after), problems)
    if verb.undo:
        verb.undo(node)
    return outcome


def worked(node, verb, done):
    """What speaks against its success."""
    problems = []
    if verb.says and not re.search(verb.says, done.text):
        problems.append(f"does not say {verb.says!r}: {done.text[:200]!r}")
    if verb.effect:
        missing = effect(node, verb)
        if missing:
            problems.append(f"success without effect: {missing}")
    return problems


def refused(node, verb, role, done):
    problems = []
    pattern = verb.refusal.get(role)
    if not done.text.strip() or "unknown error" in done.text or "An error occurred, but the cause is unknown" in done.text:
        problems.append("refused without a reason")
    elif pattern and not re.search(pattern, done.text):
        problems.append(f"the refusal does not say {pattern!r}")
    # The effect of a verb that has failed would be a lie too; what cannot be seen at once is covered by the states.
    if verb.expect[role] == verbs.REFUSED and verb.effect and verb not in verbs.INPUT and not effect(node, verb):
        problems.append("has had its effect all the same")
    return problems


def effect(node, verb):
    try:
        return verb.effect(node)
    except (Failed, VirshError, OSError) as error:
        return str(error)


def settle(node, wanted):
    """A state on its way (an attach's cut, a save that is cancelled) gets the time to arrive."""
    node.until(lambda: same(node.told(), wanted), "")
    return node.told()


def same(one, other):
    """Of what Node.told() says; libvirt's reason in brackets may be another one: "running (save canceled)"."""
    return {side: (told[0].split(" (")[0], *told[1:]) for side, told in one.items()} == {
        side: (told[0].split(" (")[0], *told[1:]) for side, told in other.items()}


def message(done):
    """virsh's own sentence, the last one: the first names the operation."""
    lines = [line.removeprefix("error: ") for line in done.text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def state_words(before, after):
    """libvirt's and FT's word of each node that is another one now."""
    return "; ".join(f"{after[side][0]}, {after[side][1]} {after[side][2]}" for side in after if after[side][:3] != before[side][:3])
