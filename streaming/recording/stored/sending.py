"""Stored sound on its way to visitors: in blocks, read by a few threads of this room, under both kinds of server.

Django would gather a whole file in memory before it sent the first byte of a plain iterator under ASGI.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from typing import Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from calls.background import Pool
from calls.errors import Busy

MOST_TRANSFERS: Final = 64
_threads: Final = Pool("recordings", 4, 2 * MOST_TRANSFERS, "What is heard or fetched breaks off.")
_END: Final = b""


class Transfer:
    """One visitor's blocks. `close` may be called at any time, more than once and from any thread."""

    _places: Final = threading.BoundedSemaphore(MOST_TRANSFERS)

    def __init__(self, blocks: Generator[bytes]) -> None:
        """Reads the first block, so that what cannot be read fails before anything is answered. Raises Busy."""
        self._blocks, self._lock, self._open = blocks, threading.Lock(), False
        if not self._places.acquire(blocking=False):
            blocks.close()
            raise Busy(f"{MOST_TRANSFERS} recordings are being fetched from this process already. Ask again later.")
        self._open = True
        try:
            self._first = next(blocks, _END)
        except BaseException:
            self.close()
            raise

    def take(self) -> bytes:
        """The next block; an empty one at the end, and after `close`."""
        with self._lock:
            if not self._open:
                return _END
            if first := self._first:
                self._first = _END
                return first
            return next(self._blocks, _END)

    def close(self) -> None:
        with self._lock:
            if self._open:
                self._open = False
                self._blocks.close()
                self._places.release()

    def __del__(self) -> None:
        # Of a visitor who left before Django could make a response of it.
        self.close()


class Plain:
    """A transfer for a server, or a test's client, that asks from a thread."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self.close = transfer.close

    def __iter__(self) -> Iterator[bytes]:
        while block := self._transfer.take():
            yield block


class Asked:
    """A transfer for a server that asks from the event loop, which never waits for a disk or a network."""

    def __init__(self, transfer: Transfer) -> None:
        self._transfer = transfer
        self.close = transfer.close

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while block := await asyncio.wrap_future(_threads.submit(self._transfer.take)):
            yield block


def streamed(request: HttpRequest, blocks: Generator[bytes], status: int, kind: str) -> StreamingHttpResponse:
    """A response of these blocks. The caller sets its length."""
    transfer = Transfer(blocks)
    content = Asked(transfer) if isinstance(request, ASGIRequest) else Plain(transfer)
    return StreamingHttpResponse(content, status=status, content_type=kind)
