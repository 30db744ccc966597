# SPDX-License-Identifier: GPL-2.0-or-later
"""What tests/pair and tests/libvirt have in common: their options, and the right to make namespaces."""

from ftpair import netns


def pytest_addoption(parser):
    parser.addoption("--full", action="store_true", help="libvirt: repeat 20 times what is else done twice")
    parser.addoption("--keep", action="store_true", help="keep the work folders of good tests too")


def pytest_configure(config):
    """An ordinary user is moved into a namespace of its own; where that cannot be, tests that need one say so."""
    config.no_privilege = ""
    if not config.option.collectonly:
        try:
            netns.enter_privileges()
        except netns.NoPrivilege as missing:
            config.no_privilege = str(missing)
