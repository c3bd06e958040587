"""The rows of an export: what is known of a call, and what was said on it, a batch at a time."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypedDict
from uuid import UUID

from django.db.models import Prefetch, Q

from calls.exports.options import Audio, Options
from calls.exports.redaction import Redaction
from calls.models import Call, Recording
from calls.selectors.annotations import notes_of
from calls.selectors.calls import call_row, people
from calls.selectors.shapes import ParticipantJson, SegmentJson
from calls.selectors.transcripts import said, segment_json

CALLS_AT_ONCE: Final = 20
SEGMENTS_AT_ONCE: Final = 500


class PersonFacts(TypedDict):
    raw_id: str
    label: str
    name: str
    number: str
    kind: str
    joined_at: str
    left_at: str | None


class NoteFacts(TypedDict):
    text: str
    about_s: float | None
    author: str
    created_at: str


class CallFacts(TypedDict):
    id: str
    direction: str
    state: str
    caller: str
    callee: str
    title: str
    other_title: str
    policy: str
    tags: list[str]
    created_at: str
    connected_at: str | None
    ended_at: str | None
    duration_s: float | None
    end: str
    participants: list[PersonFacts]
    notes: list[NoteFacts]


@dataclass(frozen=True, slots=True)
class Track:
    """A file of a recording: `name` within the call's folder, and what opens it."""

    name: str
    chunks: Callable[[], Iterable[bytes]]


@dataclass(frozen=True, slots=True)
class ExportedCall:
    """`segments` asks anew each time, so that several files can be made of one call."""

    facts: CallFacts
    segments: Callable[[], Iterator[SegmentJson]]
    tracks: Sequence[Track]


def exported_calls(ids: Sequence[UUID], options: Options) -> Iterator[ExportedCall]:
    """In the order of `ids`; calls that are gone meanwhile are passed over."""
    kept = Recording.objects.filter(state=Recording.State.COMPLETE).exclude(file="").select_related("take")
    wanted = Call.objects.prefetch_related(
        people(), "tags", "notes", Prefetch("recordings", kept, to_attr="whole_recordings")
    )
    for start in range(0, len(ids), CALLS_AT_ONCE):
        batch = ids[start : start + CALLS_AT_ONCE]
        calls = wanted.in_bulk(batch)
        yield from (_exported(calls[each], options) for each in batch if each in calls)


def _exported(call: Call, options: Options) -> ExportedCall:
    redaction = Redaction(options.digits, options.numbers)
    facts = _facts(call, redaction)
    return ExportedCall(
        facts,
        lambda: (_segment(each, redaction) for each in _segments(call, options)),
        _tracks(call.whole_recordings, options.audio),  # type: ignore[attr-defined]
    )


def _facts(call: Call, redaction: Redaction) -> CallFacts:
    row = call_row(call)
    redaction.voice(call.caller_raw_id)
    redaction.voice(call.callee_raw_id)
    known, end = redaction.known, row["end"]
    return {
        "id": row["id"],
        "direction": row["direction"],
        "state": row["state"],
        "caller": known(row["caller"]),
        "callee": known(row["callee"]),
        "title": known(row["title"]),
        "other_title": known(row["other_title"]),
        "policy": row["policy"],
        "tags": row["tags"],
        "created_at": row["created_at"],
        "connected_at": row["connected_at"],
        "ended_at": row["ended_at"],
        "duration_s": round(row["duration_s"], 3) if row["duration_s"] is not None else None,
        "end": known(end["text"] or end["message"]) if end else "",
        "participants": [_person(each, redaction) for each in row["participants"]],
        "notes": [
            {
                "text": redaction.said(each["text"]),
                "about_s": each["about_s"],
                "author": each["author"],
                "created_at": each["created_at"],
            }
            for each in notes_of(call)
        ],
    }


def _person(person: ParticipantJson, redaction: Redaction) -> PersonFacts:
    return {
        "raw_id": redaction.voice(person["raw_id"]),
        "label": redaction.known(person["label"]),
        "name": person["name"],
        "number": redaction.known(person["number"]),
        "kind": person["kind"],
        "joined_at": person["joined_at"],
        "left_at": person["left_at"],
    }


def _segments(call: Call, options: Options) -> Iterator[SegmentJson]:
    """Batch after batch by what the last one ended with, so that neither memory nor a cursor is held."""
    rows = said(call)
    if options.final:
        rows = rows.filter(final=True)
    if options.language:
        rows = rows.filter(Q(language__iexact=options.language) | Q(language__istartswith=f"{options.language}-"))
    last: Any = None
    while True:
        after = (
            rows
            if last is None
            else rows.filter(Q(started_at__gt=last.started_at) | Q(started_at=last.started_at, seq__gt=last.seq))
        )
        batch = list(after[:SEGMENTS_AT_ONCE])
        yield from (segment_json(each, call) for each in batch)
        if len(batch) < SEGMENTS_AT_ONCE:
            return
        last = batch[-1]


def _segment(segment: SegmentJson, redaction: Redaction) -> SegmentJson:
    if not redaction.digits and not redaction.numbers:
        return segment
    original = segment["original_text"]
    words = redaction.said_words([each["text"] for each in segment["words"]])
    return {
        **segment,
        "raw_id": redaction.voice(segment["raw_id"]),
        "label": redaction.known(segment["label"]),
        "text": redaction.said(segment["text"]),
        "original_text": None if original is None else redaction.said(original),
        "words": [{**each, "text": text} for each, text in zip(segment["words"], words, strict=True)],
    }


def _tracks(kept: Iterable[Recording], audio: Audio | None) -> list[Track]:
    """The files that are asked for, by names that hold no number: take-1-stereo.flac, take-1-voice-2.flac."""
    if audio not in (Audio.STEREO, Audio.TRACKS):
        return []
    chosen = [each for each in kept if (each.track == Recording.Track.STEREO) is (audio == Audio.STEREO)]
    found, counted = [], dict[int, int]()
    for each in sorted(chosen, key=lambda each: (each.take.number, each.track, each.raw_id)):
        name = each.track
        if each.track == Recording.Track.PARTICIPANT:
            counted[each.take.number] = counted.get(each.take.number, 0) + 1
            name = f"voice-{counted[each.take.number]}"
        ending = str(each.file).rpartition(".")[2].lower()
        found.append(Track(f"take-{each.take.number}-{name}.{ending}", _chunks_of(each)))
    return found


def _chunks_of(recording: Recording) -> Callable[[], Iterable[bytes]]:
    def chunks() -> Iterator[bytes]:
        with recording.file.open("rb") as file:
            yield from file.chunks(64 * 1024)

    return chunks
