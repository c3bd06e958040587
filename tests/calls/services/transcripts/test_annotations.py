"""Tags, notes and corrections: what each leaves behind, and what it refuses."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from calls.errors import BadInput, CallStateError, NotFound
from calls.models import AuditEntry, Call, Segment, Tag
from calls.selectors.annotations import note_json, notes_of, tags_of
from calls.services import Actor
from calls.services.transcripts import annotations
from calls.services.transcripts.annotations import (
    MOST_TAGS,
    correct_segment,
    delete_note,
    tag_call,
    untag,
    write_note,
)
from tests.calls.ear import Ear
from tests.calls.transcripts_scene import say, spoken_call

ANA = Actor("user", "ana", "page")
pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    return spoken_call("I was charged twice.", "Sorry to hear it.")


@pytest.fixture
def told(django_capture_on_commit_callbacks: Any) -> Callable[..., list[Any]]:
    """What pages are told by an act."""

    def tell(act: Callable[[], object]) -> list[Any]:
        ear = Ear()
        with django_capture_on_commit_callbacks(execute=True):
            act()
        events: list[Any] = []
        until_s = time.monotonic() + 5
        while not events and time.monotonic() < until_s:
            events += ear.events()
            time.sleep(0.01)
        return events

    return tell


def test_a_tag_is_one_whatever_its_case_and_known_once(call: Call) -> None:
    other = spoken_call(number="+14255550127")
    assert tag_call(ANA, call, "  Card   change ").name == "Card change"
    assert tag_call(ANA, other, "card CHANGE").name == "Card change"
    tag_call(ANA, call, "card change")
    assert Tag.objects.count() == 1
    assert AuditEntry.objects.count() == 2
    assert tags_of(call) == ["Card change"]
    untag(ANA, call, "CARD change")
    assert tags_of(Call.objects.get(pk=call.pk)) == []
    assert Tag.objects.exists()
    untag(ANA, other, "Card change")
    assert not Tag.objects.exists()
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert (entry.action, entry.target, entry.facts) == ("tag_call", "Card change", {"change": "taken away"})


@pytest.mark.parametrize("name", ["", "  ", "\0", "x" * 41, "a,b", "a/b", "a\x07b"])
def test_a_tag_that_cannot_be_used_is_refused(call: Call, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be used"):
        tag_call(ANA, call, name)
    assert not AuditEntry.objects.exists()


def test_a_call_has_no_more_tags_than_can_be_read(call: Call) -> None:
    for number in range(MOST_TAGS):
        tag_call(ANA, call, f"tag {number}")
    with pytest.raises(CallStateError, match="20 tags already"):
        tag_call(ANA, call, "one more")


def test_a_tag_that_is_not_there_cannot_be_taken_away(call: Call) -> None:
    with pytest.raises(NotFound, match="has no tag refund"):
        untag(ANA, call, "refund")


def test_pages_see_tags_at_once(call: Call, told: Callable[..., list[Any]]) -> None:
    (event,) = told(lambda: tag_call(ANA, call, "refund"))
    assert (event["kind"], event["row"]["tags"]) == ("call_state", ["refund"])


def test_a_note_is_about_a_call_or_about_one_second_of_it(call: Call, told: Callable[..., list[Any]]) -> None:
    (event,) = told(lambda: write_note(ANA, call, " Wants a letter.\r\nSoon. ", 63.2))
    (note,) = notes_of(call)
    assert event["kind"] == "note"
    assert event["note"] == note
    assert (note["text"], note["about_s"], note["author"]) == ("Wants a letter.\nSoon.", 63.2, "ana")
    assert note_json(write_note(ANA, call, "On the whole"), call)["about_s"] is None
    assert "letter" not in str([vars(each) for each in AuditEntry.objects.all()])
    (gone,) = told(lambda: delete_note(ANA, call.notes.get(text__startswith="Wants")))
    assert (gone["kind"], gone["gone"], gone["note"]["id"]) == ("note", True, note["id"])
    assert [each["text"] for each in notes_of(call)] == ["On the whole"]


@pytest.mark.parametrize(
    ("text", "about_s"), [("", None), (" \0 ", None), ("x" * 4_001, None), ("Fine", 1e9), ("Fine", float("nan"))]
)
def test_a_note_that_cannot_be_kept_is_refused(call: Call, text: str, about_s: float | None) -> None:
    with pytest.raises(BadInput):
        write_note(ANA, call, text, about_s)
    assert not call.notes.exists()


def test_a_note_is_deleted_once(call: Call) -> None:
    note = write_note(ANA, call, "Wants a letter.")
    twin = type(note).objects.get(pk=note.pk)
    delete_note(ANA, note)
    with pytest.raises(NotFound):
        delete_note(ANA, twin)


def test_a_correction_keeps_what_was_recognised_and_gets_a_number(call: Call, told: Callable[..., list[Any]]) -> None:
    segment = call.segments.get(seq=1)
    (event,) = told(lambda: correct_segment(ANA, segment, "I was charged twenty."))
    row = Segment.objects.get(pk=segment.pk)
    assert (row.text, row.original_text, row.corrected_by) == ("I was charged twenty.", "I was charged twice.", "ana")
    assert (row.seq, row.revision) == (3, 2)
    assert (event["kind"], event["segment"]["text"], event["segment"]["corrected"]) == ("segment", row.text, True)
    correct_segment(ANA, row, "I was charged thrice.")
    assert Segment.objects.get(pk=segment.pk).original_text == "I was charged twice."
    entries = str([vars(each) for each in AuditEntry.objects.all()])
    assert "charged" not in entries
    back = correct_segment(ANA, Segment.objects.get(pk=segment.pk), "I was charged twice.")
    assert (back.original_text, back.corrected_by, back.corrected_at, back.seq) == (None, "", None, 5)


def test_a_correction_that_changes_nothing_is_none(call: Call) -> None:
    segment = call.segments.get(seq=1)
    assert annotations.correct_segment(ANA, segment, segment.text).revision == 1
    assert not AuditEntry.objects.exists()


def test_the_walls_last_line_is_corrected_too(call: Call) -> None:
    Call.objects.filter(pk=call.pk).update(last_line="Sorry to hear it.")
    correct_segment(ANA, call.segments.get(seq=2), "Glad to hear it.")
    assert Call.objects.get(pk=call.pk).last_line == "Glad to hear it."


def test_what_is_still_being_said_and_gaps_cannot_be_corrected(call: Call) -> None:
    for row in (say(call, "still", at_s=40, final=False), say(call, "nothing", at_s=50, kind="gap")):
        with pytest.raises(CallStateError, match="final"):
            correct_segment(ANA, row, "other words")
    with pytest.raises(BadInput):
        correct_segment(ANA, call.segments.get(seq=1), "  ")
