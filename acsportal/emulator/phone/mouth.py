"""What a person says, as the mixer wants it: one frame for each tick of the call, whatever the browser's clock does.

Pure: frames come in when the network brings them and go out when the call's clock asks.
"""

import base64

import numpy as np

from acsportal.emulator.media.clock import FRAME_MS
from acsportal.emulator.media.tracks import LOUDNESS_FRAMES, Track

LEAST_FRAMES, MOST_FRAMES = 2, 10
SLACK_FRAMES = 3
CALM_TICKS = 250
BREAK_TICKS = 50


class Mouth(Track):
    """A track without an end whose one frame is made anew each tick from a short queue.

    The queue waits for ``aim`` frames before it speaks. Each time it runs dry the aim rises by two; after five calm
    seconds it falls again, and a frame that was never needed in them is dropped: that is how a browser whose clock is
    fast, or a burst after a stall, is brought back to a small delay. ``underruns`` are gaps of less than a second.
    """

    __slots__ = ("_calm", "_dry_at", "_pulled", "_queue", "_spare", "_talks", "aim", "dropped", "taken", "underruns")

    def __init__(self, rate_hz: int) -> None:
        frame_samples = rate_hz * FRAME_MS // 1000
        super().__init__(np.zeros(frame_samples, dtype=np.int16), rate_hz, wrap=0)
        self.aim = LEAST_FRAMES
        self.dropped = self.underruns = self.taken = 0
        self._queue = bytearray()
        self._talks = False
        self._pulled = self._dry_at = -BREAK_TICKS
        self._calm, self._spare = 0, MOST_FRAMES

    @property
    def queued_ms(self) -> int:
        return len(self._queue) // 2 * FRAME_MS // self.frame_samples

    def push(self, pcm: bytes) -> None:
        """PCM16 of any length, little endian. More than can wait is dropped from the front, whole frames of it."""
        self._queue += pcm[: len(pcm) & ~1]
        if self._waiting() > self.aim + SLACK_FRAMES:
            self._drop(self._waiting() - self.aim)

    def hush(self) -> None:
        """Muted: what waits is not said, and the silence that follows is no underrun."""
        self._queue.clear()
        self._talks = False
        self._dry_at = self._pulled - BREAK_TICKS

    def index(self, frame: int) -> int:
        """0, after the frame for that tick was made; asking twice for one tick gives the same sound."""
        if frame > self._pulled:
            self._pulled = frame
            self._speak(self._next())
        return 0

    def _next(self) -> bytes:
        if not self._talks and self._waiting() >= self.aim:
            self._talks = True
            if self._pulled - self._dry_at < BREAK_TICKS:
                self.underruns += 1
                self.aim = min(self.aim + 2, MOST_FRAMES)
            self._calm, self._spare = 0, MOST_FRAMES
        if not self._talks:
            return b""
        size = 2 * self.frame_samples
        if len(self._queue) < size:
            self._talks, self._dry_at = False, self._pulled
            return b""
        said = bytes(self._queue[:size])
        del self._queue[:size]
        self.taken += 1
        self._settle()
        return said

    def _settle(self) -> None:
        """After calm seconds ask for less delay again, and give up a frame that nobody needed."""
        self._spare = min(self._spare, self._waiting())
        self._calm += 1
        if self._calm < CALM_TICKS:
            return
        self.aim = max(self.aim - 1, LEAST_FRAMES)
        if self._spare >= LEAST_FRAMES:
            self._drop(1)
        self._calm, self._spare = 0, MOST_FRAMES

    def _drop(self, frames: int) -> None:
        del self._queue[: 2 * self.frame_samples * frames]
        self.dropped += frames

    def _waiting(self) -> int:
        return len(self._queue) // (2 * self.frame_samples)

    def _speak(self, said: bytes) -> None:
        row = np.frombuffer(said, dtype="<i2") if said else np.zeros(self.frame_samples, dtype="<i2")
        power = float(np.square(row, dtype=np.float64).mean())
        self.pcm = row.reshape(1, -1)
        self.frames = [base64.b64encode(row.tobytes())]
        self.silent = [not row.any()]
        self.loudness = [self.loudness[0] * (1 - 1 / LOUDNESS_FRAMES) + power]
