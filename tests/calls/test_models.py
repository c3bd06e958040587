from datetime import timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction
from django.utils import timezone

from calls.models import (
    ApiKey,
    Call,
    CallEvent,
    CallPolicy,
    Clip,
    Command,
    Injection,
    Participant,
    StreamSession,
    UsedMediaToken,
)
from calls.profiles import StreamingProfile
from calls.selectors import VERBS

NOW = timezone.now()

KEPT = {"begin_sensitive", "record_at_azure", "start_transcript"}
# direction, state, streaming, both ways → the verbs that are possible
POSSIBLE: list[tuple[str, str, str, bool, set[str]]] = [
    ("inbound", "ringing", "off", True, {"answer", "reject", "redirect"}),
    ("inbound", "connecting", "off", True, {"hang_up"}),
    ("outbound", "connecting", "starting", True, {"hang_up"}),
    ("outbound", "ringing", "off", True, {"hang_up"}),
    ("inbound", "connected", "off", True, {"hang_up", "start_streaming", *KEPT}),
    ("inbound", "connected", "starting", True, {"hang_up", "stop_streaming", *KEPT}),
    (
        *("inbound", "connected", "streaming", True),
        {"hang_up", "stop_streaming", "speak", "stop_sound", "start_recording", *KEPT},
    ),
    ("inbound", "connected", "streaming", False, {"hang_up", "stop_streaming", "start_recording", *KEPT}),
    ("inbound", "connected", "stopping", True, {"hang_up", "start_streaming", *KEPT}),
    ("inbound", "connected", "failed", True, {"hang_up", "start_streaming", *KEPT}),
    ("inbound", "ended", "off", True, set()),
    ("outbound", "failed", "streaming", True, set()),
]


@pytest.mark.parametrize(("direction", "state", "streaming", "both_ways", "possible"), POSSIBLE)
def test_a_calls_state_decides_what_is_possible_and_says_why_not(
    direction: str, state: str, streaming: str, both_ways: bool, possible: set[str]
) -> None:
    call = Call(direction=direction, state=state, streaming_state=streaming, bidirectional=both_ways)
    assert {verb for verb in VERBS if not call.may(verb)} == possible
    assert all(call.may(verb).endswith(".") for verb in VERBS if verb not in possible)


def test_a_verb_that_no_call_knows_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="fly"):
        Call(direction="inbound", state="connected").may("fly")


def test_a_calls_clock_starts_when_it_connects_and_stops_when_it_ends() -> None:
    call = Call(created_at=NOW)
    assert (call.since, call.duration_s) == (NOW, None)
    call.ringing_at = NOW + timedelta(seconds=1)
    assert call.since == call.ringing_at
    call.connected_at = NOW + timedelta(seconds=5)
    call.ended_at = NOW + timedelta(seconds=65)
    assert (call.since, call.duration_s) == (call.connected_at, 60.0)
    call.ended_at = NOW
    assert call.duration_s == 0.0


@pytest.mark.django_db
def test_calls_are_live_or_over() -> None:
    for state in Call.State.values:
        Call.objects.create(direction="inbound", state=state)
    live = set(Call.objects.live().values_list("state", flat=True))
    over = set(Call.objects.over().values_list("state", flat=True))
    assert (live, over) == ({"ringing", "connecting", "connected"}, {"ended", "failed"})
    assert all(call.is_live == (call.state in live) for call in Call.objects.all())


@pytest.mark.django_db
def test_a_new_row_knows_its_profile_before_it_is_read_back() -> None:
    assert Call(direction="inbound").profile == StreamingProfile()
    profile = StreamingProfile("mixed", 24000, bidirectional=False, dtmf=False, start="later")
    call = Call(direction="inbound")
    call.take_profile(profile)
    call.save()
    assert Call.objects.get().profile == profile


@pytest.mark.django_db
def test_the_portal_starts_with_a_policy_that_answers() -> None:
    # Once more, because a test that emptied the database before this one took the migration's policy away.
    import_module("calls.migrations.0002_default_policy").add_default_policy(apps, None)
    policy = CallPolicy.first_match("+1", "+2", timezone.now())
    assert policy is not None
    assert (policy.action, policy.profile) == ("answer", StreamingProfile())


