"""Recognisers that need no engine: a parrot that hears speech by its loudness and says counted words, and what can go
wrong with one. A portal's process finds them by SPEECH_RECOGNISERS.
"""

import asyncio
from collections.abc import Callable

import numpy as np

from streaming.audio import FRAME_MS, Samples, duration_ms, frame_bytes, samples_of
from streaming.engines.contract import EngineError, Heard, HeardWord, Listening

COUNT = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
PARROT = "tests.streaming.transcripts.parrot.Parrot"
STALLING = "tests.streaming.transcripts.parrot.Stalling"
LOUD = 1_000.0
FRAME_S = FRAME_MS / 1000
FRAME_BYTES = frame_bytes(16_000)
WORD_S = 0.3
PAUSE_S = 0.4


class Parrot:
    """Says one word for each 0.3 s of loudness; a turn ends with 0.4 s of quiet."""

    name = "parrot"
    rate_hz = 16_000

    def __init__(self, listening: Listening) -> None:
        self.listening = listening
        self.pushed_s = self._loud_s = self._quiet_s = self._began_s = 0.0
        self._rest = b""
        self._turn = 0
        self._said = 0

    async def open(self, hear: Callable[[Heard], None]) -> None:
        self._hear = hear

    async def push(self, pcm: bytes) -> None:
        self._rest += pcm
        while len(self._rest) >= FRAME_BYTES:
            frame, self._rest = self._rest[:FRAME_BYTES], self._rest[FRAME_BYTES:]
            await self._take(samples_of(frame))

    async def _take(self, samples: Samples) -> None:
        if np.sqrt(np.mean(np.square(samples.astype(float)))) > LOUD:
            if not self._loud_s:
                self._began_s = self.pushed_s
            self._loud_s += FRAME_S
            self._quiet_s = 0.0
        else:
            self._quiet_s += FRAME_S
        self.pushed_s += FRAME_S
        words = self._words()
        if len(words) > self._said:
            self._said = len(words)
            self._tell(words, final=False)
        if self._loud_s and self._quiet_s >= PAUSE_S - 0.001:
            await self.flush()

    def _words(self) -> list[HeardWord]:
        count = int(self._loud_s / WORD_S + 0.01)
        return [
            HeardWord(COUNT[each % 10], self._began_s + each * WORD_S, self._began_s + (each + 1) * WORD_S)
            for each in range(count)
        ]

    def _tell(self, words: list[HeardWord], *, final: bool) -> None:
        text = " ".join(word.text for word in words)
        ended_s = words[-1].end_s if words else self.pushed_s
        language = self.listening.language
        self._hear(Heard(str(self._turn), text, self._began_s, ended_s, final, 0.9, language, tuple(words)))

    async def flush(self) -> None:
        if self._loud_s:
            self._tell(self._words(), final=True)
            self._turn += 1
        self._loud_s, self._said = 0.0, 0

    async def close(self) -> None:
        pass


class Stalling(Parrot):
    """The first one of a process takes a second of sound, says nothing of it, and then neither works nor fails."""

    made = 0

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        Stalling.made += 1
        self._first = Stalling.made == 1

    async def push(self, pcm: bytes) -> None:
        if self._first and self.pushed_s >= 1.0:
            await asyncio.Event().wait()
        await super().push(pcm)

    def _tell(self, words: list[HeardWord], *, final: bool) -> None:
        if not self._first:
            super()._tell(words, final=final)


class Slow(Parrot):
    """Takes four times as long as the sound lasts."""

    async def push(self, pcm: bytes) -> None:
        await asyncio.sleep(4 * duration_ms(len(pcm), self.rate_hz) / 1000)
        await super().push(pcm)


class Failing(Parrot):
    """Fails twice with an error of its network, then works."""

    made = 0

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        Failing.made += 1
        self._bad = Failing.made <= 2

    async def push(self, pcm: bytes) -> None:
        await super().push(pcm)
        if self._bad and self.pushed_s >= 0.3:
            raise ConnectionResetError("the peer is gone")


class Deaf(Parrot):
    """The first one of a process takes sound for 8 s without a word, then notices it."""

    made = 0

    def __init__(self, listening: Listening) -> None:
        super().__init__(listening)
        Deaf.made += 1
        self._deaf = Deaf.made == 1

    async def push(self, pcm: bytes) -> None:
        if not self._deaf:
            await super().push(pcm)
            return
        self.pushed_s += duration_ms(len(pcm), self.rate_hz) / 1000
        if self.pushed_s >= 8.0:
            raise EngineError("It said nothing to 8 s of sound.", retryable=True, unheard_s=8.0)


class Refused(Parrot):
    """Will never work here."""

    async def open(self, hear: Callable[[Heard], None]) -> None:
        raise EngineError("There is no key. Set PARROT_KEY.")
