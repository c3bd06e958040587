import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User

from calls.models import Call, CallEvent, CallPolicy, Clip, Command, Injection, Participant, StreamSession
from calls.selectors import (
    VERBS,
    call_detail,
    call_row,
    clip_json,
    command_json,
    event_json,
    injection_json,
    just_ended_rows,
    live_rows,
    stream_json,
)
from tests.azure_stand_in import Doors, incoming

pytestmark = pytest.mark.django_db
SEER = User(username="seer", is_superuser=True)
START = datetime(2026, 11, 20, 9, 0, 0, 123456, tzinfo=UTC)


def make(**fields: Any) -> Call:
    given = {
        "direction": "inbound",
        "state": "connected",
        "caller": "+14255550123",
        "callee": "+18005550100",
        "caller_raw_id": "4:+14255550123",
        "callee_raw_id": "4:+18005550100",
        "ringing_at": START,
        "connected_at": START + timedelta(seconds=5),
        "created_at": START,
    }
    return Call.objects.create(**given | fields)


def test_a_row_says_who_calls_whom_and_what_is_possible() -> None:
    call = make(streaming_state="streaming", policy_name="Answer all")
    row = call_row(call)
    assert (row["title"], row["other_title"]) == ("+1 425 555 0123", "+1 800 555 0100")
    assert (row["id"], row["url"], row["policy"]) == (str(call.pk), f"/calls/{call.pk}/", "Answer all")
    assert (row["ringing_at"], row["ended_at"], row["end"]) == ("2026-11-20T09:00:00.123Z", None, None)
    assert set(row["may"]) == set(VERBS)
    assert (row["may"]["speak"], row["may"]["answer"] != "") == ("", True)
    assert row["streaming"] == {
        "state": "streaming",
        "sample_rate_hz": 16000,
        "channel_type": "unmixed",
        "bidirectional": True,
        "dtmf": True,
        "start": "now",
        "error": "",
    }
    outbound = call_row(make(direction="outbound"))
    assert (outbound["title"], outbound["other_title"]) == ("+1 800 555 0100", "+1 425 555 0123")


def test_an_ended_call_says_how_it_ended_and_allows_nothing() -> None:
    row = call_row(
        make(state="ended", ended_at=START + timedelta(seconds=65), end_code=200, end_subcode=7000, end_text="Over.")
    )
    assert row["end"] == {"code": 200, "subcode": 7000, "message": "", "text": "Over."}
    assert row["duration_s"] == 60.0
    assert set(row["may"].values()) == {"The call has ended."}


@pytest.mark.parametrize(
    ("raw_id", "name", "label"),
    [
        ("4:+14255550123", "", "Caller"),
        ("4:+18005550100", "", "Callee"),
        ("4:+14255550123", "Ana", "Ana"),
        ("8:acs:res_portal", "", "portal"),
        ("4:anonymous", "", "Anonymous caller"),
    ],
)
def test_a_participant_has_the_name_that_people_use(raw_id: str, name: str, label: str) -> None:
    call = make()
    Participant.objects.create(call=call, raw_id=raw_id, kind="phone", name=name, joined_at=START)
    [person] = call_row(call)["participants"]
    assert (person["label"], person["raw_id"], person["left_at"]) == (label, raw_id, None)


def test_an_event_is_told_in_words_of_its_calls_direction() -> None:
    for direction, text in (("inbound", "The caller hung up."), ("outbound", "The person called hung up.")):
        call = make(direction=direction)
        event = CallEvent.objects.create(
            call=call,
            source="callback",
            type="CallDisconnected",
            event_time=START + timedelta(seconds=65),
            code=200,
            subcode=0,
        )
        shown = event_json(event, call)
        assert (shown["text"], shown["offset_s"]) == (text, 60.0)
        assert "raw" not in shown


OWN_EVENTS = [
    ("StreamOpened", None, "", "Media socket opened", "ok"),
    ("StreamClosed", 1000, "", "Media socket closed", "off"),
    (
        "StreamClosed",
        1000,
        "a newer socket took its place",
        "Media socket closed: a newer socket took its place",
        "off",
    ),
    ("StreamClosed", 1006, "", "Media socket broke (1006)", "bad"),
    ("StreamLost", None, "", "Media socket lost: its process no longer answers", "bad"),
    ("StreamFound", None, "", "Media socket found again: its process answers", "ok"),
    ("DtmfPressed", None, "Caller pressed 5", "Caller pressed 5", "off"),
    ("PlaceRefused", None, "Azure is away.", "Azure did not place the call. Azure is away.", "bad"),
    ("AnswerRefused", 404, "x", "Azure did not let us answer (404). x", "bad"),
    ("CallRejected", None, "We rejected the call as busy, by ana.", "We rejected the call as busy, by ana.", "off"),
    ("RingingTimedOut", None, "", "Nobody here answered within 30 s.", "off"),
    ("CallGone", None, "", "Azure no longer knows this call; no event told of its end.", "off"),
    ("CallEnded", None, "", "The call ended.", "off"),
]


