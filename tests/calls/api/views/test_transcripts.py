"""What was said, and the orders about it, by REST."""

from datetime import timedelta
from typing import Any

import pytest

from calls.models import Call, Segment
from calls.services.transcripts.words import gap_heard, segment_heard, transcript_started
from tests.calls.api.door import Door
from tests.calls.scene import live_call

pytestmark = pytest.mark.django_db(transaction=True)
CALLER = "4:+14255550123"


@pytest.fixture
def call() -> Call:
    return live_call()


def hear(call: Call, key: str, text: str, start_s: float, **more: Any) -> None:
    at = call.since + timedelta(seconds=start_s)
    fields = {"final": True, "source": "parrot", "raw_id": CALLER, "ended_at": at + timedelta(seconds=1), **more}
    segment_heard(call.pk, key=key, text=text, started_at=at, **fields)


def test_segments_come_in_the_order_of_their_beginnings(integrator: Door, call: Call) -> None:
    hear(call, "b", "Second.", 20)
    hear(call, "a", "First.", 10)
    hear(call, "c", "thi", 30, final=False)
    gap_heard(
        call.pk,
        raw_id=CALLER,
        started_at=call.since + timedelta(seconds=15),
        ended_at=call.since + timedelta(seconds=19),
        text="4.0 s could not be recognised: the recogniser fell behind",
        source="parrot",
        key="gap",
    )
    rows = integrator.get(f"calls/{call.pk}/segments/").json["results"]
    assert [(each["kind"], each["start_s"]) for each in rows] == [
        ("speech", 10.0),
        ("gap", 15.0),
        ("speech", 20.0),
        ("speech", 30.0),
    ]
    first = rows[0]
    assert (first["text"], first["end_s"], first["label"], first["final"]) == ("First.", 11.0, "Caller", True)
    assert first["participant"] == str(call.participants.get().pk)


def test_what_changed_and_what_is_final_can_be_asked_for_alone(integrator: Door, call: Call) -> None:
    hear(call, "a", "fir", 10, final=False)
    hear(call, "b", "Second.", 20)
    hear(call, "a", "First.", 10)
    address = f"calls/{call.pk}/segments/"
    assert [each["text"] for each in integrator.get(address, after=2).json["results"]] == ["First."]
    hear(call, "c", "thi", 30, final=False)
    assert [each["text"] for each in integrator.get(address, final="true").json["results"]] == ["First.", "Second."]
    assert [each["text"] for each in integrator.get(address, final="false").json["results"]] == ["thi"]
    hear(call, "c", "", 30)
    assert [each["text"] for each in integrator.get(address).json["results"]] == ["First.", "Second."]
    assert [(each["text"], each["final"]) for each in integrator.get(address, after=4).json["results"]] == [("", True)]


@pytest.mark.parametrize("query", [{"after": "-1"}, {"after": "x"}, {"after": "9" * 30}, {"final": "yes"}])
def test_a_question_that_cannot_be_read_is_refused_at_its_name(
    integrator: Door, call: Call, query: dict[str, str]
) -> None:
    answer = integrator.get(f"calls/{call.pk}/segments/", **query)
    assert answer.status == 400
    assert list(answer.error["fields"]) == list(query)


def test_a_transcript_is_started_turned_to_another_language_and_stopped(integrator: Door, call: Call) -> None:
    path = f"calls/{call.pk}/transcript"
    started = integrator.post(f"{path}/start/", {"language": "en-GB", "phrases": ["blue parcel"]})
    assert (started.status, started.json["verb"], started.json["state"]) == (202, "start_transcript", "queued")
    assert started.headers["Location"] == f"/api/v1/commands/{started.json['id']}/"
    again = integrator.post(f"{path}/start/")
    assert (again.status, again.error["message"]) == (409, "The transcript is on already.")
    transcript_started(call.pk, started.json["id"])
    assert integrator.get(f"commands/{started.json['id']}/").json["state"] == "done"
    assert integrator.post(f"{path}/language/", {"language": "de-DE"}).status == 202
    row = integrator.get(f"calls/{call.pk}/").json["transcript"]
    assert (row["state"], row["language"]) == ("on", "de-DE")
    assert row["note"]
    assert integrator.post(f"{path}/stop/").status == 202


def test_a_start_with_what_it_cannot_use_is_refused(integrator: Door, call: Call) -> None:
    path = f"calls/{call.pk}/transcript/start/"
    assert "recogniser" in integrator.post(path, {"recogniser": "os.system"}).error["fields"]
    assert "language" in integrator.post(path, {"language": "English please"}).error["fields"]
    assert "voice" in integrator.post(path, {"voice": "x"}).error["fields"]
    assert not Segment.objects.exists()
