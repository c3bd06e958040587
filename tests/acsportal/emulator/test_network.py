import asyncio
import logging
import time
from typing import Any

import jwt
import pytest

from acsportal.emulator.faults import Faults, read_fault
from acsportal.emulator.identity import Identity
from acsportal.emulator.network import OTHER_RESOURCE, Network, Tasks, Timing


def claims_of(name: str, **options: Any) -> dict[str, Any] | None:
    """What the next token of a callback says under a fault; None if there is none."""
    faults = Faults()
    faults.arm(read_fault({"fault": name, **options}))
    network = Network(http=None, identity=Identity(), faults=faults, timing=Timing(), seed=1)  # type: ignore[arg-type]
    headers = network.authorization("call-1", "callback", 300, "Microsoft.Communication.CallConnected")
    if not headers:
        return None
    token = headers["Authorization"].removeprefix("Bearer ")
    found: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return found


def test_the_header_is_missing_or_the_token_expired_or_anothers_as_armed() -> None:
    assert claims_of("no_token") is None
    assert (claims_of("expired_token") or {})["exp"] < time.time() - 3000
    assert (claims_of("wrong_audience") or {})["aud"] == OTHER_RESOURCE


def test_a_fault_of_the_other_door_or_of_another_event_leaves_the_token_good() -> None:
    for options in ({"where": "socket"}, {"type": "CallDisconnected"}):
        claims = claims_of("expired_token", **options) or {}
        assert claims["exp"] > time.time()


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
