"""Where the event loop leaves what is to be recorded: bounded queues that it never waits for. The writer empties them.

One thread puts in and one takes out. A deque lets them do so without a lock, and each of the two counts is written by
one of them only.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import uuid4

from calls.counters import count
from streaming.recording.marks import Hole, Marks, holes_of, ms, share_of
from streaming.recording.records import BYTES_PER_SAMPLE, Kind, TakeHead, TrackHead, Why
from streaming.recording.spans import Span, union, within

QUEUE_S: Final = 10
"""How much sound of each track may wait for the disk."""

Entry = tuple[int, int, int, int, bytes]
"""kind, why, position, length, and the samples of a SOUND."""


@dataclass(frozen=True, slots=True)
class TrackFacts:
    recording: str
    track: str
    raw_id: str
    silence_ms: int
    lost_ms: int
    held_ms: int


@dataclass(frozen=True, slots=True)
class TakeFacts:
    """What its own process knows of a take at its end. `written` if any of it is on the disk."""

    duration_s: float
    late_s: float
    lost_ms: int
    held_ms: int
    holes: tuple[Hole, ...]
    tracks: tuple[TrackFacts, ...]
    written: bool
    trouble: str


class TrackSink:
    """One track's queue. What does not fit is counted as lost on the disk, which does not keep up."""

    def __init__(self, head: TrackHead, rate_hz: int) -> None:
        self.head = head
        self.waiting: deque[Entry] = deque()
        self.marks = Marks()
        self._limit = QUEUE_S * rate_hz
        self._put = 0
        self.taken = 0
        self._overflow: Span | None = None

    @property
    def waiting_samples(self) -> int:
        return self._put - self.taken

    def sound(self, position: int, pcm: bytes) -> None:
        """Takes one piece for its place on the take's clock."""
        length = len(pcm) // BYTES_PER_SAMPLE
        if self._put - self.taken >= self._limit:
            self._drop(position, length)
            return
        if self._overflow is not None:
            self.tell_overflow()
        self._put += length
        self.waiting.append((Kind.SOUND, Why.NONE, position, length, pcm))

    def lost(self, position: int, length: int, why: Why) -> None:
        """So many samples from there were spoken, and never came to us."""
        self.marks.was_lost(position, length, why)
        self.waiting.append((Kind.LOST, why, position, length, b""))

    def abandon(self) -> None:
        """Nobody writes any more: what waits is lost."""
        for kind, _, position, length, _ in self.waiting:
            if kind == Kind.SOUND:
                self.marks.was_lost(position, length, Why.DISK)
        self.waiting.clear()

    def _drop(self, position: int, length: int) -> None:
        count("recording_frames_dropped")
        begin, end = self._overflow or (position, position)
        if position != end:
            self.tell_overflow()
            begin = position
        self._overflow = begin, position + length

    def tell_overflow(self) -> None:
        """Writes down what was dropped since the queue was full."""
        if self._overflow is not None:
            begin, end = self._overflow
            self._overflow = None
            self.lost(begin, end - begin, Why.DISK)


@dataclass(eq=False)
class TakeSink:
    """One take's queues. `on_trouble`, `on_well` and `on_closed` are called from the writer's thread."""

    head: TakeHead
    on_trouble: Callable[[str], None]
    on_well: Callable[[], None]
    on_closed: Callable[[TakeFacts], None]
    tracks: list[TrackSink] = field(default_factory=list)
    waiting: deque[Entry] = field(default_factory=deque)
    late: int = 0
    ends_at: int | None = None
    held: list[tuple[int, int, Why]] = field(default_factory=list)

    def track(self, kind: str, raw_id: str, *, by_azure: bool = False) -> TrackSink:
        """A new track; its recording's id is in its head."""
        head = TrackHead(str(uuid4()), kind, raw_id, str(len(self.tracks)), by_azure)
        sink = TrackSink(head, self.head.rate_hz)
        self.tracks.append(sink)
        return sink

    def mark(self, kind: Kind, position: int, why: Why = Why.NONE) -> None:
        self.waiting.append((kind, why, position, 0, b""))

    def close(self, position: int, held: list[tuple[int, int, Why]]) -> None:
        """Nothing follows; the take ends at this sample of our clock."""
        for track in self.tracks:
            track.tell_overflow()
        self.mark(Kind.END, position)
        self.held = held
        self.ends_at = position

    @property
    def waiting_samples(self) -> int:
        return max((track.waiting_samples for track in self.tracks), default=0)

    def facts(self, *, written: bool, trouble: str) -> TakeFacts:
        """Of a closed take, once nobody writes it any more."""
        rate_hz, late = self.head.rate_hz, self.late
        length = (self.ends_at or 0) + late
        held = [(begin + late, end + late, why) for begin, end, why in self.held]
        held_spans = union(within(((begin, end) for begin, end, _ in held), length))
        marks = [_shifted(track, late) for track in self.tracks]
        holes, lost = holes_of(marks, held, length, rate_hz)
        tracks = []
        for track, found in zip(self.tracks, marks, strict=True):
            share = share_of(found, held_spans, length)
            tracks.append(
                TrackFacts(
                    track.head.recording,
                    track.head.track,
                    track.head.raw_id,
                    ms(share.silence, rate_hz),
                    ms(share.lost, rate_hz),
                    ms(share.held, rate_hz),
                )
            )
        held_ms = ms(sum(end - begin for begin, end in held_spans), rate_hz)
        return TakeFacts(
            length / rate_hz, late / rate_hz, ms(lost, rate_hz), held_ms, holes, tuple(tracks), written, trouble
        )


def _shifted(track: TrackSink, late: int) -> Marks:
    if track.head.by_azure or not late:
        return track.marks
    sent = [(begin + late, end + late) for begin, end in track.marks.sent]
    return Marks(sent, [(begin + late, end + late, why) for begin, end, why in track.marks.lost])
