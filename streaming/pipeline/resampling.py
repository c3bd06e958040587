"""Live sound at another rate: a polyphase filter that looks one to two milliseconds ahead, where a resampler for files
would hold the sound back for forty. Pure.
"""

from math import gcd
from typing import Final

import numpy as np

from streaming.audio import BYTES_PER_SAMPLE, FULL_SCALE, Waveform, samples_of, to_pcm

# Zero crossings of the filter on each side: 16 keep aliases below −80 dB and delay by 1 ms at 16 kHz.
LOBES: Final = 16
BETA: Final = 9.0
# The band's edge as a share of the lower rate's half, so that the filter's slope ends where aliases would begin.
EDGE: Final = 0.9


class Resampler:
    """One voice's sound in pieces of any length. What is not yet put out is at most `delay_s`."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        self.from_hz, self.to_hz = from_hz, to_hz
        self._phases = _phases(self._up, self._down)
        self._taps = self._phases.shape[1]
        self.delay_s = (self._taps // 2) / from_hz
        # The past starts as silence, half a filter long, so that what goes in at 0 s comes out at 0 s.
        self._past: Waveform = np.zeros(self._taps // 2, np.float32)
        self._next = 0  # of the outputs, counted on the raised rate from the past's first sample

    def push(self, pcm: bytes) -> bytes:
        """Takes 16-bit little-endian mono; gives what can be said of it at the other rate."""
        if self._up == self._down:
            return pcm
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError("16-bit sound has two bytes a sample.")
        heard = np.concatenate([self._past, samples_of(pcm).astype(np.float32) / np.float32(FULL_SCALE)])
        last = heard.size - self._taps
        if last < 0:
            self._past = heard
            return b""
        positions = np.arange(self._next, last * self._up + self._up, self._down)
        windows = np.lib.stride_tricks.sliding_window_view(heard, self._taps)
        out = np.empty(positions.size, np.float32)
        places, phases = np.divmod(positions, self._up)
        for phase in range(self._up):
            chosen = phases == phase
            out[chosen] = windows[places[chosen]] @ self._phases[phase]
        used = last + 1
        following = int(positions[-1]) + self._down if positions.size else self._next
        self._next = following - used * self._up
        self._past = heard[used:].copy()
        return to_pcm(out).tobytes()


def _phases(up: int, down: int) -> Waveform:
    """The filter, cut into one row of weights for each place that an output can have between two inputs."""
    reach = LOBES * max(1.0, down / up)  # in inputs, on each side
    taps = 2 * int(np.ceil(reach))
    cut = EDGE * min(1.0, up / down)
    rows = []
    for phase in range(up):
        # Distance of each input of the window from the output, which stands between its two middle ones.
        distance = np.arange(taps) - (taps / 2 - 1) - phase / up - 1
        window = np.i0(BETA * np.sqrt(np.clip(1 - (distance / (taps / 2)) ** 2, 0, None))) / np.i0(BETA)
        row = cut * np.sinc(cut * distance) * window
        rows.append(row / row.sum())
    return np.array(rows, np.float32)
