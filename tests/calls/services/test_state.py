import itertools
import json
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections, transaction
from django.utils import timezone

from calls.models import Call, CallEvent, CallPolicy, Command, StreamSession
from calls.selectors import call_row, event_json
from calls.services import PORTAL, hang_up, key_pressed, place, start_streaming, stop_streaming, sweep
from calls.services.state import lock, note, settle
from tests.azure_stand_in import AzureStandIn, Doors, bearer, callback, roll, text_of
from tests.calls.ear import Ear
from tests.calls.loopback import Reply

GOLDEN = sorted((Path(__file__).parents[2] / "messages" / "callbacks").glob("*.json"))
CALLER, OWN_LEG, GUEST = "4:+14255550123", "8:acs:res_portal", "4:+14255550199"

# Section 5.3 of the protocol page, every name.
EVENT_TYPES = """
CallConnected CallDisconnected ParticipantsUpdated CreateCallFailed AnswerFailed ConnectFailed
CallTransferAccepted CallTransferFailed AddParticipantSucceeded AddParticipantFailed
RemoveParticipantSucceeded RemoveParticipantFailed MoveParticipantSucceeded MoveParticipantFailed
CancelAddParticipantSucceeded CancelAddParticipantFailed PlayStarted PlayCompleted PlayFailed PlayCanceled
RecognizeCompleted RecognizeFailed RecognizeCanceled ContinuousDtmfRecognitionToneReceived
ContinuousDtmfRecognitionToneFailed ContinuousDtmfRecognitionStopped SendDtmfTonesCompleted
SendDtmfTonesFailed HoldAudioStarted HoldAudioPaused HoldAudioResumed HoldAudioCompleted HoldFailed
MediaStreamingStarted MediaStreamingStopped MediaStreamingFailed TranscriptionStarted TranscriptionUpdated
TranscriptionStopped TranscriptionFailed TranscriptionResumed RecordingStateChanged TeamsRecordingStateChanged
TeamsComplianceRecordingStateChanged StartRecordingFailed IncomingCall
""".split()  # noqa: SIM905


@pytest.fixture
def call(db: None) -> Call:
    return Call.objects.create(
        direction="inbound",
        state="connecting",
        caller="+14255550123",
        caller_raw_id=CALLER,
        call_connection_id=str(uuid4()),
        ringing_at=timezone.now(),
    )


def result(call: Call) -> dict[str, Any]:
    """All that an operator can know of a call, without what depends on the time of receipt."""
    call = Call.objects.get(pk=call.pk)
    row = call_row(call)
    orders = call.commands.order_by("created_at").values_list("verb", "state", "done_at", "error_code", "error_message")
    hidden = {"seq", "id", "url", "created_at", "participants"}
    return {
        "row": {name: value for name, value in row.items() if name not in hidden},
        "people": sorted(call.participants.values_list("raw_id", "joined_at", "left_at", "muted", "on_hold")),
        "orders": list(orders),
        "events": sorted(call.events.values_list("type", "azure_id")),
        "secret": call.incoming_call_context,
    }


def life(call: Call) -> list[dict[str, Any]]:
    """Six events of one call that answer its four orders."""
    start = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    connection_id = call.call_connection_id or ""
    orders = {each.verb: str(each.pk) for each in call.commands.all()}

    def at(second: float) -> datetime:
        return start + timedelta(seconds=second)

    return [
        callback("CallConnected", connection_id, event_id="e1", at=at(0), context=orders["answer"]),
        roll(connection_id, 1, CALLER, OWN_LEG, event_id="e2", at=at(0.1)),
        roll(connection_id, 4, CALLER, GUEST, event_id="e3", at=at(6)),
        callback("MediaStreamingStarted", connection_id, event_id="e4", at=at(2), context=orders["start_streaming"]),
        callback("MediaStreamingStopped", connection_id, event_id="e5", at=at(20), context=orders["stop_streaming"]),
        callback("CallDisconnected", connection_id, event_id="e6", at=at(30), subcode=7000),
    ]


