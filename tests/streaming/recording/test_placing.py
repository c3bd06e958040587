"""Where frames are put, alone: takes are tested whole in test_take.py."""

import random
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from streaming.recording.placing import TakeClock, TrackPlacing
from streaming.recording.records import Why
from tests.streaming.recording.recorder import FRAME, NOON, RATE_HZ, START_S, frame


class Shelf:
    """What was put where; nothing may lie on something else."""

    def __init__(self) -> None:
        self.sounds: list[tuple[int, int]] = []
        self.losses: list[tuple[int, int, Why]] = []

    def sound(self, position: int, pcm: bytes) -> None:
        self.sounds.append((position, int.from_bytes(pcm[:2], "little", signed=True) - 1))

    def lost(self, position: int, length: int, why: Why) -> None:
        self.losses.append((position, length, why))

    @property
    def overlaps(self) -> bool:
        placed = sorted(position for position, _ in self.sounds)
        return any(second - first < FRAME for first, second in pairwise(placed))


def placed() -> tuple[Shelf, TrackPlacing]:
    shelf, clock = Shelf(), TakeClock(START_S, RATE_HZ)
    return shelf, TrackPlacing(clock, shelf)


def test_a_frame_that_follows_lies_behind_the_one_before() -> None:
    shelf, placing = placed()
    for number in range(5):
        placing.feed(frame(number, number * 0.02))
    assert shelf.sounds == [(number * FRAME, number) for number in range(5)]


def test_stamps_of_the_year_1_are_none() -> None:
    shelf, placing = placed()
    long_ago = NOON.replace(year=1)
    for number in range(5):
        placing.feed(frame(number, number * 0.02, timestamp=long_ago + timedelta(milliseconds=20 * number)))
    assert [number for _, number in shelf.sounds] == list(range(5))
    assert not placing.by_azure


def test_frames_of_odd_lengths_lie_end_to_end() -> None:
    shelf, placing = placed()
    at_ms = 0
    for number, length_ms in enumerate((20, 40, 10, 20, 60, 20)):
        pcm = (number + 1).to_bytes(2, "little") * (16 * length_ms)
        placing.feed(frame(number, at_ms / 1000, pcm=pcm))
        at_ms += length_ms
    assert shelf.sounds == [(0, 0), (320, 1), (960, 2), (1_120, 3), (1_440, 4), (2_400, 5)]
    assert shelf.losses == []


def test_what_waits_for_its_place_gets_one_at_the_end() -> None:
    shelf, placing = placed()
    placing.feed(frame(0, 0.0, timestamp=None))
    placing.feed(frame(1, 1.0, timestamp=None))
    assert len(shelf.sounds) == 1
    placing.flush()
    assert shelf.sounds == [(0, 0), (RATE_HZ, 1)]


@given(st.integers(0, 2**32), st.booleans())
def test_whatever_comes_nothing_lies_on_anything_else(seed: int, stamped: bool) -> None:
    """Gaps, doubles, overtaking, jumps of the clock, stalls: in any order."""
    dice = random.Random(seed)
    shelf, placing = placed()
    now_s, jump_s, waiting = 0.0, 0.0, []
    for number in range(200):
        now_s += 0.02
        event = dice.random()
        if event < 0.03:
            now_s += dice.choice((0.02, 0.3, 2.0, 12.0))
        elif event < 0.04:
            jump_s += dice.choice((-3_600, 3_600, -0.5, 30))
        stamp = NOON + timedelta(seconds=round(now_s + jump_s, 3)) if stamped else None
        waiting.append(frame(number, now_s, now_s, timestamp=stamp))
        if event > 0.9:
            waiting.append(waiting[-1])
        if event > 0.5 or len(waiting) > 20:
            dice.shuffle(waiting) if event > 0.97 else None
            for each in waiting:
                placing.feed(frame(0, 0, pcm=each.pcm, timestamp=each.timestamp, arrived_s=now_s))
            waiting = []
    placing.flush()
    assert not shelf.overlaps
    assert len({position for position, _ in shelf.sounds}) == len(shelf.sounds)
    assert placing.next <= (now_s + 20) * RATE_HZ
