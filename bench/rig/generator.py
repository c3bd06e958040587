"""Azure's end of many media sockets, in a process of its own that costs as little as Python can.

Reads one line of JSON (`port`, `paths`, `headers` for each, `rate_hz`), dials all sockets, then sends 50 frames a
second on each, evenly staggered, until its input ends. Frames are prepared; a turn of the loop costs two stretches and
a `send`. Prints JSON lines: once all sockets are open, then what was sent.
"""

import base64
import ctypes
import json
import os
import select
import socket
import sys
import time
from collections import deque
from typing import Any, Final

from bench.rig.frames import FRAME_S, Voice, client_frame, opening
from bench.rig.pinning import cores, stay_on

DIAL_AT_ONCE: Final = 8
LISTEN_EVERY_S: Final = 0.01
TIMER_SLACK: Final = 29  # prctl's number; the system may wake us 50 µs late otherwise
LATEST_MS: Final = 1_000


class RefusedError(Exception):
    """The server did not let a socket in."""


class Peer:
    """One open socket; `held` waits because the system did not take it."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self.held: deque[bytes] = deque()
        self.is_open = True
        self._unread = b""
        raw.setblocking(False)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, frame: bytes | bytearray) -> None:
        """Sends at once, or keeps a copy until there is room."""
        if self.held:
            self.held.append(bytes(frame))
            self.push()
            return
        try:
            sent = self.raw.send(frame)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.is_open = False
            return
        if sent < len(frame):
            self.held.append(bytes(frame[sent:]))

    def push(self) -> None:
        while self.held:
            try:
                sent = self.raw.send(self.held[0])
            except BlockingIOError:
                return
            except OSError:
                self.is_open = False
                self.held.clear()
                return
            if sent < len(self.held[0]):
                self.held[0] = self.held[0][sent:]
                return
            self.held.popleft()

    def listen(self) -> None:
        """Answers pings; what else the server says is passed over."""
        try:
            content = self._unread + self.raw.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            content = b""
        if not content:
            self.is_open = False
            return
        while len(content) >= 2:
            size = content[1] & 0x7F
            head = 2 if size < 126 else 4 if size == 126 else 10
            if len(content) < head:
                break
            if head > 2:
                size = int.from_bytes(content[2:head], "big")
            if len(content) < head + size:
                break
            if content[0] & 0x0F == 9:
                self.send(client_frame(content[head : head + size], opcode=10))
            content = content[head + size :]
        self._unread = content

    def close(self) -> None:
        """A normal end: the code 1000, then the server's own close."""
        self.raw.setblocking(True)
        self.raw.settimeout(5)
        try:
            self.raw.sendall(client_frame(b"\x03\xe8", opcode=8))
            while self.raw.recv(65_536):
                pass
        except OSError:
            pass
        self.raw.close()


def dial(port: int, wanted: list[tuple[str, dict[str, str]]]) -> list[Peer]:
    """Opens all sockets, some at a time. Raises RefusedError."""
    peers = []
    for first in range(0, len(wanted), DIAL_AT_ONCE):
        ringing = []
        for path, headers in wanted[first : first + DIAL_AT_ONCE]:
            raw = socket.create_connection(("127.0.0.1", port), timeout=20)
            sent = {
                "Host": f"127.0.0.1:{port}",
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": base64.b64encode(os.urandom(16)).decode(),
                "Sec-WebSocket-Version": "13",
            } | headers
            head = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
            raw.sendall("\r\n".join(head).encode())
            ringing.append(raw)
        peers += [Peer(_accepted(raw)) for raw in ringing]
    return peers


def _accepted(raw: socket.socket) -> socket.socket:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = raw.recv(1)  # byte by byte, so that nothing of the first frame is taken
        if not piece:
            break
        head += piece
    if b" 101 " not in head.partition(b"\r\n")[0] + b" ":
        raise RefusedError(head.decode("latin-1").partition("\r\n")[0] or "the connection was closed")
    return raw


class Sending:
    """The loop, and what it has to say of itself."""

    def __init__(self, peers: list[Peer], rate_hz: int) -> None:
        self._peers = peers
        self._voice = Voice(rate_hz)
        self._ears = select.epoll()
        self._by_number = {peer.raw.fileno(): peer for peer in peers}
        for number in self._by_number:
            self._ears.register(number, select.EPOLLIN)
        self.sent = 0
        self.late_ms = [0] * (LATEST_MS + 1)  # how many frames left so much later than they should have

    def run(self, ends: Any) -> None:
        """Until `ends`, a file, can be read."""
        ending = select.poll()
        ending.register(ends, select.POLLIN | select.POLLHUP)
        peers, count = self._peers, len(self._peers)
        gap_s = FRAME_S / count
        now_s = began_s = time.monotonic()
        heard_s = now_s
        number = 0
        while True:
            due_s = began_s + number * gap_s
            now_s = time.monotonic()
            if now_s - heard_s > LISTEN_EVERY_S:
                heard_s = now_s
                self._listen()
                if ending.poll(0):
                    return
                now_s = time.monotonic()
            if due_s > now_s:
                time.sleep(due_s - now_s)
                continue
            tick, stream = divmod(number, count)
            peers[stream].send(self._voice.frame(tick, stream, time.monotonic_ns()))
            self.sent += peers[stream].is_open
            self.late_ms[min(int((now_s - due_s) * 1000), LATEST_MS)] += 1
            number += 1

    def _listen(self) -> None:
        for number, _ in self._ears.poll(0):
            peer = self._by_number[number]
            peer.listen()
            if not peer.is_open:
                self._ears.unregister(number)

    def rest(self, within_s: float = 5) -> None:
        """Sends what was held back."""
        until_s = time.monotonic() + within_s
        while any(peer.held for peer in self._peers) and time.monotonic() < until_s:
            for peer in self._peers:
                peer.push()
            time.sleep(0.01)

    def late_p99_ms(self) -> float:
        seen, limit = 0, 0.99 * sum(self.late_ms)
        for late_ms, count in enumerate(self.late_ms):
            seen += count
            if seen >= limit:
                return late_ms
        return LATEST_MS


def main() -> None:
    stay_on(cores()[1])
    ctypes.CDLL(None).prctl(TIMER_SLACK, 1_000)
    plan = json.loads(sys.stdin.readline())
    peers = dial(plan["port"], list(zip(plan["paths"], plan["headers"], strict=True)))
    for peer in peers:
        peer.send(opening(plan["rate_hz"]))
    print(json.dumps({"dialled": len(peers)}), flush=True)
    sending = Sending(peers, plan["rate_hz"])
    began_s, cpu_s = time.monotonic(), time.process_time()
    sending.run(sys.stdin)
    share = (time.process_time() - cpu_s) / (time.monotonic() - began_s)
    sending.rest()
    # What the server's system would not take until the end never left, and such a socket cannot say goodbye either.
    held = [peer for peer in peers if peer.held]
    said: dict[str, float] = {"sent": sending.sent - sum(len(peer.held) for peer in held), "held": len(held)}
    said["cpu_share"] = round(share, 3)
    said |= {"late_p99_ms": sending.late_p99_ms(), "closed_early": sum(not peer.is_open for peer in peers)}
    for peer in peers:
        peer.raw.close() if peer.held else peer.close()
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
