from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from calls.commands import (
    KeepingOrder,
    Order,
    PauseRecording,
    ResumeRecording,
    StartRecording,
    StopRecording,
    group_of,
    read,
)
from calls.errors import CallStateError
from calls.models import Call, Command, StreamSession, Take
from calls.services import (
    Actor,
    pause_recording,
    resume_recording,
    start_recording,
    stop_recording,
    sweep,
)
from calls.services.keeping import kept_now, newest_take, open_take
from calls.services.recordings.steering import NEVER_BEGAN, take_paused, take_resumed
from tests.calls.ear import Ear
from tests.calls.scene import live_call

ANA = Actor("user", "ana")
AGES = timedelta(seconds=11)


@pytest.fixture
def call(transactional_db: None) -> Call:
    return live_call()


@pytest.fixture
def stream(call: Call) -> StreamSession:
    return call.streams.get()


def began(call: Call) -> Take:
    """The owner writes the take that was ordered."""
    take = newest_take(call)
    assert take is not None
    take.sample_rate_hz = 16_000
    take.save()
    call.commands.filter(state="queued").update(state="done")
    Call.objects.filter(pk=call.pk).update(recording_state="recording")
    call.refresh_from_db()
    return take


def orders(ear: Ear) -> list[Order]:
    return [read(message) for message in ear.messages()]


def old(command: Command) -> None:
    Command.objects.filter(pk=command.pk).update(created_at=timezone.now() - AGES)


def test_the_order_to_record_reaches_the_process_that_has_the_sound(call: Call, stream: StreamSession) -> None:
    ear = Ear(group_of(stream.pk))
    command = start_recording(ANA, call)
    take = call.takes.get()
    assert orders(ear) == [StartRecording(str(take.pk), str(command.pk))]
    assert (take.number, take.owner, take.asked_by, take.state) == (1, stream.owner, "ana", "recording")
    assert (command.verb, command.state, command.asked_by) == ("start_recording", "queued", "ana")


def test_a_call_is_recorded_once_at_a_time(call: Call) -> None:
    start_recording(ANA, call)
    with pytest.raises(CallStateError, match="being started"):
        start_recording(ANA, call)
    began(call)
    with pytest.raises(CallStateError, match="recorded already"):
        start_recording(ANA, call)


def test_without_a_stream_there_is_nothing_to_record(transactional_db: None) -> None:
    with pytest.raises(CallStateError, match="Start streaming first"):
        start_recording(ANA, live_call(streams=False))


def test_a_pause_is_done_when_the_owner_says_so_and_every_page_is_told(call: Call, stream: StreamSession) -> None:
    start_recording(ANA, call)
    take = began(call)
    ear, pages = Ear(group_of(stream.pk)), Ear()
    command = pause_recording(ANA, call)
    assert orders(ear) == [PauseRecording(str(take.pk), str(command.pk))]
    take_paused(take.pk, str(command.pk))
    command.refresh_from_db()
    take.refresh_from_db()
    assert (command.state, take.state) == ("done", "paused")
    told = [message["event"] for message in pages.messages()]
    assert [each["row"]["recording"]["state"] for each in told if each["kind"] == "call_state"] == ["paused"]
    resumed = resume_recording(ANA, call)
    assert orders(ear) == [ResumeRecording(str(take.pk), str(resumed.pk))]
    take_resumed(take.pk, str(resumed.pk))
    call.refresh_from_db()
    assert call.recording_state == "recording"


@pytest.mark.parametrize(
    ("verb", "why"),
    [
        (stop_recording, "Nothing is recorded"),
        (pause_recording, "Nothing is being recorded"),
        (resume_recording, "not paused"),
    ],
)
def test_what_is_not_recorded_can_neither_be_paused_nor_stopped(
    call: Call, verb: Callable[[Actor, Call], Command], why: str
) -> None:
    with pytest.raises(CallStateError, match=why):
        verb(ANA, call)
    assert not call.commands.exists()


def test_an_order_that_nobody_confirms_for_10_s_fails_with_what_it_means(call: Call, stream: StreamSession) -> None:
    command = start_recording(ANA, call)
    old(command)
    call.takes.update(started_at=timezone.now() - AGES)
    ear = Ear(group_of(stream.pk))
    sweep()
    command.refresh_from_db()
    take = call.takes.get()
    assert (command.state, command.error_code) == ("failed", "no_worker")
    assert "nothing is recorded" in command.error_message
    assert (take.state, take.error) == ("failed", NEVER_BEGAN)
    assert orders(ear) == [StopRecording(str(take.pk))]  # should it have begun after all
    assert call.events.filter(type="RecordingTrouble").exists()
    start_recording(ANA, call)
    assert call.takes.count() == 2


def test_a_take_that_has_begun_outlives_a_pause_that_nobody_confirmed(call: Call) -> None:
    start_recording(ANA, call)
    take = began(call)
    Take.objects.filter(pk=take.pk).update(started_at=timezone.now() - AGES)
    command = pause_recording(ANA, call)
    old(command)
    sweep()
    command.refresh_from_db()
    take.refresh_from_db()
    assert (command.error_code, take.state) == ("no_worker", "recording")
    assert "may still be recorded" in command.error_message


def test_without_a_socket_an_order_holds_for_the_one_that_comes(call: Call, stream: StreamSession) -> None:
    start_recording(ANA, call)
    take = began(call)
    StreamSession.objects.filter(pk=stream.pk).update(state="lost", closed_at=timezone.now())
    command = stop_recording(ANA, call)
    assert command.state == "done"
    assert StopRecording(str(take.pk)) in kept_now(call, stream.owner)


def test_a_take_of_another_process_is_not_this_ones_to_write(call: Call) -> None:
    take = open_take(call, "another process", "ana")
    found: list[KeepingOrder] = list(kept_now(call, "web-1"))
    assert not [each for each in found if isinstance(each, StartRecording) and each.take == str(take.pk)]
