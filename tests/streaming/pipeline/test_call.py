"""One call's row of stages: what is fed is measured, and what we play is shown beside it."""

import numpy as np
import pytest

from streaming.audio import PcmFrame, to_pcm, tone
from streaming.pipeline.call import US, CallPipeline
from streaming.pipeline.playout import Sound

RATE_HZ = 16_000
CALLER = "4:+14255550123"


class Counter:
    """A stage that counts."""

    def __init__(self) -> None:
        self.seen: list[PcmFrame] = []
        self.closed = 0

    def feed(self, frame: PcmFrame) -> None:
        self.seen.append(frame)

    def close(self) -> None:
        self.closed += 1


def frame(index: int, raw_id: str = CALLER) -> PcmFrame:
    at = np.arange(320) + index * 320
    samples = np.rint(16_384 * np.sin(2 * np.pi * 1_000 * at / RATE_HZ)).astype(np.int16)
    return PcmFrame(raw_id, samples.tobytes(), RATE_HZ, silent=False, timestamp=None, arrived_s=index * 0.02)


def test_every_stage_is_fed_every_frame_in_order() -> None:
    pipeline = CallPipeline(RATE_HZ, 200)
    first, second = Counter(), Counter()
    pipeline.stages += [first, second]
    frames = [frame(index) for index in range(7)]
    for each in frames:
        pipeline.feed(each)
    assert first.seen == second.seen == frames
    pipeline.close()
    assert (first.closed, second.closed) == (1, 1)


def test_levels_are_json_with_a_tenth_of_a_decibel() -> None:
    pipeline = CallPipeline(RATE_HZ, 200)
    for index in range(5):
        pipeline.feed(frame(index))
    levels = pipeline.levels_now(0.1)
    assert levels == {CALLER: {"rms_dbfs": -9.0, "peak_dbfs": -6.0, "dc": 0.0, "speaking": True, "clipping": False}}
    assert pipeline.levels_now(1.0) == {}


def test_what_we_play_has_a_level_of_its_own_while_it_is_heard() -> None:
    pipeline = CallPipeline(RATE_HZ, 200)
    pipeline.playout.enqueue(Sound("injection", to_pcm(tone(440, 1_000, RATE_HZ)), label="Tone 440 Hz", kind="tone"))
    assert len(pipeline.playout.due(10.0)) > 0
    assert US not in pipeline.levels_now(10.0)
    for step in range(1, 12):
        now_s = 10.0 + step / 10
        pipeline.playout.due(now_s)
        levels = pipeline.levels_now(now_s)
        if 2 <= step <= 9:
            assert levels[US]["rms_dbfs"] == pytest.approx(-15.05, abs=0.1)
            assert levels[US]["peak_dbfs"] == pytest.approx(-12.0, abs=0.1)
    assert US not in pipeline.levels_now(11.5)


def test_progress_is_json_and_counts_what_waits() -> None:
    pipeline = CallPipeline(RATE_HZ, 200)
    assert pipeline.playing_now(0.0) is None
    sound = to_pcm(tone(440, 1_000, RATE_HZ))
    pipeline.playout.enqueue(Sound("one", sound, label="Tone 440 Hz", kind="tone"))
    pipeline.playout.enqueue(Sound("two", sound, loop=True))
    pipeline.playout.due(5.0)
    playing = pipeline.playing_now(5.25)
    assert playing == {
        "id": "one",
        "kind": "tone",
        "label": "Tone 440 Hz",
        "played_ms": playing["played_ms"] if playing else -1,
        "left_ms": 1_000 - (playing["played_ms"] if playing else 0),
        "queued": 1,
    }
