"""What pages are told, and that many pages cost hardly more than one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth import get_user_model

from calls import live
from calls.live import hub
from calls.models import Call
from calls.visibility import EVERYTHING, NOTHING
from streaming.screens.pages import CallPage, GoneError, Snapshot, WallPage, _Readings, event_text
from tests.calls.scene import live_call

CALLS = [str(uuid4()) for _ in range(3)]
RAW_ID = "4:+14255550123"


@pytest.fixture
def viewer() -> Any:
    return get_user_model()(username="eve", is_superuser=True)


@pytest.fixture(autouse=True)
def said() -> Iterator[None]:
    """One process says levels of three calls; the first one plays something."""
    calls: dict[str, live.CallLive] = {
        call_id: {
            "levels": {
                RAW_ID: {"rms_dbfs": -23.4, "peak_dbfs": -12.1, "dc": 0.0003, "speaking": True, "clipping": False}
            },
            "health": {
                "frames_received": 50,
                "frames_sent": 0,
                "lag_ms": number,
                "frame_age_ms": 0,
                "lost_ms": 0,
                "gaps": 0,
                "malformed": 0,
            },
            "playing": None,
        }
        for number, call_id in enumerate(CALLS)
    }
    calls[CALLS[0]]["playing"] = {
        "id": "i",
        "kind": "text",
        "label": "Grüezi",
        "played_ms": 20,
        "left_ms": None,
        "queued": 0,
    }
    hub.take(dict(live.bundle("p1", calls)))
    hub.tick()
    yield
    hub.take(dict(live.bundle("p1", {})))
    hub.tick()


def tick_until_health() -> None:
    while hub.ticks % 10:
        hub.tick()


def test_a_wall_is_told_the_levels_of_all_calls(viewer: Any) -> None:
    told = json.loads(WallPage(viewer, EVERYTHING).levels())
    assert told["kind"] == "levels"
    assert set(told["calls"]) == set(CALLS)
    assert told["calls"][CALLS[1]] == hub.calls(EVERYTHING)[CALLS[1]]["levels"]
    assert told["playing"] == {CALLS[0]: hub.calls(EVERYTHING)[CALLS[0]]["playing"]}


def test_a_wall_of_who_sees_no_calls_is_told_of_none(viewer: Any) -> None:
    told = json.loads(WallPage(viewer, NOTHING).levels())
    assert (told["calls"], told["playing"]) == ({}, {})


def test_the_lag_is_told_once_a_second(viewer: Any) -> None:
    wall = WallPage(viewer, EVERYTHING)
    tick_until_health()
    assert json.loads(wall.levels())["health"] == {call_id: {"lag_ms": number} for number, call_id in enumerate(CALLS)}
    hub.tick()
    assert "health" not in json.loads(wall.levels())


def test_walls_of_equal_sight_share_one_text_each_tick(viewer: Any) -> None:
    walls = [WallPage(viewer, EVERYTHING) for _ in range(100)]
    first = walls[0].levels()
    assert all(wall.levels() is first for wall in walls)
    hub.tick()
    second = walls[0].levels()
    assert second is not first
    assert all(wall.levels() is second for wall in walls)


def test_walls_that_show_the_same_calls_share_one_text(viewer: Any) -> None:
    shown = [CALLS[2], CALLS[1], "nonsense"]
    one, two, whole = (WallPage(viewer, EVERYTHING) for _ in range(3))
    one.show(shown)
    two.show(reversed(shown))
    assert one.levels() is two.levels()
    assert set(json.loads(one.levels())["calls"]) == set(CALLS[1:])
    assert set(json.loads(whole.levels())["calls"]) == set(CALLS)
    one.show(None)
    assert one.levels() is whole.levels()


def test_a_page_of_a_call_is_told_its_levels_and_health(viewer: Any) -> None:
    pages = [CallPage(viewer, EVERYTHING, UUID(CALLS[2])) for _ in range(2)]
    assert pages[0].levels() is pages[1].levels()
    told = json.loads(pages[0].levels())
    assert told["levels"] == hub.calls(EVERYTHING)[CALLS[2]]["levels"]
    assert (told["health"]["lag_ms"], told["playing"]) == (2, None)


def test_an_event_is_made_into_json_once_for_all_pages() -> None:
    event: live.LiveEvent = {"kind": "dtmf", "call": CALLS[0], "seq": 7, "tone": "5"}
    assert event_text(event) is event_text({**event})
    assert json.loads(event_text(event)) == event
    assert event_text({**event, "seq": 8}) is not event_text(event)


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_of_a_call_that_is_not_seen_says_that_it_is_gone(viewer: Any) -> None:
    call = live_call()
    told = json.loads(asyncio.run(CallPage(viewer, EVERYTHING, call.pk).snapshot()).text)
    assert (told["kind"], told["call"], told["row"]["id"]) == ("snapshot", str(call.pk), str(call.pk))
    Call.objects.all().delete()
    with pytest.raises(GoneError):
        asyncio.run(CallPage(viewer, EVERYTHING, call.pk).snapshot())


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_of_the_wall_knows_each_calls_number(viewer: Any) -> None:
    call = live_call()
    snapshot = asyncio.run(WallPage(viewer, EVERYTHING).snapshot())
    told = json.loads(snapshot.text)
    assert {"kind", "at", "calls", "ended", "levels", "health", "playing"} == set(told)
    assert snapshot.known == {str(call.pk): told["calls"][0]["seq"]}


def test_who_asks_during_a_reading_shares_one_that_begins_afterwards() -> None:
    async def ask() -> list[str]:
        readings, under_way, go_on = _Readings(), asyncio.Event(), asyncio.Event()
        begun: list[str] = []

        async def read() -> Snapshot:
            number = str(len(begun))
            begun.append(number)
            under_way.set()
            await go_on.wait()
            return Snapshot(number, {})

        first = asyncio.create_task(readings.get("wall", read))
        await under_way.wait()
        others = [asyncio.create_task(readings.get("wall", read)) for _ in range(1_000)]
        await asyncio.sleep(0)
        others[0].cancel()
        go_on.set()
        answers = await asyncio.gather(first, *others[1:])
        assert begun == ["0", "1"]
        assert (await readings.get("wall", read)).text == "2"
        return [answer.text for answer in answers]

    assert asyncio.run(ask()) == ["0"] + ["1"] * 999


def test_a_reading_that_fails_fails_for_all_who_asked_and_the_next_one_works() -> None:
    async def ask() -> str:
        readings = _Readings()

        async def fail() -> Snapshot:
            raise GoneError

        asked = await asyncio.gather(*(readings.get("c", fail) for _ in range(3)), return_exceptions=True)
        assert [type(answer) for answer in asked] == [GoneError] * 3

        async def read() -> Snapshot:
            return Snapshot("well", {})

        return (await readings.get("c", read)).text

    assert asyncio.run(ask()) == "well"
