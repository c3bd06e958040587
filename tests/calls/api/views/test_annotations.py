from collections.abc import Callable

import pytest

from calls.models import Segment
from tests.calls.api.door import Door
from tests.calls.transcripts_scene import spoken_call

pytestmark = pytest.mark.django_db


def test_tags_come_and_go_and_calls_are_listed_by_them(integrator: Door) -> None:
    call, other = spoken_call("Hello."), spoken_call(number="+14255550127")
    assert integrator.post(f"calls/{call.pk}/tags/", {"name": "Card change"}).json == {"tags": ["Card change"]}
    assert integrator.post(f"calls/{call.pk}/tags/", {"name": "refund"}).json == {"tags": ["Card change", "refund"]}
    assert integrator.post(f"calls/{other.pk}/tags/", {"name": "REFUND"}).json == {"tags": ["refund"]}
    assert integrator.get("tags/").json == {"tags": ["Card change", "refund"]}
    assert integrator.get(f"calls/{call.pk}/").json["tags"] == ["Card change", "refund"]
    listed = integrator.get("calls/", tag="card CHANGE").json["results"]
    assert [(row["id"], row["tags"]) for row in listed] == [(str(call.pk), ["Card change", "refund"])]
    assert integrator.delete(f"calls/{call.pk}/tags/card%20change/").json == {"tags": ["refund"]}
    missing = integrator.delete(f"calls/{call.pk}/tags/nothing/")
    assert (missing.status, missing.error["code"]) == (404, "not_found")
    refused = integrator.post(f"calls/{call.pk}/tags/", {"name": "a/b"})
    assert (refused.status, list(refused.error["fields"])) == (400, ["name"])


def test_notes_are_written_listed_and_deleted(integrator: Door) -> None:
    call = spoken_call("Hello.")
    written = integrator.post(f"calls/{call.pk}/notes/", {"text": "Wants a letter.", "about_s": 63.2})
    assert written.status == 201
    assert (written.json["about_s"], written.json["author"]) == (63.2, "API key Night desk")
    integrator.post(f"calls/{call.pk}/notes/", {"text": "On the whole."})
    listed = integrator.get(f"calls/{call.pk}/notes/").json["results"]
    assert [each["text"] for each in listed] == ["Wants a letter.", "On the whole."]
    where = f"calls/{call.pk}/notes/{written.json['id']}/"
    assert integrator.delete(where).status == 204
    assert integrator.delete(where).status == 404
    assert integrator.post(f"calls/{call.pk}/notes/", {"text": "x", "about_s": 1e300}).status == 400


def test_a_note_is_deleted_at_its_own_call_only(integrator: Door) -> None:
    call, other = spoken_call("Hello."), spoken_call(number="+14255550127")
    note = integrator.post(f"calls/{call.pk}/notes/", {"text": "Here."}).json["id"]
    assert integrator.delete(f"calls/{other.pk}/notes/{note}/").status == 404


def test_a_passage_is_corrected_and_taken_back(integrator: Door) -> None:
    segment = Segment.objects.get(call=spoken_call("I was charged twice."))
    where = f"segments/{segment.pk}/"
    corrected = integrator.raw("PATCH", where, b'{"text": "I was charged twenty."}')
    assert corrected.status == 200
    assert (corrected.json["text"], corrected.json["original_text"]) == (
        "I was charged twenty.",
        "I was charged twice.",
    )
    assert integrator.get(where).json == corrected.json
    back = integrator.raw("PATCH", where, b'{"text": "I was charged twice."}')
    assert (back.json["corrected"], back.json["original_text"]) == (False, None)
    Segment.objects.update(final=False)
    assert integrator.raw("PATCH", where, b'{"text": "Too early."}').status == 409
    assert integrator.raw("PATCH", where, b'{"text": ""}').status == 400
    assert integrator.raw("PATCH", where, b'{"words": []}').status == 400


def test_who_only_sees_changes_nothing(key: Callable[..., Door]) -> None:
    call = spoken_call("Hello.")
    viewer = key("view_call")
    assert viewer.get(f"calls/{call.pk}/tags/").status == 200
    assert viewer.post(f"calls/{call.pk}/tags/", {"name": "refund"}).status == 403
    assert viewer.post(f"calls/{call.pk}/notes/", {"text": "refund"}).status == 403
    assert viewer.raw("PATCH", f"segments/{call.segments.get().pk}/", b'{"text": "x"}').status == 403
