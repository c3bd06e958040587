import asyncio
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer
from django.db import transaction

from calls import live
from calls.counters import counts
from calls.live import EVENTS_LIMIT, GROUP, HISTORY_LENGTH, Hub, announce, hub, resync
from calls.models import Call
from calls.visibility import EVERYTHING, NOTHING
from tests.calls.ear import Ear

CALL, OTHER = str(uuid4()), str(uuid4())


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def here(clock: Clock) -> Hub:
    return Hub(clock)


def level(rms_dbfs: float = -20.0) -> live.Level:
    return {"rms_dbfs": rms_dbfs, "peak_dbfs": -10.0, "dc": 0.0, "speaking": True, "clipping": False}


def bundle(process: str, health: Any = None, **calls: dict[str, live.Level]) -> dict[str, Any]:
    """What one process says; keywords are calls by letter."""
    names = {"c": CALL, "o": OTHER}
    said: dict[str, live.CallLive] = {
        names[letter]: {"levels": levels, "health": health, "playing": None} for letter, levels in calls.items()
    }
    return dict(live.bundle(process, said))


def event(kind: str, call: str = CALL, seq: int = 1) -> dict[str, Any]:
    return {"type": "live.event", "event": {"kind": kind, "call": call, "seq": seq}}


def rms(here: Hub, raw_id: str = "a") -> float | None:
    found = here.call(CALL, EVERYTHING)
    return found["levels"][raw_id]["rms_dbfs"] if found else None


def test_the_newest_word_on_a_call_counts(here: Hub, clock: Clock) -> None:
    for value in (-20.0, -30.0):
        here.take(bundle("p1", c={"a": level(value)}))
    assert rms(here) == -30.0
    clock.now += 0.1
    here.take(bundle("p2", c={"a": level(-5.0)}, o={"b": level()}))
    assert rms(here) == -5.0, "the call has come to another process"
    assert set(here.calls(EVERYTHING)) == {CALL, OTHER}


def test_the_word_of_a_dead_process_is_forgotten_after_a_second(here: Hub, clock: Clock) -> None:
    here.take(bundle("p1", c={"a": level()}))
    clock.now += 0.9
    here.take(bundle("p2", o={"b": level()}))
    here.tick()
    assert set(here.calls(EVERYTHING)) == {CALL, OTHER}
    clock.now += 0.2
    here.tick()
    assert set(here.calls(EVERYTHING)) == {OTHER}
    assert here.call(CALL, EVERYTHING) is None


def test_the_wall_hears_of_calls_and_a_page_of_its_own_call(here: Hub) -> None:
    wall, page, other = here.join(None, EVERYTHING), here.join(CALL, EVERYTHING), here.join(OTHER, EVERYTHING)
    assert here.dashboards == 3
    for kind in ("call_state", "event", "dtmf"):
        here.take(event(kind))
    assert [each["kind"] for each in wall.events] == ["call_state"]
    assert [each["kind"] for each in page.events] == ["call_state", "event", "dtmf"]
    assert not other.events
    assert not other.wake.is_set()
    here.leave(page)
    here.take(event("call_state", seq=2))
    assert (len(page.events), len(wall.events)) == (3, 2)


def test_who_sees_no_calls_is_told_of_none(here: Hub) -> None:
    pages = [here.join(call, NOTHING) for call in (None, CALL)]
    here.take(bundle("p1", c={"a": level()}))
    here.take(event("call_state"))
    here.tick()
    assert not any(page.events for page in pages)
    assert (here.calls(NOTHING), here.call(CALL, NOTHING)) == ({}, None)
    assert (here.history(CALL, NOTHING), here.health_marks(CALL, NOTHING)) == ({}, [])


def test_levels_wait_in_one_slot_and_are_never_queued(here: Hub, clock: Clock) -> None:
    page = here.join(CALL, EVERYTHING)
    for value in range(50):
        here.take(bundle("p1", c={"a": level(-float(value))}))
        here.tick()
        clock.now += 0.1
    assert (page.levels_due, len(page.events), rms(here)) == (True, 0, -49.0)


def test_a_page_is_told_once_that_there_are_no_levels_any_more(here: Hub, clock: Clock) -> None:
    page = here.join(CALL, EVERYTHING)
    here.tick()
    assert not page.levels_due, "a quiet portal sends nothing"
    here.take(bundle("p1", c={"a": level()}))
    here.tick()
    clock.now += 1.1
    page.levels_due = False
    here.tick()
    assert (page.levels_due, here.calls(EVERYTHING)) == (True, {})
    page.levels_due = False
    here.tick()
    assert not page.levels_due


