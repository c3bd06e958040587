import asyncio
import logging
import threading
import time
from typing import Any

import pytest

from calls.background import act, at_door, drain
from calls.models import Call


def test_work_at_the_door_leaves_the_event_loop_alone() -> None:
    async def both() -> tuple[int, float]:
        go = threading.Event()

        def work(number: int, *, more: int) -> int:
            assert go.wait(5)
            return number + more

        started = time.monotonic()
        waiting = asyncio.create_task(at_door(work, 1, more=2))
        await asyncio.sleep(0.01)
        took = time.monotonic() - started
        go.set()
        return await waiting, took

    result, took = asyncio.run(both())
    assert (result, took < 2) == (3, True)


def test_a_failure_at_the_door_is_told_to_who_waits() -> None:
    def fail() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(at_door(fail))


def test_a_failure_in_the_background_is_logged_by_name(caplog: pytest.LogCaptureFixture) -> None:
    def answer_the_call() -> None:
        raise ValueError("no")

    with caplog.at_level(logging.ERROR):
        act(answer_the_call).result(5)
    assert "answer_the_call failed in the background" in caplog.text


def test_who_drains_waits_for_all_that_was_started() -> None:
    go, done = threading.Event(), []

    def work(number: int) -> None:
        assert go.wait(5)
        done.append(number)

    for number in range(40):
        act(work, number)
    assert not drain(0.01)
    go.set()
    assert drain(5)
    assert sorted(done) == list(range(40))


def test_calls_are_answered_while_others_wait_for_azure() -> None:
    """Sixteen orders may hang; the seventeenth waits for one of them."""
    together = threading.Barrier(16)
    for future in [act(together.wait, 5) for _ in range(16)]:
        future.result(5)
    assert not together.broken


def test_work_sees_what_was_committed_and_leaves_no_connection(transactional_db: None) -> None:
    Call.objects.create(direction="inbound")
    seen: list[Any] = []
    act(lambda: seen.append(Call.objects.count())).result(5)
    assert seen == [1]
