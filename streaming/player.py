"""Plays what we are ordered to: takes orders, renders them one after another, and sends frames when they fall due.

One per call; its playout belongs to the call's pipeline and outlives a socket. Only this process writes how an
injection went on after it was queued.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Final
from uuid import UUID

from django.conf import settings
from django.core.files.storage import default_storage

from calls.background import watched
from calls.commands import PlaySound, StopSound
from calls.counters import count
from calls.services import sound as words
from streaming.audio import AudioError, Samples
from streaming.engines.contract import EngineError, load
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.pipeline.playout import Finished, PlayoutFull, Sound, Started
from streaming.protocol import STOP_AUDIO, encode_audio
from streaming.rendering import FileOrder, Order, SpeechOrder, ToneOrder, render

log = logging.getLogger(__name__)

Send = Callable[[str], Awaitable[None]]
ORDERS_LIMIT: Final = 100
READY_LIMIT: Final = 4
DEFAULT_SPEED_WPM: Final = 165
PAUSE_AFTER_FAILURE_S: Final = 1.0

_renderers = ThreadPoolExecutor(2, thread_name_prefix="render")


class Player:
    """Start it inside the event loop; `attach` gives it a socket, `detach` takes the socket away."""

    def __init__(self, pipeline: CallPipeline) -> None:
        self._pipeline = pipeline
        self._send: Send | None = None
        self._wake = asyncio.Event()
        self._orders: asyncio.Queue[tuple[PlaySound, Future[bool]]] = asyncio.Queue(ORDERS_LIMIT)
        self._room = asyncio.Event()
        self._waiting: dict[str, PlaySound] = {}
        self._sending = asyncio.Lock()
        self._tasks = [
            watched(self._render_forever(), "player-render"),
            watched(self._play_forever(), "player-play"),
        ]
        self._stops = 0
        self.frames_sent = 0

    @property
    def waiting(self) -> int:
        """Orders that are confirmed and not yet rendered."""
        return self._orders.qsize()

    def attach(self, send: Send) -> None:
        """Frames go to this socket from now on; what an older one was sent and nobody has heard is sent again."""
        now_s = time.monotonic()
        if self._send is not None:
            self._pipeline.playout.pause(now_s)
        self._send = send
        self.frames_sent = 0
        self._pipeline.playout.resume(now_s)
        self._wake.set()

    def detach(self) -> None:
        """The socket is gone: what was sent and not heard will be sent again to the next one."""
        self._send = None
        self._pipeline.playout.pause(time.monotonic())

    def close(self) -> None:
        """The call or its grace is over: everything left is stopped."""
        self._send = None
        for task in self._tasks:
            task.cancel()
        self._drop_everything("stopped", "stream_closed", "The stream ended before this was played to its end.")

    def play(self, order: PlaySound) -> None:
        """Confirms at once that we have the order, and queues it behind the others."""
        if self._orders.full():
            count("sounds_refused")
            self._over(order.injection, "failed", 0, "queue_full", f"{ORDERS_LIMIT} sounds wait already. Stop some.")
            return
        self._waiting[order.injection] = order
        self._orders.put_nowait((order, journal.write(words.injection_accepted, UUID(order.injection))))

    async def stop(self, order: StopSound) -> None:
        """Empties our queue first and tells Azure to drop its own second: a frame behind StopAudio would be played."""
        self._stops += 1
        self._drop_everything("stopped")
        async with self._sending:  # a frame that is on its way arrives before StopAudio
            if self._send is not None:
                with suppress(Exception):
                    await self._send(STOP_AUDIO)
        journal.write(words.sound_stopped, UUID(order.command))

    def _drop_everything(self, state: str, code: str = "", message: str = "") -> None:
        while not self._orders.empty():
            self._orders.get_nowait()
        played = {stopped.injection_id: stopped.played_ms for stopped in self._pipeline.playout.stop(time.monotonic())}
        self._tell(self._pipeline.playout.take_events(time.monotonic()))
        self._room.set()
        for injection in {**dict.fromkeys(self._waiting, 0), **played}:
            self._over(injection, state, played.get(injection, 0), code, message)
        self._waiting.clear()

    async def _render_forever(self) -> None:
        while True:
            order, accepted = await self._orders.get()
            await self._wait_for_room()
            try:
                # An order that nobody confirmed for 10 s has failed already and must never be played.
                if not await asyncio.wrap_future(accepted):
                    self._waiting.pop(order.injection, None)
                    continue
                samples = await self._render(order)
            except (AudioError, EngineError) as error:
                self._fail(order, "cannot_render", str(error))
            except OSError:
                self._fail(order, "file_gone", "The file is no longer in the storage. Upload it again.")
            except Exception:
                log.exception("injection %s could not be rendered", order.injection)
                self._fail(order, "cannot_render", "The sound could not be prepared. The log of the portal says why.")
            else:
                self._enqueue(order, samples)

    async def _wait_for_room(self) -> None:
        """Ten minutes of sound are 28 MB, so only a few are kept ready."""
        while (playing := self._pipeline.playout.progress(time.monotonic())) and playing.queued >= READY_LIMIT:
            self._room.clear()
            await self._room.wait()

    async def _render(self, order: PlaySound) -> Samples:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_renderers, _samples_of, order, self._pipeline.playout.rate_hz)

    def _fail(self, order: PlaySound, code: str, message: str) -> None:
        if self._waiting.pop(order.injection, None) is not None:
            self._over(order.injection, "failed", 0, code, message)

    def _enqueue(self, order: PlaySound, samples: Samples) -> None:
        if self._waiting.pop(order.injection, None) is None:
            return  # stopped while it was rendered
        duration_ms = round(samples.size * 1000 / self._pipeline.playout.rate_hz)
        try:
            self._pipeline.playout.enqueue(Sound(order.injection, samples, order.loop, order.kind, order.label))
        except (PlayoutFull, ValueError) as error:
            count("sounds_refused")
            self._over(order.injection, "failed", 0, "queue_full", str(error))
            return
        journal.write(words.injection_rendered, UUID(order.injection), duration_ms)
        self._wake.set()

    async def _play_forever(self) -> None:
        playout = self._pipeline.playout
        while True:
            self._wake.clear()
            try:
                async with self._sending:
                    await self._send_due()
                self._tell(playout.take_events(time.monotonic()))
                wake_at_s = playout.wake_at_s(time.monotonic()) if self._send is not None else None
            except Exception:
                log.exception("playing stumbled and goes on")
                wake_at_s = time.monotonic() + PAUSE_AFTER_FAILURE_S
            # Not wait_for: it can lose a cancellation that comes together with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(None if wake_at_s is None else max(0.0, wake_at_s - time.monotonic())):
                    await self._wake.wait()

    async def _send_due(self) -> None:
        send, stops = self._send, self._stops
        if send is None:
            return
        for frame in self._pipeline.playout.due(time.monotonic()):
            if self._send is not send or self._stops != stops:
                return  # dropped, or another socket's, since it fell due
            try:
                await send(encode_audio(frame))
                self.frames_sent += 1
            except Exception as error:
                log.info("a frame could not be sent (%s): the socket is closing", type(error).__name__)
                if self._send is send:
                    self.detach()

    def _tell(self, events: list[Started | Finished]) -> None:
        for event in events:
            if isinstance(event, Started):
                journal.write(words.injection_started, UUID(event.injection_id))
            else:
                self._over(event.injection_id, "done", event.played_ms)
                self._room.set()

    def _over(self, injection: str, state: str, played_ms: int, code: str = "", message: str = "") -> None:
        journal.write(words.injection_over, UUID(injection), state, played_ms, code, message)


def _samples_of(order: PlaySound, rate_hz: int) -> Samples:
    """In a worker thread: decodes, speaks, resamples."""
    rendered: Order
    if order.kind == "text":
        rendered = SpeechOrder(order.text, order.voice, order.speed_wpm or DEFAULT_SPEED_WPM, order.gain_db)
    elif order.kind == "tone":
        rendered = ToneOrder(order.tone_hz or 440, order.tone_ms or 1_000, order.gain_db)
    else:
        if not order.file:
            raise AudioError("The clip was deleted before its turn came.")
        with default_storage.open(order.file) as stored:
            rendered = FileOrder(stored.read(), order.gain_db)
    return render(rendered, rate_hz, load(settings.SPEECH_ENGINE))
