"""Azure's own recording: what is asked of Azure, and what its callbacks and Event Grid mean for the rows."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.background import drain
from calls.errors import BadInput, CallStateError, GatewayError
from calls.models import AzureRecording, Call, CallPolicy, Command
from calls.services import (
    Actor,
    answer,
    begin_sensitive,
    end_sensitive,
    pause_azure_recording,
    resume_azure_recording,
    start_azure_recording,
    stop_azure_recording,
    sweep,
)
from calls.services.recordings.azure import HOLDER
from tests.azure_stand_in import Asked, AzureStandIn, Doors, file_ready, recording_state, refusal
from tests.calls.loopback import Reply

ANA = Actor("user", "ana")


@pytest.fixture
def call(doors: Doors, ringing: CallPolicy) -> Call:
    CallPolicy.objects.update(streaming_start="later")
    rung = doors.ring()
    answer(ANA, rung)
    return doors.connect(rung)


@pytest.fixture
def recording(call: Call, doors: Doors) -> AzureRecording:
    """It runs, and Azure has said so."""
    start_azure_recording(ANA, call)
    row = call.azure_recordings.get()
    tell(doors, call, row, "active")
    row.refresh_from_db()
    return row


def tell(doors: Doors, call: Call, row: AzureRecording, state: str, **fields: Any) -> None:
    assert doors.tell(call, recording_state(call, row.azure_id, state, **fields)).status_code == 200
    assert drain(20)


def state(row: AzureRecording) -> str:
    row.refresh_from_db()
    return row.state


def orders(azure: AzureStandIn) -> list[str]:
    return [each.verb for each in azure.asked if each.verb.endswith("_recording")]


def newest(call: Call) -> Command:
    found: Command = call.commands.order_by("-created_at")[0]
    return found


def test_azure_is_told_what_to_record_and_where_to_tell_of_it(call: Call, azure: AzureStandIn) -> None:
    command = start_azure_recording(ANA, call, channel="unmixed")
    asked = azure.asked[-1]
    assert asked.verb == "start_recording"
    assert asked.body["callConnectionId"] == call.call_connection_id
    assert "/acs/callbacks/" in asked.body["recordingStateCallbackUri"]
    assert (asked.body["recordingContentType"], asked.body["recordingFormatType"]) == ("audio", "wav")
    assert (asked.body["recordingChannelType"], asked.body["pauseOnStart"]) == ("unmixed", False)
    row = call.azure_recordings.get()
    assert (row.azure_id, row.state, command.state) == (asked.connection_id, "starting", "accepted")


def test_it_is_on_when_azure_says_so(recording: AzureRecording, call: Call) -> None:
    assert recording.state == "active"
    assert call.commands.get(verb="start_azure_recording").state == "done"


def test_a_callback_that_is_faster_than_azures_answer_counts(call: Call, azure: AzureStandIn, doors: Doors) -> None:
    azure.in_flight = lambda asked: (
        None
        if asked.verb != "start_recording"
        else check(doors.tell(call, recording_state(call, asked.connection_id, "active")))
    )
    command = start_azure_recording(ANA, call)
    row = call.azure_recordings.get()
    assert (row.state, command.state) == ("active", "done")


def check(answered: Any) -> None:
    assert answered.status_code == 200


def test_pause_resume_and_stop_are_done_when_azure_says_so(
    recording: AzureRecording, call: Call, azure: AzureStandIn, doors: Doors
) -> None:
    paused = pause_azure_recording(ANA, call)
    assert paused.state == "accepted"
    tell(doors, call, recording, "inactive")
    assert (state(recording), newest(call).state) == ("inactive", "done")
    resume_azure_recording(ANA, call)
    tell(doors, call, recording, "active")
    assert (state(recording), newest(call).state) == ("active", "done")
    assert stop_azure_recording(ANA, call).state == "done"
    assert state(recording) == "stopped"
    assert orders(azure) == ["start_recording", "pause_recording", "resume_recording", "stop_recording"]
    tell(doors, call, recording, "inactive")  # Azure says so once more at the end
    assert state(recording) == "stopped"


def test_late_callbacks_in_the_wrong_order_come_to_the_same_end(
    recording: AzureRecording, call: Call, doors: Doors
) -> None:
    now = timezone.now()
    tell(doors, call, recording, "active", at=now + timedelta(seconds=9))
    tell(doors, call, recording, "inactive", at=now + timedelta(seconds=5))
    assert state(recording) == "active"


@pytest.mark.parametrize(
    ("options", "field"),
    [({"channel": "stereo"}, "channel"), ({"file_format": "ogg"}, "format")],
)
def test_what_azure_cannot_make_is_refused_here(call: Call, options: dict[str, str], field: str) -> None:
    with pytest.raises(BadInput) as caught:
        start_azure_recording(ANA, call, **options)
    assert field in caught.value.fields
    assert not call.azure_recordings.exists()


def test_unmixed_sound_is_wav_alone(call: Call) -> None:
    with pytest.raises(BadInput, match="only possible as wav"):
        start_azure_recording(ANA, call, channel="unmixed", file_format="mp3")


def test_one_recording_at_a_time_and_none_to_stop_is_said(recording: AzureRecording, call: Call) -> None:
    with pytest.raises(CallStateError, match="already"):
        start_azure_recording(ANA, call)
    stop_azure_recording(ANA, call)
    with pytest.raises(CallStateError, match="does not record"):
        stop_azure_recording(ANA, call)


def test_a_start_that_azure_refuses_leaves_a_failed_row_with_its_reason(call: Call, azure: AzureStandIn) -> None:
    azure.replies["start_recording"] = refusal(400, "8585")
    with pytest.raises(GatewayError):
        start_azure_recording(ANA, call)
    row = call.azure_recordings.get()
    assert (row.state, newest(call).state) == ("failed", "failed")
    assert "present state" in row.error
    call.refresh_from_db()
    assert call.state == "connected"


def test_a_recording_that_azure_no_longer_knows_is_over_and_its_call_is_not(
    recording: AzureRecording, call: Call, azure: AzureStandIn
) -> None:
    azure.replies["pause_recording"] = refusal(404, "8522")
    with pytest.raises(GatewayError):
        pause_azure_recording(ANA, call)
    assert state(recording) == "stopped"
    call.refresh_from_db()
    assert call.state == "connected"


def test_a_start_that_fails_at_azure_later_says_why(call: Call, doors: Doors) -> None:
    start_azure_recording(ANA, call)
    row = call.azure_recordings.get()
    event = recording_state(call, row.azure_id, "inactive", message="No storage.", code=500)
    event["type"] = "Microsoft.Communication.StartRecordingFailed"
    assert doors.tell(call, event).status_code == 200
    assert (state(row), row.error) == ("failed", "No storage.")


def test_a_sensitive_pause_pauses_it_and_resumes_what_it_paused(
    recording: AzureRecording, call: Call, azure: AzureStandIn, doors: Doors
) -> None:
    begin_sensitive(ANA, call, 60)
    assert drain(20)
    assert orders(azure)[-1] == "pause_recording"
    assert newest(call).asked_by == HOLDER.name
    with pytest.raises(CallStateError, match="holds everything back"):
        resume_azure_recording(ANA, call)
    tell(doors, call, recording, "inactive")
    assert (state(recording), recording.held) == ("inactive", True)
    end_sensitive(ANA, call)
    assert drain(20)
    assert orders(azure)[-1] == "resume_recording"
    tell(doors, call, recording, "active")
    assert (state(recording), recording.held) == ("active", False)


def test_what_was_paused_by_hand_stays_paused_after_a_sensitive_pause(
    recording: AzureRecording, call: Call, azure: AzureStandIn, doors: Doors
) -> None:
    pause_azure_recording(ANA, call)
    tell(doors, call, recording, "inactive")
    begin_sensitive(ANA, call, 60)
    end_sensitive(ANA, call)
    assert drain(20)
    sweep()
    assert drain(20)
    assert orders(azure) == ["start_recording", "pause_recording"]


def test_one_that_begins_in_a_sensitive_pause_begins_paused(call: Call, azure: AzureStandIn, doors: Doors) -> None:
    begin_sensitive(ANA, call, 60)
    start_azure_recording(ANA, call)
    assert azure.asked[-1].body["pauseOnStart"] is True
    row = call.azure_recordings.get()
    tell(doors, call, row, "inactive")
    end_sensitive(ANA, call)
    assert drain(20)
    assert orders(azure) == ["start_recording", "resume_recording"]


def test_a_pause_that_azure_refuses_is_asked_again_while_the_moment_lasts(
    recording: AzureRecording, call: Call, azure: AzureStandIn
) -> None:
    azure.replies["pause_recording"] = refusal(400, "8585")
    begin_sensitive(ANA, call, 60)
    assert drain(20)
    assert newest(call).state == "failed"
    del azure.replies["pause_recording"]
    sweep()
    assert drain(20)
    assert orders(azure).count("pause_recording") == 1  # not at once
    Command.objects.filter(asked_by=HOLDER.name).update(created_at=timezone.now() - timedelta(seconds=11))
    sweep()
    assert drain(20)
    assert orders(azure).count("pause_recording") == 2


def test_a_callback_that_is_lost_is_made_good_by_asking(
    recording: AzureRecording, call: Call, azure: AzureStandIn
) -> None:
    def inactive(asked: Asked) -> Any:
        return _state_reply(asked, "inactive")

    pause_azure_recording(ANA, call)
    Command.objects.filter(verb="pause_azure_recording").update(accepted_at=timezone.now() - timedelta(seconds=6))
    azure.replies["look_up_recording"] = inactive
    sweep()
    assert drain(20)
    assert (state(recording), newest(call).state) == ("inactive", "done")


def _state_reply(asked: Asked, state_word: str) -> Any:
    return Reply.of({"recordingId": asked.connection_id, "recordingState": state_word})


def test_its_end_comes_with_the_calls_end(recording: AzureRecording, call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(state="ended", ended_at=timezone.now())
    sweep()
    assert state(recording) == "stopped"


def test_event_grid_tells_of_the_file_and_nothing_fetches_it(
    recording: AzureRecording, call: Call, azure: AzureStandIn, doors: Doors
) -> None:
    stop_azure_recording(ANA, call)
    asked = len(azure.asked)
    for _ in range(2):  # Event Grid delivers at least once
        assert doors.grid(file_ready(call, recording.azure_id)).status_code == 200
        assert drain(20)
    assert state(recording) == "ready"
    [file] = recording.files
    assert (file["document_id"], file["duration_s"]) == ("0-eus-d1-document", 12.5)
    assert call.events.filter(type="RecordingFileStatusUpdated").count() == 2
    assert len(azure.asked) == asked


def test_a_recording_that_somebody_else_had_made_is_listed_as_well(call: Call, doors: Doors) -> None:
    assert doors.grid(file_ready(call, "theirs")).status_code == 200
    assert drain(20)
    row = call.azure_recordings.get()
    assert (row.azure_id, row.state, row.asked_by) == ("theirs", "ready", "somebody else")


def test_a_file_of_no_call_of_ours_changes_nothing(call: Call, doors: Doors) -> None:
    event = file_ready(call, "unknown")
    event["subject"] = "/recording/call/x/serverCallId/not-ours/recordingId/unknown"
    assert doors.grid(event).status_code == 200
    assert drain(20)
    assert not AzureRecording.objects.exists()
