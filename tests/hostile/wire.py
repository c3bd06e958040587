"""Bytes on a TCP connection, as an attacker writes them: no library stands between a test and the portal's doors."""

import base64
import os
import select
import socket
import time
import urllib.parse
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

CONTINUATION, TEXT, BINARY, CLOSE, PING = 0, 1, 2, 8, 9


def frame(opcode: int, content: bytes = b"", *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    """One frame of a client (RFC 6455, 5.2), masked with zeros as 5.3 allows; `reserved` are the bits behind FIN."""
    return header(opcode, len(content), fin=fin, reserved=reserved, masked=masked) + content


def header(opcode: int, length: int, *, fin: bool = True, reserved: int = 0, masked: bool = True) -> bytes:
    mask = 0x80 if masked else 0
    if length < 126:
        said = bytes([mask | length])
    elif length < 65_536:
        said = bytes([mask | 126]) + length.to_bytes(2, "big")
    else:
        said = bytes([mask | 127]) + length.to_bytes(8, "big")
    return bytes([(0x80 if fin else 0) | reserved << 4 | opcode]) + said + (bytes(4) if masked else b"")


def upgrade(url: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The request that opens a WebSocket."""
    parts = urllib.parse.urlsplit(url)
    sent = [
        ("Host", parts.netloc),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", base64.b64encode(os.urandom(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
        *headers,
    ]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return request("GET", path, sent)


def request(method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b"") -> bytes:
    """Header values may hold anything; what is no Latin-1 goes as UTF-8."""
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers), "", ""]
    text = "\r\n".join(lines)
    try:
        return text.encode("latin-1") + body
    except UnicodeEncodeError:
        return text.encode() + body


def readable(connection: socket.socket, within_s: float) -> bool:
    """Whether something can be read, by poll: select knows no more than 1,024 files, and a thousand are open here."""
    looking = select.poll()
    looking.register(connection, select.POLLIN)
    return bool(looking.poll(within_s * 1_000))


class Wire:
    """One connection to the portal at this URL."""

    def __init__(self, url: str, within_s: float = 10) -> None:
        parts = urllib.parse.urlsplit(url)
        self.url = url
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=within_s)
        self.received = bytearray()

    def send(self, content: bytes) -> bool:
        """Whether the portal took all of it; it may have closed the connection meanwhile."""
        try:
            self._socket.sendall(content)
        except OSError:
            return False
        return True

    def read(self, until: bytes = b"\r\n\r\n", within_s: float = 10) -> bytes:
        """What has come up to and including `until`, or until the portal closed, or the time is over."""
        end_s = time.monotonic() + within_s
        while until not in self.received and self._more(end_s):
            pass
        head, mark, rest = bytes(self.received).partition(until)
        self.received[:] = rest
        return head + mark

    def _more(self, end_s: float) -> bool:
        left_s = end_s - time.monotonic()
        if left_s <= 0 or not readable(self._socket, left_s):
            return False
        try:
            piece = self._socket.recv(65_536)
        except OSError:
            return False
        self.received += piece
        return bool(piece)

    def status(self, within_s: float = 10) -> int:
        """The status of an HTTP answer; 0 if the connection was closed without one, -1 if nothing at all came."""
        head = self.read(b"\r\n", within_s).split(b" ")
        if len(head) > 1 and head[1].isdigit():
            return int(head[1])
        return -1 if self.is_open else 0

    def open(self, headers: Iterable[tuple[str, str]]) -> int:
        """Asks for the WebSocket; the status of the answer."""
        self.send(upgrade(self.url, headers))
        status = self.status()
        if status == 101:
            self.read()
        return status

    def closed(self, within_s: float) -> int:
        """The code the portal closed with, 1006 if it just hung up; fails if it did neither."""
        end_s = time.monotonic() + within_s
        while (code := self._close_code()) is None:
            if not self._more(end_s):
                assert time.monotonic() < end_s, f"the socket is still open after {within_s:g} s"
                return 1006
        return code

    def gone(self, within_s: float) -> bool:
        """Whether the connection itself ends."""
        end_s = time.monotonic() + within_s
        while self._more(end_s):
            self.received.clear()
        return time.monotonic() < end_s

    def _close_code(self) -> int | None:
        content = bytes(self.received)
        while len(content) >= 2:
            length, at = content[1] & 0x7F, 2
            if length == 126:
                length, at = int.from_bytes(content[2:4], "big"), 4
            elif length == 127:
                length, at = int.from_bytes(content[2:10], "big"), 10
            if content[0] & 0x0F == CLOSE and len(content) >= at + length:
                return int.from_bytes(content[at : at + 2], "big") if length >= 2 else 1005
            content = content[at + length :]
        return None

    @property
    def is_open(self) -> bool:
        """Whether the portal still holds the connection, as far as this machine knows."""
        while readable(self._socket, 0):
            try:
                piece = self._socket.recv(65_536)
            except OSError:
                return False
            if not piece:
                return False
            self.received += piece
        return True

    def close(self) -> None:
        with suppress(OSError):
            self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
