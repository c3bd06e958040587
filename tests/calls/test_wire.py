import asyncio
import threading
from typing import Any

import pytest
from channels.layers import get_channel_layer

from calls import wire as wire_room
from calls.wire import QUEUE_LIMIT, Wire
from tests.calls.ear import Ear


class Flaky:
    """A channel layer that can be taken away."""

    away = False
    sent: list[tuple[str, dict[str, Any]]] = []

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if Flaky.away:
            raise RuntimeError("the layer is away")
        Flaky.sent.append((group, message))


@pytest.fixture
def flaky(settings: Any) -> type[Flaky]:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.Flaky"}}
    Flaky.away, Flaky.sent = False, []
    return Flaky


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def running(wire: Wire, talk: Any) -> None:
    async def run() -> None:
        task = asyncio.create_task(wire.run())
        await asyncio.sleep(0)
        try:
            await talk()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())


def test_a_process_without_sockets_sends_at_once() -> None:
    ear = Ear("group")
    Wire().send("group", {"type": "x"})
    assert ear.messages() == [{"type": "x"}]


def test_messages_of_many_threads_all_arrive_in_each_threads_order(flaky: type[Flaky]) -> None:
    wire = Wire()

    async def talk() -> None:
        def say(who: int) -> None:
            for number in range(50):
                wire.send("group", {"type": "x", "who": who, "number": number})

        threads = [threading.Thread(target=say, args=(who,)) for who in range(4)]
        for thread in threads:
            thread.start()
        await until(lambda: len(flaky.sent) == 200)
        for thread in threads:
            thread.join()

    running(wire, talk)
    for who in range(4):
        assert [each["number"] for _, each in flaky.sent if each["who"] == who] == list(range(50))
    assert wire.dropped == 0


def test_an_outage_costs_one_line_and_heals(flaky: type[Flaky], caplog: pytest.LogCaptureFixture) -> None:
    wire = Wire()
    healed = []
    wire.on_return = lambda: healed.append(True)

    async def talk() -> None:
        for _ in range(2):
            flaky.away = True
            for _ in range(10):
                wire.send("group", {"type": "lost"})
            await until(lambda: not wire._waiting)
            flaky.away = False
            wire.send("group", {"type": "heard"})
            await until(lambda: wire.dropped and flaky.sent and not wire._waiting)
            await asyncio.sleep(0.01)

    running(wire, talk)
    assert [each["type"] for _, each in flaky.sent] == ["heard", "heard"]
    assert [each.message for each in caplog.records] == [
        "channel layer does not answer (RuntimeError): live views wait for it",
        "channel layer answers again, 10 messages were dropped",
        "channel layer does not answer (RuntimeError): live views wait for it",
        "channel layer answers again, 20 messages were dropped",
    ]
    assert healed == [True, True]


def test_the_queue_is_bounded_and_drops_the_oldest(flaky: type[Flaky]) -> None:
    wire = Wire()

    async def talk() -> None:
        for number in range(QUEUE_LIMIT + 7):
            wire.send("group", {"type": "x", "number": number})
        await until(lambda: len(flaky.sent) == QUEUE_LIMIT)

    running(wire, talk)
    assert wire.dropped == 7
    assert flaky.sent[0][1]["number"] == 7


def test_what_is_sent_while_no_loop_runs_waits_for_none(flaky: type[Flaky]) -> None:
    wire = Wire()

    async def talk() -> None:
        wire.send("group", {"type": "first"})
        await until(lambda: flaky.sent)

    running(wire, talk)
    wire.send("group", {"type": "after the loop"})
    assert [each["type"] for _, each in flaky.sent] == ["first", "after the loop"]


def test_sending_inside_an_event_loop_that_runs_no_wire_raises_nothing(flaky: type[Flaky]) -> None:
    async def talk() -> None:
        Wire().send("group", {"type": "x"})
        await until(lambda: flaky.sent)

    asyncio.run(talk())


def test_sending_never_raises_while_the_layer_is_away(flaky: type[Flaky]) -> None:
    flaky.away = True
    wire = Wire()
    wire.send("group", {"type": "x"})
    assert wire.dropped == 1


def test_each_process_has_one_wire() -> None:
    assert isinstance(wire_room.wire, Wire)
    assert get_channel_layer() is not None
