"""What a call's talk adds up to: shares, silence, overlap, interruptions, latency. Counted, not understood.

Sides: *they* are everybody on the line, *we* are what the portal plays ("us").

* An **interruption** by a side: it begins to speak while the other side has been speaking for 0.5 s or more, and it is
  still speaking when the other one stops. A short word in between is none.
* The **response latency** is the time from the end of their turn to the beginning of our next one, where nobody speaks
  in between and it is no longer than 10 s; of a call, the median.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Any, Final, TypedDict

from calls.models import Call, CallMeasures, Segment
from calls.selectors.voices import label_of

US: Final = "us"
JOINED_S: Final = 0.5
"""A break shorter than this is breath, and the turn goes on."""
BEGUN_S: Final = 0.5
LATENCY_LIMIT_S: Final = 10.0
LEAST_TALK_S: Final = 2.0
"""Words a minute mean nothing of less talk."""

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice's turns in call time, ordered and apart, and how many words it said."""

    raw_id: str
    turns: tuple[Span, ...]
    words: int = 0

    @property
    def talk_s(self) -> float:
        return _length(self.turns)

    @property
    def words_per_minute(self) -> float | None:
        return round(self.words * 60 / self.talk_s, 1) if self.words and self.talk_s >= LEAST_TALK_S else None


class PersonMeasures(TypedDict):
    raw_id: str
    label: str
    talk_s: float
    share: float
    turns: int
    words_per_minute: float | None


class MeasuresJson(TypedDict):
    their_talk_s: float
    our_talk_s: float
    silence_s: float
    overlap_s: float
    longest_silence_s: float
    their_interruptions: int
    our_interruptions: int
    response_latency_s: float | None
    words_per_minute: float | None
    people: list[PersonMeasures]


@dataclass(frozen=True, slots=True)
class Measures:
    their_talk_s: float
    our_talk_s: float
    silence_s: float
    overlap_s: float
    longest_silence_s: float
    their_interruptions: int
    our_interruptions: int
    response_latency_s: float | None
    words_per_minute: float | None


def measure(voices: Sequence[Voice], duration_s: float) -> Measures:
    """The sums of a call that lasted so long."""
    theirs = joined(turn for voice in voices if voice.raw_id != US for turn in voice.turns)
    ours = joined(turn for voice in voices if voice.raw_id == US for turn in voice.turns)
    spoken = joined((*theirs, *ours))
    silences = _between(spoken, duration_s)
    heard = [voice for voice in voices if voice.raw_id != US]
    everyone = Voice("", theirs, sum(voice.words for voice in heard))
    latencies = _latencies(theirs, ours)
    return Measures(
        their_talk_s=round(_length(theirs), 2),
        our_talk_s=round(_length(ours), 2),
        silence_s=round(sum(silences), 2),
        overlap_s=round(_overlap(voices), 2),
        longest_silence_s=round(max(silences, default=0.0), 2),
        their_interruptions=_interruptions(theirs, ours),
        our_interruptions=_interruptions(ours, theirs),
        response_latency_s=round(median(latencies), 2) if latencies else None,
        words_per_minute=everyone.words_per_minute,
    )


def joined(spans: Iterable[Span], within_s: float = 0.0) -> tuple[Span, ...]:
    """The union of spans, in order; breaks of at most `within_s` are filled."""
    found: list[Span] = []
    for start_s, end_s in sorted(spans):
        if found and start_s <= found[-1][1] + within_s:
            found[-1] = (found[-1][0], max(found[-1][1], end_s))
        else:
            found.append((start_s, end_s))
    return tuple(found)


def _length(spans: Iterable[Span]) -> float:
    return sum(end_s - start_s for start_s, end_s in spans)


def _between(spoken: Sequence[Span], duration_s: float) -> list[float]:
    """The silences, from the start of the call to its end."""
    edges = [(0.0, 0.0), *spoken, (duration_s, duration_s)]
    return [gap for (_, end_s), (start_s, _) in pairwise(edges) if (gap := start_s - end_s) > 0]


def _overlap(voices: Sequence[Voice]) -> float:
    """How long two or more spoke at once."""
    steps = sorted(step for voice in voices for start, end in voice.turns for step in ((start, 1), (end, -1)))
    total, at_once, since_s = 0.0, 0, 0.0
    for at_s, change in steps:
        if at_once >= 2:
            total += at_s - since_s
        at_once += change
        since_s = at_s
    return total


