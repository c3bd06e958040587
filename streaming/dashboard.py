"""The dashboards' sockets: the wall and the page of one call. They read the hub; nothing they do can slow a stream."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, Protocol
from uuid import UUID

from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.contrib.auth.models import AbstractUser, AnonymousUser
from django.db import DatabaseError, InterfaceError

from calls import live
from calls.background import for_screen
from calls.counters import count
from calls.live import hub
from calls.models import Call
from calls.permissions import VIEW
from calls.selectors import call_detail, just_ended_rows, live_rows

log = logging.getLogger(__name__)

SEND_TIMEOUT_S: Final = 10.0
FAREWELL_S: Final = 60.0
FAILED: Final = 1011
NOT_SIGNED_IN: Final = 4401
NOT_ALLOWED: Final = 4403
TOO_SLOW: Final = 1013

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def origin_allowed(scope: dict[str, Any]) -> bool:
    """Whether the page that opens this socket is one of ours (ALLOWED_ORIGINS); none at all is refused as well."""
    origins = [value for name, value in scope["headers"] if name.lower() == b"origin"]
    # Compared as a whole: an origin has no path, user or query, and whatever is read out of one can be faked.
    return len(origins) == 1 and origins[0].decode("latin-1").lower() in {
        each.lower() for each in settings.ALLOWED_ORIGINS
    }


class Dashboard(AsyncWebsocketConsumer):
    """A socket with its own loop: what stands in the page's slot is sent, newer levels replace older ones."""

    opens: Callable[[dict[str, Any]], "_Page"]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not origin_allowed(scope):
            count("refused_dashboard_origin")
            log.warning("a dashboard socket was refused: its page is not one of ALLOWED_ORIGINS")
            await send({"type": "websocket.close"})
            return
        code = await for_screen(_entry_code, scope["user"])
        await send({"type": "websocket.accept"})
        if code:
            # A browser shows close codes only of sockets that were open.
            times = count(f"refused_dashboard_{code}")
            log.warning("a dashboard socket was refused with %d (%d so far)", code, times)
            await send({"type": "websocket.close", "code": code})
            return
        try:
            await _Talk(self.opens(scope), receive, send).hold()
        except asyncio.CancelledError:
            return  # the server stops; uvicorn would log it as a fault


class _Page(Protocol):
    """What one kind of page shows; `call` is None on the wall, which shows all."""

    call: str | None

    async def snapshot(self) -> dict[str, Any]: ...

    def levels(self) -> dict[str, Any]: ...

    def known(self, snapshot: dict[str, Any]) -> dict[str, int]:
        """The number of the last event that each call's part of a snapshot knows of."""


class _WallPage:
    call: str | None = None

    async def snapshot(self) -> dict[str, Any]:
        rows = await for_screen(live_rows)
        ended = await for_screen(just_ended_rows)
        return {"kind": "snapshot", "at": live.now_text(), "calls": rows, "ended": ended, **_by_call()}

    def levels(self) -> dict[str, Any]:
        by_call = _by_call()
        return {
            "kind": "levels",
            "at": live.now_text(),
            "calls": by_call["levels"],
            "health": by_call["health"],
            "playing": by_call["playing"],
        }

    def known(self, snapshot: dict[str, Any]) -> dict[str, int]:
        return {row["id"]: row["seq"] for row in (*snapshot["calls"], *snapshot["ended"])}


def _by_call() -> dict[str, Any]:
    calls = hub.calls()
    return {
        "levels": {call_id: each["levels"] for call_id, each in calls.items()},
        "health": {call_id: each["health"] for call_id, each in calls.items()},
        "playing": {call_id: each["playing"] for call_id, each in calls.items() if each["playing"]},
    }


class _CallPage:
    def __init__(self, call_id: UUID) -> None:
        self._call_id = str(call_id)
        self.call: str | None = self._call_id

    async def snapshot(self) -> dict[str, Any]:
        detail = await for_screen(_detail, self._call_id)
        now = self.levels()
        return {
            "kind": "snapshot",
            "call": self.call,
            "seq": detail["row"]["seq"] if detail else 0,
            **(detail or {}),
            "at": now["at"],
            "levels": now["levels"],
            "health": now["health"],
            "playing": now["playing"],
            "history": {
                "period_ms": round(live.TICK_S * 1000),
                "tracks": hub.history(self._call_id),
                "health": hub.health_marks(self._call_id),
            },
        }

    def levels(self) -> dict[str, Any]:
        found = hub.call(self._call_id)
        return {
            "kind": "levels",
            "at": live.now_text(),
            "levels": found["levels"] if found else {},
            "health": found["health"] if found else None,
            "playing": found["playing"] if found else None,
        }

    def known(self, snapshot: dict[str, Any]) -> dict[str, int]:
        return {snapshot["call"]: snapshot["seq"]}


