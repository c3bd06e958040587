"""Whatever a crash or a bad disk leaves of a take: reading it invents no sound, and fails only aloud."""

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from streaming.recording.records import RECORD, Why
from streaming.recording.wal import NO_INDEX, TakeFiles, TakeUnreadable, duration_of, read_take
from tests.streaming.recording.recorder import (
    CALLER,
    EXPERT,
    FRAME,
    START_S,
    Recorder,
    frame,
    numbers,
    samples,
    track_of,
)


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of two speakers, one with a gap, a pause in the middle; ended as it should be."""
    recorder = Recorder(tmp_path_factory.mktemp("whole") / "take")
    for number in range(50):
        if number == 20:
            recorder.take.hold(Why.PAUSE, START_S + 0.4)
        if number == 25:
            recorder.take.release(Why.PAUSE, START_S + 0.5)
        recorder.feed(frame(number, number * 0.02))
        if not 30 <= number < 40:
            recorder.feed(frame(100 + number, number * 0.02, raw_id=EXPERT))
        if number % 5 == 0:
            assert recorder.writer.flush(5)
    recorder.end(1.0)
    return recorder.folder


@pytest.fixture
def copy(take: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(take, tmp_path / "copy"))


def is_true(files: TakeFiles, whole: TakeFiles) -> bool:
    """Each sample is the one that was sent, or silence; nothing is longer than it was."""
    for track in files.tracks:
        heard, sent = samples(track), samples(track_of(whole, track.raw_id))
        if len(heard) != files.n_samples or len(heard) > len(sent):
            return False
        if not (np.equal(heard, sent[: len(heard)]) | (heard == 0)).all():
            return False
    return True


def test_a_whole_take_reads_as_it_was_written(take: Path) -> None:
    files = read_take(take)
    assert (files.take, files.call, files.rate_hz, files.n_samples) == (
        "6f2c1c7e-4a55-4a1e-8f0e-3d9d6c9b7a01",
        "call-1",
        16_000,
        16_000,
    )
    assert [(each.track, each.raw_id, each.n_samples) for each in files.tracks] == [
        ("participant", CALLER, 16_000),
        ("participant", EXPERT, 16_000),
    ]
    assert (track_of(files, EXPERT).lost_ms, track_of(files, EXPERT).held_ms, files.recovered) == (200, 100, False)
    assert read_take(take) == files
    assert duration_of(take) == (files.started_at, 1.0)


@pytest.mark.parametrize("name", ["0.idx", "1.idx", "0.pcm", "take.idx"])
def test_torn_anywhere_it_reads_up_to_there(take: Path, copy: Path, name: str) -> None:
    """At each byte of the last three records, and of the samples that the last one tells of."""
    whole, content = read_take(take), (take / name).read_bytes()
    step = 1 if name.endswith(".idx") else 41
    for length in range(len(content) - 3 * RECORD.size, len(content), step):
        (copy / name).write_bytes(content[:length])
        files = read_take(copy)
        assert is_true(files, whole), length
        assert files.recovered or name != "take.idx"


def test_a_take_that_nobody_ended_reaches_as_far_as_its_last_sign(take: Path, copy: Path) -> None:
    content = (copy / "take.idx").read_bytes()
    (copy / "take.idx").write_bytes(content[: -RECORD.size])  # the end
    files = read_take(copy)
    assert files.recovered
    assert files.duration_s == pytest.approx(1.0, abs=0.001)
    assert numbers(files.tracks[0])[-1] == (49 * FRAME, 49)


def test_damage_anywhere_costs_what_it_hit_and_invents_nothing(take: Path, copy: Path) -> None:
    whole, dice = read_take(take), random.Random(11)
    names = ["0.idx", "1.idx", "0.pcm", "1.pcm", "take.idx", "manifest.json"]
    for turn in range(300):
        name = dice.choice(names)
        original = (take / name).read_bytes()
        spoilt = bytearray(original)
        for _ in range(dice.choice((1, 1, 3, 30))):
            spoilt[dice.randrange(len(spoilt))] ^= dice.randrange(1, 256)
        (copy / name).write_bytes(spoilt)
        try:
            files = read_take(copy)
        except TakeUnreadable:
            pytest.fail(f"turn {turn}: one damaged file ({name}) made all unreadable")
        if name != "manifest.json" and not any(each.error for each in files.tracks):
            assert is_true(files, whole), (turn, name)
        (copy / name).write_bytes(original)


def test_one_damaged_piece_does_not_cost_what_follows_it(take: Path, copy: Path) -> None:
    content = bytearray((copy / "0.pcm").read_bytes())
    content[7 * FRAME * 2 + 5] ^= 255
    (copy / "0.pcm").write_bytes(content)
    files = read_take(copy)
    heard = [number for _, number in numbers(files.tracks[0])]
    assert 7 not in heard
    assert {0, 49} <= set(heard)
    assert 0 < files.tracks[0].lost_ms <= 200
    assert files.recovered


def test_without_its_manifest_a_take_is_known_by_its_indexes(take: Path, copy: Path) -> None:
    (copy / "manifest.json").unlink()
    files, whole = read_take(copy), read_take(take)
    assert files.recovered
    assert [(each.recording, each.raw_id) for each in files.tracks] == [
        (each.recording, each.raw_id) for each in whole.tracks
    ]
    assert all(
        np.array_equal(samples(one), samples(other)) for one, other in zip(files.tracks, whole.tracks, strict=True)
    )


def test_without_its_index_a_tracks_sound_is_kept_and_said_to_be_unplaced(take: Path, copy: Path) -> None:
    (copy / "0.idx").unlink()
    files = read_take(copy)
    lone = track_of(files)
    assert lone.error == NO_INDEX
    assert [number for _, number in numbers(lone)] == [number for _, number in numbers(track_of(read_take(take)))]
    assert track_of(files, EXPERT).error == ""


def test_a_folder_with_nothing_in_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(TakeUnreadable, match="Neither the manifest nor an index"):
        read_take(tmp_path)


def test_where_the_disk_took_no_more_the_rest_is_counted(take: Path, copy: Path) -> None:
    content = (copy / "take.idx").read_bytes()
    (copy / "take.idx").write_bytes(content[: -RECORD.size])
    files = read_take(copy, lasted_s=4.0)
    assert files.duration_s == 4.0
    assert [(hole.from_s, hole.to_s, hole.why) for hole in files.holes][-1] == (1.0, 4.0, "disk")
    assert track_of(files).lost_ms == 3_000


def test_a_manifest_of_another_version_is_not_believed(copy: Path) -> None:
    said = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").write_text(json.dumps(said | {"version": 2}))
    assert read_take(copy).recovered
