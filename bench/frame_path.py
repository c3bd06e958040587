"""What one frame costs between the socket and its level: ours beside the straightforward way, in interleaved rounds.

Prints one JSON object a row. Figures of CPU time; compare the ratio, not the microseconds, between machines.
"""

import base64
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np

from streaming.audio import PcmFrame
from streaming.pipeline.levels import Levels
from streaming.session import MediaSession

ROUNDS = 3 if os.environ.get("BENCH_QUICK") else 15
FRAMES = 2_000


def messages(rate_hz: int) -> list[str]:
    """Speech-like noise of one participant, as Azure sends it."""
    rng = np.random.default_rng(7)
    began = datetime(2026, 1, 1, tzinfo=UTC)
    texts = []
    for number in range(FRAMES):
        pcm = rng.normal(0, 3_000, rate_hz // 50).astype("<i2").tobytes()
        at = (began + timedelta(milliseconds=20 * number)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        audio = {"timestamp": at, "participantRawID": "4:+14255550123", "data": base64.b64encode(pcm).decode()}
        texts.append(json.dumps({"kind": "AudioData", "audioData": audio | {"silent": False}}))
    return texts


def ours(texts: list[str], rate_hz: int) -> None:
    """Typed decode, clocks and gaps, levels once per 100 ms."""
    session, levels = MediaSession(rate_hz, 0.0), Levels()
    opening = {"subscriptionId": "s", "encoding": "PCM", "sampleRate": rate_hz, "channels": 1, "length": rate_hz // 25}
    wall = datetime(2026, 1, 1, tzinfo=UTC)
    session.receive(json.dumps({"kind": "AudioMetadata", "audioMetadata": opening}), None, 0.0, wall)
    for number, text in enumerate(texts):
        frame = session.receive(text, None, number * 0.02, wall)
        assert isinstance(frame, PcmFrame)
        levels.feed(frame)


def straightforward(texts: list[str], rate_hz: int) -> None:
    """json, base64 and numpy for each frame; no clocks."""
    for text in texts:
        audio = json.loads(text)["audioData"]
        samples = np.frombuffer(base64.b64decode(audio["data"]), "<i2").astype(np.float64)
        samples -= samples.mean()
        20 * np.log10(np.sqrt(np.mean(samples**2)) / 32768), np.abs(samples).max()


def cpu_us(work: Callable[[list[str], int], None], texts: list[str], rate_hz: int) -> float:
    began = time.process_time()
    work(texts, rate_hz)
    return (time.process_time() - began) / len(texts) * 1e6


def main() -> None:
    for rate_hz in (16_000, 24_000):
        texts = messages(rate_hz)
        rounds = [(cpu_us(ours, texts, rate_hz), cpu_us(straightforward, texts, rate_hz)) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(each) for each in zip(*rounds, strict=True))
        row = {
            "bench": "frame_path",
            "rate_hz": rate_hz,
            "ours_us": round(mine, 2),
            "straightforward_us": round(theirs, 2),
            "ratio": round(theirs / mine, 2),
            "rounds": ROUNDS,
        }
        print(json.dumps(row))


if __name__ == "__main__":
    main()
