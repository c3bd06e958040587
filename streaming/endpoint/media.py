"""Azure's media socket. One receive loop of its own from the server's message to the last stage: no await in between,
no lock, no query. Channels' own dispatch would cost a hop through a thread for every frame.
"""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from structlog.contextvars import bind_contextvars

from calls.background import watched
from calls.commands import CloseSocket, Order, PlaySound, StopSound, group_of, read
from calls.counters import count
from calls.live import hub
from calls.operations.process import PROCESS_ID
from calls.services.sockets import (
    OpenStream,
    close_stream,
    describe_stream,
    key_pressed,
    open_stream,
    waiting_orders,
)
from calls.services.upkeep.idle import end_idle_stream
from calls.services.upkeep.troubles import tell_flow, tell_stall
from streaming.audio import PcmFrame
from streaming.endpoint.door import Door, Receive, Refused, Send, let_in, refuse
from streaming.figures import totals
from streaming.journal import journal
from streaming.protocol import STOP_AUDIO
from streaming.session import DtmfPressed, IdleWatch, MediaSession, Opened, StallWatch, StreamFacts, StreamMustClose
from streaming.switchboard import Line, switchboard

log = logging.getLogger(__name__)

DESCRIBE_EVERY_S: Final = 10.0
MALFORMED_LOG_EVERY_S: Final = 10.0
LAYER_PAUSE_S: Final = 1.0
SEND_TIMEOUT_S: Final = 5.0
CLOSE_TIMEOUT_S: Final = 2.0
NOT_READ: Final = CloseSocket(1011, "The peer does not read.")
STOPPING: Final = CloseSocket(1012, "The portal stops.")
DEAD_AFTER_S: Final = 3.0
IDLE: Final = CloseSocket(1000, "No sound came for too long.")

DOOR: Final = Door("media", "SocketRefused")


