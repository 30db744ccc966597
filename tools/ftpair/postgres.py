# SPDX-License-Identifier: GPL-2.0-or-later
"""PostgreSQL's simple query protocol: as much of it as a client needs that is trusted."""

import struct


class SqlError(Exception):
    """The server refused a statement; the text is its message."""


class Postgres:
    """One session on a connected socket. What the connection itself does wrong is an OSError."""

    def __init__(self, sock, user="postgres", database="postgres"):
        self._socket, self._left = sock, b""
        words = f"user\0{user}\0database\0{database}\0\0".encode()
        self._socket.sendall(struct.pack("!II", len(words) + 8, 196608) + words)
        self._until_ready()

    def query(self, sql):
        """All rows of all its statements: tuples of text. Several statements are one transaction."""
        self.ask(sql)
        return self.answer()

    def ask(self, sql):
        body = sql.encode() + b"\0"
        self._socket.sendall(b"Q" + struct.pack("!I", len(body) + 4) + body)

    def answer(self):
        return self._until_ready()

    def unasked(self):
        """Bytes that came behind the last answer: nobody has asked for them."""
        return len(self._left)

    def _until_ready(self):
        rows, error = [], None
        while True:
            kind, body = self._message()
            if kind == b"D":
                rows.append(row(body))
            elif kind == b"E":
                error = error_text(body)
            elif kind == b"R" and body[:4] != b"\0\0\0\0":
                raise ConnectionError("the server wants a password")
            if kind == b"Z" or (error or "").startswith(("FATAL", "PANIC")):
                break
        if error:
            raise SqlError(error)
        return rows

    def _message(self):
        kind, length = struct.unpack("!cI", self._take(5))
        return kind, self._take(length - 4)

    def _take(self, count):
        while len(self._left) < count:
            data = self._socket.recv(65536)
            if not data:
                raise ConnectionResetError("closed by the guest")
            self._left += data
        data, self._left = self._left[:count], self._left[count:]
        return data


def row(body):
    """A DataRow: how many values, and each with its length (-1: NULL)."""
    values, at = [], 2
    for _ in range(struct.unpack_from("!H", body)[0]):
        length = struct.unpack_from("!i", body, at)[0]
        at += 4
        values.append(None if length < 0 else body[at:at + length].decode())
        at += max(0, length)
    return tuple(values)


def error_text(body):
    fields = {part[:1]: part[1:].decode(errors="replace") for part in body.split(b"\0") if part}
    return f"{fields.get(b'S', '?')}: {fields.get(b'M', '?')}"
