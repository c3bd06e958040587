"""The one way out of the streams of this process: rows to the database, levels to dashboards.

Rows go through one thread with a bounded queue, in batches, so that no query ever stands in a frame's way. Levels of
all calls leave as one message per 100 ms.
"""

import asyncio
import atexit
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, Final, Protocol
from uuid import UUID

from django.db import InterfaceError, OperationalError, connections, transaction

from calls import live
from calls.counters import count
from calls.operations.figures import JOURNAL_BATCH
from calls.operations.process import PROCESS_ID
from calls.services.sockets import sign_of_life
from calls.wire import wire

log = logging.getLogger(__name__)

QUEUE_LIMIT: Final = 1_000
BATCH_LIMIT: Final = 50
RETRY_FOR_S: Final = 60.0
RETRY_PAUSE_S: Final = 0.25
TICK_S: Final = 0.1
HEARTBEAT_S: Final = 1.0
LAST_WORDS_S: Final = 3.0


class LiveSource(Protocol):
    """A stream that has something to say each 100 ms."""

    call_id: str

    def live(self, now_s: float) -> live.CallLive: ...


@dataclass(slots=True)
class _Row:
    write: Callable[[], Any]
    answer: Future[Any]


class Journal:
    """One per process."""

    def __init__(self, *, retry_pause_s: float = RETRY_PAUSE_S, retry_for_s: float = RETRY_FOR_S) -> None:
        self._rows: queue.Queue[_Row] = queue.Queue(QUEUE_LIMIT)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._retry_pause_s, self._retry_for_s = retry_pause_s, retry_for_s
        self.sources: set[LiveSource] = set()
        self.sockets: set[UUID] = set()

    @property
    def waiting(self) -> int:
        return self._rows.qsize()

    @property
    def has_room(self) -> bool:
        """Whether it may take what may be missing."""
        return self._rows.qsize() < QUEUE_LIMIT // 2

    def write(self, write: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """Queues one database step; its result or exception arrives in the future. From any thread, at once.

        The step may run again if the database goes away in the middle, so it must come to the same end twice.
        """
        context = copy_context()  # so that what it logs carries the ids of its stream
        row = _Row(lambda: context.run(write, *args, **kwargs), Future())
        row.answer.set_running_or_notify_cancel()  # who gives up waiting must not undo the row
        self._ensure_thread()
        try:
            self._rows.put_nowait(row)
        except queue.Full:
            times = count("journal_rows_dropped")
            if times == 1 or times % 100 == 0:
                log.error("the journal is full: %d rows were dropped, the database does not keep up", times)
            row.answer.set_exception(RuntimeError("the journal is full"))
        return row.answer

    def offer(self, write: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Like `write`, for what may be missing: one stream's chatter must not cost another one its last word."""
        if self.has_room:
            self.write(write, *args, **kwargs)
        else:
            count("journal_offers_dropped")

    async def ask(self, write: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Like `write`, and waits for the result."""
        return await asyncio.wrap_future(self.write(write, *args, **kwargs))

    async def run(self) -> None:
        """Publishes levels each 100 ms and the process's sign of life each second, until cancelled."""
        due_s = time.monotonic()
        beat_s = 0.0
        while True:
            due_s = max(due_s + TICK_S, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())
            now_s = time.monotonic()
            self.publish(now_s)
            if self.sockets and now_s - beat_s >= HEARTBEAT_S:
                beat_s = now_s
                self.offer(sign_of_life, frozenset(self.sockets))

    def publish(self, now_s: float) -> None:
        """One message with what every stream of this process says now."""
        if not self.sources:
            return
        calls: dict[str, live.CallLive] = {}
        for source in tuple(self.sources):
            try:
                said = source.live(now_s)
                before = calls.get(source.call_id)
                calls[source.call_id] = live.joined(before, said) if before else said
            except Exception:
                self.sources.discard(source)
                log.exception("the levels of call %s failed and are no longer shown", source.call_id)
        wire.send(live.GROUP, dict(live.bundle(PROCESS_ID, calls)))

    def flush(self, within_s: float = LAST_WORDS_S) -> bool:
        """Waits until what is queued now has been written; False if that takes longer."""
        if self._thread is None:
            return True
        try:
            self.write(_nothing).result(within_s)
        except (TimeoutError, RuntimeError):
            log.error("the journal's last rows were lost: the database does not answer")
            return False
        return True

    def _ensure_thread(self) -> None:
        with self._starting:
            if self._thread is None:
                atexit.register(self.flush)  # the thread itself does not hold up the end of the process
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._write_forever, name="journal", daemon=True)
                self._thread.start()

    def _write_forever(self) -> None:
        while True:
            batch = [self._rows.get()]
            while len(batch) < BATCH_LIMIT and not self._rows.empty():
                batch.append(self._rows.get_nowait())
            try:
                self._write_batch(batch)
                if self._rows.empty():
                    connections.close_all()
            except Exception as error:  # nothing may end this thread
                log.exception("a batch of the journal failed")
                _answer(batch, [error] * len(batch))

    def _write_batch(self, batch: list[_Row]) -> None:
        """All rows in one transaction; a row that fails for its own reason does not harm the others."""
        until_s = time.monotonic() + self._retry_for_s
        while True:
            try:
                with transaction.atomic():
                    outcomes = [_write_one(row) for row in batch]
                JOURNAL_BATCH.observe(len(batch))
                break
            except (OperationalError, InterfaceError) as error:
                connections.close_all()
                if time.monotonic() > until_s:
                    log.error("%d rows were lost: the database was away for %d s", len(batch), self._retry_for_s)
                    count("journal_rows_dropped", len(batch))
                    outcomes = [error] * len(batch)
                    break
                time.sleep(self._retry_pause_s)
        _answer(batch, outcomes)


def _write_one(row: _Row) -> Any:
    """The row's result, or the exception that is its own fault; raises only what is the database's fault."""
    try:
        with transaction.atomic():
            return row.write()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("a row of the journal was refused")
        return error


def _answer(batch: list[_Row], outcomes: list[Any]) -> None:
    for row, outcome in zip(batch, outcomes, strict=True):
        with suppress(InvalidStateError):  # it was answered before something else in the batch failed
            if isinstance(outcome, Exception):
                row.answer.set_exception(outcome)
            else:
                row.answer.set_result(outcome)


def _nothing() -> None:
    """A row that is written when all before it are."""


journal = Journal()
