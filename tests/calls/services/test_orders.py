from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calls.errors import BadInput, CallStateError, GatewayError
from calls.models import Call, CallPolicy, Command
from calls.profiles import StreamingProfile
from calls.services import PORTAL, answer, hang_up, place, redirect, reject, start_streaming, stop_streaming, sweep
from calls.services.actor import Actor
from tests.azure_stand_in import CALLEE, CALLER, Asked, AzureStandIn, Doors, callback, refusal
from tests.calls.loopback import Reply

ANA = Actor("user", "ana")


@pytest.fixture
def call(doors: Doors, answering: CallPolicy) -> Call:
    return doors.connect(doors.ring())


def test_a_placed_call_rings_until_azure_connects_it(azure: AzureStandIn, doors: Doors, transactional_db: None) -> None:
    profile = StreamingProfile("mixed", 24000, start="later")
    call = place(ANA, callee="+1 (425) 555-0123", caller=CALLEE, profile=profile)
    assert (call.state, call.direction, call.callee, call.caller) == ("ringing", "outbound", CALLER, CALLEE)
    assert (call.streaming_state, call.profile) == ("off", profile)
    [asked] = azure.asked
    assert asked.body["targets"][0]["rawId"] == f"4:{CALLER}"
    command = call.commands.get()
    assert (command.verb, command.state, command.asked_by) == ("place", "accepted", "ana")
    call = doors.connect(call)
    command.refresh_from_db()
    assert (call.state, command.state) == ("connected", "done")


@pytest.mark.parametrize(
    "callee", ["", "123", "+0123456789", "sip:ana@example.com", "+１４２５５５５０１２３", "8:acs:" + "x" * 300]
)
def test_a_callee_that_cannot_be_dialled_is_named(callee: str, db: None) -> None:
    with pytest.raises(BadInput) as caught:
        place(ANA, callee=callee, caller=CALLEE)
    assert "callee" in caught.value.fields
    assert Call.objects.count() == 0


def test_a_number_needs_a_number_to_call_from(db: None, settings: Any) -> None:
    settings.ACS_CALLER_NUMBER = ""
    for caller in ("", "5550100"):
        with pytest.raises(BadInput) as caught:
            place(ANA, callee=CALLER, caller=caller)
        assert "caller" in caught.value.fields


def test_the_number_of_the_settings_is_called_from_if_none_is_named(
    azure: AzureStandIn, transactional_db: None, settings: Any
) -> None:
    settings.ACS_CALLER_NUMBER = CALLEE
    assert place(ANA, callee=CALLER).caller == CALLEE


def test_a_user_is_called_without_a_number_of_ours(azure: AzureStandIn, transactional_db: None, settings: Any) -> None:
    settings.ACS_CALLER_NUMBER = ""
    call = place(ANA, callee="8:acs:res_user1")
    assert (call.callee_raw_id, call.caller, call.caller_raw_id) == ("8:acs:res_user1", "", "")
    assert "sourceCallerIdNumber" not in azure.asked[0].body


def test_a_callee_that_azures_sdk_does_not_know_fails_the_call_in_words(
    azure: AzureStandIn, transactional_db: None
) -> None:
    with pytest.raises(BadInput):
        place(ANA, callee="28:somebody", caller=CALLEE)
    call = Call.objects.get()
    assert (call.state, call.commands.get().state) == ("failed", "failed")
    assert call.end_text.startswith("Azure did not place the call. The callee must be a number")


def test_a_call_that_azure_refuses_to_place_failed(azure: AzureStandIn, transactional_db: None) -> None:
    azure.replies["create"] = refusal(403, "7507")
    with pytest.raises(GatewayError):
        place(ANA, callee=CALLER, caller=CALLEE)
    call = Call.objects.get()
    assert (call.state, call.end_code, call.end_subcode) == ("failed", 403, 7507)
    assert call.end_text.endswith("The number we call from belongs to another resource.")


def test_a_call_whose_placing_was_not_answered_is_believed_when_it_connects(
    azure: AzureStandIn, doors: Doors, transactional_db: None
) -> None:
    azure.replies["create"] = lambda _asked: Reply(202)
    with pytest.raises(GatewayError):
        place(ANA, callee=CALLER, caller=CALLEE)
    call = Call.objects.get()
    assert (call.state, call.commands.get().state) == ("connecting", "failed")
    asked = azure.asked[0]
    doors.tell(call, callback("CallConnected", asked.connection_id, context=asked.context))
    call.refresh_from_db()
    assert call.state == "connected"


