"""Azure's transcription socket: what Azure understands of a call, on its way into the transcript. Nothing is ever sent
back. Many minutes may pass without a word, so silence is no reason to close it.
"""

import asyncio
import logging
import time
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from channels.generic.websocket import AsyncWebsocketConsumer
from structlog.contextvars import bind_contextvars

from calls.background import watched
from calls.commands import CloseSocket
from calls.counters import count
from calls.live import CallLive, LiveEvent, hub
from calls.models import Segment
from calls.services.sockets import REPLACED
from calls.services.transcripts.azure import (
    OPENED,
    SOURCE,
    OpenTranscript,
    close_transcript,
    open_transcript,
    standing,
)
from calls.services.transcripts.words import segment_heard
from streaming.endpoint.door import Door, Receive, Refused, Send, let_in, refuse
from streaming.endpoint.media import STOPPING
from streaming.journal import journal
from streaming.session import StreamMustClose
from streaming.transcripts.newest import NewestLine
from streaming.transcripts.session import SHOWN_EVERY_S, TranscriptSession, Turn, facts_row

log = logging.getLogger(__name__)

DOOR: Final = Door("transcription", "TranscriptRefused")
CLOSE_TIMEOUT_S: Final = 2.0
AFTER_THE_CALL_S: Final = 10.0
"""Azure closes its socket with the call; if it does not, we do after so long."""
OVER: Final = CloseSocket(1000, "The call is over.")
# What may change how a socket of its call stands.
_NEWS: Final = {OPENED, "TranscriptionUpdated"}


