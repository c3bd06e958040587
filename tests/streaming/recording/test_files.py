"""Files while they are written: nothing is taken from a queue before it is on the disk."""

import os
from pathlib import Path

import pytest

from streaming.recording.files import TakeWriting
from streaming.recording.sinks import TakeSink
from streaming.recording.wal import read_take
from tests.streaming.recording.recorder import FRAME, RATE_HZ, head, numbered, numbers
from tests.streaming.recording.test_writer import files_of_at_most


@pytest.fixture
def sink() -> TakeSink:
    return TakeSink(head(), lambda words: None, lambda: None, lambda facts: None)


def close(writing: TakeWriting) -> None:
    for fd in writing.fds:
        os.close(fd)


def test_neighbours_become_one_piece_and_strangers_stay_apart(sink: TakeSink, tmp_path: Path) -> None:
    writing, track = TakeWriting(tmp_path / "take", sink), sink.track("participant", "4:+1")
    for number in (0, 1, 2, 5, 6):
        track.sound(number * FRAME, numbered(number))
    sink.close(7 * FRAME, [])
    writing.write()
    size = (tmp_path / "take" / "0.idx").stat().st_size
    close(writing)
    [found] = read_take(tmp_path / "take").tracks
    assert numbers(found) == [(number * FRAME, number) for number in (0, 1, 2, 5, 6)]
    assert (size - len((tmp_path / "take" / "0.idx").read_bytes().split(b"}}")[0]) - 2) == 2 * 32


def test_a_write_that_fails_halfway_is_done_again_at_its_place(sink: TakeSink, tmp_path: Path) -> None:
    writing, track = TakeWriting(tmp_path / "take", sink), sink.track("participant", "4:+1")
    for number in range(20):
        track.sound(number * FRAME, numbered(number))
    writing.write()
    for number in range(20, 60):
        track.sound(number * FRAME, numbered(number))
    with files_of_at_most(30 * FRAME * 2), pytest.raises(OSError, match="File too large"):
        writing.write()
    assert len(track.waiting) == 40
    assert (tmp_path / "take" / "0.pcm").stat().st_size == 30 * FRAME * 2
    sink.close(60 * FRAME, [])
    writing.write()
    close(writing)
    files = read_take(tmp_path / "take")
    assert numbers(files.tracks[0]) == [(number * FRAME, number) for number in range(60)]
    assert (files.recovered, track.waiting_samples) == (False, 0)


def test_a_long_silence_is_told_of_once_a_second(sink: TakeSink, tmp_path: Path) -> None:
    writing, track = TakeWriting(tmp_path / "take", sink), sink.track("participant", "4:+1")
    for number in range(500):
        track.sound(number * FRAME, bytes(2 * FRAME))
        writing.write()
    size = (tmp_path / "take" / "0.idx").stat().st_size
    sink.close(500 * FRAME, [])
    writing.write()
    close(writing)
    assert size < 1_000
    files = read_take(tmp_path / "take")
    assert (files.n_samples, files.tracks[0].silence_ms) == (10 * RATE_HZ, 0)


def test_the_manifest_knows_each_track_as_soon_as_it_is_written(sink: TakeSink, tmp_path: Path) -> None:
    writing = TakeWriting(tmp_path / "take", sink)
    for raw_id in ("4:+1", "4:+2"):
        sink.track("participant", raw_id).sound(0, numbered(1))
        writing.write()
        assert raw_id in (tmp_path / "take" / "manifest.json").read_text()
    writing.sync_folder()
    close(writing)
