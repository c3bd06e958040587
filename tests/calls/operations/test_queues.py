"""Every queue of a process is filled until it drops something; an operator reads so in /metrics and on the page."""

import asyncio
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from calls import live
from calls.background import act, at_door, for_screen
from calls.commands import PlaySound
from calls.errors import Busy
from calls.live import EVENTS_LIMIT, hub
from calls.models import Process
from calls.operations.figures import read_process
from calls.operations.heartbeat import tell
from calls.operations.process import HOST, PROCESS_ID, STARTED_AT
from calls.operations.queues import all_queues
from calls.services.upkeep.processes import beat
from calls.visibility import EVERYTHING
from calls.wire import QUEUE_LIMIT as WIRE_LIMIT
from calls.wire import wire
from streaming.figures import Pace, totals
from streaming.journal import QUEUE_LIMIT as JOURNAL_LIMIT
from streaming.journal import journal
from streaming.player import ORDERS_LIMIT
from streaming.screens import admission
from streaming.session import MediaSession
from streaming.switchboard import switchboard
from tests.calls.scene import live_call, root

pytestmark = [pytest.mark.django_db(transaction=True)]


def dropped(queue: str) -> float:
    """What /metrics says just now."""
    read_process(totals.reading())
    text = Client().get("/metrics").content.decode()
    found = re.search(rf'^acsportal_queue_dropped_total{{queue="{re.escape(queue)}"}} (\S+)$', text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def shown(queue: str) -> str:
    """The queue's row on the page, after this process has spoken of itself."""
    beat(PROCESS_ID, HOST, 1, STARTED_AT)
    tell(Pace().facts(totals.reading()))
    page = root().get("/health/").content.decode()
    row = re.search(rf"<strong>{queue}</strong>(.*?)</tr>", page, re.DOTALL | re.IGNORECASE)
    assert row, f"{queue} is not on the page"
    return row.group(1)


class Held:
    """Blocks a pool's threads until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def __call__(self) -> None:
        assert self.go.wait(30)


@pytest.fixture
def held() -> Iterator[Held]:
    found = Held()
    yield found
    found.go.set()


async def fill_pool(ask: Callable[..., Any], held: Held, most: int) -> list[BaseException | None]:
    """Asks a pool more than it takes; what came of each, once the pool is let go."""
    waiting = [asyncio.ensure_future(ask(held)) for _ in range(most)]
    await asyncio.sleep(0)
    held.go.set()
    return [
        each if isinstance(each, BaseException) else None
        for each in await asyncio.gather(*waiting, return_exceptions=True)
    ]


@pytest.mark.parametrize(
    ("queue", "ask", "threads", "bound"), [("door", at_door, 4, 400), ("screen", for_screen, 2, 400)]
)
def test_a_pool_refuses_what_it_cannot_take(
    queue: str, ask: Callable[..., Any], threads: int, bound: int, held: Held
) -> None:
    before = dropped(queue)
    outcomes = asyncio.run(fill_pool(ask, held, threads + bound + 25))
    refused = [each for each in outcomes if each]
    assert all(isinstance(each, Busy) for each in refused)
    assert 25 <= len(refused) <= 25 + threads  # threads take their first work in their own time
    assert dropped(queue) == before + len(refused)
    assert f"{int(dropped(queue))}</span>" in shown(queue)


def test_what_is_left_undone_is_left_to_the_sweep(held: Held) -> None:
    before = dropped("action")
    futures = [act(held) for _ in range(1_000 + 16 + 30)]
    held.go.set()
    refused = [each for each in futures if isinstance(each.exception(30), Busy)]
    assert 30 <= len(refused) <= 46
    assert dropped("action") == before + len(refused)
    assert "sweep" in shown("action")


def test_who_may_still_see_is_looked_at_later_when_too_much_waits(held: Held) -> None:
    before = dropped("rights")
    refused = 0
    for _ in range(8):
        try:
            admission._rights.submit(held)
        except Busy:
            refused += 1
    held.go.set()
    assert refused in {5, 6}  # one is looked at, two wait
    assert dropped("rights") == before + refused
    assert "stay open" in shown("rights")


def test_the_wire_drops_its_oldest_message_while_the_layer_hangs(settings: Any) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.Hanging"}}
    before, call = dropped("wire"), live_call()

    async def flood() -> None:
        task = asyncio.create_task(wire.run())
        await asyncio.sleep(0)
        for number in range(WIRE_LIMIT + 41):
            wire.send(
                live.GROUP, {"type": "live.event", "event": {"kind": "dtmf", "call": str(call.pk), "seq": number}}
            )
            if number == 0:
                await asyncio.sleep(0.01)  # the first one is on its way
        assert wire.waiting == WIRE_LIMIT
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(flood())
    assert dropped("wire") == before + 40
    assert "snapshot" in shown("wire")
    wire._waiting.clear()


class Hanging:
    """A channel layer that takes nothing."""

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.Event().wait()


def test_a_page_that_does_not_read_starts_over(settings: Any) -> None:
    before, call = dropped("dashboard"), str(live_call().pk)
    page = hub.join(call, EVERYTHING)
    try:
        for number in range(EVENTS_LIMIT + 1):
            hub.take({"type": "live.event", "event": {"kind": "event", "call": call, "seq": number}})
        assert dropped("dashboard") == before + 1
        assert "snapshot" in shown("dashboard")
    finally:
        hub.leave(page)


def test_a_full_journal_says_so(held: Held) -> None:
    before = dropped("journal")
    rows = [journal.write(held) for _ in range(JOURNAL_LIMIT + 100)]
    full = [each for each in rows if each.done() and each.exception(0)]
    assert len(full) >= 49  # the writer has taken a batch of at most 50
    assert dropped("journal") == before + len(full)
    held.go.set()
    assert [each.result(30) for each in rows if each not in full] == [None] * (len(rows) - len(full))
    assert "ERROR" in shown("journal")


def test_a_call_takes_a_hundred_sounds_and_no_more() -> None:
    before, call = dropped("sounds of a call"), live_call()
    longest: list[int] = []

    async def order() -> None:
        line = switchboard.connect(str(call.pk), 16_000, MediaSession(16_000, 0.0), _nowhere)
        for _ in range(ORDERS_LIMIT + 3):
            line.player.play(PlaySound(injection=str(uuid4()), kind="tone", label="", tone_hz=440, tone_ms=1_000))
        longest.append(next(each.waiting() for each in all_queues() if each.name == "sounds of a call"))
        switchboard.close()

    asyncio.run(order())
    assert journal.flush(30)
    assert longest == [ORDERS_LIMIT]
    assert dropped("sounds of a call") == before + 3
    assert "refused" in shown("sounds of a call")


async def _nowhere(text: str) -> None:
    raise OSError("closed")


def test_every_queue_has_a_bound_a_policy_and_a_test_that_fills_it() -> None:
    names = {each.name for each in all_queues()}
    kept = {
        "recording",
        "recordings",
        "sound to be recognised, ms",
    }  # filled in tests/streaming/{recording,transcripts}
    assert names == {"door", "screen", "action", "rights", "wire", "dashboard", "journal", "sounds of a call", *kept}
    for each in all_queues():
        assert each.bound > 0
        assert each.when_full.endswith("."), each.name


def test_no_process_that_ended_is_shown(db: None) -> None:
    beat(PROCESS_ID, HOST, 1, STARTED_AT)
    Process.objects.filter(pk=PROCESS_ID).delete()
    assert PROCESS_ID not in root().get("/health/").content.decode()
