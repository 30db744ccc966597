# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: one rack of hosts and one protected domain for the whole run.

A boot of the guest costs more than all else, so a test takes the pair as the
test before left it, and brings it back to "protected" first (DomainPair.protect).
"""

import time

import pytest
from ftvirt import rack as racks
from ftvirt.pair import DomainPair

FEW, MANY = 2, 20
START = time.monotonic()
SHARED = []                     # the domain of this run, once somebody has asked for it


def say(text):
    print(f"  {time.monotonic() - START:8.2f} s   {text}", flush=True)


@pytest.fixture
def times(request):
    return MANY if request.config.getoption("--full") else FEW


@pytest.fixture
def note(record_property, request):
    """note("gap 12 ms"): a figure that the report shows beside the result."""
    said = []

    def more(text):
        said.append(text)
        say(text)
    yield more
    record_property("note", "; ".join(said))


@pytest.fixture(scope="session")
def rack(request):
    if racks.no_root():
        pytest.skip(racks.no_root())
    if racks.missing():
        pytest.fail(racks.missing(), pytrace=False)
    made = racks.Rack("tests", say=say).build()
    yield made
    made.keep = request.config.getoption("--keep") or request.session.testsfailed > 0
    if made.keep:
        print(f"work folder: {made.folder}")
    made.close()


@pytest.fixture(scope="session")
def domain(rack):
    """The protected domain, defined on all hosts; nothing runs yet."""
    pair = DomainPair(rack)
    pair.define()
    SHARED.append(pair)
    yield pair
    pair.stop_clients()


@pytest.fixture(autouse=True)
def nothing_else_runs(request):
    """Who takes the hosts without the pair finds none of it on them: its ports and its memory are free."""
    if "rack" in request.fixturenames and "domain" not in request.fixturenames:
        for pair in SHARED:
            pair.stop()


@pytest.fixture
def pair(domain):
    """The domain, protected, its guest up."""
    domain.protect()
    yield domain
    domain.stop_clients()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure is shown with what every host and QEMU had to say."""
    report = (yield).get_result()
    domain = item.funcargs.get("domain") or item.funcargs.get("pair")
    if report.when == "call" and report.failed and domain:
        report.sections.append(("the hosts", domain.told().replace("; ", "\n") + "\n" + domain.evidence()))