def test_a_call_of_which_nothing_is_heard_ends_after_45_seconds(
    azure: AzureStandIn, doors: Doors, transactional_db: None
) -> None:
    call = Call.objects.create(direction="outbound", state="connecting", ringing_at=timezone.now())
    command = Command.objects.create(call=call, verb="place", asked_by="ana")
    sweep()
    call.refresh_from_db()
    assert call.state == "connecting"
    Call.objects.update(created_at=timezone.now() - timedelta(seconds=46))
    sweep()
    call.refresh_from_db()
    command.refresh_from_db()
    assert (call.state, command.state) == ("failed", "failed")
    assert call.end_text == "Azure did not place the call. Azure told nothing of this call for 45 s."


def test_hanging_up_is_done_when_azure_says_that_the_call_is_over(
    azure: AzureStandIn, doors: Doors, call: Call
) -> None:
    command = hang_up(ANA, call)
    call.refresh_from_db()
    assert (command.state, call.state) == ("accepted", "connected")
    doors.tell(call, callback("CallDisconnected", call.call_connection_id or "", subcode=7000))
    call.refresh_from_db()
    command.refresh_from_db()
    assert (command.state, call.state, call.end_text) == ("done", "ended", "The portal ended the call.")
    with pytest.raises(CallStateError, match="The call has ended"):
        hang_up(ANA, call)


def test_hanging_up_while_it_connects_reaches_azure(azure: AzureStandIn, doors: Doors, answering: CallPolicy) -> None:
    call = doors.ring()
    assert call.state == "connecting"
    assert hang_up(ANA, call).state == "accepted"
    assert azure.asked[-1].connection_id == call.call_connection_id


def test_a_call_that_azure_has_not_confirmed_cannot_be_hung_up_yet(transactional_db: None) -> None:
    call = Call.objects.create(direction="outbound", state="connecting")
    with pytest.raises(CallStateError, match="Try again in a moment"):
        hang_up(ANA, call)
    command = call.commands.get()
    assert (command.state, command.error_code) == ("failed", "not_connected")


def test_a_hang_up_that_azure_never_confirms_ends_the_call_after_a_minute(
    azure: AzureStandIn, doors: Doors, call: Call
) -> None:
    azure.replies["terminate"] = refusal(404, "8522")
    command = hang_up(ANA, call)
    sweep()
    call.refresh_from_db()
    assert (command.state, call.state) == ("accepted", "connected")
    Command.objects.filter(pk=command.pk).update(accepted_at=timezone.now() - timedelta(seconds=61))
    sweep()
    call.refresh_from_db()
    command.refresh_from_db()
    assert (command.state, call.state) == ("done", "ended")
    assert call.end_text == "Azure no longer knows this call; no event told of its end."


def test_an_order_for_a_call_that_azure_no_longer_knows_ends_the_call(
    azure: AzureStandIn, doors: Doors, call: Call
) -> None:
    azure.replies["stopMediaStreaming"] = refusal(404, "8522")
    Call.objects.update(streaming_state="streaming")
    with pytest.raises(GatewayError):
        stop_streaming(ANA, call)
    call.refresh_from_db()
    assert (call.state, call.end_code, call.end_subcode) == ("ended", 404, 8522)
    late = callback("CallDisconnected", call.call_connection_id or "", subcode=5010)
    doors.tell(call, late)
    call.refresh_from_db()
    assert (call.state, call.end_subcode) == ("ended", 5010)


def test_a_start_that_fails_says_why_on_order_and_call(azure: AzureStandIn, doors: Doors, call: Call) -> None:
    doors.tell(call, callback("MediaStreamingStopped", call.call_connection_id or ""))
    command = start_streaming(ANA, call)
    failed = callback(
        "MediaStreamingFailed", call.call_connection_id or "", code=500, subcode=8603, context=str(command.pk)
    )
    doors.tell(call, failed)
    call.refresh_from_db()
    command.refresh_from_db()
    assert (command.state, command.error_code) == ("failed", "azure_500_8603")
    assert command.error_message == call.streaming_error
    assert call.streaming_error.startswith(
        "Azure could not open our media socket. Start streaming again; if it repeats"
    )
    assert (call.streaming_state, call.may("start_streaming")) == ("failed", "")
    again = start_streaming(ANA, call)
    doors.tell(call, callback("MediaStreamingStarted", call.call_connection_id or "", context=str(again.pk)))
    again.refresh_from_db()
    assert again.state == "done"


