"""Threads for work that must not hold the event loop or a request: database hops of sockets, events taken, sweeps.

Each pool takes so much and no more: what it cannot take is refused at once, counted, and named on the operations page.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any, Final, ParamSpec, TypeVar

from django.db import connections

from calls.errors import Busy
from calls.operations import queues

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Pool:
    """So many threads, and a bounded queue before them. Work sees the log's ids of whoever asked for it."""

    def __init__(self, name: str, threads: int, bound: int, when_full: str) -> None:
        self._name = name
        self._bound = bound
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._lock = threading.Lock()
        self.waiting = self.dropped = 0
        queues.announce(queues.Queue(name, bound, when_full, lambda: self.waiting, lambda: self.dropped))

    def submit(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Raises Busy if too much waits already."""
        with self._lock:
            if self.waiting >= self._bound:
                self.dropped += 1
                raise Busy(f"{self.waiting} tasks wait in the queue {self._name!r} already. Try again in a moment.")
            self.waiting += 1
        context = copy_context()

        def run() -> R:
            with self._lock:
                self.waiting -= 1
            return context.run(lambda: _with_clean_connections(work, *args, **kwargs))

        try:
            return self._threads.submit(run)
        except RuntimeError as error:  # the interpreter ends, and its threads with it
            with self._lock:
                self.waiting -= 1
            raise Busy("This process ends. Ask again in a moment.") from error


# Answering a call waits for Azure, so a burst of calls needs threads of its own beside the doors'.
_doors: Final = Pool("door", 4, 400, "The media socket is refused with 503.")
_actions: Final = Pool("action", 16, 1_000, "Left undone; the sweep asks again within 2 s.")
_under_way: set[Future[None]] = set()
# However many dashboards come back at once, Azure's sockets do not wait behind them.
_screens: Final = Pool("screen", 2, 400, "The page is closed and comes back by itself.")


def _with_clean_connections(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return work(*args, **kwargs)
    finally:
        connections.close_all()


async def at_door(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs blocking work of a socket's opening or closing; never used per frame. Raises Busy."""
    return await asyncio.wrap_future(_doors.submit(work, *args, **kwargs))


async def for_screen(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Reads what a dashboard is to show. Raises Busy."""
    return await asyncio.wrap_future(_screens.submit(work, *args, **kwargs))


def watched(work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    """A task of the event loop whose failure is logged when it happens, whether or not somebody waits for it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_failure)
    return task


def _tell_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the task %s failed", task.get_name(), exc_info=error)


def act(work: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Future[None]:
    """Starts work that somebody else does not wait for; its failure is logged. Too much work is left to the sweep."""
    try:
        started = _actions.submit(_run, work, *args, **kwargs)
    except Busy as error:
        if _actions.dropped == 1 or _actions.dropped % 100 == 0:
            log.error("%s is left to the sweep: too much is under way", _name_of(work))
        refused: Future[None] = Future()
        refused.set_exception(error)
        return refused
    _under_way.add(started)
    started.add_done_callback(_under_way.discard)
    return started


def under_way() -> int:
    """How much of what `act` has started is not over."""
    return len(_under_way)


def drain(timeout_s: float) -> bool:
    """Waits until all that `act` has started is over; False if some of it is not over by then."""
    return not wait(list(_under_way), timeout=timeout_s).not_done


def _run(work: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        work(*args, **kwargs)
    except Exception:
        log.exception("%s failed in the background", _name_of(work))


def _name_of(work: Callable[..., Any]) -> str:
    return str(getattr(work, "__name__", work))
