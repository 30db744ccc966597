# SPDX-License-Identifier: GPL-2.0-or-later
"""Waiting ends at once, or with the name of what did not come."""

import time
import unittest

from ftpair.pair import Failed
from ftpair.waiting import wait_until, within


class Waiting(unittest.TestCase):
    def test_it_gives_what_came(self):
        values = iter((0, "", "here"))
        self.assertEqual(wait_until("a word", lambda: next(values), 5, step=0), "here")

    def test_it_names_what_did_not_come(self):
        with self.assertRaisesRegex(Failed, r"^not within 0 s: a bus; it rains$"):
            wait_until("a bus", lambda: None, 0, told=lambda: "it rains")

    def test_the_kind_of_error_can_be_chosen(self):
        with self.assertRaises(OSError):
            wait_until("a bus", lambda: None, 0, error=OSError)

    def test_no_time_is_one_look(self):
        looks = []
        self.assertIsNone(within(0, lambda: looks.append(1)))
        self.assertEqual(len(looks), 1)

    def test_it_gives_up_in_time(self):
        begin = time.monotonic()
        self.assertEqual(within(0.05, lambda: 0, step=0.001), 0)
        self.assertLess(time.monotonic() - begin, 5)
