"""What the recording process says of a take, in any order and any number of times; and takes that were left behind."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from calls.codes import explain
from calls.models import Call, CallEvent, Job, Process, StreamSession, Take
from calls.operations.process import STARTED_AT
from calls.services import Actor, start_recording, sweep
from calls.services.keeping import newest_take, open_take
from calls.services.recordings.tracks import (
    NO_FOLDER,
    TakeSaid,
    TrackSaid,
    leave_takes_of,
    left_here,
    take_back,
    take_began,
    take_ended,
    take_failed,
    take_left,
    take_trouble,
    take_unknown,
    take_well,
    track_began,
)
from calls.services.sockets import sign_of_life
from calls.services.upkeep.processes import beat, give_up
from tests.calls.scene import live_call

ANA = Actor("user", "ana")
HOLE = {"from_s": 1.0, "to_s": 2.0, "why": "disk"}


@pytest.fixture
def call(transactional_db: None) -> Call:
    return live_call()


@pytest.fixture
def take(call: Call) -> Take:
    """It was ordered and has begun, in the process that has the call's socket."""
    start_recording(ANA, call)
    found = newest_take(call)
    assert found is not None
    take_began(found.pk, timezone.now(), 16_000, str(call.commands.get().pk))
    found.refresh_from_db()
    return found


def said(take: Take, *tracks: TrackSaid, **fields: Any) -> TakeSaid:
    return TakeSaid(take.started_at, 12.5, tracks=tracks, **fields)


def jobs(take: Take) -> list[str]:
    return [job.kind for job in Job.objects.filter(args__take=str(take.pk))]


def types(call: Call) -> list[str]:
    return list(call.events.filter(type__startswith="Recording").values_list("type", flat=True))


def test_a_call_is_recorded_when_its_process_says_so(take: Take, call: Call) -> None:
    call.refresh_from_db()
    assert (call.recording_state, take.sample_rate_hz, call.commands.get().state) == ("recording", 16_000, "done")
    take_began(take.pk, timezone.now() + timedelta(hours=1), 24_000)  # said again, for a socket that came back
    again = Take.objects.get(pk=take.pk)
    assert (again.started_at, again.sample_rate_hz) == (take.started_at, 16_000)
    assert types(call) == ["RecordingStarted"]


def test_each_voice_has_its_row_once(take: Take, call: Call) -> None:
    first = uuid4()
    for recording in (first, first, uuid4()):
        track_began(take.pk, recording, "participant", "4:+14255550123")
    track_began(take.pk, uuid4(), "injected", "")
    rows = list(call.recordings.order_by("track", "raw_id").values_list("track", "raw_id", "state"))
    assert rows == [("injected", "", "recording"), ("participant", "4:+14255550123", "recording")]
    assert call.recordings.get(track="participant").pk == first


def test_an_ended_take_says_what_is_missing_and_is_finished_next(take: Take, call: Call) -> None:
    track = TrackSaid(uuid4(), "participant", "4:+14255550123", silence_ms=20, lost_ms=1_000, held_ms=40)
    for _ in range(2):
        take_ended(take.pk, timezone.now(), said(take, track, lost_ms=1_000, holes=[HOLE], trouble="the disk is full"))
    take.refresh_from_db()
    call.refresh_from_db()
    row = call.recordings.get()
    assert (take.state, take.duration_s, take.lost_ms, take.holes, take.recovered) == (
        "finishing",
        12.5,
        1_000,
        [HOLE],
        False,
    )
    assert (row.state, row.silence_ms, row.lost_ms, row.held_ms) == ("finishing", 20, 1_000, 40)
    assert call.recording_state == "off"
    assert jobs(take) == ["finish_take"]
    assert types(call) == ["RecordingStarted", "RecordingEnded"]


def test_a_take_of_which_nothing_was_written_has_failed_with_the_reason(take: Take, call: Call) -> None:
    track_began(take.pk, uuid4(), "participant", "4:+1")
    take_failed(take.pk, "Nothing of it could be written: the disk is full.")
    take.refresh_from_db()
    call.refresh_from_db()
    assert (take.state, take.error) == ("failed", "Nothing of it could be written: the disk is full.")
    assert (call.recording_state, call.recordings.get().state, jobs(take)) == ("off", "failed", [])


def test_trouble_stands_on_the_timeline_in_plain_words_and_not_for_ever(take: Take, call: Call) -> None:
    for _ in range(30):
        take_trouble(take.pk, "the disk is full. Make room on it")
    take_well(take.pk)
    told = call.events.filter(type="RecordingTrouble")
    event = told[0]
    words = explain(event.type, event.code, event.subcode, event.message)
    assert told.count() == 20
    assert words.text.startswith("The recording has a fault: the disk is full. Make room on it. The call goes on")
    assert words.tone == "bad"
    assert explain("RecordingWell", None, None, "").text == "The recording is written again"


