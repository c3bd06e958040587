"""A language that a stand-in can really understand: each word is a tone of its own, a pause ends an utterance.

So what a test reads in the end was in the sound that arrived, whole and in order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

VOCABULARY: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
LOWEST_HZ: Final = 300
STEP_HZ: Final = 200
WORD_MS: Final = 160
BETWEEN_WORDS_MS: Final = 60
PAUSE_MS: Final = 300
WINDOW_MS: Final = 20
LOUD: Final = 1_000


def spoken(text: str, rate_hz: int, before_ms: int = 200, after_ms: int = 500) -> bytes:
    """The words as 16-bit PCM, between silences; with the standard ones it takes 0.7 s and 0.22 s a word."""
    pieces = [_silence(before_ms, rate_hz)]
    for number, word in enumerate(text.split()):
        if number:
            pieces.append(_silence(BETWEEN_WORDS_MS, rate_hz))
        hz = LOWEST_HZ + STEP_HZ * VOCABULARY.index(word)
        at = np.arange(rate_hz * WORD_MS // 1000) / rate_hz
        pieces.append(np.rint(12_000 * np.sin(2 * np.pi * hz * at)).astype("<i2"))
    pieces.append(_silence(after_ms, rate_hz))
    return np.concatenate(pieces).tobytes()


def _silence(duration_ms: int, rate_hz: int) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    return np.zeros(rate_hz * duration_ms // 1000, "<i2")


@dataclass(frozen=True)
class Word:
    text: str
    start_s: float
    end_s: float


@dataclass
class Ear:
    """Understands what arrives, window by window; `words` are those of the utterance that is under way."""

    rate_hz: int
    words: list[Word] = field(default_factory=list)
    began_s: float | None = None
    _left: bytes = b""
    _at_s: float = 0.0
    _loud_since_s: float | None = None
    _heard_hz: list[float] = field(default_factory=list)
    _quiet_ms: int = 0

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def listen(self, pcm: bytes) -> Iterator[Literal["began", "word", "ended"]]:
        """After "ended" the words are there until the next "began"."""
        size = self.rate_hz * WINDOW_MS // 1000 * 2
        pcm = self._left + pcm
        whole = len(pcm) // size * size
        self._left = pcm[whole:]
        for start in range(0, whole, size):
            yield from self._window(np.frombuffer(pcm[start : start + size], "<i2").astype(np.float64))
            self._at_s += WINDOW_MS / 1000

    def end(self) -> bool:
        """No more sound comes; whether that ended an utterance."""
        if self.began_s is None:
            return False
        self._end_word()
        self.began_s = None
        return True

    def _window(
        self, samples: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    ) -> Iterator[Literal["began", "word", "ended"]]:
        if np.sqrt(np.mean(samples**2)) >= LOUD:
            self._quiet_ms = 0
            if self.began_s is None:
                self.began_s, self.words = self._at_s, []
                yield "began"
            if self._loud_since_s is None:
                self._loud_since_s = self._at_s
            spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 4_096))
            self._heard_hz.append(float(np.argmax(spectrum)) * self.rate_hz / 4_096)
            return
        if self._end_word():
            yield "word"
        self._quiet_ms += WINDOW_MS
        if self.began_s is not None and self._quiet_ms >= PAUSE_MS:
            self.began_s = None
            yield "ended"

    def _end_word(self) -> bool:
        if self._loud_since_s is None:
            return False
        nearest = round((float(np.median(self._heard_hz)) - LOWEST_HZ) / STEP_HZ)
        known = 0 <= nearest < len(VOCABULARY)
        self.words.append(Word(VOCABULARY[nearest] if known else "noise", self._loud_since_s, self._at_s))
        self._loud_since_s, self._heard_hz = None, []
        return True
