"""The outline of a recording: the lowest and the highest sample of each short span, computed once and stored.

As JSON: `{"duration_s": …, "levels": [{"per_s": 50, "peaks": [min, max, …]}, {"per_s": 5, "peaks": […]}]}`, samples as
whole numbers from −128 to 127. A page that shows an hour reads the coarse level, one that shows a minute the fine one.
"""

from functools import reduce
from typing import Final, TypedDict

import msgspec
import numpy as np
from numpy.typing import NDArray

FINE_PER_S: Final = 50
COARSE_PER_S: Final = 5
LEVELS: Final = (FINE_PER_S, COARSE_PER_S)

Samples = NDArray[np.int16]


class Level(TypedDict):
    per_s: int
    peaks: list[int]


class Peaks(TypedDict):
    duration_s: float
    levels: list[Level]


class Window(TypedDict):
    per_s: int
    from_s: float
    duration_s: float
    peaks: list[int]


class PeakMeter:
    """Fed a recording from its beginning, in blocks of any length: samples, or frames of several channels, whose
    outlines become one. Holds one pair for each span and less than a span of sound."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._span = max(1, rate_hz // FINE_PER_S)
        self._lows: list[NDArray[np.int16]] = []
        self._highs: list[NDArray[np.int16]] = []
        self._rest_low = self._rest_high = np.empty(0, np.int16)
        self._samples = 0

    def feed(self, block: Samples) -> None:
        low = high = block
        if block.ndim == 2:  # column by column, which is ten times as fast as along the rows
            low, high = reduce(np.minimum, block.T), reduce(np.maximum, block.T)
        self._samples += len(low)
        low, high = np.concatenate((self._rest_low, low)), np.concatenate((self._rest_high, high))
        whole = len(low) // self._span * self._span
        if whole:
            self._lows.append(low[:whole].reshape(-1, self._span).min(axis=1))
            self._highs.append(high[:whole].reshape(-1, self._span).max(axis=1))
        self._rest_low, self._rest_high = low[whole:].copy(), high[whole:].copy()

    def result(self) -> Peaks:
        """What was fed so far; the last span may be shorter than the others."""
        rest = len(self._rest_low) > 0
        low = np.concatenate([*self._lows, *([self._rest_low.min(keepdims=True)] if rest else [])] or [self._rest_low])
        high = np.concatenate(
            [*self._highs, *([self._rest_high.max(keepdims=True)] if rest else [])] or [self._rest_high]
        )
        coarse_low, coarse_high = _coarser(low, np.minimum), _coarser(high, np.maximum)
        return {
            "duration_s": self._samples / self._rate_hz,
            "levels": [
                {"per_s": FINE_PER_S, "peaks": _pairs(low, high)},
                {"per_s": COARSE_PER_S, "peaks": _pairs(coarse_low, coarse_high)},
            ],
        }


def _coarser(values: Samples, extreme: np.ufunc) -> Samples:
    starts = np.arange(0, len(values), FINE_PER_S // COARSE_PER_S)
    return np.asarray(extreme.reduceat(values, starts), np.int16) if len(values) else values


def _pairs(low: Samples, high: Samples) -> list[int]:
    pairs = np.column_stack((low, high)).astype(np.int32).ravel()
    # To the nearest of 256 steps.
    return [int(each) for each in np.clip((pairs + 128) >> 8, -128, 127)]


_decoder: Final = msgspec.json.Decoder(Peaks)


def to_json(peaks: Peaks) -> bytes:
    return msgspec.json.encode(peaks)


def from_json(text: bytes) -> Peaks:
    return _decoder.decode(text)


def window(peaks: Peaks, per_s: int, from_s: float, until_s: float) -> Window:
    """The spans that lie in these seconds wholly or in part; `from_s` of the answer is where the first one begins."""
    level = next(each for each in peaks["levels"] if each["per_s"] == per_s)
    until_s = min(until_s, peaks["duration_s"])
    first = int(max(0.0, from_s) * per_s + 1e-6)
    last = int(np.ceil(max(0.0, until_s) * per_s - 1e-6))
    pairs = level["peaks"][2 * first : 2 * max(first, last)]
    return {"per_s": per_s, "from_s": first / per_s, "duration_s": peaks["duration_s"], "peaks": pairs}