def test_a_word_on_a_take_that_is_gone_with_its_call_means_nothing(take: Take, call: Call) -> None:
    gone = take.pk
    call.delete()
    take_began(gone, timezone.now(), 16_000)
    track_began(gone, uuid4(), "participant", "4:+1")
    take_ended(gone, timezone.now(), said(take))
    take_failed(gone, "No.")
    take_trouble(gone, "no")
    take_unknown(gone)
    assert not take_left(gone)


def test_what_a_dead_process_recorded_is_marked_and_left_to_who_has_the_files(take: Take, call: Call) -> None:
    track_began(take.pk, uuid4(), "participant", "4:+1")
    beat(take.owner, "host-1", 1, STARTED_AT)
    assert give_up(take.owner, Process.objects.get(pk=take.owner).beats)
    take.refresh_from_db()
    call.refresh_from_db()
    assert (take.state, take.recovered, call.recording_state) == ("finishing", True, "off")
    assert (call.recordings.get().state, jobs(take)) == ("finishing", [])
    assert types(call) == ["RecordingStarted", "RecordingBroke"]

    assert left_here([str(take.pk), str(uuid4())], "portal-2", []) == [take.pk]
    began_at = take.started_at - timedelta(seconds=0.5)
    assert take_left(take.pk, began_at, 7.5)
    assert not take_left(take.pk, began_at, 7.5)
    assert left_here([str(take.pk)], "portal-2", []) == []
    take.refresh_from_db()
    assert (take.started_at, take.ended_at) == (began_at, began_at + timedelta(seconds=7.5))
    assert jobs(take) == ["finish_take"]


def test_a_process_that_only_slept_goes_on_with_its_take(take: Take, call: Call) -> None:
    stream = call.streams.get()
    leave_takes_of(take.owner)
    StreamSession.objects.filter(pk=stream.pk).update(state="lost", closed_at=timezone.now())
    sign_of_life([stream.pk])
    take.refresh_from_db()
    call.refresh_from_db()
    assert (take.state, take.recovered, take.ended_at, call.recording_state) == ("recording", False, None, "recording")


def test_or_with_a_new_one_if_the_old_one_is_being_finished(take: Take, call: Call) -> None:
    stream = call.streams.get()
    leave_takes_of(take.owner)
    take_left(take.pk)
    take_back(call, stream)
    fresh = newest_take(call)
    assert fresh is not None
    assert (fresh.number, fresh.owner) == (2, stream.owner)
    take_ended(take.pk, timezone.now(), said(take))  # the sleeper ends the old one as it should
    take.refresh_from_db()
    assert (take.state, take.duration_s) == ("finishing", 12.5)
    assert jobs(take) == ["finish_take"]


def test_what_a_process_forgot_of_its_own_is_found_by_its_folder(take: Take) -> None:
    Take.objects.filter(pk=take.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    folders = [str(take.pk)]
    assert left_here(folders, take.owner, [str(take.pk)]) == []
    assert left_here(folders, "another", []) == []
    assert left_here(folders, take.owner, []) == [take.pk]


def test_a_stop_for_a_take_that_its_process_does_not_have_is_done(take: Take, call: Call) -> None:
    take_unknown(take.pk)
    take.refresh_from_db()
    assert (take.state, take.recovered) == ("finishing", True)


def test_the_sweep_leaves_takes_of_processes_that_nobody_watches(take: Take, call: Call) -> None:
    Take.objects.filter(pk=take.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    sweep()
    take.refresh_from_db()
    assert (take.state, take.recovered) == ("finishing", True)
    sweep()
    assert Take.objects.get(pk=take.pk).state == "finishing"
    Take.objects.filter(pk=take.pk).update(ended_at=timezone.now() - timedelta(hours=25))
    sweep()
    take.refresh_from_db()
    assert (take.state, take.error) == ("failed", NO_FOLDER)
    assert CallEvent.objects.filter(call=call, type="RecordingTrouble").exists()
    assert left_here([str(take.pk)], "portal-2", []) == [take.pk]  # the machine has come back after all
    assert take_left(take.pk)
    take.refresh_from_db()
    assert (take.state, take.error, jobs(take)) == ("finishing", "", ["finish_take"])


def test_a_second_take_keeps_the_call_recorded(take: Take, call: Call) -> None:
    second = open_take(call, "portal-2", "ana")
    take_began(second.pk, timezone.now(), 16_000)
    take_ended(take.pk, timezone.now(), said(take))
    call.refresh_from_db()
    assert call.recording_state == "recording"
    assert isinstance(second.pk, UUID)
