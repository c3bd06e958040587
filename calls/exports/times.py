"""Moments of a call as subtitles write them, and cues that follow each other."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from calls.selectors.shapes import SegmentJson


@dataclass(frozen=True, slots=True)
class Cue:
    """One line on the screen, in milliseconds of the call; never before it began and never without a length."""

    number: int
    start_ms: int
    end_ms: int
    speaker: str
    text: str


def cues(segments: Iterable[SegmentJson]) -> Iterator[Cue]:
    """Starts never go backwards, as both formats ask; what nobody said in words is in brackets."""
    number, latest_ms = 0, 0
    for each in segments:
        words = " ".join(each["text"].split())
        if not words:
            continue
        number += 1
        start_ms = latest_ms = max(latest_ms, round(each["start_s"] * 1000))
        end_ms = max(start_ms + 1, round(each["end_s"] * 1000))
        gap = each["kind"] == "gap"
        speaker = "" if gap else " ".join(each["label"].split())
        yield Cue(number, start_ms, end_ms, speaker, f"[{words}]" if gap else words)


def clock(milliseconds: int, point: str) -> str:
    """`01:02:03.004`; hours have two digits or more."""
    seconds, rest = divmod(milliseconds, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}{point}{rest:03}"
