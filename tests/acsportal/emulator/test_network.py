import asyncio
import logging

import pytest

from acsportal.emulator.network import Tasks


def test_tasks_carry_the_name_of_their_owner() -> None:
    async def scene() -> str:
        task = Tasks("call 7").spawn("ring", asyncio.sleep(0))
        await task
        return task.get_name()

    assert asyncio.run(scene()) == "call 7 ring"


def test_a_failed_task_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise OSError("gone")

    async def scene() -> None:
        await asyncio.wait([Tasks("call 7").spawn("ring", fail())])
        await asyncio.sleep(0)

    with caplog.at_level(logging.ERROR):
        asyncio.run(scene())
    assert "call 7 ring" in caplog.text


def test_cancel_leaves_no_task_behind() -> None:
    async def scene() -> bool:
        tasks = Tasks("call 7")
        task = tasks.spawn("ring", asyncio.sleep(1000))
        await tasks.cancel()
        return task.cancelled()

    assert asyncio.run(scene())


def test_a_task_may_cancel_its_siblings_without_ending_itself() -> None:
    async def scene() -> list[str]:
        tasks, done = Tasks("call 7"), []

        async def end() -> None:
            await tasks.cancel()
            done.append("end")

        tasks.spawn("ring", asyncio.sleep(1000))
        await tasks.spawn("end", end())
        return done

    assert asyncio.run(scene()) == ["end"]
