# SPDX-License-Identifier: GPL-2.0-or-later
"""Goal: the judge of verbs can fail. Method: a node that lies in each of the ways that a verb must not."""

from ftvirt import verb_run
from ftvirt.verbs import ANYWHERE, GUEST_INPUT, NOWHERE, REFUSED, WORKS, Verb
from ftvirt.virsh import Done


class FakePair:
    name = "pair1"


class FakeNode:
    """Answers with DONE; its states are those of STATES in turn, the last one for ever."""
    pair = FakePair()

    def __init__(self, done, *states):
        self.virsh = self
        self._done, self._states = done, list(states) or ["running (booted)"]

    def try_(self, *_words, **_more):
        return self._done

    def other_uri(self):
        return "qemu:///system"

    def until(self, condition, why, seconds=0):
        return "" if condition() else (why() if callable(why) else why)

    def told(self):
        return {"a": (self._states.pop(0) if len(self._states) > 1 else self._states[0], "primary", "protected", 7)}


OK, BAD, LATE = Done(0, "done", 0.1), Done(1, "error: Failed\nerror: it is not so", 0.1), Done(None, "", 30.0)
THERE, MISSING = (lambda node: ""), (lambda node: "nothing was made")


def judge(verb, done, *states, role="primary"):
    return verb_run.try_verb(FakeNode(done, *states), verb, role)


def test_sound_verbs_pass():
    assert judge(Verb("x GUEST", ANYWHERE, effect=THERE), OK).ok
    refused = judge(Verb("x GUEST", NOWHERE, effect=MISSING), BAD)
    assert refused.ok and refused.result == REFUSED and refused.message == "it is not so"


LIES = [
    (Verb("x GUEST", ANYWHERE, effect=MISSING), OK, (), "success without effect"),
    (Verb("x GUEST", ANYWHERE, says="running"), OK, (), "does not say"),
    (Verb("x GUEST", NOWHERE), OK, (), "is to be refused"),
    (Verb("x GUEST", ANYWHERE), BAD, (), "is to be works"),
    (Verb("x GUEST", ANYWHERE), LATE, (), "no end"),
    (Verb("x GUEST", NOWHERE), Done(1, "", 0.1), (), "without a reason"),
    (Verb("x GUEST", NOWHERE), Done(1, "error: An error occurred, but the cause is unknown", 0.1), (), "without a reason"),
    (Verb("x GUEST", NOWHERE, refusal={"primary": "ask"}), BAD, (), "does not say 'ask'"),
    (Verb("x GUEST", NOWHERE, effect=THERE), BAD, (), "its effect all the same"),
    (Verb("x GUEST", NOWHERE), BAD, ("running (booted)", "paused (unknown)"), "left"),
    (Verb("x GUEST", ANYWHERE), OK, ("running (booted)", "shut off (crashed)"), "left"),
]


def test_lies_are_seen():
    for verb, done, states, words in LIES:
        outcome = judge(verb, done, *states)
        assert any(words in problem for problem in outcome.problems), f"{words}: {outcome.problems}"


def test_another_reason_is_no_change():
    assert judge(Verb("x GUEST", NOWHERE), BAD, "running (booted)", "running (save canceled)").ok


def test_expected_by_role():
    verb = Verb("x GUEST", GUEST_INPUT, effect=THERE)
    assert judge(verb, OK).result == WORKS
    assert not judge(verb, OK, role="secondary").ok
