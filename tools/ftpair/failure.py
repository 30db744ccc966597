# SPDX-License-Identifier: GPL-2.0-or-later
"""How a test, a soak or a demo ends when something did not do what it had to."""


class Failed(Exception):
    """The text says what."""
