"""What people added to a call: tags and notes."""

from typing import TypedDict

from calls.models import Call, Note
from calls.selectors.records import iso_of


class NoteJson(TypedDict):
    """`about_s` is the moment of the call that it is about; null for the whole of it."""

    id: str
    call: str
    text: str
    about_s: float | None
    author: str
    created_at: str


def note_json(note: Note, call: Call) -> NoteJson:
    about = note.about_at
    return {
        "id": str(note.pk),
        "call": str(call.pk),
        "text": note.text,
        "about_s": round((about - call.since).total_seconds(), 3) if about else None,
        "author": note.author,
        "created_at": iso_of(note.created_at),
    }


def tags_of(call: Call) -> list[str]:
    """By name. Prefetch `tags`."""
    return sorted((each.name for each in call.tags.all()), key=str.lower)


def notes_of(call: Call) -> list[NoteJson]:
    """Oldest first."""
    return [note_json(each, call) for each in call.notes.all()]
