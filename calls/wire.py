"""How this process sends to channel-layer groups from any thread, without ever waiting for the layer.

The layer delivers at most once, and during an outage of Redis not at all. Nothing sent here may be the only copy of a
fact: rows are in the database, and dashboards re-read a snapshot.
"""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from calls.operations.queues import Queue, announce

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1_000
SEND_TIMEOUT_S = 2.0

Message = dict[str, Any]


class Wire:
    """One per process. `start` binds it to the event loop that runs the sockets."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[str, Message]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._lock = threading.Lock()
        self._down = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.dropped = 0
        self.on_return: Callable[[], None] | None = None  # called when the layer is back after an outage

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    @property
    def answers(self) -> bool:
        """Whether the layer took the newest message."""
        return not self._down

    async def run(self) -> None:
        """Sends what waits until cancelled."""
        self._loop, self._wake = asyncio.get_running_loop(), asyncio.Event()
        self._wake.set()
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._waiting:
                    await self._deliver(*self._waiting.popleft())
        finally:
            self._loop = None

    def send(self, group: str, message: Message) -> None:
        """Queues `message` for every member of `group`; from any thread, at once, and never raises."""
        loop = self._loop
        if loop is None or loop.is_closed():
            self._send_without_loop(group, message)
            return
        with self._lock:
            if len(self._waiting) >= QUEUE_LIMIT:
                self._waiting.popleft()
                self.dropped += 1
            self._waiting.append((group, message))
        with suppress(RuntimeError):  # the loop was closed just now; `run` on the next one sends what waits
            loop.call_soon_threadsafe(self._ring)

    def _send_without_loop(self, group: str, message: Message) -> None:
        """For processes that run no sockets, such as management commands."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            async_to_sync(self._deliver)(group, message)
            return
        task = running.create_task(self._deliver(group, message))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _ring(self) -> None:
        if self._wake is not None:
            self._wake.set()

    async def emptied(self, within_s: float) -> None:
        """Waits until everything has been sent, at most so long; for the end of a process."""
        until_s = time.monotonic() + within_s
        while self._waiting and self._loop is not None and time.monotonic() < until_s:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    async def _deliver(self, group: str, message: Message) -> None:
        layer = get_channel_layer()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await layer.group_send(group, message)
        except Exception as error:
            self.dropped += 1
            if not self._down:
                self._down = True
                log.error("channel layer does not answer (%s): live views wait for it", type(error).__name__)
            return
        if self._down:
            self._down = False
            log.warning("channel layer answers again, %d messages were dropped", self.dropped)
            if self.on_return is not None:
                self.on_return()


wire = Wire()
announce(
    Queue(
        "wire",
        QUEUE_LIMIT,
        "The oldest message is dropped; every page reads a snapshot.",
        lambda: wire.waiting,
        lambda: wire.dropped,
    )
)
