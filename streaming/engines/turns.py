"""Where somebody begins and ends to talk, told from loudness alone; and how long a service may say nothing to it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from streaming.audio import BYTES_PER_SAMPLE, FULL_SCALE, dbfs, duration_ms, frame_bytes, samples_of
from streaming.engines.contract import EngineError
from streaming.engines.endpointing import EnergyActivity

QUIETEST_SPEECH_DBFS: Final = -45.0
BEGINS_AFTER_MS: Final = 60
ENDS_AFTER_MS: Final = 600
LONGEST_TURN_S: Final = 30.0
OWED_S: Final = 15.0


@dataclass(slots=True)
class Turn:
    """Seconds of the sound so far; `end_s` moves on as long as it is `open`."""

    start_s: float
    end_s: float
    open: bool = True


class TurnTaking:
    """Cuts a voice into turns, as whoever has to say where an utterance ends needs it."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz, self._window_bytes = rate_hz, frame_bytes(rate_hz)
        self._heard_bytes = 0
        self.loud_until_s = 0.0
        self.turn: Turn | None = None
        self._activity = EnergyActivity()
        self._loud_since_s: float | None = None

    @property
    def heard_s(self) -> float:
        return duration_ms(self._heard_bytes, self._rate_hz) / 1000

    def feed(self, pcm: bytes) -> list[Turn]:
        """The turns that end in this piece, in order; what is under way is `turn`."""
        windows = (pcm[start : start + self._window_bytes] for start in range(0, len(pcm), self._window_bytes))
        return [turn for window in windows if (turn := self._feed_window(window))]

    def end(self) -> Turn | None:
        """Ends the turn that is under way, if there is one."""
        ended, self.turn, self._loud_since_s = self.turn, None, None
        if ended is not None:
            ended.open = False
        return ended

    def _feed_window(self, pcm: bytes) -> Turn | None:
        loud = self._activity.is_speech(samples_of(pcm))
        began_s = self.heard_s
        self._heard_bytes += len(pcm)
        if self.turn is None:
            if not loud:
                self._loud_since_s = None
                return None
            if self._loud_since_s is None:
                self._loud_since_s = began_s
            if (self.heard_s - self._loud_since_s) * 1000 < BEGINS_AFTER_MS:
                return None
            self.loud_until_s = self.heard_s
            self.turn = Turn(self._loud_since_s, self.heard_s)
            return None
        if loud:
            self.turn.end_s = self.loud_until_s = self.heard_s
        over = (self.heard_s - self.turn.end_s) * 1000 >= ENDS_AFTER_MS
        return self.end() if over or self.heard_s - self.turn.start_s >= LONGEST_TURN_S else None


class Patience:
    """A service that takes sound and says nothing to it has stalled; to silence it need not say anything."""

    def __init__(self, service: str, rate_hz: int, patience_s: float) -> None:
        self._service, self._rate_hz, self._patience_s = service, rate_hz, patience_s
        self._unanswered_s = self._owed_s = 0.0

    def answered(self) -> None:
        """The service has said something about the sound."""
        self._unanswered_s = self._owed_s = 0.0

    @property
    def waits(self) -> bool:
        """Whether anything that can be heard is still unanswered."""
        return bool(self._unanswered_s or self._owed_s)

    def pushed(self, pcm: bytes, *, owed: bool) -> None:
        """Raises EngineError when too much that can be heard was answered by nothing.

        `owed`: the service has to say more even if silence follows, such as the end of what it began.
        """
        pushed_s = duration_ms(len(pcm), self._rate_hz) / 1000
        if owed:
            self._owed_s += pushed_s
        if loudness_dbfs(pcm) >= QUIETEST_SPEECH_DBFS:
            self._unanswered_s += pushed_s
        if self._unanswered_s > self._patience_s or self._owed_s > OWED_S:
            quiet_s = max(self._unanswered_s, self._owed_s)
            raise EngineError(
                f"{self._service} said nothing to {quiet_s:.0f} s of sound; it is asked anew.",
                retryable=True,
                unheard_s=quiet_s,
            )


def loudness_dbfs(pcm: bytes) -> float:
    """The root mean square of 16-bit sound."""
    samples = samples_of(pcm[: len(pcm) // BYTES_PER_SAMPLE * BYTES_PER_SAMPLE])
    if not len(samples):
        return dbfs(0.0)
    return dbfs(float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) / FULL_SCALE)
