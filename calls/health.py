"""How well a call's stream ran, one mark a second: what its page shows of the minute before it was opened."""

from collections import deque
from typing import Final, Literal

Mark = Literal["well", "wait", "bad", "none"]

MARKS: Final = 60
TICKS_A_MARK: Final = 10
SLOW_MS: Final = 100
STALLED_MS: Final = 1_000
"""Frames come each 20 ms even while nobody speaks, so a second without one is news."""


class HealthMarks:
    """The last minute: `well`, `wait` (frames came late), `bad` (sound was lost, or none came) or `none`."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque(maxlen=MARKS)
        self._ticks = 0
        self._worst_lag_ms: int | None = None
        self._lost_ms = self._lost_before_ms = 0
        self._stalled = False

    def tick(self, lag_ms: int | None, lost_ms: int = 0, frame_age_ms: int = 0) -> None:
        """Each 100 ms what the stream says of itself; `lag_ms` None where there is none. `lost_ms` counts on."""
        self._ticks += 1
        if lag_ms is not None:
            if self._never_heard:
                self._lost_before_ms = lost_ms  # lost before we looked
            self._worst_lag_ms = max(lag_ms, self._worst_lag_ms or 0)
            self._lost_ms = lost_ms
            self._stalled |= frame_age_ms >= STALLED_MS
        if self._ticks % TICKS_A_MARK == 0:
            self._marks.append(self._mark())
            self._worst_lag_ms, self._lost_before_ms, self._stalled = None, self._lost_ms, False

    @property
    def _never_heard(self) -> bool:
        return self._worst_lag_ms is None and not any(mark != "none" for mark in self._marks)

    def _mark(self) -> Mark:
        if self._worst_lag_ms is None:
            return "none"
        if self._lost_ms > self._lost_before_ms or self._stalled:
            return "bad"
        return "wait" if self._worst_lag_ms >= SLOW_MS else "well"

    def marks(self) -> list[Mark]:
        """At most MARKS, oldest first."""
        return list(self._marks)
