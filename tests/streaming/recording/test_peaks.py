"""Outlines against the same reckoning done slowly."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streaming.recording.peaks import LEVELS, PeakMeter, Samples, from_json, to_json, window


def slowly(samples: Samples, rate_hz: int, per_s: int) -> list[int]:
    found: list[int] = []
    step = rate_hz // per_s
    for begin in range(0, len(samples), step):
        values = [int(value) for value in samples[begin : begin + step].ravel()]
        # To the nearest of 256 steps, halves upwards.
        found += [min(127, (extreme(values) + 128) // 256) for extreme in (min, max)]
    return found


def measured(samples: Samples, rate_hz: int, pieces: list[int]) -> PeakMeter:
    meter = PeakMeter(rate_hz)
    at = 0
    for length in pieces:
        meter.feed(samples[at : at + length])
        at += length
    meter.feed(samples[at:])
    return meter


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(0, 9_000),
    pieces=st.lists(st.integers(0, 2_000), max_size=6),
    rate_hz=st.sampled_from([16_000, 24_000]),
    channels=st.sampled_from([1, 2]),
    seed=st.integers(0, 99),
)
def test_any_sound_in_any_pieces_has_the_outline_of_the_slow_way(
    frames: int, pieces: list[int], rate_hz: int, channels: int, seed: int
) -> None:
    shape = (frames,) if channels == 1 else (frames, channels)
    samples = np.random.default_rng(seed).integers(-32_768, 32_768, shape).astype(np.int16)
    peaks = measured(samples, rate_hz, pieces).result()
    assert peaks["duration_s"] == frames / rate_hz
    assert [level["per_s"] for level in peaks["levels"]] == list(LEVELS)
    for level in peaks["levels"]:
        assert level["peaks"] == slowly(samples, rate_hz, level["per_s"])


def test_full_scale_and_silence_reach_the_ends_and_the_middle() -> None:
    samples = np.array([32_767, -32_768] * 400 + [0] * 800, np.int16)
    coarse = measured(samples[:800], 16_000, []).result()["levels"][1]["peaks"]
    assert coarse == [-128, 127]
    assert measured(samples[800:], 16_000, []).result()["levels"][1]["peaks"] == [0, 0]


def test_what_is_stored_is_plain_json() -> None:
    peaks = measured(np.arange(-800, 800, dtype=np.int16), 16_000, [7]).result()
    assert json.loads(to_json(peaks)) == peaks == from_json(to_json(peaks))


@pytest.mark.parametrize(
    ("from_s", "until_s", "begins", "pairs"),
    [(0, 1e9, 0, 10), (0.2, 0.4, 0.2, 1), (0.19, 0.41, 0, 3), (1.9, 2, 1.8, 1), (2, 3, 2, 0), (1, 0.5, 1, 0)],
)
def test_a_window_has_the_spans_that_lie_in_it(from_s: float, until_s: float, begins: float, pairs: int) -> None:
    peaks = measured(np.arange(-16_000, 16_000, dtype=np.int16), 16_000, []).result()
    found = window(peaks, 5, from_s, until_s)
    assert found["from_s"] == pytest.approx(begins)
    assert len(found["peaks"]) == 2 * pairs
    first = round(begins * 5)
    assert found["peaks"] == peaks["levels"][1]["peaks"][2 * first : 2 * (first + pairs)]
