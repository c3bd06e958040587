"""Browsers with the wall open, in a process of their own: they read and throw away, or do not read at all.

Reads one line of JSON (`port`, `cookie`, `count`, `shown`: ids of calls or null for all, `reads`), dials all, prints a
line, and at the end of its input a second one with what came.
"""

import json
import select
import socket
import sys
import time
from typing import Any

from bench.rig.frames import client_frame
from bench.rig.generator import dial
from bench.rig.pinning import cores, stay_on


class Messages:
    """Counts the messages in a stream of a server's frames, without looking into them."""

    def __init__(self) -> None:
        self.count = self.bytes = 0
        self._left = 0
        self._head = b""

    def take(self, content: memoryview) -> list[bytes]:
        """The payloads of the pings that were in it."""
        self.bytes += len(content)
        pings = []
        while len(content):
            skipped = min(self._left, len(content))
            self._left -= skipped
            content = content[skipped:]
            if not len(content):
                break
            head = self._head + bytes(content[: 14 - len(self._head)])
            size, start = _size(head)
            if size is None:
                self._head = head
                break
            content = content[start - len(self._head) :]
            self._head = b""
            self._left = size
            if head[0] & 0x0F == 9:
                pings.append(bytes(content[:size]))
            self.count += head[0] & 0x0F == 1
        return pings


def _size(head: bytes) -> tuple[int | None, int]:
    """The payload's size, None if too little of the frame's head is there, and the size of the head."""
    short = head[1] & 0x7F if len(head) > 1 else 0
    start = {126: 4, 127: 10}.get(short, 2)
    if len(head) < start:
        return None, start
    return (short if start == 2 else int.from_bytes(head[2:start], "big")), start


def main() -> None:
    stay_on(cores()[1])
    plan: dict[str, Any] = json.loads(sys.stdin.readline())
    headers = {"Cookie": plan["cookie"], "Origin": f"http://127.0.0.1:{plan['port']}"}
    peers = dial(plan["port"], [("/ws/live/", headers)] * plan["count"])
    heard = {peer.raw.fileno(): (peer, Messages()) for peer in peers}
    ears = select.poll()
    ears.register(sys.stdin, select.POLLIN | select.POLLHUP)
    for number, (peer, _) in heard.items():
        if plan["shown"] is not None:
            peer.send(client_frame(json.dumps({"kind": "show", "calls": plan["shown"]}).encode()))
        if plan["reads"]:
            ears.register(number, select.POLLIN)
        else:
            peer.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    print(json.dumps({"dialled": len(peers)}), flush=True)
    room = memoryview(bytearray(1 << 20))
    began_s, left = time.monotonic(), 0
    while True:
        ready = [number for number, _ in ears.poll()]
        for number in ready:
            if number not in heard:
                continue
            peer, messages = heard[number]
            try:
                size = peer.raw.recv_into(room)
            except OSError:
                size = 0
            if not size:
                left += 1
                ears.unregister(number)
            for ping in messages.take(room[:size]):
                peer.send(client_frame(ping, opcode=10))
        if sys.stdin.fileno() in ready:
            break
    seconds = time.monotonic() - began_s
    counts = sorted(messages.count for _, messages in heard.values())
    total = sum(messages.bytes for _, messages in heard.values())
    said = {"messages_a_second": round(counts[len(counts) // 2] / seconds, 2), "least": round(counts[0] / seconds, 2)}
    said |= {"kib_a_message": round(total / max(1, sum(counts)) / 1024, 1), "left": left}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main()
