"""The loop that every recogniser shares: one per voice, between the frames of a call and whatever writes them down.

`feed` only appends. Sound that nobody takes waits for 5 s; then the oldest goes, is counted and told as a gap. A
recogniser that stalls or fails is closed and replaced after a growing pause. Pure: it tells an Outlet.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from streaming.audio import PcmFrame, duration_ms
from streaming.engines.contract import EngineError, Heard, Listening, Recogniser
from streaming.pipeline.resampling import Resampler
from streaming.transcripts.arrivals import Arrivals
from streaming.transcripts.gaps import Gaps
from streaming.transcripts.turns import Turns
from streaming.transcripts.voice import Limits, Outlet

log = logging.getLogger(__name__)

BEHIND: Final = "the recogniser fell behind"
DEFAULT: Final = Limits()


class VoiceLoop:
    """One voice. Lives in the event loop: `run` until `end` was called and all is told, or until it is cancelled."""

    def __init__(
        self,
        raw_id: str,
        make: Callable[[Listening], Awaitable[Recogniser]],
        listening: Listening,
        outlet: Outlet,
        limits: Limits = DEFAULT,
    ) -> None:
        self.raw_id = raw_id
        self._make, self._listening, self._outlet, self._limits = make, listening, outlet, limits
        self._waiting: deque[PcmFrame] = deque()
        self._waiting_ms = 0.0
        self._queue_ms, self._piece_ms = limits.queue_s * 1000, limits.piece_s * 1000
        self._wake = asyncio.Event()
        self._urge = asyncio.Event()  # somebody wants more than sound to be taken
        self._ending = self._flush_due = self._relisten = False
        epoch_s = time.time() - time.monotonic()
        self._moment = lambda mono_s: datetime.fromtimestamp(epoch_s + mono_s, UTC)
        self._gaps = Gaps(raw_id, outlet, limits.gap_each_s, self._moment)
        self._turns = Turns(raw_id, outlet, limits.partial_each_s, self._moment)
        self.fed_s = time.monotonic()
        self.dropped_ms = 0.0

    @property
    def waiting_ms(self) -> float:
        return self._waiting_ms

    def feed(self, frame: PcmFrame) -> None:
        """From the frame's own path: appends, and drops the older half of what nobody took for 5 s."""
        self._waiting.append(frame)
        self._waiting_ms += duration_ms(len(frame.pcm), frame.rate_hz)
        self.fed_s = frame.arrived_s
        if self._waiting_ms >= self._piece_ms:
            if self._waiting_ms > self._queue_ms:
                self._drop()
            self._wake.set()

    def _drop(self) -> None:
        first = self._waiting[0]
        last = first
        while self._waiting_ms > self._queue_ms / 2:
            last = self._waiting.popleft()
            lost_ms = duration_ms(len(last.pcm), last.rate_hz)
            self._waiting_ms -= lost_ms
            self.dropped_ms += lost_ms
        self._gaps.lose(_began_s(first), last.arrived_s, BEHIND)

    def flush(self) -> None:
        """What was fed until now is to be told as final soon."""
        self._flush_due = True
        self._hurry()

    def relisten(self, listening: Listening) -> None:
        """What is fed from now on goes to a new recogniser that is asked for this."""
        self._listening, self._relisten = listening, True
        self._hurry()

    def end(self) -> None:
        """No frame follows; what was fed is told, then `run` returns."""
        self._ending = True
        self._hurry()

    def _hurry(self) -> None:
        self._urge.set()
        self._wake.set()

    async def run(self) -> None:
        pause_s = self._limits.first_pause_s
        try:
            while await self._some_sound():
                began_s = time.monotonic()
                trouble = await self._recognise()
                if trouble is None:
                    continue
                if isinstance(trouble, EngineError) and not trouble.retryable:
                    self._outlet.failed(self.raw_id, str(trouble))
                    return
                if time.monotonic() - began_s > self._limits.steady_s:
                    pause_s = self._limits.first_pause_s
                self._outlet.troubled(self.raw_id, _why(trouble))
                await self._rest(pause_s)
                pause_s = min(self._limits.last_pause_s, pause_s * 2)
        finally:
            self._gaps.tell(time.monotonic(), at_once=True)

    async def _some_sound(self) -> bool:
        """Waits for sound to recognise; False if the loop is to end without it."""
        while not self._waiting:
            if self._ending:
                return False
            self._flush_due = self._relisten = False
            self._urge.clear()
            self._wake.clear()
            await self._wake.wait()
        return True

    async def _rest(self, pause_s: float) -> None:
        """A pause in which nobody listens; whoever ends the loop or changes the language does not wait for it."""
        until_s = time.monotonic() + pause_s
        while (left_s := until_s - time.monotonic()) > 0 and not (self._ending or self._relisten):
            self._urge.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, self._limits.gap_each_s)):
                    await self._urge.wait()
            self._gaps.tell(time.monotonic())

    async def _recognise(self) -> Exception | None:
        """One recogniser from its making to its end; what it failed by, if it did."""
        recogniser: Recogniser | None = None
        self._relisten = False
        arrivals = Arrivals()
        run = self._turns.begin(uuid4().hex[:12], arrivals)
        try:
            async with asyncio.timeout(self._limits.open_s):
                recogniser = await self._make(self._listening)
            self._turns.source = self._gaps.source = recogniser.name
            await self._bounded(recogniser.open(lambda heard: self._hear(run, heard)), self._limits.open_s, "open")
            self._outlet.opened(self.raw_id)
            await self._listen(recogniser, arrivals)
        except Exception as error:
            if not isinstance(error, EngineError):
                log.warning("the recogniser of %s failed (%s: %s)", self.raw_id, type(error).__name__, error)
            if arrivals.length_s:
                self._lose_unheard(arrivals, error)
            return error
        finally:
            self._turns.end()
            if recogniser is not None:
                with suppress(Exception):  # it may be what failed
                    async with asyncio.timeout(self._limits.close_s):
                        await recogniser.close()
        return None

    def _lose_unheard(self, arrivals: Arrivals, error: Exception) -> None:
        """What the recogniser that failed had taken and said nothing about; what is older it had heard as silence."""
        unheard_s = max(error.unheard_s if isinstance(error, EngineError) else 0.0, self._limits.queue_s)
        until_s = arrivals.ends_at(arrivals.length_s)
        since_s = max(self._turns.heard_until_s, arrivals.starts_at(max(0.0, arrivals.length_s - unheard_s)))
        if until_s > since_s:
            self._gaps.lose(since_s, until_s, _why(error))

    def _hear(self, run: str, heard: Heard) -> None:
        self._turns.hear(run, heard, time.monotonic())

    async def _listen(self, recogniser: Recogniser, arrivals: Arrivals) -> None:
        """Until the loop is to end or a new recogniser is asked for."""
        limits = self._limits
        resampler: Resampler | None = None
        while True:
            over = self._ending or self._relisten
            while self._waiting_ms >= self._piece_ms or (self._waiting and (over or self._flush_due)):
                if resampler is None or resampler.from_hz != self._waiting[0].rate_hz:
                    resampler = Resampler(self._waiting[0].rate_hz, recogniser.rate_hz)
                pcm = resampler.push(self._piece(arrivals))
                await self._bounded(recogniser.push(pcm), limits.push_s, "take sound")
                self._settle()
            if over or self._flush_due:
                self._flush_due = False
                await self._bounded(recogniser.flush(), limits.flush_s, "finish")
                self._settle()
                if over:
                    return
            await self._wait_for_more()

    async def _wait_for_more(self) -> None:
        if self._ending or self._relisten or self._flush_due:
            return
        self._wake.clear()
        self._urge.clear()
        try:
            async with asyncio.timeout(self._limits.idle_s):
                await self._wake.wait()
        except TimeoutError:
            # A stream that broke off brings no silence that would end the turn.
            self._flush_due = bool(self._turns.any_open or self._waiting)

    def _piece(self, arrivals: Arrivals) -> bytes:
        """The oldest sound that waits: a tenth of a second, or more of it at once if much waits."""
        frames: list[bytes] = []
        taken_ms, rate_hz = 0.0, self._waiting[0].rate_hz
        longest_ms = self._limits.longest_piece_s * 1000
        while self._waiting and taken_ms < longest_ms and self._waiting[0].rate_hz == rate_hz:
            frame = self._waiting.popleft()
            length_ms = duration_ms(len(frame.pcm), rate_hz)
            arrivals.add(_began_s(frame), length_ms / 1000)
            self._waiting_ms -= length_ms
            taken_ms += length_ms
            frames.append(frame.pcm)
        if not self._waiting:
            self._waiting_ms = 0.0  # what rounding left
        return b"".join(frames)

    def _settle(self) -> None:
        now_s = time.monotonic()
        self._turns.tell_due(now_s)
        self._gaps.tell(now_s)

    async def _bounded(self, step: Awaitable[None], limit_s: float, what: str) -> None:
        """Raises EngineError if the step takes too long: a recogniser may neither work nor fail."""
        try:
            async with asyncio.timeout(limit_s):
                await step
        except TimeoutError as error:
            raise EngineError(f"it did not {what} within {limit_s:g} s", retryable=True) from error


def _began_s(frame: PcmFrame) -> float:
    return frame.arrived_s - duration_ms(len(frame.pcm), frame.rate_hz) / 1000


def _why(error: Exception) -> str:
    """What the fault means, for people: an engine's own sentence, or the fault's name where it had none to say."""
    words = str(error).strip().rstrip(".") if isinstance(error, EngineError) else type(error).__name__
    return f"the recogniser failed ({words[:160]})"