class MediaEndpoint(AsyncWebsocketConsumer):
    """One socket that Azure dialled."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            stream = await let_in(scope, DOOR, open_stream, PROCESS_ID)
        except Refused as refusal:
            await refuse(scope, send, DOOR, refusal)
            return
        await _Socket(stream, receive, send).serve()


class _Socket:
    """A socket that was let in, from its acceptance to its last message."""

    def __init__(self, stream: OpenStream, receive: Receive, send: Send) -> None:
        self._stream = stream
        self._receive = receive
        self._send = send
        self._session = MediaSession(stream.profile.sample_rate_hz, time.monotonic())
        self._line: Line | None = None
        self._frames_sent = 0
        self._logged: dict[str, tuple[float, int]] = {}
        self._closing: CloseSocket | None = None
        self._listener: asyncio.Task[Any] | None = None
        self._last_call: asyncio.TimerHandle | None = None
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def facts(self) -> StreamFacts:
        return self._session.facts

    @property
    def frames_sent(self) -> int:
        return self._frames_sent

    async def serve(self) -> None:
        """Until the socket is closed by either side. Cancelling it means that the server stops."""
        self._listener = asyncio.current_task()
        bind_contextvars(call=str(self._stream.call_id), stream=str(self._stream.session_id))
        totals.enter(self)
        journal.sockets.add(self._stream.session_id)
        hub.on_loss.add(self._catch_up_soon)
        code, reason = 1006, "The socket was gone before it was accepted."
        try:
            await self._send({"type": "websocket.accept"})
            log.info("stream %s of call %s opened", self._stream.session_id, self._stream.call_id)
            code, reason = 1011, "The portal failed."
            self._tasks = [
                watched(self._take_orders(), "stream-orders"),
                watched(self._describe_forever(), "stream-describe"),
            ]
            code, reason = await self._listen()
        except StreamMustClose as end:
            code, reason = end.code, end.reason
            count(f"refused_stream_{code}")
            await self._close(CloseSocket(code, reason))
        except asyncio.CancelledError:
            # Not raised again: this is all that the server wanted, and uvicorn would log it as a fault.
            closing = self._closing or STOPPING
            code, reason = closing.code, closing.reason
            await self._close(closing)
        except Exception as error:
            await self._fail(error, accepted=code != 1006)
        finally:
            await self._leave(code, reason)

    async def _fail(self, error: Exception, *, accepted: bool) -> None:
        if accepted:
            log.error("stream %s failed", self._stream.session_id, exc_info=error)
            await self._close(CloseSocket(1011, "The portal failed; its log says why."))
        else:
            log.info("stream %s could not be accepted (%s)", self._stream.session_id, type(error).__name__)

    async def _listen(self) -> tuple[int, str]:
        """The path of a frame. Returns the close code and reason that the peer gave."""
        receive, session = self._receive, self._session
        take, now_s = session.receive, time.monotonic
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                return self._close_code(message)
            heard = take(message.get("text"), message.get("bytes"), now_s(), datetime.now(UTC))
            if type(heard) is PcmFrame:
                line = self._line
                # A newer socket may have taken the line over while this one still delivers.
                if line is not None and line.session is session:
                    line.pipeline.feed(heard)
            elif heard is not None:
                self._rare(heard)

    def _close_code(self, message: dict[str, Any]) -> tuple[int, str]:
        if self._closing is not None:
            return self._closing.code, self._closing.reason
        code, reason = int(message.get("code") or 1006), str(message.get("reason") or "")
        if code == 1005 and "reason" not in message:
            code = 1006  # uvicorn's word for a connection that was lost without a close
        idle_s = self._session.idle_s(time.monotonic())
        if code == 1006 and idle_s > DEAD_AFTER_S:
            reason = f"Nothing had come for {idle_s:.0f} s, and no ping was answered: the connection was dead."
        return code, reason or (STOPPING.reason if code == STOPPING.code else "")

    def _rare(self, heard: Opened | DtmfPressed | PcmFrame) -> None:
        if isinstance(heard, Opened):
            rate_hz = heard.metadata.sample_rate_hz
            if self._line is None or self._line.pipeline.playout.rate_hz != rate_hz:
                call_id = str(self._stream.call_id)
                self._line = switchboard.connect(call_id, rate_hz, self._session, self._send_text)
                self._line.keeping.begin(self._stream)
                self._catch_up_soon()
            self._describe(announce=True)
        elif isinstance(heard, DtmfPressed):
            journal.offer(key_pressed, self._stream.session_id, heard.tone, heard.raw_id or "")

    async def _send_text(self, text: str) -> None:
        """Sends one message; a peer that takes nothing for 5 s has lost its socket, though nobody may have noticed."""
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError:
            log.warning("stream %s: the peer does not read", self._stream.session_id)
            await self._close(NOT_READ)
            raise
        self._frames_sent += text != STOP_AUDIO

    async def _close(self, closing: CloseSocket) -> None:
        """Tells the peer; if that is impossible, listening ends all the same after 2 s."""
        if self._closing is None:
            self._closing = closing
            assert self._listener is not None
            self._last_call = asyncio.get_running_loop().call_later(CLOSE_TIMEOUT_S, self._listener.cancel)
        # The peer may be gone already, and every server says so by an error of its own.
        with suppress(Exception):
            async with asyncio.timeout(CLOSE_TIMEOUT_S / 2):
                await self._send({"type": "websocket.close", "code": closing.code, "reason": closing.reason[:120]})

    async def _leave(self, code: int, reason: str) -> None:
        if self._last_call is not None:
            self._last_call.cancel()
        for task in self._tasks:
            task.cancel()
        totals.leave(self)
        journal.sockets.discard(self._stream.session_id)
        hub.on_loss.discard(self._catch_up_soon)
        if self._line is not None:
            # A clean close ends the stream on purpose: the call is over, or streaming was stopped. After 1012 this
            # process will not be there when the call comes back.
            for_good = code == STOPPING.code or (code == 1000 and self._closing is None)
            switchboard.disconnect(self._line, self._session, for_good=for_good)
        self._log_malformed(closing=True)
        journal.write(close_stream, self._stream.session_id, code, reason, self._facts())
        facts = self._session.facts
        log.info(
            "stream %s of call %s closed with %d: %d frames received, %d gaps, %d malformed",
            self._stream.session_id,
            self._stream.call_id,
            code,
            facts.frames_received,
            facts.gaps,
            facts.malformed_total,
        )
        # An order in the middle of its way ends here, before the server takes the socket apart.
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_TIMEOUT_S)

    async def _take_orders(self) -> None:
        """What the rest of the portal asks of this socket, from whichever process it comes."""
        away = False
        while True:
            try:
                layer = get_channel_layer()
                channel = await layer.new_channel("stream")
                group = group_of(self._stream.session_id)
                try:
                    await layer.group_add(group, channel)
                    away = False
                    await self._catch_up()
                    while True:
                        await self._take_order(read(await layer.receive(channel)))
                finally:
                    with suppress(Exception):
                        await layer.group_discard(group, channel)
            except Exception as error:  # redis-py's errors have no common parent with OSError
                if not away:
                    log.warning("stream %s waits for its orders (%s)", self._stream.session_id, type(error).__name__)
                away = True
                await asyncio.sleep(LAYER_PAUSE_S)

    def _catch_up_soon(self) -> None:
        self._tasks = [task for task in self._tasks if not task.done()]
        self._tasks.append(watched(self._catch_up(), "stream-catch-up"))

    async def _catch_up(self) -> None:
        """Takes the orders that were sent while nobody listened: the layer keeps nothing, but each has its row."""
        try:
            orders = await journal.ask(waiting_orders, self._stream.session_id)
        except Exception as error:
            log.warning("stream %s could not look for orders (%s)", self._stream.session_id, type(error).__name__)
            return
        for order in orders:
            await self._take_order(order)

    async def _take_order(self, order: Order) -> None:
        if isinstance(order, CloseSocket):
            await self._close(order)
        elif self._line is None:
            pass  # it is looked for again as soon as the stream has said what it is
        elif isinstance(order, PlaySound):
            self._line.player.play(order)
        elif isinstance(order, StopSound):
            await self._line.player.stop(order)
        else:
            self._line.keeping.take(order)

    async def _describe_forever(self) -> None:
        described_s = time.monotonic()
        stall = StallWatch(self._session)
        idle = IdleWatch(self._session, settings.STREAM_IDLE_S)
        while True:
            await asyncio.sleep(1.0)
            self._log_malformed()
            if news := stall.look(time.monotonic()):
                stalled, seconds = news
                journal.offer(tell_stall if stalled else tell_flow, self._stream.session_id, seconds)
            match idle.look(time.monotonic()):
                case "ask":
                    silent_s = self._session.idle_s(time.monotonic())
                    journal.offer(end_idle_stream, self._stream.session_id, silent_s)
                case "close":
                    await self._close(IDLE)
            if time.monotonic() - described_s >= DESCRIBE_EVERY_S:
                described_s = time.monotonic()
                self._describe(announce=False)

    def _describe(self, *, announce: bool) -> None:
        journal.offer(describe_stream, self._stream.session_id, self._facts(), announce=announce)

    def _log_malformed(self, *, closing: bool = False) -> None:
        """One line per kind and 10 s; the last word on a stream comes when it closes."""
        now_s = time.monotonic()
        facts = self._session.facts
        for kind, total in (*facts.malformed.items(), ("wrong_size", facts.wrong_size)):
            logged_s, logged = self._logged.get(kind, (-MALFORMED_LOG_EVERY_S, 0))
            if total > logged and (closing or now_s - logged_s >= MALFORMED_LOG_EVERY_S):
                self._logged[kind] = (now_s, total)
                count(f"malformed_{kind}", total - logged)
                if now_s - logged_s >= MALFORMED_LOG_EVERY_S:
                    log.warning("stream %s: %d malformed messages (%s)", self._stream.session_id, total, kind)

    def _facts(self) -> dict[str, Any]:
        return {**_row(self._session.facts), "frames_sent": self._frames_sent}


def _row(facts: StreamFacts) -> dict[str, Any]:
    """The columns of a StreamSession that the socket itself knows."""
    return {
        "sample_rate_hz": facts.sample_rate_hz or None,
        "subscription_id": facts.subscription_id[:128],
        "encoding": facts.encoding[:32],
        "channels": facts.channels or None,
        "frame_length": facts.frame_length,
        "first_frame_at": facts.first_frame_at,
        "first_timestamps": dict(facts.first_timestamps),
        "frames_received": facts.frames_received,
        "gaps": facts.gaps,
        "lost_ms": round(facts.lost_ms),
        "lag_ms": round(facts.lag_ms),
        "malformed": facts.malformed_total,
        "malformed_kinds": dict(facts.malformed),
        "wrong_size": facts.wrong_size,
    }
