# SPDX-License-Identifier: GPL-2.0-or-later
"""The client that commits tests itself: against a server that loses, doubles and refuses."""

import socket
import struct
import threading
import unittest

from ftpair import postgres, verdict
from ftpair.commits import CommitClient, Found

READY = b"Z\0\0\0\5I"
AUTHENTICATED = b"R\0\0\0\x08\0\0\0\0"


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def row(*values):
    body = struct.pack("!H", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value.encode()
    return message(b"D", body)


def error(severity, text):
    return message(b"E", b"S" + severity.encode() + b"\0M" + text.encode() + b"\0\0")


def committed(value):
    return row(str(value)) + message(b"C", b"INSERT 0 1\0") + READY


def client(answers):
    """The result of a client that gets these answers to its transactions."""
    ours, theirs = socket.socketpair()

    def serve():
        for answer in (AUTHENTICATED + READY, READY, *answers):
            theirs.recv(65536)
            theirs.sendall(answer)
        theirs.close()

    thread = threading.Thread(target=serve)
    thread.start()
    with ours:
        one = CommitClient(ours)
        for _ in answers:
            if not one.step():
                break
        thread.join()
        return one.result()


def failed(result):
    return [check.name for check in verdict.failures(verdict.replies(result))]


class Client(unittest.TestCase):
    def test_good(self):
        result = client([committed(1), committed(2), committed(3)])
        self.assertEqual((result["value"], failed(result)), (3, []))

    def test_a_commit_that_is_gone(self):
        self.assertEqual(client([committed(1), committed(2), committed(2)])["lost"], 1)

    def test_a_transaction_that_was_done_twice(self):
        self.assertEqual(client([committed(1), committed(3)])["doubled"], 1)

    def test_an_answer_that_nobody_asked_for(self):
        self.assertEqual(client([committed(1) + committed(2), committed(2)])["doubled"], 1)

    def test_no_row(self):
        self.assertEqual(client([committed(1), READY])["errors"], 1)

    def test_an_error_of_the_server(self):
        result = client([committed(1), error("ERROR", "no room") + READY])
        self.assertIn("ERROR: no room", result["broken"])
        self.assertIn("the client's connection unbroken", failed(result))

    def test_the_server_ends_the_session(self):
        self.assertIn("FATAL: going", client([committed(1), error("FATAL", "going")])["broken"])

    def test_the_connection_ends(self):
        self.assertIn("closed by the guest", client([committed(1), b""])["broken"])


class Protocol(unittest.TestCase):
    def test_row(self):
        body = row("7", None, "")[5:]
        self.assertEqual(postgres.row(body), ("7", None, ""))


class Looking(unittest.TestCase):
    def good(self, found, acked, exact=True):
        return found.check(acked, "a database", exact).ok

    def test_whole(self):
        self.assertTrue(self.good(Found(0, 10, 10, 10, 0), 10))
        self.assertTrue(self.good(Found(0, 11, 11, 11, 0), 10))         # its answer was under way
        self.assertTrue(self.good(Found(5, 25, 25, 30, 0), 10, exact=False))

    def test_the_last_ones_are_gone(self):
        self.assertFalse(self.good(Found(0, 9, 9, 9, 0), 10))
        self.assertEqual(Found(0, 9, 9, 9, 0).lost(10), 1)

    def test_one_in_the_middle_is_gone(self):
        self.assertFalse(self.good(Found(0, 9, 9, 10, 0), 10))
        self.assertEqual(Found(0, 9, 9, 10, 0).lost(10), 1)

    def test_one_is_there_twice(self):
        self.assertFalse(self.good(Found(0, 11, 10, 10, 0), 10))
        self.assertEqual(Found(0, 11, 10, 10, 0).doubled, 1)

    def test_more_than_the_client_has_asked_for(self):
        self.assertFalse(self.good(Found(0, 12, 12, 12, 0), 10))

    def test_another_total_than_the_client_was_told(self):
        self.assertFalse(self.good(Found(0, 10, 10, 10, 1), 10))

    def test_nothing_at_all(self):
        self.assertFalse(self.good(Found(0, 0, 0, 0, 0), 0))
