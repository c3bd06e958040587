"""Takes as the recorder writes them, without a portal around: frames in, aligned tracks out."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from streaming.audio import PcmFrame
from streaming.pipeline.playout import Playout
from streaming.recording.records import TakeHead
from streaming.recording.sinks import TakeFacts, TakeSink
from streaming.recording.take import TakeInMaking
from streaming.recording.wal import TakeFiles, TrackFile, read_take
from streaming.recording.writer import Writer

RATE_HZ = 16_000
FRAME = 320
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
START_S = 1_000.0
CALLER = "4:+14255550123"
EXPERT = "8:acs:expert"


def numbered(number: int, rate_hz: int = RATE_HZ) -> bytes:
    """A frame whose samples say which one it is; none of them is zero."""
    return np.full(rate_hz // 50, 1 + number % 30_000, np.int16).tobytes()


def head(rate_hz: int = RATE_HZ, take: str = "6f2c1c7e-4a55-4a1e-8f0e-3d9d6c9b7a01") -> TakeHead:
    return TakeHead(take, "call-1", rate_hz, NOON.isoformat(), "portal-1")


def frame(
    number: int, at_s: float, arrived_s: float | None = None, raw_id: str = CALLER, **changes: object
) -> PcmFrame:
    """Frame `number`, said at `at_s` of the call and arrived then, or later."""
    fields = {
        "raw_id": raw_id,
        "pcm": numbered(number),
        "rate_hz": RATE_HZ,
        "silent": False,
        "timestamp": NOON + timedelta(seconds=at_s),
        "arrived_s": START_S + (at_s if arrived_s is None else arrived_s),
    }
    return PcmFrame(**(fields | changes))  # type: ignore[arg-type]


@dataclass
class Recorder:
    """One take, written by a writer of its own into `folder`."""

    folder: Path
    rate_hz: int = RATE_HZ
    writer: Writer = field(default_factory=lambda: Writer(every_s=0.005, sync_s=0.05, retry_s=0.05))
    troubles: list[str] = field(default_factory=list)
    well: int = 0
    facts: TakeFacts | None = None

    def __post_init__(self) -> None:
        self.closed = threading.Event()
        self.playout = Playout(self.rate_hz)
        self.sink = TakeSink(head(self.rate_hz), self.troubles.append, self._is_well, self._is_closed)
        self.take = TakeInMaking(self.sink, self.playout, START_S)
        self.writer.open(self.sink, self.folder)

    def _is_well(self) -> None:
        self.well += 1

    def _is_closed(self, facts: TakeFacts) -> None:
        self.facts = facts
        self.closed.set()

    def feed(self, *frames: PcmFrame) -> None:
        """Faster than it was said, but never so fast that the writer's queue overflows."""
        for each in frames:
            if self.sink.waiting_samples > 5 * self.rate_hz:
                assert self.writer.flush(10)
            self.take.feed(each)

    def end(self, at_s: float) -> TakeFiles:
        """Ends the take and reads it back."""
        self.take.end(START_S + at_s)
        assert self.closed.wait(10), "the take was not closed"
        return read_take(self.folder)


def samples(track: TrackFile) -> NDArray[np.int16]:
    return np.fromfile(track.pcm, np.int16)


def numbers(track: TrackFile, rate_hz: int = RATE_HZ) -> list[tuple[int, int]]:
    """The track as runs of equal samples: (where it begins, in samples; which frame it is), silence left out."""
    heard = samples(track)
    edges = np.flatnonzero(np.diff(heard, prepend=np.int16(0)))
    return [(int(at), int(heard[at]) - 1) for at in edges if heard[at]]


def track_of(files: TakeFiles, raw_id: str = CALLER) -> TrackFile:
    return next(each for each in files.tracks if each.raw_id == raw_id)
