"""A sensitive moment in the process that has a call's sound: whoever keeps or forwards it is held, and let go."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any
from uuid import uuid4

import pytest

from calls.commands import BeginSensitive, EndSensitive
from streaming.keeping import Keeping
from streaming.pipeline.call import CallPipeline

LEAD_MS = 200


class Listener:
    """Forwards a call's sound, as listeners and agents do."""

    def __init__(self) -> None:
        self.is_held = False
        self.released = asyncio.Event()

    def hold(self) -> None:
        self.is_held = True

    def release(self) -> None:
        self.is_held = False
        self.released.set()


async def holds_and_lets_go(keeping: Keeping) -> None:
    listener = Listener()
    keeping.keep(listener)
    keeping.take(until(60))
    keeping.take(until(60))  # said again
    assert (keeping.is_held, listener.is_held) == (True, True)
    keeping.take(EndSensitive())
    keeping.take(EndSensitive())
    assert (keeping.is_held, listener.is_held) == (False, False)


async def who_comes_while_it_lasts_gets_nothing(keeping: Keeping) -> None:
    keeping.take(until(60))
    late = Listener()
    keeping.keep(late)
    assert late.is_held
    keeping.forget(late)
    keeping.take(EndSensitive())
    assert late.is_held  # it has gone, and is told nothing more


async def ends_by_itself_without_an_order(keeping: Keeping) -> None:
    listener = Listener()
    keeping.keep(listener)
    keeping.take(until(0.05))
    assert listener.is_held
    async with asyncio.timeout(5):
        await listener.released.wait()
    assert not keeping.is_held


async def holds_nothing_once_its_time_is_over(keeping: Keeping) -> None:
    listener = Listener()
    keeping.keep(listener)
    keeping.take(until(-1))
    assert (keeping.is_held, listener.is_held) == (False, False)


def until(seconds: float) -> BeginSensitive:
    return BeginSensitive(time.time() + seconds)


@pytest.mark.parametrize(
    "case",
    [
        holds_and_lets_go,
        who_comes_while_it_lasts_gets_nothing,
        ends_by_itself_without_an_order,
        holds_nothing_once_its_time_is_over,
    ],
)
def test_a_sensitive_moment(case: Callable[[Keeping], Coroutine[Any, Any, None]]) -> None:
    async def play() -> None:
        pipeline = CallPipeline(16_000, LEAD_MS)
        keeping = Keeping(str(uuid4()), pipeline)
        try:
            await case(keeping)
        finally:
            keeping.close()
            pipeline.close()

    asyncio.run(play())
