from datetime import timedelta
from typing import Any

import pytest

from calls.models import Call, CallEvent, Command, Injection, Note, Participant, Recording, Segment, Take, TalkSpan
from calls.selectors import call_detail
from calls.selectors.player import PlayerJson, player_json
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db
CALLER, AGENT = "4:+14255550123", "8:acs:tom"


@pytest.fixture
def call() -> Call:
    call = live_call(streams=False, state="ended")
    Participant.objects.create(call=call, raw_id=AGENT, kind="acs_user", name="Tom", joined_at=call.since)
    return call


def at(call: Call, seconds: float) -> Any:
    return call.since + timedelta(seconds=seconds)


def take(call: Call, offset_s: float, **fields: Any) -> Take:
    return Take.objects.create(
        call=call,
        number=call.takes.count() + 1,
        owner="x",
        asked_by="ana",
        started_at=at(call, offset_s),
        **{"state": "complete", "duration_s": 20.0, **fields},
    )


def track(take: Take, kind: str, raw_id: str = "", **fields: Any) -> Recording:
    return Recording.objects.create(
        take=take,
        call=take.call,
        track=kind,
        raw_id=raw_id,
        sample_rate_hz=16_000,
        **{"state": "complete", "duration_s": 20.0, "file": "a.flac", "peaks": "a.json", **fields},
    )


def player(call: Call, *, may_hear: bool = True) -> PlayerJson:
    return player_json(call, call_detail(call), may_hear=may_hear)


def lanes(found: PlayerJson) -> list[tuple[str, int]]:
    return [(each["label"], len(each["tracks"])) for each in found["lanes"]]


def test_each_voice_has_a_lane_callers_first_and_we_last(call: Call) -> None:
    first, second = take(call, 0), take(call, 30)
    for each in (first, second):
        track(each, "injected")
        track(each, "participant", AGENT)
        track(each, "participant", CALLER)
        track(each, "stereo")
    found = player(call)
    assert lanes(found) == [("Caller", 2), ("Tom", 2), ("We", 2)]
    assert [each["offset_s"] for each in found["lanes"][0]["tracks"]] == [0, 30]


def test_who_may_not_hear_gets_the_lanes_without_sound(call: Call) -> None:
    track(take(call, 0), "participant", CALLER)
    TalkSpan.objects.create(call=call, raw_id=CALLER, started_at=at(call, 1), ended_at=at(call, 4))
    found = player(call, may_hear=False)
    assert lanes(found) == [("Caller", 0), ("We", 0)]
    assert found["lanes"][0]["talk"] == [[1, 4]]


def test_what_is_deleted_or_unfinished_has_no_sound_and_says_that_it_comes(call: Call) -> None:
    track(take(call, 0, state="deleted"), "participant", CALLER, state="deleted", file="", peaks="")
    assert not player(call)["unfinished"]
    track(take(call, 30, state="finishing"), "participant", CALLER, state="finishing", file="", peaks="")
    found = player(call)
    assert lanes(found)[0] == ("Caller", 0)
    assert found["unfinished"]


def test_sounds_holes_and_gaps_are_regions_in_call_time(call: Call) -> None:
    Injection.objects.create(
        call=call, kind="tone", tone_hz=440, asked_by="ana", state="done", started_at=at(call, 5), ended_at=at(call, 6)
    )
    holes = [{"from_s": 1, "to_s": 3.5, "why": "sensitive"}, {"from_s": 4, "to_s": 4.01, "why": "gap"}]
    take(call, 10, holes=holes)
    Segment.objects.create(
        call=call,
        seq=1,
        key="g",
        kind="gap",
        raw_id=CALLER,
        text="2 s could not be recognised",
        final=True,
        source="x",
        started_at=at(call, 20),
        ended_at=at(call, 22),
    )
    found = player(call)["regions"]
    assert [(each["kind"], each["lane"], each["from_s"], each["to_s"]) for each in found] == [
        ("played", "us", 5, 6),
        ("sensitive", "", 11, 13.5),
        ("gap", CALLER, 20, 22),
    ]


def test_events_orders_and_notes_are_marks_in_their_order(call: Call) -> None:
    CallEvent.objects.create(call=call, source="stream", type="DtmfPressed", event_time=at(call, 7), raw={"tone": "5"})
    Command.objects.create(call=call, verb="start_streaming", asked_by="ana", created_at=at(call, 3), state="failed")
    Note.objects.create(call=call, text="asks for a letter", author="ben", about_at=at(call, 9))
    Note.objects.create(call=call, text="about all of it", author="ben")
    marks = [each for each in player(call)["marks"] if each["at_s"] > 0]
    assert [(each["at_s"], each["tone"]) for each in marks[:3]] == [(3, "bad"), (7, marks[1]["tone"]), (9, "us")]
    assert "ana asked to start streaming: failed" in marks[0]["text"]
    assert marks[2]["text"] == "ben: asks for a letter"
