"""The writer against disks that are full, slow, read-only or back again; and how much a killed process loses."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from calls.operations.queues import all_queues
from streaming.recording.sinks import QUEUE_S
from streaming.recording.wal import read_take
from streaming.recording.writer import words_of
from tests.journeys.stack import wait_for
from tests.streaming.recording.recorder import FRAME, RATE_HZ, START_S, Recorder, frame, numbers, track_of

ROOT = Path(__file__).parents[3]


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """A full disk, as far as this process can tell: no file grows beyond `size` bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_is_put_in_is_on_the_disk_within_a_round(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take")
    recorder.feed(*(frame(number, number * 0.02) for number in range(10)))
    wait_for(lambda: (tmp_path / "take" / "0.pcm").is_file(), 2)
    wait_for(lambda: (tmp_path / "take" / "0.pcm").stat().st_size == 10 * FRAME * 2, 2)
    recorder.end(0.2)
    assert recorder.writer.takes == frozenset()


def test_a_full_disk_is_told_at_once_and_what_it_then_takes_is_complete(tmp_path: Path) -> None:
    """Ten seconds wait in memory: if there is room again before, nothing is lost."""
    recorder = Recorder(tmp_path / "take")
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    assert recorder.writer.flush(5)
    with files_of_at_most(50 * FRAME * 2 + 100):
        began_s = time.monotonic()
        recorder.take.feed(frame(50, 1.0))
        wait_for(lambda: recorder.troubles, 5)
        told_s = time.monotonic() - began_s
        for number in range(51, 200):
            recorder.take.feed(frame(number, number * 0.02))
    wait_for(lambda: recorder.well, 5)
    files = recorder.end(4.0)
    assert told_s < 5
    assert len(recorder.troubles) == 1
    assert recorder.troubles[0].startswith("a file may not grow any more")
    assert [number for _, number in numbers(track_of(files))] == list(range(200))
    assert (files.lost_ms, files.recovered) == (0, False)


def test_what_a_full_disk_never_took_is_counted_and_said(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "take")
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    assert recorder.writer.flush(5)
    with files_of_at_most(50 * FRAME * 2 + 100):
        for number in range(50, 850):
            recorder.take.feed(frame(number, number * 0.02))
        wait_for(lambda: recorder.troubles, 5)
    wait_for(lambda: recorder.well, 5)
    recorder.take.feed(frame(850, 17.0))
    files = recorder.end(17.02)
    lost_s = 16.0 - QUEUE_S
    [hole] = files.holes
    assert hole.why == "disk"
    assert hole.to_s - hole.from_s == pytest.approx(lost_s, abs=0.1)
    assert files.lost_ms == pytest.approx(lost_s * 1_000, abs=100)
    assert numbers(track_of(files))[-1] == (850 * FRAME, 850)
    assert recorder.facts is not None
    assert (recorder.facts.lost_ms, recorder.facts.holes) == (files.lost_ms, files.holes)


def test_a_take_that_could_never_be_written_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file stands where the folder should be: nobody, not even root, can write there."""
    monkeypatch.setattr("streaming.recording.writer.GIVE_UP_S", 0.3)
    (tmp_path / "recording").write_text("no folder")
    recorder = Recorder(tmp_path / "recording" / "take")
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    recorder.take.end(START_S + 1.0)
    assert recorder.closed.wait(10)
    assert recorder.facts is not None
    assert not recorder.facts.written
    assert recorder.facts.lost_ms == 1_000
    assert "cannot be written" in recorder.facts.trouble


def test_a_folder_that_comes_late_still_gets_all_of_it(tmp_path: Path) -> None:
    blocker = tmp_path / "recording"
    blocker.write_text("no folder")
    recorder = Recorder(blocker / "take")
    recorder.feed(*(frame(number, number * 0.02) for number in range(50)))
    wait_for(lambda: recorder.troubles, 5)
    blocker.unlink()
    wait_for(lambda: recorder.well, 5)
    files = recorder.end(1.0)
    assert [number for _, number in numbers(track_of(files))] == list(range(50))


def test_a_disk_that_does_not_answer_holds_up_nobody(tmp_path: Path) -> None:
    """A pipe that nobody reads stands in the place of the index: opening it for writing never returns."""
    folder = tmp_path / "take"
    folder.mkdir()
    os.mkfifo(folder / "take.idx")
    recorder = Recorder(folder)
    longest_s = 0.0
    for number in range(700):
        began_s = time.perf_counter()
        recorder.take.feed(frame(number, number * 0.02))
        longest_s = max(longest_s, time.perf_counter() - began_s)
    wait_for(lambda: recorder.writer.stuck_s() > 0.05, 5)
    assert longest_s < 0.5
    assert recorder.sink.waiting_samples <= (QUEUE_S + 0.02) * RATE_HZ
    assert not recorder.writer.flush(0.1)
    queue = next(each for each in all_queues() if each.name == "recording")
    assert queue.bound == 500
    assert queue.dropped() >= 200
    reader = os.open(folder / "take.idx", os.O_RDONLY | os.O_NONBLOCK)  # now the disk answers
    (folder / "take.idx").unlink()
    os.close(reader)
    files = recorder.end(14.0)
    assert numbers(track_of(files))[: 50 * QUEUE_S] == [(number * FRAME, number) for number in range(50 * QUEUE_S)]
    assert files.holes[-1].why == "disk"


KILLED = """
import sys, time
from pathlib import Path
from tests.streaming.recording.recorder import Recorder, frame
from streaming.recording.writer import Writer
recorders = [Recorder(Path(sys.argv[1]) / str(each), writer=writer) for writer in [Writer()] for each in range(20)]
began, number = time.monotonic(), 0
while True:
    for recorder in recorders:
        recorder.take.feed(frame(number, number * 0.02))
    print(number, flush=True)
    number += 1
    time.sleep(max(0.0, began + number * 0.02 - time.monotonic()))
"""


def test_a_killed_process_loses_two_frames_at_most(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DJANGO_SETTINGS_MODULE": "tests.settings"}
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(60)]
    time.sleep(0.013)
    child.kill()
    said += child.stdout.readlines()
    child.wait()
    child.stdout.close()
    last = int(said[-1])
    assert last >= 50
    lost = []
    for each in range(20):
        files = read_take(tmp_path / str(each))
        heard = [number for _, number in numbers(track_of(files))]
        assert heard == list(range(len(heard)))
        assert files.recovered
        lost.append(last - heard[-1])
    print(f"20 takes killed after {last + 1} frames each: at most {max(lost)} frames lost")
    assert max(lost) <= 2


@pytest.mark.parametrize(
    ("number", "begins"),
    [(28, "the disk is full. Make room"), (30, "the folder of recordings is read-only"), (116, "the folder of rec")],
)
def test_what_is_wrong_with_a_disk_is_said_in_words(number: int, begins: str) -> None:
    assert words_of(OSError(number, os.strerror(number))).startswith(begins)


def test_noise_survives_bit_for_bit(tmp_path: Path) -> None:
    recorder, rng = Recorder(tmp_path / "take"), np.random.default_rng(1)
    said = rng.integers(-32_768, 32_767, 200 * FRAME, endpoint=True).astype(np.int16)
    for number in range(200):
        recorder.feed(frame(number, number * 0.02, pcm=said[number * FRAME : (number + 1) * FRAME].tobytes()))
    [track] = recorder.end(4.0).tracks
    assert np.array_equal(np.fromfile(track.pcm, np.int16), said)
