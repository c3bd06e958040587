"""Counts and latencies that a server under measurement leaves in a file, for another process to read while it runs.

Linear buckets of 10 µs up to 2 s; what is later than that stands in the last one. Writing one costs about half a
microsecond, in every server the same.
"""

import mmap
import time
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.rig.frames import STAMP_BYTES

BUCKET_NS: Final = 10_000
LAST: Final = 200_000

Counts = NDArray[np.uint64]


class Gauge:
    def __init__(self, path: Path) -> None:
        size = 8 * (LAST + 1)
        if not path.exists() or path.stat().st_size != size:
            path.write_bytes(bytes(size))
        with path.open("r+b") as file:
            self._buckets = memoryview(mmap.mmap(file.fileno(), size)).cast("Q")

    def note(self, pcm: bytes) -> None:
        """A server has done all it does with this sound."""
        late_ns = time.monotonic_ns() - int.from_bytes(pcm[:STAMP_BYTES], "little")
        self._buckets[min(late_ns // BUCKET_NS, LAST)] += 1

    def counts(self) -> Counts:
        """A copy of what was noted until now."""
        return np.frombuffer(self._buckets, np.uint64).copy()


def percentile_ms(counts: Counts, share: float) -> float | None:
    """The latency that this share of all stays below; None if there was nothing."""
    total = int(counts.sum())
    if not total:
        return None
    bucket = int(np.searchsorted(np.cumsum(counts), share * total))
    return round((bucket + 1) * BUCKET_NS / 1e6, 2)
