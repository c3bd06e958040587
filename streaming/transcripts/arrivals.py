"""When sound was said that a recogniser speaks of by its seconds. Pure."""

from bisect import bisect_left, bisect_right
from typing import Final

# Frames come in bunches and clocks drift a little; what is further off is a hole in the stream.
JITTER_S: Final = 0.25
MOST_MARKS: Final = 1_000
# A recogniser's times are not exact: so near a hole, a beginning lies behind it and an end before it.
NEAR_S: Final = 0.05


class Arrivals:
    """Seconds of pushed sound → moments on our clock. A hole in what was pushed does not shift what follows."""

    def __init__(self) -> None:
        self._pushed_s: list[float] = []
        self._moments_s: list[float] = []
        self.length_s = 0.0

    def add(self, began_s: float, duration_s: float) -> None:
        """A piece that was said from `began_s` on goes behind all before it."""
        if not self._pushed_s or abs(began_s - self._expected_s()) > JITTER_S:
            self._pushed_s.append(self.length_s)
            self._moments_s.append(began_s)
            if len(self._pushed_s) > MOST_MARKS:
                del self._pushed_s[: MOST_MARKS // 2], self._moments_s[: MOST_MARKS // 2]
        self.length_s += duration_s

    def _expected_s(self) -> float:
        return self._moments_s[-1] + self.length_s - self._pushed_s[-1]

    def starts_at(self, pushed_s: float) -> float:
        """The moment at which something began: at a hole, behind it."""
        return self._at(bisect_right(self._pushed_s, pushed_s + NEAR_S), pushed_s)

    def ends_at(self, pushed_s: float) -> float:
        """The moment at which something ended: at a hole, before it."""
        return self._at(bisect_left(self._pushed_s, pushed_s - NEAR_S), pushed_s)

    def _at(self, place: int, pushed_s: float) -> float:
        if not self._pushed_s:
            raise ValueError("Nothing was pushed yet.")
        mark = max(0, place - 1)
        return self._moments_s[mark] + pushed_s - self._pushed_s[mark]
