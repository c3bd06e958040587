"""The voices of a call's people on their way into the portal's stream, and a memory of who said what when."""

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from acsportal.emulator import scenario as scenarios
from acsportal.emulator.media.clock import FRAME_S
from acsportal.emulator.media.tracks import Voice, render
from acsportal.emulator.scenario import Speaker

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call

MEMORY_UTTERANCES = 1000

Span = tuple[float, float | None]


class Said(NamedTuple):
    """``start_s`` is call time; below zero for what began before the portal came."""

    raw_id: str
    voice: Voice
    start_s: float


class Voices:
    """Of one connection. Without media streaming nobody sends them anywhere, but they are remembered all the same."""

    def __init__(self, call: "Call") -> None:
        self.said: deque[Said] = deque(maxlen=MEMORY_UTTERANCES)
        self._call = call
        self._loaded: tuple[Speaker, ...] = ()
        self._is_split = False
        self._gone: set[str] = set()
        self._stills: dict[str, list[Span]] = {}

    async def load(self, speakers: tuple[Speaker, ...], since_s: float) -> None:
        """Their conversation, ``since_s`` seconds after it began. Slow the first time, quick from then on."""
        self._loaded = tuple(speaker for speaker in speakers if speaker.voice.duration_s)
        self.said.extend(Said(speaker.raw_id, speaker.voice, -since_s) for speaker in self._loaded)
        media = self._call.media
        if media is None:
            return
        first_tick, rate_hz = -round(since_s / FRAME_S), media.options.rate_hz
        if not media.options.unmixed:
            if voices := tuple(speaker.voice for speaker in self._loaded):
                track = await asyncio.to_thread(scenarios.track, self._call.scenario, voices, rate_hz)
                media.mixer.add(None, track, first_tick)
            return
        for speaker in speakers:
            media.mixer.join(speaker.raw_id)
            if speaker.voice.duration_s:
                track = await asyncio.to_thread(scenarios.track, self._call.scenario, (speaker.voice,), rate_hz)
                media.mixer.add(speaker.raw_id, track, first_tick)

    async def say(self, raw_id: str, voice: Voice) -> None:
        """Put more speech over what that participant says, from now."""
        call = self._call
        if call.phase != "connected":
            return
        self.said.append(Said(raw_id, voice, call.elapsed_s()))
        if call.media is not None:
            track = await asyncio.to_thread(render, (voice,), call.media.options.rate_hz)
            call.media.mixer.add(raw_id, track, call.media.clock.next_tick(time.monotonic()))

    def come(self, raw_id: str) -> None:
        self._gone.discard(raw_id)
        if self._call.media is not None:
            self._call.media.mixer.join(raw_id)
        self.settle()

    def go(self, raw_id: str) -> None:
        self._gone.add(raw_id)
        self.settle()

    def settle(self) -> None:
        """Have only those heard who are there, neither muted nor on hold."""
        silenced = self._call.room.silenced | self._gone
        self._remember(silenced)
        media = self._call.media
        if media is None:
            return
        if media.options.unmixed or self._is_split or not silenced:
            self._mix()
        else:
            # The mixed conversation is made of one piece: to still one voice in it, it must first be split.
            self._is_split = True
            self._call.tasks.spawn("split", self._split(media.options.rate_hz))

    def stills(self, raw_id: str) -> list[Span]:
        """From when to when, in call time, nobody heard that one."""
        return self._stills.get(raw_id, [])

    async def _split(self, rate_hz: int) -> None:
        tracks = {
            speaker.raw_id: await asyncio.to_thread(scenarios.track, self._call.scenario, (speaker.voice,), rate_hz)
            for speaker in self._loaded
        }
        if self._call.media is not None:
            self._call.media.mixer.split(tracks)
            self._mix()

    def _mix(self) -> None:
        media = self._call.media
        if media is not None:
            media.mixer.silence(self._call.room.silenced)
            for raw_id in self._gone:
                media.mixer.leave(raw_id)

    def _remember(self, silenced: frozenset[str]) -> None:
        now_s = self._call.elapsed_s()
        for raw_id in silenced:
            spans = self._stills.setdefault(raw_id, [])
            if not spans or spans[-1][1] is not None:
                spans.append((now_s, None))
        for raw_id, spans in self._stills.items():
            if raw_id not in silenced and spans[-1][1] is None:
                spans[-1] = (spans[-1][0], now_s)
