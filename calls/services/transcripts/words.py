"""What was said, written down revision by revision as it is heard. The only writer of a call's segments, of its last
line and of its transcript's state; each step comes to the same end if it runs twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Max

from calls import live
from calls.models import Call, CallEvent, Command, Participant, Segment, StreamSession
from calls.selectors.shapes import WordJson
from calls.selectors.transcripts import segment_json
from calls.services.state import announce_call, fail_command, finish_command, lock, note
from calls.services.transcripts.held import is_held

LONGEST_TEXT: Final = 4_000
MOST_WORDS: Final = 1_000
LONGEST_LINE: Final = 200


@dataclass(frozen=True, slots=True)
class _Said:
    """One revision, as its source tells it."""

    key: str
    raw_id: str
    kind: str
    text: str
    started_at: datetime
    ended_at: datetime
    final: bool
    source: str
    stream_id: UUID | None = None
    confidence: float | None = None
    language: str = ""
    words: Sequence[WordJson] = ()
    extra: Mapping[str, Any] | None = None


def segment_heard(
    call_id: UUID,
    *,
    key: str,
    raw_id: str,
    text: str,
    started_at: datetime,
    ended_at: datetime,
    final: bool,
    source: str,
    stream_id: UUID | None = None,
    confidence: float | None = None,
    language: str = "",
    words: Sequence[WordJson] = (),
    extra: Mapping[str, Any] | None = None,
) -> Segment | None:
    """Writes one revision of a turn; `key` finds the row of those before it.

    None if there is nothing to write: the turn is final already, nobody spoke, or it falls into a sensitive moment.
    A final without text takes back what its revisions had said.
    """
    said = _Said(
        key[:80],
        raw_id[:256],
        Segment.Kind.SPEECH,
        " ".join(text.replace("\0", " ").split())[:LONGEST_TEXT],
        started_at,
        max(started_at, ended_at),
        final,
        source[:40],
        stream_id,
        confidence,
        language[:20],
        list(words)[:MOST_WORDS],
        extra,
    )
    return _write_turn(call_id, said)


def _write_turn(call_id: UUID, said: _Said) -> Segment | None:
    with transaction.atomic():
        call = lock(call_id)
        row = call.segments.filter(key=said.key).first()
        if row is not None and row.final:
            return None
        if row is None and not said.text:
            return None
        if is_held(call, said.started_at, said.ended_at):
            return _close(call, row) if row is not None else None
        return _write(call, row, said)


def gap_heard(
    call_id: UUID, *, raw_id: str, started_at: datetime, ended_at: datetime, text: str, source: str, key: str
) -> Segment | None:
    """Writes that nothing could be recognised for a while, and why; a gap that goes on grows in its row."""
    said = _Said(key[:80], raw_id[:256], Segment.Kind.GAP, text[:LONGEST_TEXT], started_at, ended_at, True, source[:40])
    with transaction.atomic():
        call = lock(call_id)
        row = call.segments.filter(key=said.key).first()
        if row is not None and (row.ended_at, row.text) == (said.ended_at, said.text):
            return None
        if is_held(call, said.started_at, said.ended_at):
            return None
        return _write(call, row, said)


def close_turns(call_id: UUID, *, key_prefix: str) -> int:
    """Whoever recognised these turns is gone: what they say now is what they said. Returns how many were open."""
    with transaction.atomic():
        call = lock(call_id)
        left = list(call.segments.filter(key__startswith=key_prefix, final=False).order_by("seq"))
        for row in left:
            _close(call, row)
        return len(left)


def _close(call: Call, row: Segment) -> Segment:
    row.final = True
    return _number(call, row)


def _write(call: Call, row: Segment | None, said: _Said) -> Segment:
    if row is None:
        row = Segment(call=call, key=said.key, kind=said.kind, raw_id=said.raw_id, source=said.source, revision=0)
        row.participant = Participant.objects.filter(call=call, raw_id=said.raw_id).first()
        row.stream = StreamSession.objects.filter(pk=said.stream_id).first() if said.stream_id else None
    row.text, row.final, row.confidence = said.text, said.final, said.confidence
    row.started_at, row.ended_at = said.started_at, said.ended_at
    row.language, row.words, row.extra = said.language, list(said.words), dict(said.extra or {})
    written = _number(call, row)
    if said.text and said.kind == Segment.Kind.SPEECH:
        _tell_last_line(call, row)
    return written


def _number(call: Call, row: Segment) -> Segment:
    """Saves the row under the call's next number and shows it."""
    row.seq = (call.segments.aggregate(Max("seq"))["seq__max"] or 0) + 1
    row.revision += 1
    row.save()
    live.announce(call.pk, "segment", segment=segment_json(row, call))
    return row


def _tell_last_line(call: Call, row: Segment) -> None:
    """The newest words of the call, unless somebody else's are newer."""
    speech = call.segments.filter(kind=Segment.Kind.SPEECH).exclude(pk=row.pk)
    if speech.filter(ended_at__gt=row.ended_at, started_at__gt=row.started_at).exists():
        return
    Call.objects.filter(pk=call.pk).update(last_line=newest_words(row.text), last_speaker=row.raw_id)


def newest_words(text: str) -> str:
    """What fits one line of the wall: of a long turn its end."""
    if len(text) <= LONGEST_LINE:
        return text
    end = text[-LONGEST_LINE + 1 :]
    return "…" + end[end.find(" ") + 1 :]


# --- Whether it is written down at all -------------------------------------------------------------------------------


def transcript_started(call_id: UUID, command: str = "") -> None:
    """A recogniser listens, for the first time or again; `command` is the order that asked for it."""
    _become(call_id, Call.Written.ON, "", command)


def transcript_failed(call_id: UUID, message: str, command: str = "") -> None:
    """Nothing is written down any more until somebody starts it again; the message says what to do."""
    _become(call_id, Call.Written.FAILED, message, command)


def transcript_stopped(call_id: UUID, command: str = "") -> None:
    _become(call_id, Call.Written.OFF, "", command)


def transcript_troubled(call_id: UUID, message: str) -> None:
    """The recogniser failed and is tried again: people see why nothing comes. `transcript_started` takes it back."""
    with transaction.atomic():
        call = lock(call_id)
        if call.transcript_state in Call.WRITING:
            _save(call, call.transcript_state, message)


def _become(call_id: UUID, state: str, error: str, command_id: str) -> None:
    with transaction.atomic():
        call = lock(call_id)
        command = Command.objects.filter(pk=command_id, call=call).first() if command_id else None
        if state == Call.Written.FAILED and command is not None and command.is_pending:
            fail_command(command, "transcript_failed", error)
        elif command is not None and command.is_pending:
            finish_command(command)
        if state == Call.Written.ON and not call.is_live:
            return  # the call was over meanwhile
        if state == Call.Written.FAILED and (call.transcript_state, call.transcript_error) != (state, error[:300]):
            note(call, "TranscriptFailed", source=CallEvent.Source.PORTAL, message=error)
        _save(call, state, error)


def _save(call: Call, state: str, error: str) -> None:
    if (call.transcript_state, call.transcript_error) == (state, error[:300]):
        return
    call.transcript_state, call.transcript_error = state, error[:300]
    call.save(update_fields=["transcript_state", "transcript_error"])
    announce_call(call)
