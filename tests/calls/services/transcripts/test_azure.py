"""A transcript that Azure writes: its orders, its socket, and what is left behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from calls import recognisers, services
from calls.errors import CallStateError, GatewayError, NotFound
from calls.models import Call, CallEvent, CallPolicy, Command, Segment
from calls.services.actor import Actor
from calls.services.sockets import Caller, NotLetIn, open_stream
from calls.services.transcripts.azure import (
    FOR_OTHER_CALLS,
    close_transcript,
    close_turns_left,
    miss_transcripts,
    open_transcript,
    standing,
)
from calls.services.transcripts.words import segment_heard
from tests.azure_stand_in import AzureStandIn, Doors, callback, refusal

ANA = Actor("user", "ana")


@pytest.fixture
def call(doors: Doors, answering: CallPolicy, settings: Any) -> Call:
    settings.ACS_AI_ENDPOINT = "https://ai.example"
    answering.recogniser = recognisers.AZURE_CALL
    answering.save()
    return doors.connect(doors.ring())


def caller(call: Call, token: str = "") -> Caller:
    return Caller(call.call_connection_id or "", "", token, 2e9)


def told(doors: Doors, call: Call, event_type: str, **fields: Any) -> str:
    """Azure says so; what the call's transcript then is."""
    assert doors.tell(call, callback(event_type, call.call_connection_id or "", **fields)).status_code == 200
    return state_of(call)


def state_of(call: Call) -> str:
    call.refresh_from_db()
    return call.transcript_state


def said(call: Call, key: str, *, final: bool) -> None:
    now = timezone.now()
    segment_heard(
        call.pk,
        key=key,
        raw_id="4:+14255550123",
        text="hello",
        started_at=now,
        ended_at=now,
        final=final,
        source="azure_call",
    )


def test_callbacks_say_whether_it_is_on(call: Call, doors: Doors) -> None:
    assert state_of(call) == "starting"
    assert told(doors, call, "TranscriptionStarted") == "on"
    assert told(doors, call, "TranscriptionUpdated") == "on"
    assert told(doors, call, "TranscriptionStopped") == "off"
    assert told(doors, call, "TranscriptionFailed", code=500, subcode=8578) == "failed"
    assert "transcription socket" in call.transcript_error
    assert told(doors, call, "TranscriptionResumed") == "on"
    assert call.transcript_error == ""


def test_callbacks_that_come_in_another_order_end_in_the_same(call: Call, doors: Doors) -> None:
    now = timezone.now()
    assert told(doors, call, "TranscriptionStopped", at=now) == "off"
    assert told(doors, call, "TranscriptionStarted", at=now - timedelta(seconds=1)) == "off"


def test_an_open_socket_says_so_too_should_the_callback_be_lost(call: Call) -> None:
    opened = open_transcript(call.pk, caller(call))
    assert (opened.number, opened.language, opened.key_prefix) == (1, "en-US", "azure_call:1:")
    assert state_of(call) == "on"
    close_transcript(call.pk, 1, 1006, "", {})
    assert (state_of(call), "dial again" in call.transcript_error) == ("starting", True)
    open_transcript(call.pk, caller(call))
    close_transcript(call.pk, 1, 1006, "", {})
    assert state_of(call) == "on"
    close_transcript(call.pk, 2, 1000, "", {})
    assert state_of(call) == "off"
    assert call.events.filter(type="TranscriptClosed").count() == 2


def test_orders_are_done_by_the_callback_that_brings_them_back(call: Call, azure: AzureStandIn, doors: Doors) -> None:
    told(doors, call, "TranscriptionStarted")
    orders: tuple[tuple[Callable[[], Command], str, str, str], ...] = (
        (lambda: services.change_language(ANA, call, "fr-FR"), "updateTranscription", "TranscriptionUpdated", "on"),
        (lambda: services.stop_transcript(ANA, call), "stopTranscription", "TranscriptionStopped", "off"),
        (lambda: services.start_transcript(ANA, call), "startTranscription", "TranscriptionStarted", "on"),
    )
    for order, verb, event, state in orders:
        command = order()
        assert (azure.asked[-1].verb, azure.asked[-1].context) == (verb, str(command.pk))
        assert command.state == "accepted"
        assert told(doors, call, event, context=str(command.pk)) == state
        command.refresh_from_db()
        assert command.state == "done"
    assert azure.asked[-1].body["locale"] == "fr-FR"


