"""How long the portal takes to answer on a media socket: pings between the sound, which wait where the sound waits."""

import asyncio
import struct
import time
from collections import deque

from aiohttp import ClientWebSocketResponse

PING_EACH_S = 0.5
KEPT = 1_000
_STAMP = struct.Struct("!d")


class RoundTrips:
    """Milliseconds from ping to pong, oldest first; the last KEPT of them, over all sockets of a stream."""

    def __init__(self, first_s: float) -> None:
        self.ms: deque[float] = deque(maxlen=KEPT)
        self._first_s = first_s

    async def ping(self, media_socket: ClientWebSocketResponse) -> None:
        """Twice a second until the socket is closed, from ``first_s`` on, so that many streams take turns."""
        await asyncio.sleep(self._first_s)
        while True:
            await media_socket.ping(_STAMP.pack(time.monotonic()))
            await asyncio.sleep(PING_EACH_S)

    def take(self, pong: bytes) -> None:
        """A pong; one that answers no ping of ours is passed over."""
        if len(pong) == _STAMP.size:
            self.ms.append(round((time.monotonic() - _STAMP.unpack(pong)[0]) * 1000, 3))