def test_a_page_that_does_not_read_gets_a_snapshot_instead_of_a_thousand_events(here: Hub) -> None:
    page = here.join(CALL, EVERYTHING)
    before = counts().get("dashboard_restarts", 0)
    for seq in range(EVENTS_LIMIT):
        here.take(event("event", seq=seq))
    assert (len(page.events), page.overflowed) == (EVENTS_LIMIT, False)
    here.take(event("event", seq=EVENTS_LIMIT))
    assert ([each["seq"] for each in page.events], page.overflowed) == ([EVENTS_LIMIT], True)
    assert counts()["dashboard_restarts"] == before + 1


def test_all_pages_start_over_when_the_layer_was_away(here: Hub) -> None:
    wall, page = here.join(None, EVERYTHING), here.join(CALL, EVERYTHING)
    here.take(event("call_state"))
    ear = Ear()
    resync()
    for message in ear.messages():
        here.take(message)
    for each in (wall, page):
        assert (len(each.events), each.overflowed, each.wake.is_set()) == (0, True, True)


def test_the_history_holds_a_minute_of_whole_decibels(here: Hub, clock: Clock) -> None:
    for number in range(HISTORY_LENGTH + 5):
        here.take(bundle("p1", c={"a": level(-0.4 - number % 50)}))
        here.tick()
        clock.now += 0.1
    track = here.history(CALL, EVERYTHING)["a"]
    assert len(track) == HISTORY_LENGTH == 600
    assert track[-3:] == [-2, -3, -4]


def test_the_history_keeps_its_gaps_and_who_comes_later(here: Hub, clock: Clock) -> None:
    for who in (["a"], ["a"], [], ["a", "b"]):
        here.take(bundle("p1", c={raw_id: level() for raw_id in who}))
        here.tick()
        clock.now += 0.1
    assert here.history(CALL, EVERYTHING) == {"a": [-20, -20, None, -20], "b": [None, None, None, -20]}
    assert here.history(OTHER, EVERYTHING) == {}


def test_the_history_of_a_call_is_forgotten_a_minute_after_its_last_level(here: Hub, clock: Clock) -> None:
    here.take(bundle("p1", c={"a": level()}))
    here.tick()
    clock.now += 2
    for _ in range(HISTORY_LENGTH - 1):
        here.tick()
    assert here.history(CALL, EVERYTHING)["a"][0] == -20
    here.tick()
    assert here.history(CALL, EVERYTHING) == {}


def test_the_history_of_a_thousand_ticks_stays_bounded(here: Hub, clock: Clock) -> None:
    for _ in range(1_000):
        here.take(bundle("p1", c={"a": level()}))
        here.tick()
    for number in range(700):
        here.take(bundle("p1", c={"a": level(), f"late {number}": level()} if number == 650 else {"a": level()}))
        here.tick()
    assert {len(track) for track in here.history(CALL, EVERYTHING).values()} == {HISTORY_LENGTH}


@pytest.mark.django_db(transaction=True)
def test_what_happens_to_a_call_is_told_after_the_commit_and_numbered() -> None:
    call = Call.objects.create(direction="inbound")
    ear = Ear()
    with transaction.atomic():
        announce(call.pk, "dtmf", tone="1", raw_id="a")
        announce(call.pk, "dtmf", tone="2", raw_id="a")
        assert ear.messages() == []
    assert [(each["seq"], each["tone"]) for each in ear.events()] == [(1, "1"), (2, "2")]
    call.refresh_from_db()
    assert call.live_seq == 2


async def until(true: Any) -> None:
    async with asyncio.timeout(5):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_a_running_hub_hears_the_layer_and_ticks() -> None:
    async def run() -> None:
        here = Hub()
        page = here.join(CALL, EVERYTHING)
        running = asyncio.create_task(here.run())
        layer = get_channel_layer()
        await until(lambda: layer.groups.get(GROUP))
        await layer.group_send(GROUP, event("event", seq=7))
        await layer.group_send(GROUP, bundle("p1", c={"a": level()}))
        await until(lambda: page.events and page.levels_due)
        assert page.events[0]["seq"] == 7
        await until(lambda: here.history(CALL, EVERYTHING))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not layer.groups.get(GROUP)

    asyncio.run(run())


def test_a_word_of_another_version_ends_no_live_view(caplog: pytest.LogCaptureFixture) -> None:
    strange = bundle("p1", {"lag": 1}, c={"a": level()})

    async def run() -> None:
        here = Hub()
        page = here.join(CALL, EVERYTHING)
        running = asyncio.create_task(here.run())
        layer = get_channel_layer()
        await until(lambda: layer.groups.get(GROUP))
        await layer.group_send(GROUP, strange)
        await until(lambda: page.levels_due and caplog.records)
        page.levels_due = False
        await layer.group_send(GROUP, bundle("p1", c={"a": level()}))
        await until(lambda: page.levels_due and here.history(CALL, EVERYTHING))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert {each.message for each in caplog.records} == {"a tick of the hub failed (1 so far)"}


