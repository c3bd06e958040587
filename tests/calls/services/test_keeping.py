"""What a process that has a call's sound is told to keep, from the first frame on and again."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.commands import KeepingOrder, PauseRecording, ResumeRecording, StartRecording, StopRecording
from calls.models import Call, StreamSession, Take
from calls.services import Actor, pause_recording, resume_recording, start_recording, stop_recording
from calls.services.keeping import kept_again, kept_from_the_start, kept_now, recording_wish
from tests.calls.scene import live_call

ANA = Actor("user", "ana")
HERE, THERE = "web-1", "web-2"


@pytest.fixture
def call(transactional_db: None) -> Call:
    """Its policy records from the start."""
    return live_call(recording_start="now", policy_name="Support line")


def recording(orders: tuple[KeepingOrder, ...]) -> list[KeepingOrder]:
    kinds = (StartRecording, StopRecording, PauseRecording, ResumeRecording)
    return [each for each in orders if isinstance(each, kinds)]


def opens(call: Call, owner: str = HERE) -> list[KeepingOrder]:
    """A socket of the call opens in this process, as `open_stream` writes it."""
    now = timezone.now()
    older = call.streams.filter(state="open")
    older.update(state="closed", close_code=1000, close_reason="a newer socket took its place", closed_at=now)
    number = call.streams.count() + 1
    StreamSession.objects.create(call=call, owner=owner, channel_type="unmixed", number=number)
    call.refresh_from_db()
    return recording(kept_from_the_start(call, owner))


def closes(call: Call, code: int | None, *, ago_s: float = 0) -> None:
    at = timezone.now() - timedelta(seconds=ago_s)
    call.streams.filter(state="open").update(state="closed" if code else "lost", close_code=code, closed_at=at)


def newest(call: Call) -> Take:
    found: Take | None = call.takes.order_by("-number").first()
    assert found is not None
    return found


def test_a_policy_records_from_the_first_frame(call: Call) -> None:
    orders = opens(call)
    take = call.takes.get()
    assert orders == [StartRecording(str(take.pk))]
    assert (take.owner, take.asked_by, take.number) == (HERE, "policy Support line", 1)


def test_a_call_that_nobody_wants_recorded_is_not(transactional_db: None) -> None:
    call = live_call()
    assert opens(call) == []
    assert not call.takes.exists()


def test_a_socket_that_breaks_and_comes_back_goes_on_with_its_take(call: Call) -> None:
    first = opens(call)
    closes(call, 1006, ago_s=3)
    assert opens(call) == first
    assert call.takes.count() == 1


def test_a_socket_that_takes_anothers_place_goes_on_with_its_take(call: Call) -> None:
    first = opens(call)
    assert opens(call) == first


@pytest.mark.parametrize("code", [1000, 1012])
def test_streaming_that_was_stopped_and_started_again_makes_a_new_take(call: Call, code: int) -> None:
    first = opens(call)
    closes(call, code)
    again = opens(call)
    assert again[0] == StartRecording(str(newest(call).pk))
    assert again[0] != first[0]
    assert [each for each in again if isinstance(each, StopRecording)]  # the older one, should it not have ended


def test_after_the_lines_grace_the_take_is_a_new_one(call: Call, settings: Any) -> None:
    opens(call)
    closes(call, 1006, ago_s=settings.STREAM_KEEP_S + 1)
    opens(call)
    assert call.takes.count() == 2


def test_another_process_writes_a_take_of_its_own_and_leaves_the_older_one_alone(call: Call) -> None:
    opens(call)
    older = newest(call)
    closes(call, None)
    orders = opens(call, THERE)
    assert orders == [StartRecording(str(newest(call).pk))]
    assert newest(call).owner == THERE
    older.refresh_from_db()
    assert older.state == "recording"  # its own process ends it, or the repair


def test_what_was_stopped_by_hand_stays_stopped(call: Call) -> None:
    opens(call)
    Call.objects.filter(pk=call.pk).update(recording_state="recording")
    stop_recording(ANA, call)
    call.takes.update(state="finishing")
    closes(call, 1006)
    assert opens(call) == []
    assert recording_wish(call) == "off"


def test_what_was_started_by_hand_goes_on_in_the_next_socket(transactional_db: None) -> None:
    call = live_call()
    start_recording(ANA, call)
    call.commands.update(state="done")
    call.takes.update(state="finishing")
    closes(call, 1000)
    assert opens(call) == [StartRecording(str(newest(call).pk))]
    assert newest(call).asked_by == "ana"


def test_a_start_that_failed_is_no_wish(transactional_db: None) -> None:
    call = live_call()
    start_recording(ANA, call)
    call.commands.update(state="failed", error_code="no_worker")
    assert recording_wish(call) == "off"


def test_a_paused_recording_is_paused_in_the_next_process_as_well(call: Call) -> None:
    opens(call)
    Call.objects.filter(pk=call.pk).update(recording_state="recording")
    pause_recording(ANA, call)
    call.commands.update(state="done")
    closes(call, None)
    take_orders = opens(call, THERE)
    take = newest(call)
    assert take_orders == [StartRecording(str(take.pk)), PauseRecording(str(take.pk))]
    assert take.state == "paused"


def test_an_order_that_was_missed_is_said_again_with_its_row(call: Call) -> None:
    opens(call)
    Call.objects.filter(pk=call.pk).update(recording_state="recording")
    command = pause_recording(ANA, call)
    take = newest(call)
    orders = recording(kept_now(call, HERE))
    assert orders == [StartRecording(str(take.pk)), PauseRecording(str(take.pk), str(command.pk))]
    Call.objects.filter(pk=call.pk).update(recording_state="paused")
    call.takes.update(state="paused")
    call.commands.update(state="done")
    command = resume_recording(ANA, call)
    assert recording(kept_now(call, HERE))[-1] == ResumeRecording(str(take.pk), str(command.pk))


def test_a_recording_that_could_not_begin_is_tried_again_when_orders_were_missed(call: Call) -> None:
    opens(call)
    call.takes.update(state="failed")
    session = call.streams.get(state="open")
    orders = recording(kept_again(session))
    assert orders == [StartRecording(str(newest(call).pk))]
    assert newest(call).number == 2
