"""uvicorn's WebSocket protocol with a shorter way for the message that comes fifty times a second on each media socket.

A read that begins at a frame's boundary with whole, unfragmented, masked text frames of 126 to 65535 bytes is unmasked
and queued here. Everything else goes, byte for byte, to uvicorn's own protocol, guarded as it is (acsportal/guards):
all other frames, what is cut off at the end of a read, whatever is malformed, and every state but that of an open
connection without extensions. Where the parser of `websockets` stands is asked of the parser itself, so that there is
no second state that could drift away from it.

Reading pauses when MOST_WAITING messages wait or a large one does, and not after each message: to pause and resume
costs as much as to parse. So at most half a megabyte waits on each socket.
"""

import asyncio
from collections import deque
from types import GeneratorType
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import OPEN
from websockets.speedups import apply_mask
from websockets.streams import StreamReader

MOST_WAITING: Final = 32
LARGE_BYTES: Final = 16_384
HEAD_BYTES: Final = 8  # two, the length in two, the mask in four
WHOLE_TEXT: Final = 0x81
MASKED_LENGTH_IN_TWO: Final = 0x80 | 126
AT_BOUNDARY: Final = StreamReader.at_eof.__code__

Message = dict[str, Any]


class Inbox:
    """The messages that wait for the application: what uvicorn uses of asyncio.Queue, for half of its price."""

    __slots__ = ("_messages", "_waiters")

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def empty(self) -> bool:
        return not self._messages

    def put_nowait(self, message: Message) -> None:
        self._messages.append(message)
        if self._waiters:
            self._wake_one()

    async def get(self) -> Message:
        while not self._messages:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif self._messages:
                    self._wake_one()  # it was woken for a message that it will not take
                raise
        return self._messages.popleft()

    def _wake_one(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return


class Sockets(WebSocketsSansIOProtocol):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.queue = self._inbox = Inbox()  # type: ignore[assignment]  # all that the base class asks of it is there

    def data_received(self, data: bytes) -> None:
        taken = self._take_texts(data) if self._stands_at_boundary() else 0
        if taken < len(data):
            super().data_received(data[taken:] if taken else data)

    def _stands_at_boundary(self) -> bool:
        """Whether the next byte begins a message of its own, which the parser would do nothing else with."""
        conn: Any = self.conn
        if conn.state is not OPEN or self.close_sent or conn.current_size is not None or conn.extensions or conn.debug:
            return False
        if getattr(self, "rest", None):
            return False  # what came before is still being read, bite by bite
        # ServerProtocol.parse → Protocol.parse → StreamReader.at_eof is where it waits for a frame's first byte.
        frames = conn.parser.gi_yieldfrom
        step = frames.gi_yieldfrom if isinstance(frames, GeneratorType) else None
        return isinstance(step, GeneratorType) and step.gi_code is AT_BOUNDARY

    def _take_texts(self, data: bytes) -> int:
        """Queues the whole texts that the data begins with, at most MOST_WAITING; the bytes that they took."""
        limit, size, start, room = self.config.ws_max_size, len(data), 0, MOST_WAITING
        while room and size - start > HEAD_BYTES and data[start] == WHOLE_TEXT:
            length = data[start + 2] << 8 | data[start + 3]
            body, end = start + HEAD_BYTES, start + HEAD_BYTES + length
            if data[start + 1] != MASKED_LENGTH_IN_TWO or end > size or length > limit:
                break
            try:
                text = apply_mask(data[body:end], data[start + 4 : body]).decode()
            except UnicodeDecodeError:
                break  # the parser finds it again and says what has to be said
            self._inbox.put_nowait({"type": "websocket.receive", "text": text})
            start, room = end, room - 1
            if (len(self._inbox) >= MOST_WAITING or length > LARGE_BYTES) and not self.read_paused:
                self.read_paused = True
                self.transport.pause_reading()
        return start
