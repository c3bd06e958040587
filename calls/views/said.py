"""The transcript as the page of a call shows it: turns, gaps, and what we said ourselves, in order."""

from typing import Any, Final, TypedDict

from django.utils.dateparse import parse_datetime

from calls.models import Call
from calls.recognisers import RecogniserFacts, offered
from calls.selectors import CallDetail, CallRow, InjectionJson, SegmentJson, said, segment_json
from calls.selectors.shapes import TranscriptStateJson
from calls.selectors.voices import US

MOST_TURNS: Final = 2_000


class TurnView(TypedDict):
    """One bubble; `note` stands beside its time, `correct` leads to where it can be corrected."""

    id: str
    kind: str
    side: str
    us: bool
    label: str
    start_s: float
    end_s: float
    text: str
    language: str
    final: bool
    note: str
    corrected: bool


BLANK_TURN: Final[TurnView] = {
    "id": "",
    "kind": "speech",
    "side": "theirs",
    "us": False,
    "label": "",
    "start_s": 0.0,
    "end_s": 0.0,
    "text": "",
    "language": "",
    "final": True,
    "note": "",
    "corrected": False,
}

# Every look of a turn, for the page of all widgets: (side, who, second, words, what else).
_LOOKS: Final[tuple[tuple[str, str, float, str, dict[str, Any]], ...]] = (
    ("theirs", "Caller", 156.0, "For which day is that, exactly?", {}),
    ("theirs", "Caller", 161.0, "1.8 s could not be recognised: the recogniser fell behind", {"kind": "gap"}),
    ("ours", "Priya", 172.0, "The twelfth at the latest.", {"note": "corrected by dana", "corrected": True}),
    (
        "ours",
        "We speak",
        195.0,
        "Your refund was sent today.",
        {"us": True, "note": "text, asked by dana"},
    ),
    ("theirs", "Caller", 200.0, "Okay, so by the", {"final": False, "note": "still speaking"}),
)


def sample_turns() -> list[TurnView]:
    """One turn of each look."""
    return [
        {**BLANK_TURN, "side": side, "label": label, "start_s": second, "text": text, **more}  # type: ignore[typeddict-item]
        for side, label, second, text, more in _LOOKS
    ]


def transcript_context(call: Call, detail: CallDetail) -> dict[str, Any]:
    """What templates/call/transcript.html needs."""
    over = not call.is_live
    heard = [segment_json(each, call) for each in said(call)[:MOST_TURNS]] if over else detail["segments"]
    row = detail["row"]
    return {
        "turns": turns(row, heard, detail["injections"]),
        "has_transcript": bool(heard) or bool(row["transcript"]["recogniser"]) or bool(row["transcript"]["error"]),
        "blank_turn": BLANK_TURN,
        "blank_gap": {**BLANK_TURN, "kind": "gap"},
        "recognisers": choices(row),
    }


def turns(row: CallRow, heard: list[SegmentJson], injections: list[InjectionJson]) -> list[TurnView]:
    """Everything that was said, by its beginning."""
    found = [turn_of(each) for each in heard]
    began = parse_datetime(row["connected_at"] or row["ringing_at"] or row["created_at"])
    for each in injections:
        started = parse_datetime(each["started_at"]) if each["started_at"] else None
        if each["kind"] == "text" and started is not None and began is not None:
            found.append(_ours(each, (started - began).total_seconds()))
    return sorted(found, key=lambda turn: turn["start_s"])


def turn_of(segment: SegmentJson) -> TurnView:
    return {
        "id": segment["id"],
        "kind": segment["kind"],
        "side": segment["side"],
        "us": segment["raw_id"] == US,
        "label": segment["label"],
        "start_s": segment["start_s"],
        "end_s": segment["end_s"],
        "text": segment["text"],
        "language": segment["language"],
        "final": segment["final"],
        "note": f"corrected by {segment['corrected_by']}" if segment["corrected"] else "",
        "corrected": segment["corrected"],
    }


def _ours(injection: InjectionJson, start_s: float) -> TurnView:
    long_s = (injection["played_ms"] or injection["duration_ms"] or 0) / 1000
    stopped = injection["state"] in {"stopped", "failed"}
    return {
        **BLANK_TURN,
        "id": injection["id"],
        "side": "ours",
        "us": True,
        "label": "We speak",
        "start_s": start_s,
        "end_s": start_s + long_s,
        "text": injection["text"],
        "final": injection["state"] != "playing",
        "note": f"text, asked by {injection['asked_by']}" + (f", stopped after {long_s:.1f} s" if stopped else ""),
    }


def choices(row: CallRow) -> list[tuple[RecogniserFacts, bool]]:
    """The recognisers that a start may name, and which one is chosen."""
    return [(each, each.path == row["transcript"]["recogniser"]) for each in offered()]


def source_words(transcript: TranscriptStateJson) -> str:
    """Whose words these are, such as `Azure AI Speech, en-US`."""
    if not transcript["title"]:
        return ""
    state = {"starting": ", starts", "off": ", off"}.get(transcript["state"], "")
    return f"{transcript['title']}, {transcript['language']}{state}"


def nothing_said(transcript: TranscriptStateJson) -> str:
    """Why the transcript is empty."""
    if transcript["state"] == "on":
        return "Nobody has said anything yet."
    if transcript["state"] == "starting":
        return "The recogniser gets ready."
    return "Nothing is written down. Start the transcript to read what is said."