@pytest.mark.parametrize(("kind", "code", "message", "text", "tone"), OWN_EVENTS)
def test_what_the_portal_itself_saw_is_told_in_plain_words(
    kind: str, code: int | None, message: str, text: str, tone: str
) -> None:
    call = make()
    event = CallEvent.objects.create(
        call=call, source="portal", type=kind, event_time=START, code=code, message=message
    )
    shown = event_json(event, call)
    assert (shown["text"], shown["tone"]) == (text, tone)


def test_the_secret_that_answers_a_call_is_never_shown() -> None:
    call = make()
    raw = incoming()
    event = CallEvent.objects.create(call=call, source="event_grid", type="IncomingCall", event_time=START, raw=raw)
    shown = event_json(event, call, with_raw=True)
    assert raw["data"]["incomingCallContext"] not in json.dumps(shown)
    assert json.loads(json.dumps(shown))["raw"]["data"]["from"] == raw["data"]["from"]


def test_every_answer_is_json() -> None:
    call = make()
    command = Command.objects.create(call=call, verb="hang_up", asked_by="ana", error_code="x", error_message="Why.")
    sound = Injection.objects.create(call=call, kind="text", text="Hello", asked_by="ana")
    stream = StreamSession.objects.create(call=call, owner="p", channel_type="mixed", sample_rate_hz=24000)
    clip = Clip.objects.create(
        name="W", audio="clips/w.wav", duration_ms=1, sample_rate_hz=8000, channels=1, size=1, added_by="ana"
    )
    found: dict[str, Any] = json.loads(
        json.dumps(
            {
                "detail": call_detail(call),
                "command": command_json(command),
                "sound": injection_json(sound),
                "stream": stream_json(stream),
                "clip": clip_json(clip),
            }
        )
    )
    assert found["command"]["error"] == {"code": "x", "message": "Why."}
    assert (found["sound"]["label"], found["sound"]["error"]) == ("Hello", None)
    assert found["stream"]["sample_rate_hz"] == 24000
    assert "audio" not in found["clip"]
    assert [len(found["detail"][name]) for name in ("streams", "injections", "commands", "events")] == [1, 1, 1, 0]


def test_the_wall_lists_ringing_calls_first_then_the_oldest(django_assert_num_queries: Any) -> None:
    later = make(connected_at=START + timedelta(seconds=60))
    earlier = make(connected_at=START + timedelta(seconds=30))
    ringing = make(state="ringing", connected_at=None)
    connecting = make(state="connecting", connected_at=None)
    over = make(state="ended", ended_at=START)
    for call in (later, earlier):
        Participant.objects.create(call=call, raw_id="a", kind="phone", joined_at=START)
    with django_assert_num_queries(3):
        rows = live_rows(SEER)
    assert [row["id"] for row in rows] == [str(each.pk) for each in (ringing, connecting, earlier, later)]
    assert [row["id"] for row in just_ended_rows(SEER)] == [str(over.pk)]


def test_the_last_calls_to_end_are_listed_newest_first() -> None:
    calls = [make(state="ended", ended_at=START + timedelta(seconds=second)) for second in range(7)]
    assert [row["id"] for row in just_ended_rows(SEER)] == [str(each.pk) for each in reversed(calls[2:])]


def test_a_calls_page_lists_events_newest_first() -> None:
    call = make()
    for second in (5, 1, 3):
        CallEvent.objects.create(
            call=call,
            source="callback",
            azure_id=str(uuid4()),
            type="ParticipantsUpdated",
            event_time=START + timedelta(seconds=second),
        )
    assert [each["offset_s"] for each in call_detail(call)["events"]] == [0.0, -2.0, -4.0]


def test_a_live_row_is_what_the_page_would_read(doors: Doors, ringing: CallPolicy) -> None:
    call = doors.ring()
    assert call_row(call)["may"]["answer"] == ""
    assert call_row(call)["seq"] == call.live_seq > 0
