"""What a take holds is what was sent, sample for sample, where it was said."""

import random
from pathlib import Path

import numpy as np
import pytest

from streaming.audio import PcmFrame
from streaming.pipeline.playout import Sound
from streaming.recording.records import Why
from streaming.recording.take import MOST_TRACKS
from tests.streaming.recording.recorder import (
    CALLER,
    EXPERT,
    FRAME,
    NOON,
    RATE_HZ,
    START_S,
    Recorder,
    frame,
    numbered,
    numbers,
    samples,
    track_of,
)


@pytest.fixture
def recorder(tmp_path: Path) -> Recorder:
    return Recorder(tmp_path / "take")


def test_frames_that_follow_each_other_lie_end_to_end_bit_for_bit(recorder: Recorder) -> None:
    rng = np.random.default_rng(3)
    said = rng.integers(-32_000, 32_000, 50 * FRAME).astype(np.int16)
    for number in range(50):
        pcm = said[number * FRAME : (number + 1) * FRAME].tobytes()
        recorder.feed(frame(number, number * 0.02, number * 0.02 + rng.uniform(0, 0.015), pcm=pcm))
    files = recorder.end(1.0)
    [track] = files.tracks
    assert abs(files.duration_s - 1.0) <= 0.02
    heard = samples(track)
    begin = int(np.flatnonzero(heard)[0])
    assert begin <= 0.02 * RATE_HZ
    assert np.array_equal(heard[begin : begin + said.size], said)
    assert (track.lost_ms, files.lost_ms, files.holes, files.recovered) == (0, 0, (), False)


