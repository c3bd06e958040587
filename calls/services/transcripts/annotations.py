"""What people add to a call: tags, notes, and corrections of what was recognised. What they wrote is in no audit."""

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from calls import live
from calls.errors import BadInput, CallStateError, NotFound
from calls.models import Call, Note, Segment, Tag
from calls.selectors.annotations import note_json
from calls.selectors.transcripts import segment_json
from calls.services import audit
from calls.services.actor import Actor
from calls.services.state import announce_call, lock
from calls.services.transcripts.words import newest_words

LONGEST_TAG: Final = 40
MOST_TAGS: Final = 20
LONGEST_NOTE: Final = 4_000
MOST_NOTES: Final = 500
LONGEST_TEXT: Final = 4_000
# A note may be about a moment somewhat before the call connected, and not after a day.
_ABOUT_S: Final = (-3_600.0, 86_400.0)


def tag_call(actor: Actor, call: Call, name: str) -> Tag:
    """Gives a call a tag, as the tag was first written; giving it again changes nothing and is no entry."""
    name = _tag(name)
    with transaction.atomic():
        call = lock(call.pk)
        tag = Tag.objects.filter(name__iexact=name).first()
        if tag is not None and call.tags.filter(pk=tag.pk).exists():
            return tag
        if call.tags.count() >= MOST_TAGS:
            raise CallStateError(f"The call has {MOST_TAGS} tags already. Take one away first.")
        tag = tag or Tag.objects.get_or_create(name=name)[0]
        call.tags.add(tag)
        announce_call(call)
        audit.record(actor, "tag_call", call=call, target=tag.name, target_id=tag.pk, change="added")
    return tag


def untag(actor: Actor, call: Call, name: str) -> None:
    """Takes a tag from a call; a tag that no call has any more is forgotten."""
    with transaction.atomic():
        call = lock(call.pk)
        tag = call.tags.filter(name__iexact=" ".join(name.replace("\0", "").split())).first()
        if tag is None:
            raise NotFound(f"The call has no tag {name[:LONGEST_TAG]}. Reload the page to see which it has.")
        call.tags.remove(tag)
        number = tag.pk
        if not tag.calls.exists():
            tag.delete()
        announce_call(call)
        audit.record(actor, "tag_call", call=call, target=tag.name, target_id=number, change="taken away")


def write_note(actor: Actor, call: Call, text: str, about_s: float | None = None) -> Note:
    """Keeps what somebody writes about a call, or about its second `about_s`."""
    text = _text(text, "note", LONGEST_NOTE)
    if about_s is not None and not _ABOUT_S[0] <= about_s <= _ABOUT_S[1]:
        fault = "Give the second of the call that the note is about, such as 63.2."
        raise BadInput(f"The note is about no moment of the call. {fault}", {"about_s": fault})
    with transaction.atomic():
        call = lock(call.pk)
        if call.notes.count() >= MOST_NOTES:
            raise CallStateError(f"The call has {MOST_NOTES} notes already. Delete one first.")
        about_at = None if about_s is None else call.since + timedelta(seconds=about_s)
        note = Note.objects.create(call=call, text=text, about_at=about_at, author=actor.name)
        live.announce(call.pk, "note", note=note_json(note, call))
        audit.record(actor, "write_note", call=call, target_id=note.pk)
    return note


def delete_note(actor: Actor, note: Note) -> None:
    with transaction.atomic():
        call, note_id = lock(note.call_id), note.pk
        if not Note.objects.filter(pk=note_id).exists():
            raise NotFound(f"There is no note {note_id}. Somebody has deleted it.")
        note.delete()
        live.announce(call.pk, "note", note=note_json(note, call) | {"id": str(note_id)}, gone=True)
        audit.record(actor, "delete_note", call=call, target_id=note_id, author=note.author)


def correct_segment(actor: Actor, segment: Segment, text: str) -> Segment:
    """Writes what was really said. What was recognised is kept, and correcting back to it is no correction any more."""
    text = _text(text, "passage", LONGEST_TEXT)
    with transaction.atomic():
        call = lock(segment.call_id)
        row: Segment = Segment.objects.get(pk=segment.pk)
        if not row.final or row.kind != Segment.Kind.SPEECH:
            raise CallStateError("Only what was said and is final can be corrected. Wait until the sentence ends.")
        if text == row.text:
            return row
        recognised = row.text if row.original_text is None else row.original_text
        back, was = text == recognised, newest_words(row.text)
        row.text, row.original_text = text, None if back else recognised
        row.corrected_by, row.corrected_at = ("", None) if back else (actor.name, timezone.now())
        row.revision += 1
        row.seq = (call.segments.aggregate(Max("seq"))["seq__max"] or 0) + 1
        row.save()
        Call.objects.filter(pk=call.pk, last_line=was).update(last_line=newest_words(text))
        live.announce(call.pk, "segment", segment=segment_json(row, call))
        change = "taken back" if back else "corrected"
        audit.record(actor, "correct_segment", call=call, target_id=row.pk, change=change)
    return row


def _tag(name: str) -> str:
    words = " ".join(name.replace("\0", "").split())
    fault = ""
    if not words:
        fault = "Give a word, such as refund."
    elif len(words) > LONGEST_TAG:
        fault = f"It has {len(words)} signs; a tag has {LONGEST_TAG} at most."
    elif not words.isprintable() or "," in words or "/" in words:
        fault = "It may hold letters, digits, spaces and signs other than comma and slash."
    if fault:
        raise BadInput(f"The tag cannot be used. {fault}", {"name": fault})
    return words


def _text(text: str, noun: str, longest: int) -> str:
    words = text.replace("\0", "").replace("\r\n", "\n").strip()
    try:
        words.encode()
    except UnicodeEncodeError:
        words = words.encode("utf-8", "replace").decode()
    fault = ""
    if not words:
        fault = "Write some words."
    elif len(words) > longest:
        fault = f"It has {len(words):,} signs; at most {longest:,} are kept."
    if fault:
        raise BadInput(f"The {noun} cannot be kept. {fault}", {"text": fault})
    return words
