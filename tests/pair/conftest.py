# SPDX-License-Identifier: GPL-2.0-or-later
"""What a pair test gets: "case", which judges and notes; "pair", two nodes with their hosts, not yet started."""

import os
import time

import pytest
from ftpair.case import Case
from ftpair.node import qemu_path
from ftpair.pair import Failed, Pair
from ftpair.qmp import QmpError

# What a test ends with by itself: the text is the reason. Anything else is a bug of the test, and its traceback is.
EXPECTED = (Failed, QmpError, RuntimeError, OSError, pytest.fail.Exception)


def name_of(item):
    """As people say it: kill."""
    return item.name.removeprefix("test_")


@pytest.fixture
def case(request):
    """A work folder for each pair made of it; its figures and failed checks are in the report."""
    config, start = request.config, time.monotonic()
    if config.no_privilege:
        pytest.fail(config.no_privilege, pytrace=False)
    if not os.access(qemu_path(), os.X_OK):
        pytest.fail(f"no {qemu_path()}: run scripts/build", pytrace=False)

    def say(text):
        print(f"    {time.monotonic() - start:7.2f} s  {text}", flush=True)

    request.node.case = Case(name_of(request.node), say, config.getoption("--keep"))
    return request.node.case


@pytest.fixture
def pair(case, request):
    """What the mark setup(kind=..., **options) says, or a Pair; whatever happens, its processes and namespaces are gone afterwards."""
    mark = request.node.get_closest_marker("setup")
    options = {"kind": Pair, **(mark.kwargs if mark else {})}
    with options.pop("kind").of(case, **options) as made:
        yield made
        made.keep = made.keep or request.node.failed


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Behind a failure: where the logs are, and what repeats it. A report of a pair test has .case and .why for tests/pair/run."""
    report = (yield).get_result()
    item.failed = getattr(item, "failed", False) or report.failed
    report.case = getattr(item, "case", None)
    if report.case and report.when == "call":
        item.user_properties += report.case.figures.items()
    if report.failed:
        report.why = str(call.excinfo.value) if call.excinfo.errisinstance(EXPECTED) else report.longreprtext
        report.sections.append(("to look at", "\n".join(to_look_at(item))))


def to_look_at(item):
    case = getattr(item, "case", None)
    return [*(f"work folder: {folder}" for folder in (case.left() if case else [])), f"once more: tests/pair/run --only {name_of(item)} --keep"]
