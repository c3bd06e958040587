"""The dashboards' sockets: the wall and the page of one call. They read the hub; nothing they do can slow a stream."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final
from uuid import UUID

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError, InterfaceError

from calls.background import for_screen
from calls.counters import count
from calls.errors import Busy
from calls.live import hub
from streaming.screens.admission import NOT_ALLOWED, Admission, RefusedError, admit, doorkeeper, origin_allowed
from streaming.screens.pages import SHOWN_LIMIT, CallPage, GoneError, Page, WallPage, event_text

log = logging.getLogger(__name__)

SEND_TIMEOUT_S: Final = 10.0
FAREWELL_S: Final = 60.0
SNAPSHOT_EACH_S: Final = 0.5
WORDS_A_S: Final = 20.0
WORDS_AT_ONCE: Final = 100
WORD_BYTES: Final = 16_384

LEFT: Final = 0
TOO_MANY_WORDS: Final = 1008
TOO_LARGE: Final = 1009
FAILED: Final = 1011
TRY_LATER: Final = 1013

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Dashboard(AsyncWebsocketConsumer):
    """A socket with its own loop: what stands in the page's slot is sent, newer levels replace older ones."""

    opens: Callable[[Admission, UUID | None], Page]

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        if not origin_allowed(scope):
            count("refused_dashboard_origin")
            log.warning("a dashboard socket was refused: its page is not one of ALLOWED_ORIGINS")
            await send({"type": "websocket.close"})
            return
        call_id = scope["url_route"]["kwargs"].get("call_id")
        try:
            admission = await _admission(scope, call_id)
        except RefusedError as refused:
            times = count(f"refused_dashboard_{refused.code}")
            log.warning("a dashboard socket was refused with %d (%d so far)", refused.code, times)
            # A browser shows close codes only of sockets that were open.
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": refused.code})
            return
        await send({"type": "websocket.accept"})
        try:
            await _Talk(self.opens(admission, call_id), receive, send).hold(admission)
        except asyncio.CancelledError:
            return  # the server stops; uvicorn would log it as a fault


async def _admission(scope: dict[str, Any], call_id: UUID | None) -> Admission:
    try:
        return await for_screen(admit, scope, call_id)
    except Busy:
        raise RefusedError(TRY_LATER) from None
    except (DatabaseError, InterfaceError) as error:
        log.warning("a dashboard cannot be let in (%s)", type(error).__name__)
        raise RefusedError(FAILED) from None


class Wall(Dashboard):
    """`/ws/live/`"""

    @staticmethod
    def opens(admission: Admission, call_id: UUID | None) -> Page:
        return WallPage(admission.viewer, admission.sight)


class OneCall(Dashboard):
    """`/ws/calls/<id>/`"""

    @staticmethod
    def opens(admission: Admission, call_id: UUID | None) -> Page:
        assert call_id is not None, "the route has it"
        return CallPage(admission.viewer, admission.sight, call_id)