def living(number: int) -> Call:
    """A call with the orders and the socket of a whole life; `number` makes its pk and its orders' always the same."""
    moment = datetime(2026, 11, 20, 8, 59, tzinfo=UTC)
    call = Call.objects.create(
        direction="inbound",
        state="connecting",
        caller="+14255550123",
        caller_raw_id=CALLER,
        call_connection_id=f"connection-{number}",
        created_at=moment,
        ringing_at=moment,
    )
    for index, verb in enumerate(("answer", "start_streaming", "stop_streaming", "hang_up")):
        Command.objects.create(
            call=call, verb=verb, state="accepted", asked_by="ana", created_at=moment + timedelta(seconds=index)
        )
    opened = moment + timedelta(seconds=62)
    StreamSession.objects.create(
        call=call,
        owner="x",
        state="closed",
        opened_at=opened,
        closed_at=opened + timedelta(seconds=18),
        close_code=1000,
    )
    return call


def distinct(events: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    return [{**event, "id": f"{prefix}-{event['id']}"} for event in events]


@pytest.mark.django_db
def test_a_sample_of_the_720_orders_ends_in_the_same_row_also_with_repetitions(doors: Doors) -> None:
    chance = random.Random(720)
    found = []
    for number, order in enumerate(chance.sample(list(itertools.permutations(range(6))), 24)):
        call = living(number)
        events = distinct(life(call), str(number))
        told = [events[index] for index in order]
        if number % 2:
            told = [event for event in told for _ in range(chance.randint(1, 5))]
            told += chance.sample(events, 3)
        for event in told:
            assert doors.tell(call, event).status_code == 200
        after = result(call)
        after["events"] = [(kind, azure_id.partition("-")[2]) for kind, azure_id in after["events"]]
        found.append(after)
    assert all(each == found[0] for each in found)
    assert found[0]["row"]["state"] == "ended"
    assert found[0]["row"]["duration_s"] == 30.0
    assert [each[:2] for each in found[0]["orders"]] == [
        ("answer", "done"),
        ("start_streaming", "done"),
        ("stop_streaming", "done"),
        ("hang_up", "done"),
    ]
    assert len(found[0]["events"]) == 6


def test_events_from_all_sides_at_once_end_in_the_same_row(doors: Doors, transactional_db: None) -> None:
    """Azure's callbacks, repeated, from eight connections; sweeps and a media socket's words between them."""
    quiet, busy = living(0), living(1)
    for event in distinct(life(quiet), "0"):
        assert doors.tell(quiet, event).status_code == 200
    stream = busy.streams.get()
    answered: list[int] = []
    work: list[Callable[[], None]] = []
    for event in distinct(life(busy), "1") * 4:
        work.append(lambda event=event: answered.append(Doors().tell(busy, event).status_code))  # type: ignore[misc]
        work.append(lambda: key_pressed(stream.pk, "5", CALLER))
        work.append(sweep)
    random.Random(1).shuffle(work)

    def run(job: Callable[[], None]) -> None:
        try:
            job()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, work))
    assert answered == [200] * 24
    keys = busy.events.filter(type="DtmfPressed")
    assert keys.count() == 24
    busy.refresh_from_db()
    keys.delete()
    found, expected = result(busy), result(quiet)
    assert (found["row"], found["people"], found["orders"]) == (expected["row"], expected["people"], expected["orders"])
    assert busy.events.count() == 6


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_of_azure_is_stored_once_and_shown_in_words(event_type: str, doors: Doors, call: Call) -> None:
    failed = event_type.endswith("Failed")
    code, subcode = (500, 9999) if failed else (200, 0)
    event = callback(event_type, call.call_connection_id or "", code=code, subcode=subcode, message="Some words.")
    for _ in range(3):
        assert doors.tell(call, event).status_code == 200
    [stored] = call.events.all()
    assert (stored.type, stored.azure_id, stored.source) == (event_type, event["id"], "callback")
    assert (stored.code, stored.subcode, stored.message) == (code, subcode, "Some words.")
    assert stored.raw == event
    assert text_of(stored.event_time) == event["time"]
    shown = event_json(stored, call, with_raw=True)
    assert shown["text"]
    assert shown["icon"]
    assert shown["tone"] in {"ok", "wait", "bad", "us", "off"}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_azures_own_messages_are_stored_as_they_came(path: Path, doors: Doors, call: Call) -> None:
    element = json.loads(path.read_text())
    element = element[0] if isinstance(element, list) else element
    if "callConnectionId" in element.get("data", {}):
        element["data"]["callConnectionId"] = call.call_connection_id
    if str(element.get("source", "")).startswith("calling/callConnections/"):
        element["source"] = f"calling/callConnections/{call.call_connection_id}"
    assert doors.tell(call, element).status_code == 200
    [stored] = call.events.all()
    assert stored.raw == element