def _detail(call_id: str) -> Any:
    call = Call.objects.prefetch_related("participants").filter(pk=call_id).first()
    return call_detail(call) if call else None


def _entry_code(user: AbstractUser | AnonymousUser) -> int:
    """The close code for who may not look; 0 for who may."""
    if not user.is_authenticated or not user.is_active:
        return NOT_SIGNED_IN
    return 0 if user.has_perm(VIEW) else NOT_ALLOWED


class _Talk:
    """One page's socket after it was let in."""

    def __init__(self, page: _Page, receive: Receive, send: Send) -> None:
        self._page = page
        self._receive = receive
        self._send = send
        self._slot = hub.join(page.call)
        self._snapshot_due = True
        self._known: dict[str, int] = {}  # per call, the number up to which the page knows everything

    async def hold(self) -> None:
        """Until either side has enough: the page left, it reads too slowly, or what it shows cannot be read."""
        reader = asyncio.create_task(self._read(), name="dashboard-reader")
        writer = asyncio.create_task(self._write(), name="dashboard-writer")
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
            hub.leave(self._slot)
            if writer.done() and not reader.done():
                await self._say_farewell(writer.result())
        finally:
            hub.leave(self._slot)
            reader.cancel()
            writer.cancel()

    async def _read(self) -> None:
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return
            if _asks_for_snapshot(message.get("text")):
                self._snapshot_due = True
                self._slot.wake.set()

    async def _write(self) -> int:
        """Until it fails; the close code that says why."""
        try:
            await self._write_forever()
        except TimeoutError:
            log.info("a dashboard reads too slowly (%d so far)", count("dashboards_too_slow"))
            return TOO_SLOW
        except (OSError, DatabaseError, InterfaceError) as error:
            log.warning("a dashboard is closed (%s)", type(error).__name__)
        except Exception:
            log.exception("a dashboard failed")
        return FAILED

    async def _write_forever(self) -> None:
        slot = self._slot
        slot.wake.set()
        while True:
            await slot.wake.wait()
            slot.wake.clear()
            if self._snapshot_due or slot.overflowed:
                self._snapshot_due = slot.overflowed = False
                await self._say_snapshot()
            while slot.events and not slot.overflowed:
                event = slot.events.popleft()
                if event["seq"] > self._known.get(event["call"], 0):
                    await self._say(event)
            if slot.levels_due:
                slot.levels_due = False
                await self._say(self._page.levels())

    async def _say_snapshot(self) -> None:
        """What happened before it was read is in it, so the events that wait from then are not said again."""
        snapshot = await self._page.snapshot()
        self._known = self._page.known(snapshot)
        await self._say(snapshot)

    async def _say(self, message: Any) -> None:
        text = json.dumps(message, separators=(",", ":"))
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._send({"type": "websocket.send", "text": text})

    async def _say_farewell(self, code: int) -> None:
        """Closes, so that the page comes back by itself. Under uvicorn a page that does not read holds up the close
        as well; it costs nothing more meanwhile, and after a minute the server is told to drop it."""
        with suppress(Exception):
            async with asyncio.timeout(FAREWELL_S):
                await self._send({"type": "websocket.close", "code": code})


def _asks_for_snapshot(text: str | None) -> bool:
    if not text or len(text) > 1_000:
        return False
    try:
        message = json.loads(text)
    except ValueError:
        return False
    return isinstance(message, dict) and message.get("kind") == "snapshot"


class Wall(Dashboard):
    """`/ws/live/`"""

    @staticmethod
    def opens(scope: dict[str, Any]) -> _Page:
        return _WallPage()


class CallPage(Dashboard):
    """`/ws/calls/<id>/`"""

    @staticmethod
    def opens(scope: dict[str, Any]) -> _Page:
        return _CallPage(scope["url_route"]["kwargs"]["call_id"])