class _Talk:
    """One page's socket after it was let in."""

    def __init__(self, page: Page, receive: Receive, send: Send) -> None:
        self._page = page
        self._receive = receive
        self._send = send
        self._slot = hub.join(page.call, page.sight)
        self._snapshot_due = True
        self._snapshot_from_s = 0.0
        self._words = _Allowance()
        self._known: dict[str, int] = {}  # per call, the number up to which the page knows everything

    async def hold(self, admission: Admission) -> None:
        """Until somebody has enough: the page left, reads too slowly or says too much, what it shows cannot be read,
        or it may not look any more."""
        sent_out: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        reader = asyncio.create_task(self._read(), name="dashboard-reader")
        writer = asyncio.create_task(self._write(), name="dashboard-writer")
        try:
            with doorkeeper.watching(admission, lambda code: _settle(sent_out, code)):
                await asyncio.wait([sent_out, reader, writer], return_when=asyncio.FIRST_COMPLETED)
            hub.leave(self._slot)
            code = next(each.result() for each in (sent_out, reader, writer) if each.done())
            writer.cancel()
            await asyncio.wait([writer])  # nothing may be sent behind the close
            if code != LEFT:
                await self._say_farewell(code)
        finally:
            hub.leave(self._slot)
            reader.cancel()
            writer.cancel()

    async def _read(self) -> int:
        """Until the page leaves or is to go; the close code."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return LEFT
            text = message.get("text") or ""
            if len(text) > WORD_BYTES or len(message.get("bytes") or b"") > WORD_BYTES:
                count("dashboards_too_large")
                return TOO_LARGE
            if not self._words.one_more(time.monotonic()):
                log.info("a dashboard says too much (%d so far)", count("dashboards_too_chatty"))
                return TOO_MANY_WORDS
            self._heed(text)

    def _heed(self, text: str) -> None:
        try:
            word = _decode_word(text)
        except (msgspec.DecodeError, RecursionError):
            return
        if isinstance(word, Show):
            self._page.show(word.calls)
        else:
            self._snapshot_due = True
            self._slot.wake.set()

    async def _write(self) -> int:
        """Until it fails; the close code that says why."""
        try:
            await self._write_forever()
        except TimeoutError:
            log.info("a dashboard reads too slowly (%d so far)", count("dashboards_too_slow"))
            return TRY_LATER
        except GoneError:
            return NOT_ALLOWED
        except Busy:
            return TRY_LATER
        except OSError:
            return LEFT  # so uvicorn says that the page is gone
        except (DatabaseError, InterfaceError) as error:
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
            if slot.overflowed:
                slot.overflowed, self._snapshot_due = False, True
            if self._snapshot_due and self._may_read():
                self._snapshot_due = False
                await self._say_snapshot()
            while slot.events and not slot.overflowed and not self._snapshot_due:
                event = slot.events.popleft()
                if event["seq"] > self._known.get(event["call"], 0):
                    await self._say(event_text(event))
            if slot.levels_due:
                slot.levels_due = False
                await self._say(self._page.levels())

    def _may_read(self) -> bool:
        """However often a page asks, it gets two snapshots a second at most; a later wake brings the next one."""
        left_s = self._snapshot_from_s - time.monotonic()
        if left_s > 0:
            asyncio.get_running_loop().call_later(left_s, self._slot.wake.set)
            return False
        self._snapshot_from_s = time.monotonic() + SNAPSHOT_EACH_S
        return True

    async def _say_snapshot(self) -> None:
        """What happened before it was read is in it, so the events that wait from then are not said again."""
        snapshot = await self._page.snapshot()
        self._known = snapshot.known
        await self._say(snapshot.text)

    async def _say(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._send({"type": "websocket.send", "text": text})

    async def _say_farewell(self, code: int) -> None:
        """Closes, so that the page comes back by itself. A page that does not read holds up the close as well; it
        costs nothing more meanwhile, and after a minute the server is told to drop it."""
        with suppress(Exception):
            async with asyncio.timeout(FAREWELL_S):
                await self._send({"type": "websocket.close", "code": code})


def _settle(future: "asyncio.Future[int]", code: int) -> None:
    if not future.done():
        future.set_result(code)


class Snapshot(msgspec.Struct, tag_field="kind", tag="snapshot"):
    """The page asks for the whole state anew."""


class Show(msgspec.Struct, tag_field="kind", tag="show"):
    """The wall tells which calls are on the screen; null is all."""

    calls: list[str] | None = None

    def __post_init__(self) -> None:
        if self.calls is not None and len(self.calls) > SHOWN_LIMIT:
            self.calls = None


Word = Snapshot | Show
_decode_word: Final = msgspec.json.Decoder(Word).decode


class _Allowance:
    """How many words a page may still say: WORDS_AT_ONCE, and WORDS_A_S more each second."""

    def __init__(self) -> None:
        self._left = float(WORDS_AT_ONCE)
        self._at_s = time.monotonic()

    def one_more(self, now_s: float) -> bool:
        self._left = min(WORDS_AT_ONCE, self._left + (now_s - self._at_s) * WORDS_A_S) - 1
        self._at_s = now_s
        return self._left >= 0
