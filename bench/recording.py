"""What recording costs beside measuring levels: the same frames through each, in turn, in one run.

The event loop's part is timed alone; the writer's thread is timed with all its writing and syncing, for a second of
sound at a time, as it comes at real pace. Prints one JSON object a row.
"""

import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np

from streaming.audio import PcmFrame
from streaming.pipeline.levels import Levels
from streaming.pipeline.playout import Playout
from streaming.recording.records import TakeHead
from streaming.recording.sinks import TakeFacts, TakeSink
from streaming.recording.take import TakeInMaking
from streaming.recording.writer import Writer

QUICK: Final = bool(os.environ.get("BENCH_QUICK"))
ROUNDS: Final = 3 if QUICK else 15
FRAMES: Final = 2_000
CALLS: Final = 4 if QUICK else 50
PACED_S: Final = 1.0 if QUICK else 6.0
BEGAN: Final = datetime(2026, 1, 1, tzinfo=UTC)


def frames(rate_hz: int, count: int) -> list[PcmFrame]:
    """Speech-like noise of one participant, fifty frames a second."""
    rng = np.random.default_rng(7)
    return [
        PcmFrame(
            "4:+14255550123",
            rng.normal(0, 3_000, rate_hz // 50).astype("<i2").tobytes(),
            rate_hz,
            silent=False,
            timestamp=BEGAN + timedelta(milliseconds=20 * number),
            arrived_s=number * 0.02,
        )
        for number in range(count)
    ]


def take_of(rate_hz: int, closed: Callable[[TakeFacts], None]) -> tuple[TakeSink, TakeInMaking]:
    sink = TakeSink(TakeHead("t", "c", rate_hz, BEGAN.isoformat(), "bench"), _say_trouble, lambda: None, closed)
    return sink, TakeInMaking(sink, Playout(rate_hz), 0.0)


def _say_trouble(words: str) -> None:
    raise SystemExit(f"the disk is in trouble: {words}")


def levels_us(said: list[PcmFrame]) -> float:
    stage = Levels()
    began = time.process_time()
    for frame in said:
        stage.feed(frame)
    return (time.process_time() - began) / len(said) * 1e6


def recording_us(said: list[PcmFrame]) -> float:
    """Into the queues, which are emptied each fifth of a second by nobody: the writer is another thread's cost."""
    sink, take = take_of(said[0].rate_hz, lambda facts: None)
    spent = 0.0
    for first in range(0, len(said), 10):
        piece = said[first : first + 10]
        began = time.process_time()
        for frame in piece:
            take.feed(frame)
        spent += time.process_time() - began
        for track in sink.tracks:
            track.taken += sum(entry[3] for entry in track.waiting)
            track.waiting.clear()
    return spent / len(said) * 1e6


def paced(rate_hz: int) -> dict[str, float]:
    """Many takes at real pace: processor time of both threads, and how long the slowest frame was in writing."""
    said = frames(rate_hz, round(PACED_S * 50))
    done = threading.Semaphore(0)
    writer = Writer()
    with tempfile.TemporaryDirectory() as folder:
        takes = [take_of(rate_hz, lambda facts: done.release()) for _ in range(CALLS)]
        for number, (sink, _) in enumerate(takes):
            writer.open(sink, Path(folder) / str(number))
        began_s, began_cpu_s, feeding_s, most_waiting = time.monotonic(), time.process_time(), 0.0, 0
        for number, frame in enumerate(said):
            fed_s = time.thread_time()
            for _, take in takes:
                take.feed(frame)
            feeding_s += time.thread_time() - fed_s
            most_waiting = max(most_waiting, *(sink.waiting_samples for sink, _ in takes))
            time.sleep(max(0.0, began_s + number * 0.02 - time.monotonic()))
        cpu_s = time.process_time() - began_cpu_s
        for _, take in takes:
            take.end(PACED_S)
        for _ in takes:
            done.acquire()
    count = len(said) * len(takes)
    return {
        "all_us": round(cpu_s / count * 1e6, 2),
        "event_loop_us": round(feeding_s / count * 1e6, 2),
        "most_waiting_ms": round(most_waiting * 1000 / rate_hz),
    }


def main() -> None:
    for rate_hz in (16_000, 24_000):
        said = frames(rate_hz, FRAMES)
        rounds = [(recording_us(said), levels_us(said)) for _ in range(ROUNDS)]
        recording, levels = (statistics.median(each) for each in zip(*rounds, strict=True))
        row = {
            "bench": "recording",
            "row": "frame",
            "rate_hz": rate_hz,
            "recording_us": round(recording, 2),
            "levels_us": round(levels, 2),
            "ratio": round(recording / levels, 2),
            "rounds": ROUNDS,
        }
        print(json.dumps(row))
        print(json.dumps({"bench": "recording", "row": "paced", "rate_hz": rate_hz, "calls": CALLS} | paced(rate_hz)))


if __name__ == "__main__":
    main()
