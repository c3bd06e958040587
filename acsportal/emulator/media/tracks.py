"""From speech files to rows of ready 20 ms frames, base64 and all, so that a running call only copies bytes."""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from acsportal.emulator.media.clock import FRAME_MS

Wave = NDArray[np.float32]
Pcm = NDArray[np.int16]
TAIL_S = 5.0
LOUDNESS_FRAMES = 25


class BadSoundError(ValueError):
    """The uploaded bytes are no sound file that can be read."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Mono, full scale ±1."""

    wave: Wave
    rate_hz: int

    @property
    def duration_s(self) -> float:
        return len(self.wave) / self.rate_hz

    def part(self, offset_s: float, duration_s: float) -> "Sound":
        first = round(offset_s * self.rate_hz)
        return Sound(self.wave[first : first + round(duration_s * self.rate_hz)], self.rate_hz)


@dataclass(frozen=True, slots=True)
class Voice:
    """What one speaker says: sounds at seconds, for ``duration_s``, then from the start again if ``loop``.

    ``background_dbfs`` is the RMS of noise under everything, speech or not; without it, pauses are digital silence.
    """

    sounds: tuple[tuple[float, Sound], ...] = ()
    duration_s: float = 0.0
    loop: bool = False
    background_dbfs: float | None = None
    seed: int = 0

    @classmethod
    def of(cls, sound: Sound, loop: bool) -> "Voice":
        return cls(((0.0, sound),), sound.duration_s, loop)


def decode(source: bytes | Path) -> Sound:
    """Any file libsndfile reads, all channels averaged. Raises BadSoundError."""
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else str(source)
        wave, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, TypeError) as error:
        raise BadSoundError(f"The audio cannot be read: {error}. Send WAV, FLAC, OGG or MP3.") from error
    return Sound(wave.mean(axis=1, dtype=np.float32), int(rate_hz))


class Track:
    """Frames of one rate, in a row that ends or wraps.

    ``wrap`` is the frame that follows the last one, or None when silence follows.
    """

    __slots__ = ("frame_samples", "frames", "loudness", "pcm", "silent", "wrap")

    def __init__(self, pcm: Pcm, rate_hz: int, wrap: int | None) -> None:
        self.frame_samples = rate_hz * FRAME_MS // 1000
        count = math.ceil(len(pcm) / self.frame_samples)
        self.pcm = np.zeros((count, self.frame_samples), dtype="<i2")
        self.pcm.reshape(-1)[: len(pcm)] = pcm
        self.frames = [base64.b64encode(row.tobytes()) for row in self.pcm]
        self.silent = [not row.any() for row in self.pcm]
        self.wrap = wrap if wrap is None or wrap < count else None
        power = np.square(self.pcm, dtype=np.float64).mean(axis=1)
        smooth = np.convolve(power, np.ones(LOUDNESS_FRAMES))[:count]
        self.loudness: list[float] = smooth.tolist()

    def index(self, frame: int) -> int:
        """Where the frame that is played as number ``frame`` lies, or −1: not yet, or over."""
        count = len(self.frames)
        if frame < count:
            return max(frame, -1)
        if self.wrap is None:
            return -1
        return self.wrap + (frame - count) % (count - self.wrap)


def render(voices: Sequence[Voice], rate_hz: int) -> Track:
    """The sum of the voices, with one background: that of the first."""
    leader = voices[0]
    speech_s = max(voice.duration_s for voice in voices)
    has_tail = leader.background_dbfs is not None and not leader.loop
    wave = np.zeros(round((speech_s + (TAIL_S if has_tail else 0)) * rate_hz), dtype=np.float32)
    for voice in voices:
        for start_s, sound in voice.sounds:
            _add(wave, round(start_s * rate_hz), _resampled(sound, rate_hz))
    if leader.background_dbfs is not None:
        noise = np.random.default_rng(leader.seed).standard_normal(len(wave), dtype=np.float32)
        wave += noise * np.float32(10 ** (leader.background_dbfs / 20))
    wrap = 0 if leader.loop else math.ceil(speech_s * 1000 / FRAME_MS) if has_tail else None
    return Track(_pcm(wave), rate_hz, wrap)


def _add(wave: Wave, first: int, sound: Wave) -> None:
    fitting = sound[: max(0, len(wave) - first)]
    wave[first : first + len(fitting)] += fitting


def _resampled(sound: Sound, rate_hz: int) -> Wave:
    if sound.rate_hz == rate_hz:
        return sound.wave
    resampled: Wave = soxr.resample(sound.wave, sound.rate_hz, rate_hz).astype(np.float32)
    return resampled


def _pcm(wave: Wave) -> Pcm:
    pcm: Pcm = np.clip(np.rint(wave * 32768.0), -32768, 32767).astype(np.int16)
    return pcm
