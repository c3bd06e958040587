"""The orders of a recording, in the event loop, with the real journal and the real disk."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from calls.commands import PauseRecording, ResumeRecording, StartRecording, StopRecording
from calls.models import Call, Take
from calls.services.keeping import open_take
from streaming.audio import PcmFrame
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.recording.call import CallRecording
from streaming.recording.wal import TakeFiles, read_take
from streaming.recording.writer import Writer
from tests.calls.scene import live_call
from tests.streaming.recording.recorder import CALLER, FRAME, numbered, numbers, track_of

pytestmark = pytest.mark.django_db(transaction=True)


class Studio:
    """One call that is recorded, with a clock of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.now_s, self.number = folder, 50.0, 0
        self.call: Call = live_call()
        self.pipeline = CallPipeline(16_000, 200)
        self.writer = Writer(every_s=0.005, sync_s=0.05)
        self.recording = CallRecording(str(self.call.pk), self.pipeline, clock=lambda: self.now_s, into=self.writer)
        self.began = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def take(self) -> Take:
        return open_take(self.call, "here", "ana")

    def speak(self, frames: int) -> None:
        for _ in range(frames):
            at = self.began + timedelta(milliseconds=20 * self.number)
            self.recording.feed(PcmFrame(CALLER, numbered(self.number), 16_000, False, at, self.now_s))
            self.number += 1
            self.now_s += 0.02

    async def settled(self, take: Take) -> TakeFiles:
        """The take's files, once the take is closed; its row has followed."""
        assert await asyncio.to_thread(self.writer.flush, 10)
        assert await asyncio.to_thread(journal.flush, 10)
        await asyncio.to_thread(take.refresh_from_db)
        await asyncio.to_thread(self.call.refresh_from_db)
        return read_take(self.folder / str(take.pk))


def in_loop(tmp_path: Path, settings: object, play: Callable[[Studio, Take], Awaitable[None]]) -> None:
    settings.RECORDING_DIR = tmp_path  # type: ignore[attr-defined]
    studio = Studio(tmp_path)
    take = studio.take()
    asyncio.run(play(studio, take))  # type: ignore[arg-type]


def test_from_start_to_stop_it_keeps_what_is_said_and_its_row_says_so(tmp_path: Path, settings: object) -> None:
    async def play(studio: Studio, take: Take) -> None:
        studio.speak(10)  # before it was asked for
        studio.recording.start(StartRecording(str(take.pk)))
        studio.speak(50)
        studio.recording.stop(StopRecording(str(take.pk)))
        studio.speak(10)
        files = await studio.settled(take)
        assert numbers(track_of(files)) == [(number * FRAME, 10 + number) for number in range(50)]
        assert (take.state, take.duration_s, studio.call.recording_state) == ("finishing", 1.0, "off")

    in_loop(tmp_path, settings, play)
    [row] = Call.objects.get().recordings.all()
    assert (row.raw_id, row.duration_s, row.state) == (CALLER, 1.0, "finishing")


def test_orders_that_come_twice_or_too_late_change_nothing(tmp_path: Path, settings: object) -> None:
    async def play(studio: Studio, take: Take) -> None:
        order = StartRecording(str(take.pk))
        studio.recording.start(order)
        studio.speak(10)
        studio.recording.start(order)
        studio.recording.pause(PauseRecording(str(uuid4())))
        studio.speak(10)
        studio.recording.stop(StopRecording(str(uuid4())))
        studio.recording.stop(StopRecording(str(take.pk)))
        studio.recording.start(order)  # it had been on its way
        studio.speak(10)
        studio.recording.close()
        files = await studio.settled(take)
        assert [number for _, number in numbers(track_of(files))] == list(range(20))

    in_loop(tmp_path, settings, play)


def test_pause_and_sensitive_moment_hold_back_and_are_listed(tmp_path: Path, settings: object) -> None:
    async def play(studio: Studio, take: Take) -> None:
        studio.recording.hold()  # it had begun before the take
        studio.recording.start(StartRecording(str(take.pk)))
        studio.speak(10)
        studio.recording.release()
        studio.speak(10)
        studio.recording.pause(PauseRecording(str(take.pk)))
        studio.speak(10)
        assert await asyncio.to_thread(journal.flush, 10)
        await asyncio.to_thread(studio.call.refresh_from_db)
        assert studio.call.recording_state == "paused"
        studio.recording.resume(ResumeRecording(str(take.pk)))
        studio.speak(10)
        studio.recording.close()
        files = await studio.settled(take)
        assert [number for _, number in numbers(track_of(files))] == [*range(10, 20), *range(30, 40)]
        assert [(hole.from_s, hole.to_s, hole.why) for hole in files.holes] == [
            (0.0, 0.2, "sensitive"),
            (0.4, 0.6, "pause"),
        ]
        assert take.holes == [
            {"from_s": 0.0, "to_s": 0.2, "why": "sensitive"},
            {"from_s": 0.4, "to_s": 0.6, "why": "pause"},
        ]

    in_loop(tmp_path, settings, play)


def test_a_second_take_ends_the_first(tmp_path: Path, settings: object) -> None:
    async def play(studio: Studio, take: Take) -> None:
        studio.recording.start(StartRecording(str(take.pk)))
        studio.speak(10)
        second = await asyncio.to_thread(studio.take)
        studio.recording.start(StartRecording(str(second.pk)))
        studio.speak(10)
        studio.recording.close()
        assert [number for _, number in numbers(track_of(await studio.settled(take)))] == list(range(10))
        assert [number for _, number in numbers(track_of(await studio.settled(second)))] == list(range(10, 20))

    in_loop(tmp_path, settings, play)


def test_a_socket_that_never_came_back_is_where_the_take_ends(tmp_path: Path, settings: object) -> None:
    async def play(studio: Studio, take: Take) -> None:
        studio.recording.start(StartRecording(str(take.pk)))
        studio.recording.socket_came()
        studio.speak(50)
        studio.recording.socket_gone()
        studio.now_s += 30
        studio.recording.close()
        assert (await studio.settled(take)).duration_s == pytest.approx(1.0, abs=0.02)

    in_loop(tmp_path, settings, play)


def test_where_nothing_can_be_written_the_take_has_failed_and_the_call_goes_on(
    tmp_path: Path, settings: object
) -> None:
    (tmp_path / "occupied").write_text("no folder")

    async def play(studio: Studio, take: Take) -> None:
        settings.RECORDING_DIR = tmp_path / "occupied"  # type: ignore[attr-defined]
        studio.recording.start(StartRecording(str(take.pk)))
        studio.speak(50)
        studio.recording.close()
        assert await asyncio.to_thread(studio.writer.flush, 20)
        assert await asyncio.to_thread(journal.flush, 10)
        await asyncio.to_thread(take.refresh_from_db)
        assert take.state == "failed"
        assert take.error.startswith("Nothing of it could be written: the folder of recordings cannot be written")

    in_loop(tmp_path, settings, play)
    assert Call.objects.get().events.filter(type="RecordingTrouble").exists()
