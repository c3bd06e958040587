import threading
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils import timezone

from calls.background import drain
from calls.errors import CallStateError, NotAllowed
from calls.models import Call, CallEvent, CallPolicy, Command
from calls.services import PORTAL, answer, reject, sweep, take
from calls.services.inbound import waiting_events
from tests.azure_stand_in import CALLEE, CALLER, AzureStandIn, Doors, call_ended, callback, incoming, refusal
from tests.calls.ear import Ear


def policy(name: str, position: int, **fields: Any) -> CallPolicy:
    return CallPolicy.objects.create(name=name, position=position, **fields)


def test_a_call_is_answered_at_once_with_its_policys_profile(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    answering.channel_type, answering.sample_rate_hz, answering.bidirectional = "mixed", 24000, False
    answering.save()
    call = doors.ring(callerDisplayName="Ana")
    [asked] = azure.asked
    assert asked.verb == "answer"
    assert asked.body["incomingCallContext"].startswith("context-")
    options = asked.body["mediaStreamingOptions"]
    assert (options["audioChannelType"], options["audioFormat"], options["enableBidirectional"]) == (
        "mixed",
        "pcm24KMono",
        False,
    )
    assert (call.state, call.streaming_state) == ("connecting", "starting")
    assert (call.caller, call.callee, call.caller_name) == (CALLER, CALLEE, "Ana")
    assert (call.policy_name, call.channel_type, call.sample_rate_hz) == ("Answer all", "mixed", 24000)
    assert (call.call_connection_id, call.correlation_id != "") == (asked.connection_id, True)
    command = call.commands.get()
    assert (command.verb, command.state, command.asked_by) == ("answer", "accepted", "policy Answer all")
    assert asked.context == str(command.pk)
    assert doors.connect(call).state == "connected"


def test_the_first_enabled_policy_whose_patterns_match_takes_the_call(doors: Doors, transactional_db: None) -> None:
    CallPolicy.objects.all().delete()
    policy("off", 1, enabled=False)
    policy("other callee", 2, callee_pattern="+1900*")
    policy("other caller", 3, caller_pattern="+49*")
    policy("second", 20, callee_pattern="+1800*", action="ring")
    policy("first", 10, callee_pattern="+1800555010?", caller_pattern="+1425*", action="ring")
    assert doors.ring().policy_name == "first"
    assert doors.ring(caller="+14155550123").policy_name == "second"
    assert doors.ring(callee="+19005550100").policy_name == "other callee"
    assert doors.ring(caller="+4930123456", callee="+4989123456").policy_name == "other caller"


def test_a_call_that_no_policy_takes_rings_and_says_none(doors: Doors, transactional_db: None) -> None:
    CallPolicy.objects.all().delete()
    call = doors.ring()
    assert (call.state, call.policy, call.policy_name) == ("ringing", None, "")


def test_a_ringing_call_waits_for_an_operator_who_answers(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    assert (call.state, azure.asked) == ("ringing", [])
    assert (call.may("answer"), call.may("reject")) == ("", "")
    assert call.may("hang_up") != ""
    command = answer(PORTAL, call)
    assert command.state == "accepted"
    assert doors.connect(call).state == "connected"
    command.refresh_from_db()
    assert command.state == "done"
    with pytest.raises(CallStateError):
        answer(PORTAL, call)


def test_an_operator_rejects_a_ringing_call(azure: AzureStandIn, doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring()
    command = reject(PORTAL, call)
    assert azure.asked[0].body["callRejectReason"] == "busy"
    call.refresh_from_db()
    assert (command.state, call.state, call.end_text) == ("done", "ended", "We rejected the call as busy.")
    assert call.incoming_call_context == ""


def test_one_event_told_five_times_rings_once(azure: AzureStandIn, doors: Doors, answering: CallPolicy) -> None:
    event = incoming()
    for _ in range(5):
        assert doors.grid(event).status_code == 200
    assert drain(20)
    assert (Call.objects.count(), CallEvent.objects.filter(type="IncomingCall").count()) == (1, 1)
    assert azure.verbs() == ["answer"]


def test_one_call_told_under_five_event_ids_is_one_call(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    event = incoming()
    assert doors.grid(*[{**event, "id": str(uuid4())} for _ in range(5)]).status_code == 200
    assert drain(20)
    call = Call.objects.get()
    assert call.events.filter(type="IncomingCall").count() == 5
    assert azure.verbs() == ["answer"]


def test_a_late_event_is_shown_as_ended_and_not_answered(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    call = doors.ring(at=timezone.now() - timedelta(seconds=31))
    assert (call.state, call.end_text) == ("ended", "Nobody here answered within 30 s.")
    assert "after the 30 s" in call.end_message
    assert azure.asked == []


def test_an_event_from_a_clock_that_runs_ahead_does_not_ring_longer(doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring(at=timezone.now() + timedelta(hours=1))
    assert call.ringing_at is not None
    assert call.ringing_at <= timezone.now()


def test_a_caller_who_gives_up_ends_the_call_in_plain_words(doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring()
    doors.grid(call_ended(call.server_call_id))
    assert drain(20)
    call.refresh_from_db()
    assert (call.state, call.end_text) == ("ended", "The caller gave up before we answered.")
    assert not CallEvent.objects.filter(waiting=True).exists()


def test_a_caller_who_gave_up_before_we_heard_of_the_call_is_not_answered(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    event = incoming()
    doors.grid(call_ended(event["data"]["serverCallId"]))
    assert drain(20)
    doors.grid(event)
    assert drain(20)
    call = Call.objects.get()
    assert (call.state, call.end_text) == ("ended", "The caller gave up before we answered.")
    assert azure.asked == []


def test_azures_word_that_a_call_ended_does_not_end_one_that_is_connected(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    call = doors.connect(doors.ring())
    doors.grid(call_ended(call.server_call_id))
    assert drain(20)
    call.refresh_from_db()
    assert call.state == "connected"
    assert call.events.filter(type="CallEnded").exists()


def test_an_end_of_a_call_that_is_not_ours_is_only_stored(doors: Doors, transactional_db: None) -> None:
    doors.grid(call_ended("a call of somebody else"))
    assert drain(20)
    stored = CallEvent.objects.get()
    assert (stored.call, stored.waiting) == (None, False)


def test_a_caller_who_is_gone_when_we_answer_is_told_so(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    azure.replies["answer"] = refusal(404, "8522", "Call not found")
    call = doors.ring()
    assert (call.state, call.end_text) == ("ended", "The caller had already gone.")
    command = call.commands.get()
    assert (command.state, command.error_code) == ("failed", "azure_refused")


@pytest.mark.parametrize("reply", [refusal(429, "8516"), refusal(409, "8519")])
def test_a_refusal_that_may_pass_leaves_the_call_ringing_for_an_operator(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy, reply: Any
) -> None:
    azure.replies["answer"] = reply
    call = doors.ring()
    assert (call.state, call.may("answer")) == ("ringing", "")
    del azure.replies["answer"]
    answer(PORTAL, call)
    assert doors.connect(call).state == "connected"


def test_a_portal_without_azure_says_so_on_the_call(doors: Doors, answering: CallPolicy, settings: Any) -> None:
    settings.ACS_ENDPOINT = ""
    call = doors.ring()
    assert (call.state, call.commands.get().error_code) == ("failed", "azure_not_configured")
    assert "set ACS_ENDPOINT" in call.end_text


def test_a_call_rings_for_30_seconds(doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring()
    for seconds, state in ((29, "ringing"), (32, "ended")):
        Call.objects.update(ringing_at=timezone.now() - timedelta(seconds=seconds))
        sweep()
        call.refresh_from_db()
        assert call.state == state
    assert call.end_text == "Nobody here answered within 30 s."
    with pytest.raises(CallStateError, match="ended"):
        answer(PORTAL, call)


def left_behind(doors: Doors, **fields: Any) -> CallEvent:
    """An IncomingCall whose process died: stored as it does before it answers the door."""
    event = incoming(**fields)
    found, _ = CallEvent.objects.get_or_create(
        source="event_grid",
        azure_id=event["id"],
        defaults={"type": "IncomingCall", "event_time": timezone.now(), "raw": event, "waiting": True},
    )
    return found


def test_the_sweep_takes_an_event_that_a_dead_process_left(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    left = left_behind(doors)
    left.claimed_at = timezone.now()
    left.save()
    sweep()
    assert drain(20)
    assert Call.objects.count() == 0, "another process has it"
    CallEvent.objects.update(claimed_at=timezone.now() - timedelta(seconds=6))
    sweep()
    assert drain(20)
    assert Call.objects.get().state == "connecting"
    assert azure.verbs() == ["answer"]
    assert waiting_events() == []


def test_two_processes_that_take_one_event_answer_once(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    for _ in range(5):
        left = left_behind(doors)
        together = threading.Barrier(4)

        def race(event_id: Any = left.pk, together: threading.Barrier = together) -> None:
            try:
                together.wait(10)
                take(event_id)
            finally:
                connection.close()

        threads = [threading.Thread(target=race) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert (Call.objects.count(), azure.verbs()) == (5, ["answer"] * 5)
    assert Command.objects.filter(verb="answer").count() == 5


def test_an_answer_whose_process_died_is_asked_again_once(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    dead = Command.objects.create(call=call, verb="answer", asked_by="policy X")
    Command.objects.update(created_at=timezone.now() - timedelta(seconds=11))
    sweep()
    assert drain(20)
    assert azure.asked == [], "its process may still be asking"
    Command.objects.update(created_at=timezone.now() - timedelta(seconds=13))
    for _ in range(3):
        sweep()
        assert drain(20)
    assert azure.verbs() == ["answer"]
    dead.refresh_from_db()
    assert (dead.state, dead.error_code) == ("failed", "no_worker")
    assert doors.connect(call).state == "connected"


def test_a_dead_answer_to_a_call_that_no_longer_rings_is_not_repeated(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    Call.objects.update(ringing_at=timezone.now() - timedelta(seconds=40), state="connecting")
    Command.objects.create(call=call, verb="answer", asked_by="x", created_at=timezone.now() - timedelta(seconds=13))
    sweep()
    assert drain(20)
    sweep()
    call.refresh_from_db()
    assert (call.state, azure.asked) == ("ended", [])


def test_the_order_to_answer_is_written_together_with_the_call(doors: Doors, answering: CallPolicy) -> None:
    """So that the sweep finds it, if the process dies before it has asked Azure."""
    ear = Ear()
    call = doors.ring()
    kinds = [(each["kind"], each["seq"]) for each in ear.events()]
    command_seq = next(seq for kind, seq in kinds if kind == "command")
    assert [seq for _, seq in kinds] == list(range(1, len(kinds) + 1))
    assert command_seq <= 5
    assert call.commands.count() == 1


def test_an_answer_that_names_another_connection_than_a_callback_before_it_is_not_believed(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()

    def tell_first(_asked: Any) -> None:
        doors.tell(call, callback("ParticipantsUpdated", "told first"))

    azure.in_flight = tell_first
    with pytest.raises(NotAllowed, match="another call connection"):
        answer(PORTAL, call)
    call.refresh_from_db()
    command = call.commands.get()
    assert (call.call_connection_id, command.state, command.error_code) == ("told first", "failed", "not_allowed")


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("busy", "We rejected the call as busy, by policy Night."),
        ("forbidden", "We rejected the call as not allowed, by policy Night."),
        ("none", "We rejected the call, by policy Night."),
    ],
)
def test_a_policy_rejects_with_its_reason(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, reason: str, sentence: str
) -> None:
    CallPolicy.objects.update(name="Night", action="reject", reject_reason=reason)
    call = doors.ring()
    [asked] = azure.asked
    assert (asked.verb, asked.body["callRejectReason"]) == ("reject", reason)
    assert (call.state, call.end_text, call.policy_name) == ("ended", sentence, "Night")


def test_a_policy_redirects_to_its_target(azure: AzureStandIn, doors: Doors, ringing: CallPolicy) -> None:
    CallPolicy.objects.update(name="Night", action="redirect", redirect_target="+14255550188")
    call = doors.ring()
    [asked] = azure.asked
    assert (asked.verb, asked.body["target"]["rawId"]) == ("redirect", "4:+14255550188")
    assert (call.state, call.end_text) == ("ended", "Redirected to +1 425 555 0188, by policy Night.")


@pytest.mark.parametrize("action", ["reject", "redirect"])
def test_what_azure_does_not_let_a_policy_send_away_rings_on_for_operators(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy, action: str
) -> None:
    CallPolicy.objects.update(action=action, redirect_target="+14255550188")
    azure.replies[action] = refusal(500, "9999")
    call = doors.ring()
    assert (call.state, call.commands.get().state) == ("ringing", "failed")
    assert not call.may("answer")


def test_a_policy_that_is_closed_leaves_the_call_to_the_next(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    other_days = "1234567".replace(str(timezone.now().isoweekday()), "")
    CallPolicy.objects.create(name="Other days", position=1, days=other_days, action="reject")
    assert doors.ring().policy_name == answering.name
