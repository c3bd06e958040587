"""A process beats from a thread of its own, as long as its event loop turns."""

import asyncio
import time
from collections.abc import Callable

import pytest

from calls.models import Call, Process, StreamSession
from calls.operations.pulse import Pulse
from calls.services.upkeep.processes import all_beats
from tests.journeys.stack import wait_for

pytestmark = pytest.mark.django_db(transaction=True)


def stand_still(seconds: float) -> None:
    time.sleep(seconds)


def lived(pulse: Pulse, meanwhile: Callable[[], object]) -> None:
    """Runs a pulse, and beside it `meanwhile` in a thread, until that is through."""

    async def live() -> None:
        running = asyncio.create_task(pulse.run())
        try:
            await asyncio.to_thread(meanwhile)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())


def test_a_process_counts_on_while_it_runs_and_leaves_no_row_when_it_ends() -> None:
    lived(Pulse("one", beat_s=0.01), lambda: wait_for(lambda: all_beats().get("one", 0) >= 3, 5))
    assert all_beats() == {}


def test_a_process_that_ends_gives_up_what_it_still_held() -> None:
    call = Call.objects.create(direction="inbound", state="connected")
    stream = StreamSession.objects.create(call=call, owner="one", channel_type="unmixed")
    lived(Pulse("one", beat_s=0.01), lambda: wait_for(lambda: "one" in all_beats(), 5))
    stream.refresh_from_db()
    assert stream.state == "lost"


def test_one_process_gives_up_another_that_counts_no_more() -> None:
    Process.objects.create(name="two", host="elsewhere", pid=1, beats=7)
    lived(Pulse("one", beat_s=0.01, silent_s=0.1), lambda: wait_for(lambda: "two" not in all_beats(), 5))


def test_a_process_whose_event_loop_stands_still_gives_no_sign_of_life(caplog: pytest.LogCaptureFixture) -> None:
    pulse = Pulse("one", beat_s=0.01, hung_s=0.2)
    counted: list[int] = []

    async def live() -> None:
        running = asyncio.create_task(pulse.run())
        await asyncio.to_thread(wait_for, lambda: all_beats().get("one", 0) >= 3, 5)
        stand_still(0.1)
        assert "stood still" not in caplog.text, "it was busy, and not hung"
        wait_for(lambda: "stood still" in caplog.text, 5)
        counted.append(await asyncio.to_thread(lambda: all_beats()["one"]))
        await asyncio.to_thread(wait_for, lambda: all_beats()["one"] > counted[0], 5)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(live())
    assert caplog.text.count("the event loop has stood still") == 1
