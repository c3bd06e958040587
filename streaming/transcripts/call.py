"""The transcript of one call in this process: a loop per voice, and one way out for all of them."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from django.conf import settings

from calls.background import watched
from calls.commands import ChangeLanguage, StartTranscript, StopTranscript
from calls.counters import count
from calls.services.transcripts.words import (
    gap_heard,
    segment_heard,
    transcript_failed,
    transcript_started,
    transcript_stopped,
    transcript_troubled,
)
from streaming.audio import PcmFrame
from streaming.engines.contract import EngineError, Listening, Recogniser, recogniser_class
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.transcripts.loop import VoiceLoop
from streaming.transcripts.newest import NewestLine
from streaming.transcripts.voice import Gap, Turn

log = logging.getLogger(__name__)

# A start is confirmed when the first recogniser listens, or after so long if nobody is there to be listened to.
NOBODY_YET_S: Final = 5.0
END_S: Final = 8.0
# A voice that said nothing for so long makes room for another one.
QUIET_S: Final = 10.0

_ending: set["asyncio.Task[None]"] = set()


class CallTranscript:
    """A stage; see streaming/keeping.py for who calls what. Lives in the event loop."""

    def __init__(self, call_id: str, pipeline: CallPipeline) -> None:
        self._line_of = call_id
        self.stream_id: UUID | None = None
        self.line = NewestLine()
        self._order: StartTranscript | None = None
        self._class: asyncio.Task[Callable[[Listening], Recogniser]] | None = None
        self._voices: dict[str, VoiceLoop] = {}
        self._tasks: dict[VoiceLoop, asyncio.Task[None]] = {}
        self._unheard: set[str] = set()
        self._held = False
        self._confirm = ""
        self._told_started = False
        self._starting: asyncio.TimerHandle | None = None

    @property
    def _call_id(self) -> UUID:
        return UUID(self._line_of)

    @property
    def waiting_ms(self) -> float:
        """How much sound of the voice that is furthest behind waits for its recogniser."""
        return max((voice.waiting_ms for voice in self._voices.values()), default=0.0)

    @property
    def dropped_ms(self) -> int:
        """Sound that nobody recognised in time, of the voices that are listened to now; of others see the counters."""
        return round(sum(voice.dropped_ms for voice in self._voices.values()))

    def feed(self, frame: PcmFrame) -> None:
        if self._held or self._class is None:
            return
        voice = self._voices.get(frame.raw_id)
        if voice is not None:
            voice.feed(frame)
        elif frame.raw_id not in self._unheard:
            self._welcome(frame)

    def start(self, order: StartTranscript) -> None:
        """Writes down from now on; the same order again only confirms it."""
        if order.command:
            self._confirm = order.command
        before = self._order
        if before is not None and (before.recogniser, before.phrases) == (order.recogniser, order.phrases):
            if before.language != order.language:
                self._turn_to(order.language)
            elif self._told_started and self._confirm:
                self._tell_started()
            return
        self._end_voices()
        self._order, self._told_started = order, False
        self._class = asyncio.create_task(_find(order.recogniser), name="transcript-engine")
        self._class.add_done_callback(lambda found: self._found(order, found))
        self._forget_starting()
        self._starting = asyncio.get_running_loop().call_later(NOBODY_YET_S, self._tell_started)

    def _found(self, order: StartTranscript, found: "asyncio.Task[Callable[[Listening], Recogniser]]") -> None:
        error = None if found.cancelled() else found.exception()
        if error is not None and self._order is order:
            self._fail(str(error))

    def _maker(self) -> Callable[[Listening], Awaitable[Recogniser]]:
        """Makes recognisers of the class that this order names, as soon as it is loaded."""
        loading = self._class
        assert loading is not None

        async def make(listening: Listening) -> Recogniser:
            return (await asyncio.shield(loading))(listening)

        return make

    def stop(self, order: StopTranscript) -> None:
        """What was said until now is told to its end; then the order is confirmed."""
        if self._order is None and not order.command:
            return
        self._forget_order()
        watched(self._stop(self._end_voices(), order.command), "transcript-stop")

    async def _stop(self, left: "set[asyncio.Task[None]]", command: str) -> None:
        if left:
            await asyncio.wait(left)
        journal.write(transcript_stopped, self._call_id, command)

    def change_language(self, order: ChangeLanguage) -> None:
        if order.command:
            self._confirm = order.command
        if self._order is not None:
            self._turn_to(order.language)

    def _turn_to(self, language: str) -> None:
        assert self._order is not None
        before = self._order
        self._order = StartTranscript(before.recogniser, language, before.phrases)
        for voice in self._voices.values():
            voice.relisten(self._listening)
        if not self._voices and self._confirm:
            self._tell_started()

    def hold(self) -> None:
        """From now on nothing is heard; what was said before is told to its end."""
        if self._held:
            return
        self._held = True
        for voice in self._voices.values():
            voice.flush()

    def release(self) -> None:
        self._held = False

    def close(self) -> None:
        """The line ends. That somebody wants a transcript goes on: another line of the call carries it out."""
        self._forget_order()
        self._end_voices()

    @property
    def _listening(self) -> Listening:
        assert self._order is not None
        return Listening(self._order.language, self._order.phrases)

    def _welcome(self, frame: PcmFrame) -> None:
        if len(self._voices) >= settings.SPEECH_VOICES and not self._make_room():
            self._unheard.add(frame.raw_id)
            count("transcript_voices_refused")
            self._tell_unheard(frame.raw_id)
            return
        voice = VoiceLoop(frame.raw_id, self._maker(), self._listening, self)
        self._voices[frame.raw_id] = voice
        self._tasks[voice] = task = asyncio.create_task(voice.run(), name="transcript-voice")
        task.add_done_callback(lambda done: self._voice_over(voice, done))
        voice.feed(frame)

    def _make_room(self) -> bool:
        now_s = time.monotonic()
        for raw_id, voice in self._voices.items():
            if now_s - voice.fed_s > QUIET_S:
                self._end_voice(raw_id)
                return True
        return False

    def _tell_unheard(self, raw_id: str) -> None:
        now = datetime.now(UTC)
        words = f"Not written down: {settings.SPEECH_VOICES} voices are recognised at once, and this is one more."
        journal.offer(
            gap_heard,
            self._call_id,
            raw_id=raw_id,
            started_at=now,
            ended_at=now,
            text=words,
            source="",
            key=f"unheard-{self.stream_id}-{raw_id}",
        )

    def _voice_over(self, voice: VoiceLoop, task: "asyncio.Task[None]") -> None:
        self._tasks.pop(voice, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the transcript of a voice failed", exc_info=error)
        if voice.dropped_ms:
            count("transcript_ms_dropped", round(voice.dropped_ms))
        if self._voices.get(voice.raw_id) is voice:
            del self._voices[voice.raw_id]

    def _end_voice(self, raw_id: str) -> "asyncio.Task[None]":
        voice = self._voices.pop(raw_id)
        voice.end()
        task = self._tasks[voice]
        ending = watched(_end_of(task), "transcript-end")
        _ending.add(ending)
        ending.add_done_callback(_ending.discard)
        return ending

    def _end_voices(self) -> "set[asyncio.Task[None]]":
        self._unheard.clear()
        return {self._end_voice(raw_id) for raw_id in tuple(self._voices)}

    def _forget_order(self) -> None:
        self._order = self._class = None
        self._told_started = False
        self._confirm = ""
        self._forget_starting()

    def _forget_starting(self) -> None:
        if self._starting is not None:
            self._starting.cancel()
            self._starting = None

    def _tell_started(self) -> None:
        self._forget_starting()
        self._told_started = True
        journal.write(transcript_started, self._call_id, self._confirm)
        self._confirm = ""

    def _fail(self, why: str) -> None:
        command = self._confirm
        self._forget_order()
        self._end_voices()
        journal.write(transcript_failed, self._call_id, why, command)

    # --- What the loops of the voices tell ---------------------------------------------------------------------------

    def turn(self, turn: Turn) -> None:
        write = journal.write if turn.final else journal.offer
        write(
            segment_heard,
            self._call_id,
            key=turn.key,
            raw_id=turn.raw_id,
            text=turn.text,
            started_at=turn.started_at,
            ended_at=turn.ended_at,
            final=turn.final,
            source=turn.source,
            stream_id=self.stream_id,
            confidence=turn.confidence,
            language=turn.language or (self._order.language if self._order else ""),
            words=turn.words,
            extra=turn.extra,
        )
        if not self._held:
            self.line.say(turn.raw_id, turn.text, time.monotonic(), final=turn.final)

    def gap(self, gap: Gap) -> None:
        journal.offer(
            gap_heard,
            self._call_id,
            raw_id=gap.raw_id,
            started_at=gap.started_at,
            ended_at=gap.ended_at,
            text=gap.text,
            source=gap.source,
            key=gap.key,
        )

    def opened(self, raw_id: str) -> None:
        if self._order is not None:
            self._tell_started()

    def troubled(self, raw_id: str, why: str) -> None:
        count("recognisers_restarted")
        if self._order is not None:
            words = f"{why[0].upper()}{why[1:]}. It is tried again."
            journal.offer(transcript_troubled, self._call_id, words)

    def failed(self, raw_id: str, why: str) -> None:
        count("recognisers_failed")
        if self._order is not None:
            self._fail(why)


async def _find(path: str) -> Callable[[Listening], Recogniser]:
    """An engine's packages may take long to load, so that is no work for the event loop. Raises EngineError."""
    if path not in settings.SPEECH_RECOGNISERS:
        raise EngineError(f"This portal does not offer the recogniser {path}. Choose another one.")
    return await asyncio.to_thread(recogniser_class, path)


async def _end_of(task: "asyncio.Task[None]") -> None:
    """Lets a voice's loop come to its end, at most so long."""
    with suppress(TimeoutError, Exception):
        async with asyncio.timeout(END_S):
            await asyncio.shield(task)
    if not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=END_S)


async def all_ended(within_s: float) -> None:
    """Waits for the last words of the voices that were ended; for the end of the process."""
    if _ending:
        await asyncio.wait(tuple(_ending), timeout=within_s)