def test_an_event_of_an_unknown_type_is_stored_and_shown(doors: Doors, call: Call) -> None:
    event = callback("DialogLanguageChanged", call.call_connection_id or "", novelty={"a": [1, 2]})
    assert doors.tell(call, event).status_code == 200
    [stored] = call.events.all()
    assert event_json(stored, call)["text"].startswith("Dialog language changed")
    assert stored.raw["data"]["novelty"] == {"a": [1, 2]}


@pytest.mark.django_db(transaction=True)
def test_the_same_event_five_times_at_once_counts_once(doors: Doors, call: Call) -> None:
    event = callback("CallConnected", call.call_connection_id or "")
    assert doors.tell(call, *[event] * 5).status_code == 200
    assert call.events.count() == 1


def test_callbacks_before_the_answer_of_the_rest_call_are_kept(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    def connect_early(asked: Any) -> None:
        if asked.verb == "answer":
            call = Call.objects.get()
            event = callback("CallConnected", asked.connection_id, context=asked.context)
            assert doors.tell(call, event).status_code == 200
            assert doors.tell(call, roll(asked.connection_id, 1, CALLER, OWN_LEG)).status_code == 200

    azure.in_flight = connect_early
    call = doors.ring()
    assert call.state == "connected"
    assert call.call_connection_id == azure.asked[0].connection_id
    assert call.participants.count() == 2
    command = call.commands.get()
    assert (command.state, command.error_code) == ("done", "")
    assert command.accepted_at is not None


def broken_off(_asked: Any) -> Reply:
    return Reply(200, iter([b"{"]), {"Connection": "close"}, length=100)


def test_an_answer_that_came_too_late_for_us_still_connects(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    azure.replies["answer"] = broken_off
    call = doors.ring()
    command = call.commands.get()
    assert (call.state, command.state) == ("ringing", "failed")
    connection_id = azure.asked[0].connection_id
    assert doors.tell(call, callback("CallConnected", connection_id, context=str(command.pk))).status_code == 200
    call.refresh_from_db()
    command.refresh_from_db()
    assert (call.state, call.call_connection_id) == ("connected", connection_id)
    assert (command.state, command.error_code, command.error_message) == ("done", "", "")


@pytest.mark.parametrize("state", ["unbound", "bound"])
def test_the_first_connection_of_a_call_is_kept_and_another_refused(state: str, doors: Doors, call: Call) -> None:
    first = call.call_connection_id or ""
    if state == "unbound":
        Call.objects.update(call_connection_id=None)
        assert doors.tell(call, callback("ParticipantsUpdated", first)).status_code == 200
    refused = doors.tell(call, callback("CallDisconnected", str(uuid4())))
    assert refused.status_code == 403
    call.refresh_from_db()
    assert (call.call_connection_id, call.state) == (first, "connecting")
    assert not call.events.filter(type="CallDisconnected").exists()


def test_one_connection_never_belongs_to_two_calls(doors: Doors, call: Call) -> None:
    other = Call.objects.create(direction="inbound", ringing_at=timezone.now())
    refused = doors.tell(other, callback("CallConnected", call.call_connection_id or ""))
    assert refused.status_code == 403
    other.refresh_from_db()
    assert (other.call_connection_id, other.state, other.events.count()) == (None, "ringing", 0)


def test_a_stranger_among_events_costs_its_neighbours_nothing(doors: Doors, call: Call) -> None:
    connection_id = call.call_connection_id or ""
    events = [
        callback("CallConnected", connection_id),
        callback("CallDisconnected", "x"),
        roll(connection_id, 1, CALLER),
    ]
    assert doors.tell(call, *events).status_code == 403
    call.refresh_from_db()
    assert (call.state, call.events.count()) == ("connected", 2)


def test_outbound_and_canceled_while_ringing_ends_in_plain_words(
    azure: AzureStandIn, doors: Doors, transactional_db: None
) -> None:
    call = place(PORTAL, callee="+14255550123", caller="+18005550100")
    assert call.state == "ringing"
    command = hang_up(PORTAL, call)
    assert azure.verbs() == ["create", "terminate"]
    for event_type in ("CreateCallFailed", "CallDisconnected"):
        event = callback(event_type, call.call_connection_id or "", code=487, subcode=540487)
        assert doors.tell(call, event).status_code == 200
        call.refresh_from_db()
        command.refresh_from_db()
        assert (call.state, command.state) == ("ended", "done")
        assert call.end_text == "The call was canceled before anybody answered."


def test_streaming_in_mid_call_starts_and_stops_many_times(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    CallPolicy.objects.update(streaming_start="later")
    call = doors.connect(doors.ring())
    connection_id = call.call_connection_id or ""
    for number in range(1, 4):
        assert call.streaming_state == "off"
        for verb, event_type, on_the_way, after in (
            (start_streaming, "MediaStreamingStarted", "starting", "starting"),
            (stop_streaming, "MediaStreamingStopped", "stopping", "off"),
        ):
            command = verb(PORTAL, call)
            call.refresh_from_db()
            assert (command.state, call.streaming_state) == ("accepted", on_the_way)
            doors.tell(call, callback(event_type, connection_id, context=azure.asked[-1].context))
            command.refresh_from_db()
            call.refresh_from_db()
            assert (command.state, call.streaming_state) == ("done", after)
        assert len(azure.asked) == 1 + 2 * number


def test_the_secret_that_answers_a_call_is_forgotten_when_it_has_done_so(
    azure: AzureStandIn, doors: Doors, ringing: CallPolicy
) -> None:
    call = doors.ring()
    assert call.incoming_call_context.startswith("context-")
    doors.tell(call, callback("CallConnected", str(uuid4())))
    call.refresh_from_db()
    assert call.incoming_call_context == ""


def test_live_events_of_a_call_are_numbered_without_gaps(
    azure: AzureStandIn, doors: Doors, answering: CallPolicy
) -> None:
    ear = Ear()
    first, second = doors.ring(), doors.ring()
    for call in (first, second, first):
        event = callback("ParticipantsUpdated", call.call_connection_id or "")
        assert doors.tell(call, event).status_code == 200
    doors.connect(first)
    events = ear.events()
    for call in (first, second):
        call.refresh_from_db()
        numbers = [each["seq"] for each in events if each["call"] == str(call.pk)]
        assert numbers == list(range(1, call.live_seq + 1))
        rows = [each for each in events if each["call"] == str(call.pk) and each["kind"] == "call_state"]
        assert rows[-1]["row"]["state"] == call.state
        assert all(each["row"]["seq"] == each["seq"] for each in rows)
    assert {"call_state", "event", "command"} == {each["kind"] for each in events}


def test_a_step_that_is_rolled_back_is_never_announced(call: Call, django_capture_on_commit_callbacks: Any) -> None:
    def fail() -> None:
        with transaction.atomic():
            note(lock(call.pk), "StreamOpened")
            settle(lock(call.pk))
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks() as waiting, pytest.raises(ZeroDivisionError):
        fail()
    assert waiting == []
    call.refresh_from_db()
    assert (call.live_seq, CallEvent.objects.count()) == (0, 0)


def test_a_callback_with_the_key_of_no_azure_is_refused(doors: Doors, call: Call) -> None:
    event = callback("CallDisconnected", call.call_connection_id or "")
    assert doors.tell(call, event, authorization=bearer(aud="another")).status_code == 401
    assert [each.type for each in call.events.all()] == ["CallbackRefused"]
    call.refresh_from_db()
    assert call.is_live
