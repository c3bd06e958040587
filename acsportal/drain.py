"""The end of a process under uvicorn: asked to stop, it lets its calls talk to their end and takes no new ones.

uvicorn closes every socket as soon as it is asked to stop. So the first SIGTERM or SIGINT comes to us: the process is
no longer ready, Event Grid's calls are left to others, and the media sockets that are open go on, for STREAM_DRAIN_S
at most. Then uvicorn gets the signal and closes what is left with 1012. Being asked a second time ends it at once.
"""

import asyncio
import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any, Final

from django.conf import settings
from uvicorn import Server

from calls.background import at_door, under_way
from calls.operations.heartbeat import siblings_take_calls
from calls.operations.process import draining
from streaming.figures import totals

log = logging.getLogger(__name__)

LOOK_S: Final = 0.1
# One wish may arrive twice: from the terminal or systemd to every process, and from the supervisor to its workers.
SAME_WISH_S: Final = 2.0
# By then every process that was asked together with this one has said so in its row.
NEWS_TRAVEL_S: Final = 3.0
SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class Drain:
    """Stands between the signals and uvicorn. `tell` makes the table of processes say at once that we drain."""

    def __init__(self, tell: Callable[[], Awaitable[None]]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._servers: dict[int, Any] = {}
        self._asked_s = 0.0
        self._task: asyncio.Task[None] | None = None

    def stand_guard(self) -> None:
        """Takes the signals over from the server that set itself up in this thread; nothing else has them taken."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in SIGNALS:
            if isinstance(getattr(signal.getsignal(number), "__self__", None), Server):
                self._servers[number] = signal.signal(number, self._asked)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        now_s = time.monotonic()
        if not draining.is_set():
            draining.set()
            self._asked_s = now_s
            self._loop.call_soon_threadsafe(self._begin, number)
        elif now_s - self._asked_s >= SAME_WISH_S:
            log.warning("asked a second time: the process ends now")
            self._hand_over(number)

    def _begin(self, number: int) -> None:
        self._task = self._loop.create_task(self._wait(number), name="drain")

    async def _wait(self, number: int) -> None:
        until_s = time.monotonic() + settings.STREAM_DRAIN_S
        try:
            if self._busy() and settings.STREAM_DRAIN_S:
                log.info("asked to end: %d streams go on for at most %d s", totals.open, settings.STREAM_DRAIN_S)
                await self._tell()
                await self._until_quiet(until_s)
        except Exception:
            log.exception("the process could not wait for its calls")
        finally:
            self._hand_over(number)

    async def _until_quiet(self, until_s: float) -> None:
        shuts_s = time.monotonic() + NEWS_TRAVEL_S if self._shares_address() else until_s
        while self._busy() and time.monotonic() < until_s:
            await asyncio.sleep(LOOK_S)
            if time.monotonic() >= shuts_s:
                shuts_s = time.monotonic() + NEWS_TRAVEL_S
                if await at_door(siblings_take_calls):
                    self._shut_door()
                    shuts_s = until_s
        if totals.open:
            log.warning("%d streams were still open after %d s", totals.open, settings.STREAM_DRAIN_S)

    def _busy(self) -> bool:
        return bool(totals.open or under_way())

    def _shares_address(self) -> bool:
        """Whether a supervisor started several of us on one listening socket."""
        return multiprocessing.parent_process() is not None

    def _shut_door(self) -> None:
        """New connections go to the other workers. Without any, this one stays reachable for Azure's callbacks."""
        for handler in self._servers.values():
            for server in handler.__self__.servers:
                server.close()
        log.info("other workers take what comes to this address")

    def _hand_over(self, number: int) -> None:
        self._servers[number](number, None)