def test_what_a_calls_state_forbids_is_told_as_a_sentence(azure: AzureStandIn, doors: Doors, call: Call) -> None:
    with pytest.raises(CallStateError, match="The call streams already"):
        start_streaming(ANA, call)
    doors.tell(call, callback("MediaStreamingStopped", call.call_connection_id or ""))
    with pytest.raises(CallStateError, match="Nothing streams"):
        stop_streaming(ANA, call)
    assert azure.verbs() == ["answer"]


def test_an_accepted_order_without_callback_fails_after_a_minute_and_may_come_late(
    azure: AzureStandIn, doors: Doors, call: Call
) -> None:
    doors.tell(call, callback("MediaStreamingStopped", call.call_connection_id or ""))
    command = start_streaming(ANA, call)
    Command.objects.filter(pk=command.pk).update(accepted_at=timezone.now() - timedelta(seconds=61))
    sweep()
    command.refresh_from_db()
    call.refresh_from_db()
    assert (command.state, command.error_code, call.streaming_state) == ("failed", "no_callback", "off")
    doors.tell(call, callback("MediaStreamingStarted", call.call_connection_id or "", context=str(command.pk)))
    command.refresh_from_db()
    assert command.state == "done"


@pytest.mark.parametrize("verb", ["hang_up", "start_streaming", "stop_streaming", "reject"])
def test_an_order_whose_process_died_fails_after_twelve_seconds(verb: str, call: Call) -> None:
    command = Command.objects.create(call=call, verb=verb, asked_by="ana")
    sweep()
    command.refresh_from_db()
    assert command.state == "queued"
    Command.objects.filter(pk=command.pk).update(created_at=timezone.now() - timedelta(seconds=13))
    sweep()
    command.refresh_from_db()
    assert (command.state, command.error_code) == ("failed", "no_worker")


def test_a_refused_order_keeps_azures_words(azure: AzureStandIn, call: Call) -> None:
    azure.replies["terminate"] = refusal(409, "8519")
    with pytest.raises(GatewayError) as caught:
        hang_up(PORTAL, call)
    command = call.commands.get(verb="hang_up")
    assert (command.state, command.error_message) == ("failed", caught.value.message)
    call.refresh_from_db()
    assert call.state == "connected"


def test_a_call_that_is_being_rejected_cannot_be_answered(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    refused: list[str] = []

    def answer_meanwhile(asked: Asked) -> None:
        with pytest.raises(CallStateError) as caught:
            answer(ANA, Call.objects.get(pk=call.pk))
        refused.append(caught.value.message)

    azure.in_flight = answer_meanwhile
    assert reject(PORTAL, call).state == "done"
    call.refresh_from_db()
    assert refused == ["Somebody is rejecting or redirecting this call at this moment."]
    assert (call.state, call.events.filter(type="CallRejected").count(), azure.verbs()) == ("ended", 1, ["reject"])


def test_a_ringing_call_is_redirected_and_is_ours_no_more(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    command = redirect(ANA, call, "+1 (425) 555-0188")
    call.refresh_from_db()
    assert (command.state, call.state, call.end_text) == ("done", "ended", "Redirected to +1 425 555 0188, by ana.")
    assert azure.asked[-1].body["target"]["rawId"] == "4:+14255550188"
    with pytest.raises(CallStateError):
        answer(ANA, call)


def test_a_target_that_cannot_be_dialled_is_named_and_the_call_rings_on(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    with pytest.raises(BadInput) as caught:
        redirect(ANA, call, "the boss")
    assert "target" in caught.value.fields
    with pytest.raises(BadInput) as unknown:
        reject(ANA, call, "ugly")
    assert "busy, forbidden, none" in unknown.value.message
    assert not azure.asked
    assert not call.commands.exists()
