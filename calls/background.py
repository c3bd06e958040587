"""Threads for work that must not hold the event loop or a request: database hops of sockets, events taken, sweeps."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, ParamSpec, TypeVar

from django.db import connections

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

# Answering a call waits for Azure, so a burst of calls needs threads of its own beside the doors'.
_doors = ThreadPoolExecutor(4, thread_name_prefix="door")
_actions = ThreadPoolExecutor(16, thread_name_prefix="action")
_under_way: set[Future[None]] = set()
# However many dashboards come back at once, Azure's sockets do not wait behind them.
_screens = ThreadPoolExecutor(2, thread_name_prefix="screen")


def _with_clean_connections(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    try:
        return work(*args, **kwargs)
    finally:
        connections.close_all()


async def at_door(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Runs blocking work of a socket's opening or closing; never used per frame."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_doors, lambda: _with_clean_connections(work, *args, **kwargs))


async def for_screen(work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Reads what a dashboard is to show."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_screens, lambda: _with_clean_connections(work, *args, **kwargs))


def watched(work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
    """A task of the event loop whose failure is logged when it happens, whether or not somebody waits for it."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_failure)
    return task


def _tell_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("the task %s failed", task.get_name(), exc_info=error)


def act(work: Callable[P, Any], *args: P.args, **kwargs: P.kwargs) -> Future[None]:
    """Starts work that somebody else does not wait for; its failure is logged."""
    started = _actions.submit(_run, work, *args, **kwargs)
    _under_way.add(started)
    started.add_done_callback(_under_way.discard)
    return started


def drain(timeout_s: float) -> bool:
    """Waits until all that `act` has started is over; False if some of it is not over by then."""
    return not wait(list(_under_way), timeout=timeout_s).not_done


def _run(work: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    try:
        _with_clean_connections(work, *args, **kwargs)
    except Exception:
        log.exception("%s failed in the background", getattr(work, "__name__", work))
