"""What the streams of this process add up to, for its figures: asked once a second, so that no frame pays for it."""

import time
from collections.abc import Callable
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

from calls.counters import counts
from calls.live import EVENTS_LIMIT, hub
from calls.operations.figures import StreamReading
from calls.operations.process import draining
from calls.operations.queues import Queue, all_queues, announce
from calls.wire import wire
from streaming.journal import QUEUE_LIMIT, journal
from streaming.player import ORDERS_LIMIT
from streaming.session import StreamFacts
from streaming.switchboard import Line, switchboard
from streaming.transcripts.loop import DEFAULT


class Source(Protocol):
    """An open media socket."""

    @property
    def facts(self) -> StreamFacts: ...

    @property
    def frames_sent(self) -> int: ...


class Totals:
    """One per process. A stream that closes leaves its counts behind."""

    def __init__(self) -> None:
        self._open: set[Source] = set()
        self._received = self._sent = self._gaps = self._underruns = 0
        self._lost_ms = 0.0
        self._seen: WeakKeyDictionary[Line, int] = WeakKeyDictionary()

    @property
    def open(self) -> int:
        return len(self._open)

    def enter(self, source: Source) -> None:
        self._open.add(source)

    def leave(self, source: Source) -> None:
        if source in self._open:
            self._open.discard(source)
            self._received += source.facts.frames_received
            self._sent += source.frames_sent
            self._gaps += source.facts.gaps
            self._lost_ms += source.facts.lost_ms

    def reading(self) -> StreamReading:
        sources, lines = tuple(self._open), switchboard.lines
        self._count_underruns(lines)
        return {
            "streams": len(sources),
            "lines": len(lines),
            "dashboards": hub.dashboards,
            "lags_s": [each.facts.lag_ms / 1000 for each in sources],
            "frames_received": self._received + sum(each.facts.frames_received for each in sources),
            "frames_sent": self._sent + sum(each.frames_sent for each in sources),
            "gaps": self._gaps + sum(each.facts.gaps for each in sources),
            "lost_s": (self._lost_ms + sum(each.facts.lost_ms for each in sources)) / 1000,
            "underruns": self._underruns,
        }

    def _count_underruns(self, lines: tuple[Line, ...]) -> None:
        for line in lines:
            now = line.pipeline.playout.underruns
            self._underruns += now - self._seen.get(line, 0)
            self._seen[line] = now


totals = Totals()


class Pace:
    """Frames a second, between two readings."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._at_s = clock()
        self._received = self._sent = 0

    def facts(self, reading: StreamReading) -> dict[str, Any]:
        """What this process says of itself, as JSON; `queues` are [waiting, bound, dropped] by name."""
        now_s = self._clock()
        passed_s = max(now_s - self._at_s, 0.001)
        received, sent = reading["frames_received"] - self._received, reading["frames_sent"] - self._sent
        self._at_s, self._received, self._sent = now_s, reading["frames_received"], reading["frames_sent"]
        return {
            "streams": reading["streams"],
            "lines": reading["lines"],
            "dashboards": reading["dashboards"],
            "frames_received_per_s": round(received / passed_s),
            "frames_sent_per_s": round(sent / passed_s),
            "lag_ms": round(max(reading["lags_s"], default=0.0) * 1000),
            "gaps": reading["gaps"],
            "layer": wire.answers,
            "draining": draining.is_set(),
            "queues": {each.name: [each.waiting(), each.bound, each.dropped()] for each in all_queues()},
        }


def _counted(*names: str) -> int:
    found = counts()
    return sum(found.get(name, 0) for name in names)


_QUEUES: Final = (
    Queue(
        "journal",
        QUEUE_LIMIT,
        "The row is dropped, with an ERROR line; above half, what may be missing is left out.",
        lambda: journal.waiting,
        lambda: _counted("journal_rows_dropped", "journal_offers_dropped"),
    ),
    Queue(
        "dashboard",
        EVENTS_LIMIT,
        "The page drops what waits and reads a snapshot.",
        lambda: hub.longest_slot,
        lambda: _counted("dashboard_restarts"),
    ),
    Queue(
        "sounds of a call",
        ORDERS_LIMIT,
        "The order is refused with the reason.",
        lambda: max((line.player.waiting for line in switchboard.lines), default=0),
        lambda: _counted("sounds_refused"),
    ),
    Queue(
        "sound to be recognised, ms",
        round(DEFAULT.queue_s * 1000),
        "The older half is dropped; the transcript shows the gap.",
        lambda: round(max((line.keeping.transcript.waiting_ms for line in switchboard.lines), default=0.0)),
        lambda: (
            _counted("transcript_ms_dropped") + sum(line.keeping.transcript.dropped_ms for line in switchboard.lines)
        ),
    ),
)
for _queue in _QUEUES:
    announce(_queue)