class TranscriptEndpoint(AsyncWebsocketConsumer):
    """One transcription socket that Azure dialled."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            opened = await let_in(scope, DOOR, open_transcript)
        except Refused as refusal:
            await refuse(scope, send, DOOR, refusal)
            return
        await _Socket(opened, receive, send).serve()


class _Socket:
    """A socket that was let in, from its acceptance to its last message. Also what the call's live line comes from."""

    def __init__(self, opened: OpenTranscript, receive: Receive, send: Send) -> None:
        self.call_id = str(opened.call_id)
        self._opened = opened
        self._receive, self._send = receive, send
        self._session = TranscriptSession(opened.key_prefix, opened.language, time.monotonic())
        self._line = NewestLine()
        self._language = opened.language
        self._closing: CloseSocket | None = None
        self._listener: asyncio.Task[Any] | None = None
        self._loop = asyncio.get_running_loop()
        self._timers: list[asyncio.TimerHandle] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Until the socket is closed by either side. Cancelling it means that the server stops."""
        self._listener = asyncio.current_task()
        bind_contextvars(call=self.call_id)
        code, reason = 1006, "The socket was gone before it was accepted."
        hub.on_event.add(self._hear)
        hub.on_loss.add(self._look_soon)
        journal.sources.add(self)
        try:
            await self._send({"type": "websocket.accept"})
            log.info("transcription socket %d of call %s opened", self._opened.number, self.call_id)
            self._start(self._show_forever(), "transcript-show")
            self._look_soon()  # a newer one may have come before this one could hear of it
            code, reason = await self._listen()
        except StreamMustClose as end:
            code, reason = end.code, end.reason
            count(f"refused_transcript_{code}")
            await self._close(CloseSocket(code, reason))
        except asyncio.CancelledError:
            # Not raised again: this is all that the server wanted, and uvicorn would log it as a fault.
            closing = self._closing or STOPPING
            code, reason = closing.code, closing.reason
            await self._close(closing)
        except Exception as error:
            code, reason = (1006, reason) if code == 1006 else (1011, "The portal failed; its log says why.")
            log.error("transcription socket of call %s failed", self.call_id, exc_info=error)
            await self._close(CloseSocket(1011, "The portal failed; its log says why."))
        finally:
            await self._leave(code, reason)

    def live(self, now_s: float) -> CallLive:
        return {"levels": {}, "health": None, "playing": None, "line": self._line.now(now_s)}

    async def _listen(self) -> tuple[int, str]:
        """Returns the close code and reason that the peer gave."""
        while True:
            message = await self._receive()
            if message["type"] == "websocket.disconnect":
                return self._close_code(message)
            self._write(self._session.receive(message.get("text"), time.monotonic(), datetime.now(UTC)))

    def _close_code(self, message: dict[str, Any]) -> tuple[int, str]:
        if self._closing is not None:
            return self._closing.code, self._closing.reason
        code, reason = int(message.get("code") or 1006), str(message.get("reason") or "")
        if code == 1005 and "reason" not in message:
            code = 1006  # uvicorn's word for a connection that was lost without a close
        return code, reason or (STOPPING.reason if code == STOPPING.code else "")

    async def _show_forever(self) -> None:
        while True:
            await asyncio.sleep(SHOWN_EVERY_S)
            self._write(self._session.due(time.monotonic()))

    def _write(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            # A final one is written whatever happens; what came between may be missing.
            if turn.final or journal.has_room:
                written = journal.write(
                    segment_heard,
                    self._opened.call_id,
                    key=turn.key,
                    raw_id=turn.raw_id,
                    text=turn.text,
                    started_at=turn.started_at,
                    ended_at=turn.ended_at,
                    final=turn.final,
                    source=SOURCE,
                    confidence=turn.confidence,
                    language=turn.language,
                    words=turn.words,
                    extra=turn.extra,
                )
                written.add_done_callback(self._written)

    def _written(self, done: "Future[Segment | None]") -> None:
        """In the journal's thread. The line shows what the row says, as some things must not be kept nor shown."""
        row = done.result() if done.exception() is None else None
        if row is not None:
            with suppress(RuntimeError):  # the loop may be closed
                self._loop.call_soon_threadsafe(self._say, row)

    def _say(self, row: Segment) -> None:
        self._line.say(row.raw_id, row.text, time.monotonic(), final=row.final)

    def _hear(self, event: LiveEvent) -> None:
        if event["call"] != self.call_id:
            return
        if event["kind"] == "event" and event["event"]["type"] in _NEWS:
            self._look_soon()
        elif event["kind"] == "call_state" and event["row"]["ended_at"] and not self._timers:
            self._timers.append(self._loop.call_later(AFTER_THE_CALL_S, self._look_soon))

    def _look_soon(self) -> None:
        self._start(self._look(), "transcript-standing")

    async def _look(self) -> None:
        """Asks how this socket stands: whether it is still the call's own, and in which language."""
        try:
            now = await journal.ask(standing, self._opened.call_id)
        except Exception as error:
            log.warning("transcription socket of call %s could not ask (%s)", self.call_id, type(error).__name__)
            return
        if now.number > self._opened.number:
            await self._close(REPLACED)
        elif not now.is_live:
            await self._close(OVER)
        elif now.language and now.language != self._language:
            self._language = self._session.language = now.language

    def _start(self, work: Any, name: str) -> None:
        task = watched(work, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _close(self, closing: CloseSocket) -> None:
        """Tells the peer; if that is impossible, listening ends all the same after 2 s."""
        if self._closing is None:
            self._closing = closing
            assert self._listener is not None
            self._timers.append(self._loop.call_later(CLOSE_TIMEOUT_S, self._listener.cancel))
        # The peer may be gone already, and every server says so by an error of its own.
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT_S / 2):
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason[:120]})

    async def _leave(self, code: int, reason: str) -> None:
        hub.on_event.discard(self._hear)
        hub.on_loss.discard(self._look_soon)
        journal.sources.discard(self)
        for timer in self._timers:
            timer.cancel()
        for task in tuple(self._tasks):
            task.cancel()
        self._write(self._session.close())
        facts = self._session.facts
        journal.write(close_transcript, self._opened.call_id, self._opened.number, code, reason, facts_row(facts))
        for kind, total in facts.malformed.items():
            count(f"malformed_words_{kind}", total)
        log.info(
            "transcription socket %d of call %s closed with %d: %d results, %d malformed",
            self._opened.number,
            self.call_id,
            code,
            facts.results,
            sum(facts.malformed.values()),
        )
