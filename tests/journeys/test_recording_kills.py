"""Recordings outlive the process that makes them, and a disk that takes no more. Figures are printed (`-s`)."""

import io
import random
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
import soundfile

from tests.journeys.conftest import services_answer
from tests.journeys.recorded_calls import (
    RATE_HZ,
    RECORD,
    Talks,
    events_of,
    folder_of,
    numbers_in,
    read_apart,
    take_of,
    told,
    tracks_of,
)
from tests.journeys.stack import ask, uvicorn, wait_for
from tests.streaming.doorstep import Door, opened

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]

LOST_FRAMES = 2
REPAIRED_WITHIN_S = 30.0


@pytest.fixture
def door(tmp_path: Path, lacks: Callable[[str], NoReturn]) -> Iterator[Door]:
    if not services_answer():
        lacks("PostgreSQL and Redis on 127.0.0.1")
    with opened("uvicorn", tmp_path / "portal", STREAM_DRAIN_S="0") as found:
        found.run(RECORD)
        yield found


def kill(door: Door) -> None:
    demo = door.stack.demo
    portal = next(each for each in demo.children if each.name == "portal")
    portal.process.send_signal(signal.SIGKILL)
    portal.process.wait()
    demo.children.remove(portal)


def start(door: Door) -> None:
    demo = door.stack.demo
    demo.wait_until(f"{door.stack.portal}/readyz", demo.start("portal", *uvicorn(demo.options.port)))


@contextmanager
def job_worker(door: Door) -> Iterator[None]:
    demo = door.stack.demo
    worker = demo.start("worker", "manage.py", "db_worker", "--interval", "1")
    try:
        yield
    finally:
        worker.process.terminate()
        worker.process.wait(20)
        demo.children.remove(worker)


def survive(door: Door, recordings: int, kills: int, dice: random.Random) -> list[int]:
    """Kills the portal in the middle of so many recordings, so often; how many frames each track lost."""
    lost: list[int] = []
    takes: list[tuple[str, str]] = []
    for _ in range(kills):
        talks = Talks.opened(door, recordings)
        talks.speak(dice.uniform(1.0, 3.0))
        arrived = [talk.arrived for talk in talks.talks]
        kill(door)
        killed_s = time.monotonic()
        talks.gone()
        start(door)
        slack = round(talks.late_s / 0.02)
        for talk, last in zip(talks.talks, arrived, strict=True):
            take = take_of(door, talk.call.id)
            takes.append((talk.call.id, take))
            told(door, talk.call.id, "RecordingBroke", REPAIRED_WITHIN_S)
            files = read_apart(door, take)
            heard = numbers_in(files)
            assert files.recovered
            assert heard == list(range(len(heard)))
            lost.append(max(0, last - heard[-1]))
            assert lost[-1] <= LOST_FRAMES + slack, f"{last} arrived, {heard[-1]} were kept"
        said_s = time.monotonic() - killed_s
        print(
            f"{recordings} recordings killed: at most {max(lost)} frames lost, all said to be broken in {said_s:.1f} s"
        )
        talks.hang_up()
    with job_worker(door):
        for call, take in takes:
            plays(door, call, take)
    return lost


def plays(door: Door, call: str, take: str) -> None:
    """Its tracks are put together, and each can be opened and is as long as is said."""

    def complete() -> list[Any]:
        tracks = tracks_of(door, call)
        return tracks if {each["state"] for each in tracks} == {"complete"} else []

    tracks = wait_for(complete, REPAIRED_WITHIN_S + 30, f"take {take} is complete")
    for each in tracks:
        assert each["recovered"], each
        url = f"{door.stack.portal}/api/v1/recordings/{each['id']}/audio/?format=flac"
        answer = ask("GET", url, headers=door.stack.key)
        assert answer.status == 200
        samples, rate_hz = soundfile.read(io.BytesIO(answer.json), dtype="int16")
        assert (rate_hz, len(samples) / rate_hz) == (RATE_HZ, pytest.approx(each["duration_s"], abs=0.001))
    wait_for(lambda: not folder_of(door, take).exists(), 10, "what it was made of is gone")


@pytest.mark.long
def test_killed_in_the_middle_each_recording_loses_two_frames_at_most_and_plays(door: Door) -> None:
    lost = survive(door, 10, 2, random.Random(4))
    assert len(lost) == 20


@pytest.mark.soak
@pytest.mark.timeout(3_600)
def test_fifty_recordings_survive_ten_kills(door: Door) -> None:
    assert len(survive(door, 50, 10, random.Random(10))) == 500


@pytest.mark.long
def test_a_full_disk_is_told_in_five_seconds_and_the_call_goes_on(door: Door) -> None:
    talks = Talks.opened(door, 1)
    [talk] = talks.talks
    talks.speak(1.0)
    [track] = tracks_of(door, talk.call.id)
    written = wait_for(lambda: (folder_of(door, track["take"]) / "0.pcm").stat().st_size, 5)
    [portal] = [each for each in door.stack.demo.children if each.name == "portal"]
    size = max(
        written + 3_200, *(each.stat().st_size + 50_000 for each in door.stack.demo.options.folder.glob("*.log"))
    )
    _, hard = resource.prlimit(portal.process.pid, resource.RLIMIT_FSIZE)
    before = talk.sent
    resource.prlimit(portal.process.pid, resource.RLIMIT_FSIZE, (size, hard))
    full_s = time.monotonic()
    while (folder_of(door, track["take"]) / "0.pcm").stat().st_size < size - 2 * 640 * 3:
        talks.speak(0.1)
        full_s = time.monotonic()
    talks.speak(1.0)
    event = told(door, talk.call.id, "RecordingTrouble", 5)
    told_s = time.monotonic() - full_s
    assert event["text"].startswith("The recording has a fault: a file may not grow any more.")
    talks.speak(13.0)
    assert door.stack.get(f"calls/{talk.call.id}/")["streaming"]["state"] == "streaming"
    resource.prlimit(portal.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    told(door, talk.call.id, "RecordingWell", 5)
    talks.speak(0.5)
    talks.hang_up()
    door.stack.until(talk.call.id, lambda row: row["recording"]["state"] == "off")
    files = read_apart(door, track["take"])
    heard = numbers_in(files)
    [hole] = files.holes
    print(f"told {told_s:.1f} s after the disk was full; {talk.sent + 1} sent, {len(heard)} kept, hole {hole}")
    assert told_s <= 5.0
    assert before < heard[-1] == talk.sent
    assert (hole.why, files.recovered) == ("disk", False)
    assert hole.to_s - hole.from_s == pytest.approx((talk.sent + 1 - len(heard)) * 0.02, abs=0.05)
    [row] = tracks_of(door, talk.call.id)
    assert row["lost_ms"] == files.lost_ms > 0
    assert [each["type"] for each in events_of(door, talk.call.id)].count("RecordingTrouble") == 1


def test_a_portal_that_ends_as_it_should_leaves_whole_recordings(door: Door) -> None:
    talks = Talks.opened(door, 3)
    talks.speak(1.0)
    demo = door.stack.demo
    portal = next(each for each in demo.children if each.name == "portal")
    portal.process.send_signal(signal.SIGTERM)
    portal.process.wait(30)
    demo.children.remove(portal)
    talks.gone()
    start(door)
    for talk in talks.talks:
        [track] = tracks_of(door, talk.call.id)
        files = read_apart(door, track["take"])
        assert not files.recovered
        assert numbers_in(files)[: talk.arrived + 1] == list(range(talk.arrived + 1))
        assert track["state"] == "finishing"
    talks.hang_up()
