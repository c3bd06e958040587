"""What the caller hears: a queue that runs empty at real time, and a memory of what was played when.

Pure: the time comes in with each call, as seconds since the call connected.
"""

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass

from acsportal.emulator.media.clock import FRAME_S

MEMORY_S = 3600.0
UNDERRUN_S = 0.1
STOP_WATCH_S = 1.0
STOP_PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Heard:
    """Pieces of PCM16 by the sample of call time at which they began."""

    rate_hz: int
    length: int
    pieces: tuple[tuple[int, bytes], ...]

    def wav(self) -> bytes:
        """Mono PCM16 WAV in call time, silence where nothing played. An hour takes some tenths of a second."""
        pcm = bytearray(2 * self.length)
        for first, piece in self.pieces:
            room = max(0, len(pcm) - 2 * first)
            pcm[2 * first : 2 * first + len(piece)] = piece[:room]
        file = io.BytesIO()
        with wave.open(file, "wb") as out:
            out.setnchannels(1)
            out.setsampwidth(2)
            out.setframerate(self.rate_hz)
            out.writeframes(pcm)
        return file.getvalue()


class Playout:
    """Azure's side of the injected audio: what is not yet played can be stopped, nothing else is known of it.

    Each of ``ears`` gets the PCM16 that is played by each ``advance``.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.max_queued_ms = 0.0
        self.underruns = 0
        self.stop_audio = 0
        self.frames_after_stop = 0
        self.ears: list[Callable[[bytes], None]] = []
        self._frame_samples = round(rate_hz * FRAME_S)
        self._queue = bytearray()
        self._head = 0
        self._ran_dry = False
        self._watch_until_s = self._last_frame_s = float("-inf")
        self._heard: list[tuple[int, bytearray]] = []

    def push(self, pcm: bytes, now_s: float) -> None:
        """Queue PCM16; sound starts at the next tick. A missing odd byte at the end is dropped."""
        self.advance(now_s)
        self._watch_stop(now_s)
        if not self._queue:
            self._begin(now_s)
        self._queue += pcm[: len(pcm) & ~1]
        self.max_queued_ms = max(self.max_queued_ms, self._queued_ms())

    def stop(self, now_s: float) -> None:
        """StopAudio: what is queued and not yet played is gone."""
        self.advance(now_s)
        self.stop_audio += 1
        self.clear()
        self._watch_until_s, self._last_frame_s = now_s + STOP_WATCH_S, now_s

    def clear(self) -> None:
        self._queue.clear()
        self._ran_dry = False

    def advance(self, now_s: float) -> None:
        """Play what is due by now: whole ticks only."""
        due = int(now_s / FRAME_S + 1e-6) * self._frame_samples
        size = min(2 * max(0, due - self._head), len(self._queue))
        if not size:
            return
        played = bytes(self._queue[:size])
        self._remember(played)
        for ear in self.ears:
            ear(played)
        del self._queue[:size]
        self._head += size // 2
        self._ran_dry = not self._queue

    def queued_ms(self, now_s: float) -> float:
        self.advance(now_s)
        return self._queued_ms()

    def heard(self, now_s: float) -> Heard:
        """What was played from 0 to now, at most an hour of it; later sound does not change it any more."""
        self.advance(now_s)
        length = round(min(now_s, MEMORY_S) * self.rate_hz)
        return Heard(self.rate_hz, length, tuple((first, bytes(pcm)) for first, pcm in self._heard))

    def _begin(self, now_s: float) -> None:
        due = (int(now_s / FRAME_S + 1e-6) + 1) * self._frame_samples
        if self._ran_dry and due - self._head <= UNDERRUN_S * self.rate_hz:
            self.underruns += 1
        self._head = max(self._head, due)

    def _remember(self, pcm: bytes) -> None:
        if self._head >= MEMORY_S * self.rate_hz:
            return
        if self._heard:
            first, heard = self._heard[-1]
            if first + len(heard) // 2 == self._head:
                heard += pcm
                return
        self._heard.append((self._head, bytearray(pcm)))

    def _watch_stop(self, now_s: float) -> None:
        """Count frames that follow a StopAudio without a pause: they were on their way when it was said."""
        if now_s > self._watch_until_s:
            return
        if now_s - self._last_frame_s > STOP_PAUSE_S:
            self._watch_until_s = float("-inf")
            return
        self.frames_after_stop += 1
        self._last_frame_s = now_s

    def _queued_ms(self) -> float:
        return len(self._queue) / 2 * 1000 / self.rate_hz