def _interruptions(by: Sequence[Span], of: Sequence[Span]) -> int:
    return sum(any(start + BEGUN_S <= begin < end <= until for start, end in of) for begin, until in by)


def _latencies(theirs: Sequence[Span], ours: Sequence[Span]) -> list[float]:
    turns = sorted([(*span, False) for span in theirs] + [(*span, True) for span in ours])
    return [
        begin - end
        for (_, end, before_is_ours), (begin, _, is_ours) in pairwise(turns)
        if is_ours and not before_is_ours and 0 <= begin - end <= LATENCY_LIMIT_S
    ]


def voices_of(call: Call) -> list[Voice]:
    """Everybody who spoke on a call, in the order in which they began."""
    since = call.since
    turns: dict[str, list[Span]] = {}
    for raw_id, started_at, ended_at in call.talk_spans.values_list("raw_id", "started_at", "ended_at"):
        span = ((started_at - since).total_seconds(), (ended_at - since).total_seconds())
        if span[1] > 0:
            turns.setdefault(raw_id, []).append((max(0.0, span[0]), span[1]))
    words: dict[str, int] = {}
    said = call.segments.filter(final=True, kind=Segment.Kind.SPEECH)
    for raw_id, text in said.values_list("raw_id", "text"):
        words[raw_id] = words.get(raw_id, 0) + len(text.split())
    return [Voice(raw_id, joined(spans, JOINED_S), words.get(raw_id, 0)) for raw_id, spans in turns.items()]


def measured(call: Call) -> tuple[Measures, list[PersonMeasures]]:
    """The measures of a call as it stands now, and of each voice."""
    duration_s = call.duration_s or 0.0
    voices = voices_of(call)
    total_s = sum(voice.talk_s for voice in voices)
    people: list[PersonMeasures] = [
        {
            "raw_id": voice.raw_id,
            "label": "We" if voice.raw_id == US else label_of(call, voice.raw_id),
            "talk_s": round(voice.talk_s, 2),
            "share": round(voice.talk_s / total_s, 4) if total_s else 0.0,
            "turns": len(voice.turns),
            "words_per_minute": voice.words_per_minute,
        }
        for voice in voices
    ]
    return measure(voices, duration_s), people


def measures_json(call: Call) -> MeasuresJson | None:
    """Of an ended call as they were kept, of a live one as they stand now; None if it never connected."""
    if call.connected_at is None:
        return None
    kept = CallMeasures.objects.filter(call=call).first()
    if kept is None:
        sums, people = measured(call)
        return _json(sums, people)
    return _json(kept, kept.people)


def _json(sums: Measures | CallMeasures, people: list[PersonMeasures]) -> MeasuresJson:
    return {
        "their_talk_s": sums.their_talk_s,
        "our_talk_s": sums.our_talk_s,
        "silence_s": sums.silence_s,
        "overlap_s": sums.overlap_s,
        "longest_silence_s": sums.longest_silence_s,
        "their_interruptions": sums.their_interruptions,
        "our_interruptions": sums.our_interruptions,
        "response_latency_s": sums.response_latency_s,
        "words_per_minute": sums.words_per_minute,
        "people": people,
    }


class TalkOfCall(TypedDict):
    """What a row of the history tells of a call's talk, as shares of its time."""

    theirs: float
    ours: float
    silence: float
    longest_silence_s: float
    words_per_minute: float | None


def talk_of(call: Call) -> TalkOfCall | None:
    """None where nothing was measured. Select `measures` with the call."""
    kept: CallMeasures | None = getattr(call, "measures", None)
    if kept is None or not kept.their_talk_s + kept.our_talk_s:
        return None
    total_s = kept.their_talk_s + kept.our_talk_s + kept.silence_s or 1.0
    return {
        "theirs": kept.their_talk_s / total_s,
        "ours": kept.our_talk_s / total_s,
        "silence": kept.silence_s / total_s,
        "longest_silence_s": kept.longest_silence_s,
        "words_per_minute": kept.words_per_minute,
    }


def talk_json(call: Call) -> dict[str, Any]:
    """Who speaks when, in call time, by raw id."""
    return {voice.raw_id: [[round(start, 2), round(end, 2)] for start, end in voice.turns] for voice in voices_of(call)}
