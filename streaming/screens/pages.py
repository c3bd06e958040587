"""What each kind of dashboard is told: the snapshot that it starts with, the events, and the levels of each tick.

What many pages are told at once is read from the database and made into JSON once for all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from typing import Any, Final, NamedTuple, Protocol
from uuid import UUID

import msgspec

from calls import live
from calls.background import for_screen
from calls.health import STALLED_MS
from calls.live import CallLive, Hub, LiveEvent, hub
from calls.models import Call
from calls.selectors import call_detail, just_ended_rows, live_rows
from calls.visibility import Sight, Viewer

SHOWN_LIMIT: Final = 200
HEALTH_EACH_TICKS: Final = 10


class GoneError(Exception):
    """The call that a page shows is there no more, or not for this viewer."""


class Snapshot(NamedTuple):
    text: str
    known: dict[str, int]
    """Per call the number of the last event that the snapshot knows of."""


class Page(Protocol):
    """What one page shows; `call` is None on the wall, which shows all that its viewer sees."""

    call: str | None
    sight: Sight

    async def snapshot(self) -> Snapshot:
        """May be older than this moment, but never older than the question. Raises GoneError."""

    def levels(self) -> str: ...

    def show(self, calls: Iterable[str] | None) -> None:
        """Levels of these calls only from now on: the others are not on the screen. None shows all."""


class _Texts:
    """JSON of this tick, made once however many pages are told it."""

    def __init__(self, here: Hub) -> None:
        self._hub = here
        self._tick = -1
        self._made: dict[Hashable, str] = {}

    def once(self, key: Hashable, make: Callable[[], str]) -> str:
        if self._tick != self._hub.ticks:
            self._tick = self._hub.ticks
            self._made.clear()
        text = self._made.get(key)
        if text is None:
            text = self._made[key] = make()
        return text


class _Readings:
    """Who asks for what is being read shares one reading that begins afterwards, so that it is no older than asked."""

    def __init__(self) -> None:
        self._next: dict[Hashable, asyncio.Task[Snapshot]] = {}
        self._now: dict[Hashable, asyncio.Task[Snapshot]] = {}

    async def get(self, key: Hashable, read: Callable[[], Awaitable[Snapshot]]) -> Snapshot:
        task = self._next.get(key)
        if task is None:
            task = asyncio.create_task(self._read(key, read, self._now.get(key)), name="dashboard-reading")
            self._next[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    async def _read(
        self,
        key: Hashable,
        read: Callable[[], Awaitable[Snapshot]],
        before: "asyncio.Task[Snapshot] | None",
    ) -> Snapshot:
        if before is not None:
            await asyncio.wait([before])
        self._now[key] = self._next.pop(key)
        return await read()

    def _forget(self, key: Hashable, done: "asyncio.Task[Snapshot]") -> None:
        for tasks in (self._next, self._now):
            if tasks.get(key) is done:
                del tasks[key]
        if not done.cancelled():
            done.exception()  # all who asked may have left


_texts = _Texts(hub)
_readings = _Readings()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def event_text(event: LiveEvent) -> str:
    return _texts.once(("event", event["call"], event["seq"]), lambda: _json(event))


class WallPage:
    call: str | None = None

    def __init__(self, viewer: Viewer, sight: Sight) -> None:
        self._viewer = viewer
        self.sight = sight
        self._shown: frozenset[str] | None = None

    async def snapshot(self) -> Snapshot:
        return await _readings.get(("wall", self.sight), self._read)

    async def _read(self) -> Snapshot:
        rows, known = await for_screen(_wall_rows, self._viewer)
        calls = hub.calls(self.sight)
        now = {
            "levels": {call_id: each["levels"] for call_id, each in calls.items()},
            "health": {call_id: each["health"] for call_id, each in calls.items()},
            "playing": _playing(calls),
        }
        return Snapshot(f'{{"kind":"snapshot","at":"{live.now_text()}",{rows[1:-1]},{_json(now)[1:]}', known)

    def show(self, calls: Iterable[str] | None) -> None:
        self._shown = None if calls is None else frozenset(calls)

    def levels(self) -> str:
        return _texts.once(("wall", self.sight, self._shown), self._levels)

    def _levels(self) -> str:
        if self._shown is None:
            calls = hub.calls(self.sight)
        else:
            calls = {each: said for each in self._shown if (said := hub.call(each, self.sight))}
        levels = ",".join(_levels_of(call_id, said) for call_id, said in calls.items())
        health = ""
        if hub.ticks % HEALTH_EACH_TICKS == 0 or not calls:
            lags = {call_id: _lag(each["health"]) for call_id, each in calls.items() if each["health"]}
            health = f',"health":{_json(lags)}'
        at = _texts.once("at", live.now_text)
        lines = {call_id: line for call_id, each in calls.items() if (line := each.get("line"))}
        spoken = f',"lines":{_json(lines)}' if lines else ""
        return (
            f'{{"kind":"levels","at":"{at}","calls":{{{levels}}},"playing":{_json(_playing(calls))}{spoken}{health}}}'
        )


def _levels_of(call_id: str, said: CallLive) -> str:
    return _texts.once(("call", call_id), lambda: f'"{call_id}":{_json(said["levels"])}')


def _lag(health: live.Health) -> dict[str, int]:
    """How old the newest frame is only matters when it is old."""
    age_ms = health["frame_age_ms"]
    return {"lag_ms": health["lag_ms"], **({"frame_age_ms": age_ms} if age_ms >= STALLED_MS else {})}


def _playing(calls: dict[str, CallLive]) -> dict[str, live.Playing]:
    return {call_id: each["playing"] for call_id, each in calls.items() if each["playing"]}


def _wall_rows(viewer: Viewer) -> tuple[str, dict[str, int]]:
    calls, ended = live_rows(viewer), just_ended_rows(viewer)
    return _json({"calls": calls, "ended": ended}), {row["id"]: row["seq"] for row in (*calls, *ended)}


class CallPage:
    def __init__(self, viewer: Viewer, sight: Sight, call_id: UUID) -> None:
        self._viewer = viewer
        self.sight = sight
        self._id = str(call_id)
        self.call: str | None = self._id

    async def snapshot(self) -> Snapshot:
        return await _readings.get(("call", self._id, self.sight), self._read)

    async def _read(self) -> Snapshot:
        detail, seq = await for_screen(_call_facts, self._viewer, self._id)
        now = {
            "at": live.now_text(),
            **self._now(),
            "history": {
                "period_ms": round(live.TICK_S * 1000),
                "tracks": hub.history(self._id, self.sight),
                "health": hub.health_marks(self._id, self.sight),
            },
        }
        head = f'{{"kind":"snapshot","call":"{self._id}","seq":{seq}'
        return Snapshot(f"{head},{detail[1:-1]},{_json(now)[1:]}", {self._id: seq})

    def show(self, calls: Iterable[str] | None) -> None:
        """It shows one call anyway."""

    def levels(self) -> str:
        return _texts.once(("page", self._id, self.sight), self._levels)

    def _levels(self) -> str:
        return _json({"kind": "levels", "at": live.now_text(), **self._now()})

    def _now(self) -> dict[str, Any]:
        found = hub.call(self._id, self.sight)
        return {
            "levels": found["levels"] if found else {},
            "health": found["health"] if found else None,
            "playing": found["playing"] if found else None,
        }


def _call_facts(viewer: Viewer, call_id: str) -> tuple[str, int]:
    call = Call.objects.visible_to(viewer).prefetch_related("participants", "tags").filter(pk=call_id).first()
    if call is None:
        raise GoneError
    detail = call_detail(call)
    return _json(detail), detail["row"]["seq"]