@pytest.mark.parametrize(
    ("pattern", "number", "fits"),
    [
        ("*", "", True),
        ("+1800*", "+18005550100", True),
        ("+1800*", "+18885550100", False),
        ("+1800555010?", "+18005550100", True),
        ("+1800555010?", "+1800555010", False),
        ("4:anonymous", "4:anonymous", True),
        ("8:ACS:*", "8:acs:x", False),
    ],
)
def test_patterns_match_the_whole_number(pattern: str, number: str, fits: bool) -> None:
    now = timezone.now()
    assert (not CallPolicy(callee_pattern=pattern).obstacle("+1", number, now)) is fits
    assert (not CallPolicy(caller_pattern=pattern).obstacle(number, "+1", now)) is fits


@pytest.mark.django_db
def test_a_key_opens_with_its_secret_until_it_expires_or_is_revoked() -> None:
    key, secret = ApiKey.issue("dialler", ["view_call"], expires_at=NOW + timedelta(hours=1))
    assert ApiKey.find(secret, NOW) == key
    assert ApiKey.find(secret, NOW + timedelta(hours=1)) is None
    assert ApiKey.find(secret[:-1], NOW) is None
    assert ApiKey.find("", NOW) is None
    assert secret not in str(ApiKey.objects.values().get())
    ApiKey.objects.update(revoked_at=NOW)
    assert ApiKey.find(secret, NOW) is None


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"kind": "text", "text": "Hello"}, "Hello"),
        ({"kind": "tone", "tone_hz": 440}, "Tone 440 Hz"),
        ({"kind": "clip", "name": "Welcome"}, "Welcome"),
        ({"kind": "file", "name": ""}, "File"),
    ],
)
def test_a_sound_says_in_few_words_what_plays(fields: dict[str, Any], label: str) -> None:
    assert Injection(**fields).label == label


@pytest.mark.parametrize(
    ("state", "pending"), [("queued", True), ("accepted", True), ("done", False), ("failed", False)]
)
def test_an_order_is_pending_until_it_is_done_or_failed(state: str, pending: bool) -> None:
    assert Command(state=state).is_pending is pending


@pytest.mark.django_db
def test_the_database_itself_refuses_what_may_exist_once() -> None:
    call = Call.objects.create(direction="inbound", call_connection_id="c", incoming_key="k")
    StreamSession.objects.create(call=call, number=1)
    Participant.objects.create(call=call, raw_id="a", kind="phone", joined_at=NOW)
    CallEvent.objects.create(call=call, source="callback", azure_id="e", type="x", event_time=NOW)
    UsedMediaToken.objects.create(digest="d", call=call, expires_at=NOW)
    twice: list[tuple[Any, dict[str, Any]]] = [
        (Call, {"direction": "inbound", "call_connection_id": "c"}),
        (Call, {"direction": "inbound", "incoming_key": "k"}),
        (StreamSession, {"call": call, "number": 1}),
        (Participant, {"call": call, "raw_id": "a", "kind": "phone", "joined_at": NOW}),
        (CallEvent, {"source": "callback", "azure_id": "e", "type": "x", "event_time": NOW}),
        (UsedMediaToken, {"digest": "d", "call": call, "expires_at": NOW}),
    ]
    for model, fields in twice:
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.create(**fields)
    for _ in range(2):
        Call.objects.create(direction="inbound")
        CallEvent.objects.create(source="portal", type="x", event_time=NOW)


def test_no_model_names_a_person_or_number_in_its_own_name() -> None:
    number, name = "+14255550123", "Ana Petrovna"
    rows = [
        Call(direction="inbound", caller=number, caller_name=name),
        Participant(kind="phone", raw_id=number, name=name, number=number),
        CallEvent(type="IncomingCall", raw={"from": number}),
        Command(verb="place", asked_by=name),
        Injection(kind="text", text=name),
        StreamSession(number=1),
        UsedMediaToken(digest="0123456789"),
    ]
    for row in rows:
        assert str(row)
        assert number not in str(row)
        assert name not in str(row)
    assert (str(Clip(name="Welcome")), str(CallPolicy(name="All")), "…" in str(ApiKey(name="k", prefix="p"))) == (
        "Welcome",
        "All",
        True,
    )