def test_at_24_khz_as_well(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take", 24_000)
    for number in range(25):
        recorder.feed(frame(number, number * 0.02, pcm=numbered(number, 24_000), rate_hz=24_000))
    [track] = recorder.end(0.5).tracks
    assert numbers(track) == [(number * 480, number) for number in range(25)]


def test_a_gap_is_silence_of_its_exact_length_and_counted(recorder: Recorder) -> None:
    for number in range(100):
        if not 30 <= number < 47:
            recorder.feed(frame(number, number * 0.02))
    files = recorder.end(2.0)
    [track] = files.tracks
    assert numbers(track) == [(number * FRAME, number) for number in range(100) if not 30 <= number < 47]
    assert (track.lost_ms, files.lost_ms, track.silence_ms) == (340, 340, 0)
    assert [(hole.from_s, hole.to_s, hole.why) for hole in files.holes] == [(0.6, 0.94, "gap")]
    assert recorder.facts is not None
    assert (recorder.facts.lost_ms, recorder.facts.holes) == (340, files.holes)


def test_a_burst_after_a_stall_is_neither_shifted_nor_overlapped(recorder: Recorder) -> None:
    for number in range(200):
        said_s = number * 0.02
        recorder.feed(frame(number, said_s, max(said_s, 3.0) if said_s > 1 else said_s))
    [track] = recorder.end(4.0).tracks
    assert numbers(track) == [(number * FRAME, number) for number in range(200)]
    assert track.lost_ms == 0


def test_a_take_that_begins_with_a_burst_is_on_time_beside_what_we_play(recorder: Recorder) -> None:
    """The first frames had waited half a second in the network; what we play was not late."""
    recorder.playout.enqueue(Sound("tone", np.full(50 * FRAME, 7, np.int16)))
    for number in range(150):
        said_s = number * 0.02
        recorder.feed(frame(number, said_s, max(said_s, 0.5)))
        if number == 75:
            recorder.playout.due(START_S + 1.5)
        elif number > 75:
            recorder.playout.due(START_S + said_s)
    recorder.take.tick(START_S + 3.0)
    files = recorder.end(3.0)
    spoken = numbers(track_of(files))
    played = int(np.flatnonzero(samples(track_of(files, "")))[0])
    began = spoken[0][0]
    assert spoken == [(began + number * FRAME, number) for number in range(150)]
    assert abs((played - began) / RATE_HZ - 1.5) <= 0.02
    assert abs((files.started_at - NOON).total_seconds() + 0.5) <= 0.001


def test_two_speakers_keep_their_distance_though_one_comes_late_in_a_burst(recorder: Recorder) -> None:
    for number in range(150):
        said_s = number * 0.02
        arrived_s = max(said_s, 2.2) if said_s > 1.5 else said_s
        recorder.feed(frame(number, said_s, arrived_s))
        if number >= 80:
            recorder.feed(frame(1_000 + number, said_s, arrived_s, EXPERT))
    files = recorder.end(3.0)
    assert numbers(track_of(files)) == [(number * FRAME, number) for number in range(150)]
    assert numbers(track_of(files, EXPERT)) == [(number * FRAME, 1_000 + number) for number in range(80, 150)]
    assert [each.n_samples for each in files.tracks] == [48_000, 48_000]
    assert track_of(files, EXPERT).silence_ms == 1_600


def test_frames_overtaken_on_their_way_find_their_place_and_doubles_are_left_out(recorder: Recorder) -> None:
    order = [*range(20), 21, 22, 20, 23, 23, 22, *range(24, 40)]
    for place, number in enumerate(order):
        recorder.feed(frame(number, number * 0.02, max(number, place) * 0.02))
    [track] = recorder.end(0.9).tracks
    assert numbers(track) == [(number * FRAME, number) for number in range(40)]
    assert track.lost_ms == 0


@pytest.mark.parametrize("jump_s", [3_600.0, -3_600.0, 86_400.0 * 400])
def test_a_clock_that_is_set_changes_nothing(recorder: Recorder, jump_s: float) -> None:
    for number in range(100):
        moved_s = number * 0.02 + (jump_s if number >= 40 else 0)
        recorder.feed(frame(number, moved_s, number * 0.02))
    files = recorder.end(2.0)
    assert numbers(files.tracks[0]) == [(number * FRAME, number) for number in range(100)]
    assert files.duration_s == pytest.approx(2.0, abs=0.02)


def test_stamps_that_wander_make_no_holes(recorder: Recorder) -> None:
    dice = random.Random(5)
    for number in range(500):
        recorder.feed(frame(number, number * 0.02 + dice.uniform(-0.004, 0.004), number * 0.02))
    [track] = recorder.end(10.0).tracks
    placed = numbers(track)
    assert [number for _, number in placed] == list(range(500))
    assert max(abs(at - number * FRAME) for at, number in placed) <= 0.02 * RATE_HZ
    assert track.lost_ms == 0


@pytest.mark.parametrize("stamp", [None, "stuck"])
def test_without_usable_stamps_arrival_decides(recorder: Recorder, stamp: str | None) -> None:
    """Jitter is none of a hole, a stall with a burst is not one either, and a real one is."""
    dice = random.Random(9)
    timestamp = NOON if stamp else None
    for number in range(400):
        said_s = number * 0.02
        if 100 <= number < 150:
            continue  # never came
        arrived_s = said_s + dice.uniform(0, 0.015)
        if 250 <= number < 300:
            arrived_s = 6.0 + (number - 250) * 0.0001  # had waited
        recorder.feed(frame(number, said_s, arrived_s, timestamp=timestamp))
    files = recorder.end(8.0)
    placed = numbers(files.tracks[0])
    assert [number for _, number in placed] == [*range(100), *range(150, 400)]
    assert max(abs(at - number * FRAME) for at, number in placed) <= 0.02 * RATE_HZ
    assert files.tracks[0].lost_ms == pytest.approx(1_000, abs=20)


def test_frames_that_go_missing_one_by_one_without_stamps_do_not_shift_the_rest(recorder: Recorder) -> None:
    for number in range(1_000):
        if number % 40 != 39:
            recorder.feed(frame(number, number * 0.02, timestamp=None))
    placed = numbers(recorder.end(20.0).tracks[0])
    off = [abs(at - number * FRAME) / RATE_HZ for at, number in placed]
    assert len(placed) == 975
    assert off[-1] <= 0.04
    assert sum(off) / len(off) <= 0.02


def test_a_pause_and_a_sensitive_moment_overlap_and_nothing_said_in_them_is_kept(recorder: Recorder) -> None:
    for number in range(300):
        now_s = number * 0.02
        if number == 50:
            recorder.take.hold(Why.PAUSE, START_S + now_s)
        if number == 100:
            recorder.take.hold(Why.SENSITIVE, START_S + now_s)
        if number == 150:
            recorder.take.release(Why.PAUSE, START_S + now_s)
        if number == 200:
            recorder.take.release(Why.SENSITIVE, START_S + now_s)
        recorder.feed(frame(number, now_s))
    files = recorder.end(6.0)
    assert [number for _, number in numbers(files.tracks[0])] == [*range(50), *range(200, 300)]
    assert [(hole.from_s, hole.to_s, hole.why) for hole in files.holes] == [
        (1.0, 3.0, "pause"),
        (2.0, 4.0, "sensitive"),
    ]
    assert (files.tracks[0].held_ms, files.held_ms, files.tracks[0].lost_ms, files.tracks[0].silence_ms) == (
        3_000,
        3_000,
        0,
        0,
    )


def test_what_was_said_in_a_sensitive_moment_and_comes_late_is_held_back_too(recorder: Recorder) -> None:
    for number in range(200):
        said_s = number * 0.02
        arrived_s = max(said_s, 3.0) if 1.0 <= said_s <= 3.0 else said_s
        if number == 51:  # all that follows arrives after both
            recorder.take.hold(Why.SENSITIVE, START_S + 1.5)
            recorder.take.release(Why.SENSITIVE, START_S + 2.5)
        recorder.feed(frame(number, said_s, arrived_s))
    kept = [number for _, number in numbers(recorder.end(4.0).tracks[0])]
    assert not [number for number in kept if 50 < number < 124]
    assert kept[-1] == 199


def test_what_we_play_is_kept_as_it_was_heard(recorder: Recorder) -> None:
    """Two sounds, one of them stopped in the middle, and what was sent of it and dropped is not there."""
    first = np.arange(1, 1 + 25 * FRAME + 100, dtype=np.int16)
    second = np.arange(20_000, 20_000 - 100 * FRAME, -1, dtype=np.int16)
    playout, heard = recorder.playout, []
    playout.enqueue(Sound("a", first))
    playout.enqueue(Sound("b", second))
    for number in range(60):
        playout.due(START_S + number * 0.02)
        recorder.feed(frame(number, number * 0.02))
    playout.stop(START_S + 1.205)
    heard = [*first, *([0] * (FRAME - 100)), *second]
    files = recorder.end(2.0)
    played = samples(track_of(files, ""))
    stopped_at = round(1.205 * RATE_HZ)
    assert np.array_equal(played[:stopped_at], heard[:stopped_at])
    assert not played[stopped_at:].any()


def test_a_pause_holds_back_what_we_play_as_well(recorder: Recorder) -> None:
    recorder.playout.enqueue(Sound("a", np.full(100 * FRAME, 9, np.int16)))
    for number in range(100):
        if number == 50:
            recorder.take.hold(Why.SENSITIVE, START_S + 1.0)
        recorder.playout.due(START_S + number * 0.02)
        recorder.feed(frame(number, number * 0.02))
    played = samples(track_of(recorder.end(2.0), ""))
    assert played[: 49 * FRAME].all()
    assert not played[50 * FRAME :].any()


def test_a_socket_that_comes_back_leaves_a_hole_however_long_it_was_away(recorder: Recorder) -> None:
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    recorder.take.socket_gone(START_S + 1.0)
    recorder.take.socket_came()
    recorder.feed(*(frame(number, number * 0.02) for number in range(650, 700)))
    files = recorder.end(14.0)
    assert numbers(files.tracks[0])[-1] == (699 * FRAME, 699)
    assert [(hole.from_s, hole.to_s, hole.why) for hole in files.holes] == [(1.0, 13.0, "gap")]


def test_a_speaker_who_was_away_on_purpose_is_no_loss(recorder: Recorder) -> None:
    recorder.feed(*(frame(number, number * 0.02) for number in (*range(50), *range(650, 700))))
    [track] = recorder.end(14.0).tracks
    assert (track.lost_ms, track.silence_ms) == (0, 12_000)


def test_a_take_whose_socket_never_came_back_ends_where_it_broke(recorder: Recorder) -> None:
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    recorder.take.socket_gone(START_S + 1.0)
    assert recorder.end(31.0).duration_s == pytest.approx(1.0, abs=0.02)


def test_digital_silence_takes_no_room_and_is_no_loss(recorder: Recorder) -> None:
    recorder.feed(*(frame(number, number * 0.02, pcm=bytes(640)) for number in range(500)))
    files = recorder.end(10.0)
    assert (recorder.folder / "0.pcm").stat().st_size == 0
    assert (files.tracks[0].silence_ms, files.tracks[0].lost_ms, files.n_samples) == (0, 0, 160_000)
    assert not samples(files.tracks[0]).any()


def test_a_mixed_stream_is_one_track(recorder: Recorder) -> None:
    recorder.feed(*(frame(number, number * 0.02, raw_id="mixed") for number in range(10)))
    assert [(each.track, each.raw_id) for each in recorder.end(0.2).tracks] == [("participant", "mixed")]


def test_more_voices_than_a_take_may_have_are_left_out(recorder: Recorder) -> None:
    talk: list[PcmFrame] = [frame(1, 0.02 * turn, raw_id=f"8:acs:{who}") for turn in range(3) for who in range(60)]
    recorder.feed(*talk, frame(2, 0.06, raw_id=CALLER))
    assert len(recorder.end(0.1).tracks) == MOST_TRACKS
