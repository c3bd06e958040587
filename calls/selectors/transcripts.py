"""What was said, as screens, live events and API answers get it."""

from datetime import datetime
from typing import Final

from django.db.models import Q, QuerySet

from calls.models import Call, Segment
from calls.selectors.records import iso
from calls.selectors.shapes import SegmentJson, WordJson
from calls.selectors.voices import side, speaker

NEWEST: Final = 200


def segment_json(segment: Segment, call: Call) -> SegmentJson:
    """One turn; `start_s` and `end_s` on the call's own clock."""
    return {
        "id": str(segment.pk),
        "seq": segment.seq,
        "kind": segment.kind,
        "raw_id": segment.raw_id,
        "participant": str(segment.participant_id) if segment.participant_id else None,
        "label": speaker(call, segment.raw_id),
        "side": side(call, segment.raw_id),
        "start_s": _second(call, segment.started_at),
        "end_s": _second(call, segment.ended_at),
        "text": segment.text,
        "final": segment.final,
        "revision": segment.revision,
        "confidence": segment.confidence,
        "language": segment.language,
        "source": segment.source,
        "words": [_word(each) for each in segment.words],
        "corrected": segment.original_text is not None,
        "original_text": segment.original_text,
        "corrected_by": segment.corrected_by,
        "corrected_at": iso(segment.corrected_at),
    }


def _second(call: Call, moment: datetime) -> float:
    return round((moment - call.since).total_seconds(), 3)


def _word(word: WordJson) -> WordJson:
    return {"text": str(word["text"]), "start_s": float(word["start_s"]), "end_s": float(word["end_s"])}


def said(call: Call) -> "QuerySet[Segment]":
    """The turns and gaps of a call in order; a turn that was taken back is none."""
    return call.segments.exclude(Q(text="") & Q(kind=Segment.Kind.SPEECH)).order_by("started_at", "seq")


def newest_segments(call: Call, limit: int = NEWEST) -> list[SegmentJson]:
    """What a page begins with: the last turns, oldest first."""
    newest = said(call).order_by("-started_at", "-seq")[:limit]
    return [segment_json(each, call) for each in reversed(newest)]
