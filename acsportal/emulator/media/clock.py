"""A call's own time: ticks of 20 ms on an absolute schedule since the call connected."""

import time
from datetime import UTC, datetime, timedelta

FRAME_MS = 20
FRAME_S = FRAME_MS / 1000


class CallClock:
    """Tick n is due at ``start + n * 20 ms``, so no delay ever adds up. ``start_s`` is monotonic time in seconds."""

    __slots__ = ("_started_at", "start_s")

    def __init__(self, start_s: float | None = None) -> None:
        self.start_s = time.monotonic() if start_s is None else start_s
        self._started_at = datetime.now(UTC)

    def due_s(self, tick: int) -> float:
        return self.start_s + tick * FRAME_S

    def next_tick(self, now_s: float) -> int:
        """The first tick that is not over yet."""
        return max(0, int((now_s - self.start_s) / FRAME_S) + 1)

    def elapsed_s(self, now_s: float) -> float:
        return max(0.0, now_s - self.start_s)

    def stamp(self, tick: int) -> str:
        """ISO 8601 UTC with milliseconds and ``Z``, as in AudioData (sheet 1.2)."""
        moment = self._started_at + timedelta(milliseconds=FRAME_MS * tick)
        return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