def test_a_language_that_azure_refuses_leaves_the_transcript_as_it_is(call: Call, doors: Doors) -> None:
    told(doors, call, "TranscriptionStarted")
    command = services.change_language(ANA, call, "fr-FR")
    assert standing(call.pk).language == ""
    failed = {"code": 400, "subcode": 8523, "context": str(command.pk)}
    assert told(doors, call, "TranscriptionFailed", **failed) == "on"
    command.refresh_from_db()
    assert command.state == "failed"
    assert standing(call.pk).language == ""


def test_a_start_that_azure_refuses_is_told_with_its_remedy(call: Call, azure: AzureStandIn, doors: Doors) -> None:
    told(doors, call, "TranscriptionStopped")
    azure.replies["startTranscription"] = refusal(405, "8522")
    with pytest.raises(GatewayError) as refused:
        services.start_transcript(ANA, call)
    assert refused.value.message == FOR_OTHER_CALLS
    assert (state_of(call), call.transcript_error) == ("failed", FOR_OTHER_CALLS)
    assert call.state == "connected"


def test_without_an_ai_service_azure_is_not_even_asked(
    call: Call, azure: AzureStandIn, doors: Doors, settings: Any
) -> None:
    told(doors, call, "TranscriptionStopped")
    settings.ACS_AI_ENDPOINT = ""
    with pytest.raises(CallStateError, match="ACS_AI_ENDPOINT"):
        services.start_transcript(ANA, call)
    assert "startTranscription" not in azure.verbs()
    assert (state_of(call), "ACS_AI_ENDPOINT" in call.transcript_error) == ("failed", True)
    assert Command.objects.get(verb="start_transcript").state == "failed"


def test_a_socket_is_let_in_by_the_rules_of_a_media_socket(call: Call) -> None:
    with pytest.raises(NotFound):
        open_transcript(uuid4(), caller(call))
    for wrong, code in ((Caller("another", ""), "other_connection"), (Caller("", ""), "no_connection")):
        with pytest.raises(NotLetIn) as refused:
            open_transcript(call.pk, wrong)
        assert refused.value.code == code
    Call.objects.update(state="ended")
    with pytest.raises(NotLetIn) as refused:
        open_transcript(call.pk, caller(call))
    assert refused.value.code == "call_over"
    assert not call.events.filter(type="TranscriptOpened").exists()


def test_a_token_opens_one_socket_of_either_kind(call: Call) -> None:
    open_stream(call.pk, caller(call, "digest"), "process")
    with pytest.raises(NotLetIn) as refused:
        open_transcript(call.pk, caller(call, "digest"))
    assert refused.value.code == "token_used"


def test_no_turn_stays_open_behind_a_socket(call: Call) -> None:
    open_transcript(call.pk, caller(call))
    said(call, "azure_call:1:1:1", final=False)
    close_transcript(call.pk, 1, 1006, "", {"results": 1})
    assert [each.final for each in Segment.objects.all()] == [True]
    said(call, "azure_call:1:1:2", final=False)  # the process died before it could say so
    open_transcript(call.pk, caller(call))
    assert [each.final for each in Segment.objects.all()] == [True, True]


def test_what_a_dead_process_left_open_is_closed_some_time_after_the_call(call: Call) -> None:
    said(call, "azure_call:1:1:1", final=False)
    Call.objects.update(state="ended", ended_at=timezone.now())
    close_turns_left()
    assert not Segment.objects.get().final
    Call.objects.update(ended_at=timezone.now() - timedelta(seconds=20))
    close_turns_left()
    assert Segment.objects.get().final


def test_a_socket_knows_that_a_newer_one_came_and_that_the_call_is_over(call: Call) -> None:
    first = open_transcript(call.pk, caller(call))
    assert standing(call.pk).number == first.number
    open_transcript(call.pk, caller(call))
    assert standing(call.pk).number > first.number
    Call.objects.update(state="ended")
    assert not standing(call.pk).is_live


def test_a_transcript_of_which_nothing_is_heard_is_given_up_after_half_a_minute(call: Call) -> None:
    miss_transcripts()
    assert state_of(call) == "starting"
    long_ago = timezone.now() - timedelta(seconds=40)
    CallEvent.objects.filter(call=call).update(event_time=long_ago)
    Call.objects.update(connected_at=long_ago)
    miss_transcripts()
    assert state_of(call) == "failed"
    assert "Start the transcript again" in call.transcript_error
    miss_transcripts()
    assert call.events.filter(type="TranscriptImpossible").count() == 1
    open_transcript(call.pk, caller(call))
    assert state_of(call) == "on"


def test_the_end_of_a_call_ends_its_transcript(call: Call, doors: Doors) -> None:
    told(doors, call, "TranscriptionStarted")
    assert told(doors, call, "CallDisconnected") == "off"
