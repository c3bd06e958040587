"""How loud everybody is, and who speaks: measured once per 100 ms for each participant."""

import math
from collections import deque
from typing import Final

import msgspec
import numpy as np

from streaming.audio import BYTES_PER_SAMPLE, FULL_SCALE, PCM_TYPE, SILENCE_DBFS, PcmFrame

WINDOW_MS: Final = 100
ABSENT_AFTER_S: Final = 0.5
FORGOTTEN_AFTER_S: Final = 60.0
SILENT_BELOW_DBFS: Final = -70.0
SILENCE_WINDOWS: Final = 10
CLIPPED_FROM: Final = 32_766

SPEECH_ABOVE_FLOOR_DB: Final = 10.0
SPEECH_ABOVE_DBFS: Final = -50.0
HANGOVER_WINDOWS: Final = 3
# Below this the floor decides nothing (speech has to be above −50 dBFS anyway), and digital silence must not drag it
# so far down that the first rustle afterwards passes for speech.
LOWEST_FLOOR_DBFS: Final = SPEECH_ABOVE_DBFS - SPEECH_ABOVE_FLOOR_DB
FLOOR_FALL: Final = 0.5
FLOOR_RISE: Final = 0.1
FLOOR_RISE_IN_SPEECH_DB: Final = 0.2


class Level(msgspec.Struct, frozen=True, gc=False):
    """One participant's last whole 100 ms.

    `rms_dbfs` and `peak_dbfs` are measured after the mean is removed, `raw_peak_dbfs` before; full scale is 32768 and
    −100 is silence. `dc` is the mean as a fraction of full scale. `silence_ratio` is the share of the last second that
    Azure flagged as silent or that stayed below −70 dBFS; `clipping_ratio` the share of samples at the very edge.
    """

    rms_dbfs: float
    peak_dbfs: float
    raw_peak_dbfs: float
    dc: float
    speaking: bool
    silence_ratio: float
    clipping_ratio: float


class Levels:
    """A stage that keeps the newest Level of every participant; costs one numpy pass per participant and 100 ms."""

    def __init__(self) -> None:
        self._tracks: dict[str, _Track] = {}

    def feed(self, frame: PcmFrame) -> None:
        """Takes one frame. Frames of any length will do; a window is measured as soon as it holds 100 ms."""
        track = self._tracks.get(frame.raw_id)
        if track is None:
            self._tracks[frame.raw_id] = track = _Track()
        if frame.arrived_s - track.arrived_s > ABSENT_AFTER_S or frame.rate_hz != track.rate_hz:
            track.begin(frame.rate_hz)
        track.arrived_s = frame.arrived_s
        track.pending.append(frame.pcm)
        track.pending_bytes += len(frame.pcm)
        track.pending_silent += frame.silent
        if track.pending_bytes >= track.window_bytes:
            track.measure()

    def snapshot(self, now_s: float) -> dict[str, Level]:
        """The last whole window of everybody heard in the last 500 ms, by raw id ("mixed" for a mixed stream)."""
        for raw_id in [raw_id for raw_id, track in self._tracks.items() if now_s - track.arrived_s > FORGOTTEN_AFTER_S]:
            del self._tracks[raw_id]
        return {
            raw_id: track.level
            for raw_id, track in self._tracks.items()
            if track.level is not None and now_s - track.arrived_s <= ABSENT_AFTER_S
        }

    def close(self) -> None:
        """Forgets everybody."""
        self._tracks.clear()


class _Track:
    __slots__ = (
        "arrived_s",
        "floor_dbfs",
        "hangover",
        "level",
        "ones",
        "pending",
        "pending_bytes",
        "pending_silent",
        "rate_hz",
        "silences",
        "window_bytes",
    )

    def __init__(self) -> None:
        self.arrived_s = -math.inf
        self.level: Level | None = None
        self.floor_dbfs = LOWEST_FLOOR_DBFS
        self.silences: deque[float] = deque(maxlen=SILENCE_WINDOWS)
        self.begin(0)

    def begin(self, rate_hz: int) -> None:
        """Starts a fresh window: what waited belongs to another time or another rate."""
        self.rate_hz = rate_hz
        self.window_bytes = rate_hz * WINDOW_MS // 1000 * BYTES_PER_SAMPLE
        self.ones = np.ones(self.window_bytes // BYTES_PER_SAMPLE, np.float32)
        self.pending: list[bytes] = []
        self.pending_bytes = 0
        self.pending_silent = 0
        self.hangover = 0

    def measure(self) -> None:
        """One pass over the window. Dot products and arg-searches take half the time of numpy's sum, min and max."""
        samples = np.frombuffer(b"".join(self.pending), PCM_TYPE)
        count = samples.size
        low = int(samples.item(samples.argmin()))
        high = int(samples.item(samples.argmax()))
        centred = samples.astype(np.float32)
        ones = self.ones if self.ones.size == count else np.ones(count, np.float32)
        mean = float(centred.dot(ones)) / count
        np.subtract(centred, np.float32(mean), centred)
        rms = math.sqrt(float(centred.dot(centred)) / count)
        clipped = 0
        if high >= CLIPPED_FROM or low <= -CLIPPED_FROM:
            clipped = int(np.count_nonzero(samples >= CLIPPED_FROM) + np.count_nonzero(samples <= -CLIPPED_FROM))
        rms_dbfs = _dbfs(rms)
        self.silences.append(1.0 if rms_dbfs < SILENT_BELOW_DBFS else self.pending_silent / len(self.pending))
        self.level = Level(
            rms_dbfs=rms_dbfs,
            peak_dbfs=_dbfs(max(high - mean, mean - low)),
            raw_peak_dbfs=_dbfs(max(high, -low)),
            dc=mean / FULL_SCALE,
            speaking=self._speaks(rms_dbfs),
            silence_ratio=sum(self.silences) / len(self.silences),
            clipping_ratio=clipped / count,
        )
        self.pending.clear()
        self.pending_bytes = 0
        self.pending_silent = 0

    def _speaks(self, rms_dbfs: float) -> bool:
        loud = rms_dbfs > SPEECH_ABOVE_DBFS and rms_dbfs > self.floor_dbfs + SPEECH_ABOVE_FLOOR_DB
        above = rms_dbfs - self.floor_dbfs
        if above < 0:
            self.floor_dbfs = max(LOWEST_FLOOR_DBFS, self.floor_dbfs + above * FLOOR_FALL)
        elif loud:
            self.floor_dbfs += FLOOR_RISE_IN_SPEECH_DB
        else:
            self.floor_dbfs += above * FLOOR_RISE
        held = self.hangover > 0
        self.hangover = HANGOVER_WINDOWS if loud else max(0, self.hangover - 1)
        return loud or held


def _dbfs(magnitude: float) -> float:
    fraction = magnitude / FULL_SCALE
    return SILENCE_DBFS if fraction <= 1e-5 else 20 * math.log10(fraction)
