"""An ended call drawn on one time axis: when each stream ran, what we played, and what happened, in per cent."""

from datetime import datetime
from typing import Final, TypedDict

from django.utils.dateparse import parse_datetime

from calls.selectors import CallDetail

STEPS_S: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400)
MOST_TICKS: Final = 12
EVENT_MARK: Final = 1.9
ICONS: Final = {"text": "text", "tone": "tone", "clip": "wave", "file": "file"}


class Tick(TypedDict):
    x: float
    at_s: float


class Region(TypedDict):
    x: float
    width: float
    label: str
    kind: str


class Mark(TypedDict):
    x: float
    at_s: float
    icon: str
    tone: str
    text: str


class Timeline(TypedDict):
    seconds: float
    ticks: list[Tick]
    people: list[tuple[str, list[Region]]]
    streams: list[Region]
    played: list[Region]
    marks: list[Mark]


def timeline(detail: CallDetail) -> Timeline | None:
    """The drawing of a call that was connected; None for one that never was."""
    row = detail["row"]
    start, end = _parse(row["connected_at"]), _parse(row["ended_at"])
    if start is None or end is None:
        return None
    seconds = max(1.0, (end - start).total_seconds())
    axis = _Axis(start, seconds)
    return {
        "seconds": seconds,
        "ticks": axis.ticks(),
        "people": [
            (each["label"], [axis.region(each["joined_at"], each["left_at"], "", "person")])
            for each in row["participants"]
        ],
        "streams": [
            axis.region(each["opened_at"], each["closed_at"], f"Stream {each['number']}", each["state"])
            for each in detail["streams"]
        ],
        "played": [
            axis.region(each["started_at"], each["ended_at"], each["label"], each["kind"])
            for each in reversed(detail["injections"])
            if each["started_at"]
        ],
        "marks": axis.marks(detail),
    }


class _Axis:
    def __init__(self, start: datetime, seconds: float) -> None:
        self._start = start
        self._seconds = seconds

    def percent(self, at_s: float) -> float:
        return round(min(1.0, max(0.0, at_s / self._seconds)) * 100, 3)

    def ticks(self) -> list[Tick]:
        step = next((each for each in STEPS_S if self._seconds / each <= MOST_TICKS), STEPS_S[-1])
        return [{"x": self.percent(at), "at_s": at} for at in range(0, int(self._seconds) + 1, step)]

    def region(self, opened: str | None, closed: str | None, label: str, kind: str) -> Region:
        """From `opened` (or the start) to `closed` (or the end); at least as wide as can be seen."""
        first, last = self._offset(opened, 0.0), self._offset(closed, self._seconds)
        x = self.percent(first)
        return {"x": x, "width": max(0.3, round(self.percent(last) - x, 3)), "label": label, "kind": kind}

    def marks(self, detail: CallDetail) -> list[Mark]:
        """Events in order of time, pushed apart so that none covers another as long as there is room."""
        marks: list[Mark] = []
        for event in reversed(detail["events"]):
            x = self.percent(event["offset_s"])
            if marks:
                x = max(x, round(marks[-1]["x"] + EVENT_MARK, 3))
            marks.append(
                {
                    "x": x,
                    "at_s": event["offset_s"],
                    "icon": event["icon"],
                    "tone": event["tone"],
                    "text": event["text"],
                }
            )
        for later, mark in zip(reversed(marks), reversed(marks[:-1]), strict=False):
            later["x"] = min(later["x"], 100.0)
            mark["x"] = max(0.0, min(mark["x"], round(later["x"] - EVENT_MARK, 3)))
        return marks

    def _offset(self, moment: str | None, otherwise: float) -> float:
        found = _parse(moment)
        return otherwise if found is None else (found - self._start).total_seconds()


def _parse(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