class BrokenLayer:
    """A channel layer that is away at first, as redis-py says it: with an error that is no OSError."""

    class AwayError(Exception):
        pass

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.mailbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def new_channel(self, prefix: str) -> str:
        return f"{prefix}!1"

    async def group_add(self, group: str, channel: str) -> None:
        if self.left:
            self.left -= 1
            raise self.AwayError("10.0.0.1 refused")

    async def group_discard(self, group: str, channel: str) -> None:
        raise self.AwayError

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        await self.mailbox.put(message)

    async def receive(self, channel: str) -> dict[str, Any]:
        return await self.mailbox.get()


def test_a_hub_joins_again_with_one_line_and_all_pages_start_over(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": f"{__name__}.BrokenLayer", "CONFIG": {"failures": 2}}}

    async def run() -> None:
        here = Hub()
        page = here.join(CALL, EVERYTHING)
        running = asyncio.create_task(here.run())
        await until(lambda: page.overflowed)
        await get_channel_layer().group_send(GROUP, event("event"))
        await until(lambda: page.events)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(run())
    assert [each.message for each in caplog.records] == ["hub lost the channel layer (AwayError), joins again"]


def test_each_process_has_one_hub() -> None:
    assert isinstance(hub, Hub)


def test_a_word_to_itself_that_does_not_come_back_makes_the_hub_read_all_again(here: Hub) -> None:
    page = here.join(None, EVERYTHING)
    read_again: list[str] = []
    here.on_loss.add(lambda: read_again.append("orders"))
    name = here._name
    for number in (1, 2, 3):
        here.take({"type": "live.echo", "hub": name, "number": number, "dropped": 0})
    here.take({"type": "live.echo", "hub": "another", "number": 99, "dropped": 9})
    assert (page.overflowed, read_again) == (False, [])
    here.take({"type": "live.echo", "hub": name, "number": 5, "dropped": 0})
    assert (page.overflowed, read_again) == (True, ["orders"])
    here.take({"type": "live.echo", "hub": name, "number": 6, "dropped": 0})
    assert read_again == ["orders"]
    here.take({"type": "live.echo", "hub": name, "number": 7, "dropped": 3})
    assert read_again == ["orders"] * 2


def test_the_process_that_has_the_socket_speaks_for_the_call(here: Hub, clock: Clock) -> None:
    def word(process: str, rms_dbfs: float, *, has_socket: bool) -> dict[str, Any]:
        return bundle(process, {"frames_received": 1} if has_socket else None, c={"a": level(rms_dbfs)})

    here.take(word("new", -5.0, has_socket=True))
    clock.now += 0.1
    here.take(word("old", -50.0, has_socket=False))
    assert rms(here) == -5.0
    clock.now += 0.1
    here.take(word("new", -6.0, has_socket=False))
    assert rms(here) == -6.0


def test_the_health_of_a_call_is_remembered_second_by_second_and_forgotten_with_its_levels(
    here: Hub, clock: Clock
) -> None:
    for lag_ms in (3, 250):
        said = bundle("p1", {"lag_ms": lag_ms, "lost_ms": 0, "frame_age_ms": 0}, c={"a": level()})
        for _ in range(10):
            here.take(said)
            here.tick()
    assert here.health_marks(CALL, EVERYTHING) == ["well", "wait"]
    assert here.health_marks(OTHER, EVERYTHING) == []
    clock.now += 2
    for _ in range(HISTORY_LENGTH):
        here.tick()
    assert here.health_marks(CALL, EVERYTHING) == []


def test_words_that_come_by_another_socket_than_the_sound_are_one_call(here: Hub) -> None:
    """Azure's own transcription may have its socket in another process than the call's media."""
    line: live.Line = {"raw_id": "a", "text": "Good morning.", "final": True}
    health: live.Health = dict.fromkeys(live.Health.__annotations__, 0)  # type: ignore[assignment]
    here.take(bundle("media", health=health, c={"a": level(-20.0)}))
    words: live.CallLive = {"levels": {}, "health": None, "playing": None, "line": line}
    here.take(dict(live.bundle("words", {CALL: words})))
    said = here.call(CALL, EVERYTHING)
    assert said is not None
    assert said["levels"]["a"]["rms_dbfs"] == -20.0
    assert said["health"] == health
    assert said.get("line") == line
