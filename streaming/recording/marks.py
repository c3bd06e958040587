"""What a track and a take are made of: sound that was sent, loss, what was held back. The same reckoning for who writes
a take and for who reads it."""

from dataclasses import dataclass, field
from typing import Final

from streaming.recording.records import Why
from streaming.recording.spans import Span, minus, total, union, within

SHOWN_HOLE_S: Final = 0.1
"""A shorter loss is counted, and not listed among the holes."""


@dataclass
class Marks:
    """Of one track: what was sent, and what was lost by reason."""

    sent: list[Span] = field(default_factory=list)
    lost: list[tuple[int, int, Why]] = field(default_factory=list)

    def was_sent(self, position: int, length: int) -> None:
        if self.sent and self.sent[-1][1] == position:
            self.sent[-1] = (self.sent[-1][0], position + length)
        else:
            self.sent.append((position, position + length))

    def was_lost(self, position: int, length: int, why: Why) -> None:
        self.lost.append((position, position + length, why))


@dataclass(frozen=True, slots=True)
class Hole:
    from_s: float
    to_s: float
    why: str


@dataclass(frozen=True, slots=True)
class Share:
    """What a track of so many samples is made of, in samples."""

    silence: int
    lost: int
    held: int


def share_of(marks: Marks, held: list[Span], count: int) -> Share:
    sent = union(within(marks.sent, count))
    lost = _lost(marks, held, count)
    covered = total(sent) + total(lost) + total(minus(held, sent))
    return Share(max(0, count - covered), total(lost), total(held))


def _lost(marks: Marks, held: list[Span], count: int) -> list[Span]:
    return minus(within(((begin, end) for begin, end, _ in marks.lost), count), [*marks.sent, *held])


def holes_of(
    every: list[Marks], held: list[tuple[int, int, Why]], count: int, rate_hz: int
) -> tuple[tuple[Hole, ...], int]:
    """The take's holes as people see them, and how many samples are lost on any track."""
    spans = {why: union(within(((a, b) for a, b, found in held if found == why), count)) for why in Why}
    silent = union(span for each in spans.values() for span in each)
    for why in (Why.GAP, Why.DISK):
        lost = [
            span
            for marks in every
            for span in minus(
                within(((a, b) for a, b, found in marks.lost if found == why), count), [*marks.sent, *silent]
            )
        ]
        spans[why] = union(lost)
    all_lost = total(union([*spans[Why.GAP], *spans[Why.DISK]]))
    found = [
        Hole(round(begin / rate_hz, 3), round(end / rate_hz, 3), why.name.lower())
        for why, each in spans.items()
        for begin, end in each
        if why in (Why.PAUSE, Why.SENSITIVE) or end - begin >= SHOWN_HOLE_S * rate_hz
    ]
    return tuple(sorted(found, key=lambda hole: (hole.from_s, hole.to_s))), all_lost


def ms(samples: int, rate_hz: int) -> int:
    return round(samples * 1000 / rate_hz)
