"""The live events that travel up to dashboards, and the hub that hands them out in each process.

Levels travel as one bundle per process per 100 ms and are replaced, never queued. Everything else carries a number per
call (`seq`): a page that sees a gap asks for a new snapshot.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, NotRequired, TypedDict
from uuid import UUID, uuid4

import msgspec
from channels.layers import get_channel_layer
from django.db import transaction
from django.db.models import F

from calls.background import watched
from calls.counters import count
from calls.health import HealthMarks, Mark
from calls.models import Call
from calls.visibility import Sight
from calls.wire import wire

log = logging.getLogger(__name__)

GROUP: Final = "live"
TICK_S: Final = 0.1
BUNDLE_LIFE_S: Final = 1.0
HISTORY_LENGTH: Final = 600
EVENTS_LIMIT: Final = 1_000
ECHO_TICKS: Final = 5
REJOIN_S: Final = 1.0
FAILURES_PER_LINE: Final = 600


class Level(TypedDict):
    rms_dbfs: float
    peak_dbfs: float
    dc: float
    speaking: bool
    clipping: bool


class Health(TypedDict):
    frames_received: int
    frames_sent: int
    lag_ms: int
    frame_age_ms: int
    lost_ms: int
    gaps: int
    malformed: int


class Playing(TypedDict):
    id: str
    kind: str
    label: str
    played_ms: int
    left_ms: int | None
    queued: int


class Line(TypedDict):
    """The newest words of a call, as far as they are understood."""

    raw_id: str
    text: str
    final: bool


class CallLive(TypedDict):
    """What one process says of one call each 100 ms. `line` is said for a second after each change."""

    levels: dict[str, Level]
    health: Health | None
    playing: Playing | None
    line: NotRequired[Line | None]


def joined(said: CallLive, also: CallLive) -> CallLive:
    """What two sockets of one call say: its sound comes by one, its words may come by another."""
    main, other = (also, said) if also["health"] or not said["health"] else (said, also)
    line = main.get("line") or other.get("line")
    return {**main, "line": line} if line else main


class Bundle(TypedDict):
    """`calls` is the JSON of what is said by call: a layer in memory copies each dict that it is given in depth, which
    for 400 calls takes ten times as long as writing and reading JSON."""

    type: str
    process: str
    at: str
    calls: str


class LiveEvent(TypedDict):
    kind: str
    call: str
    seq: int
    row: NotRequired[Any]
    stream: NotRequired[Any]
    injection: NotRequired[Any]
    command: NotRequired[Any]
    segment: NotRequired[Any]
    note: NotRequired[Any]
    gone: NotRequired[bool]
    event: NotRequired[Any]
    tone: NotRequired[str]
    raw_id: NotRequired[str]
    owner: NotRequired[str]


def bundle(process: str, calls: dict[str, CallLive]) -> Bundle:
    """What one process tells all of them each 100 ms."""
    return {"type": "live.bundle", "process": process, "at": now_text(), "calls": msgspec.json.encode(calls).decode()}


_calls_of: Final[Callable[[str], dict[str, CallLive]]] = msgspec.json.Decoder().decode


def now_text() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def announce(call_id: UUID, kind: str, **fields: Any) -> None:
    """Tells every dashboard, once the surrounding transaction is committed. Must be called inside one.

    The number is taken under the row's lock, so numbers of one call never go backwards.
    """
    Call.objects.filter(pk=call_id).update(live_seq=F("live_seq") + 1)
    seq = Call.objects.values_list("live_seq", flat=True).get(pk=call_id)
    if "row" in fields:
        fields["row"]["seq"] = seq
    event = {"kind": kind, "call": str(call_id), "seq": seq, **fields}
    transaction.on_commit(lambda: wire.send(GROUP, {"type": "live.event", "event": event}))


def resync() -> None:
    """Asks every dashboard to read a snapshot: the layer was away, and nobody knows what it lost."""
    wire.send(GROUP, {"type": "live.resync"})


wire.on_return = resync


@dataclass(eq=False)
class Dashboard:
    """One open page: its unsent events, and a flag that newer levels exist. `call` None means the wall."""

    call: str | None
    sight: Sight
    events: deque[LiveEvent] = field(default_factory=deque)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    levels_due: bool = False
    overflowed: bool = False

    def offer(self, event: LiveEvent) -> None:
        if self.call is not None and event["call"] != self.call:
            return
        if self.call is None and event["kind"] != "call_state":
            return
        if not self.sight.sees(event["call"]):
            return
        if len(self.events) >= EVENTS_LIMIT:
            count("dashboard_restarts")
            self.start_over()
        self.events.append(event)
        self.wake.set()

    def start_over(self) -> None:
        """Drops what waits: the page gets a snapshot instead."""
        self.events.clear()
        self.overflowed = True
        self.wake.set()

    def offer_levels(self) -> None:
        self.levels_due = True
        self.wake.set()


class Hub:
    """The process's one subscription to live events and its dashboards."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._dashboards: set[Dashboard] = set()
        self._bundles: dict[str, tuple[float, dict[str, CallLive]]] = {}
        self._merged: dict[str, CallLive] | None = None
        self._history: dict[str, dict[str, deque[int | None]]] = {}
        self._health: dict[str, HealthMarks] = {}
        self._shown = False
        self._name = uuid4().hex
        self._called = 0
        self._heard: tuple[int, int] | None = None
        self.ticks = 0
        self.on_loss: set[Callable[[], None]] = set()
        self.on_event: set[Callable[[LiveEvent], None]] = set()

    async def run(self) -> None:
        """Receives until cancelled."""
        layer = get_channel_layer()
        channel = ""
        ticker = watched(self._tick_forever(), "hub-ticker")
        down = False
        try:
            while True:
                try:
                    channel = channel or await layer.new_channel("hub")
                    await layer.group_add(GROUP, channel)
                    if down:
                        down = False
                        self.take({"type": "live.resync"})
                    while True:
                        self.take(await layer.receive(channel))
                except Exception as error:  # redis-py's errors have no common parent with OSError
                    if not down:
                        down = True
                        log.warning("hub lost the channel layer (%s), joins again", type(error).__name__)
                    await asyncio.sleep(REJOIN_S)
        finally:
            ticker.cancel()
            with suppress(Exception):
                await layer.group_discard(GROUP, channel)

    def take(self, message: dict[str, Any]) -> None:
        if message["type"] == "live.bundle":
            self._bundles[message["process"]] = (self._clock(), _calls_of(message["calls"]))
            self._merged = None
        elif message["type"] == "live.event":
            for dashboard in self._dashboards:
                dashboard.offer(message["event"])
            for listener in tuple(self.on_event):
                listener(message["event"])
        elif message["type"] == "live.resync":
            for dashboard in self._dashboards:
                dashboard.start_over()
        elif message["type"] == "live.echo" and message["hub"] == self._name:
            self._hear(message["number"], message["dropped"])

    def call_out(self) -> None:
        """Twice a second: a numbered word to ourselves. The layer does not tell when it loses something; this does.

        It also says how much our own side could not send, which may all lie between two of these words.
        """
        self._called += 1
        wire.send(GROUP, {"type": "live.echo", "hub": self._name, "number": self._called, "dropped": wire.dropped})

    def _hear(self, number: int, dropped: int) -> None:
        before, self._heard = self._heard, (number, dropped)
        if before is not None and before != (number - 1, dropped):
            log.warning("messages of the channel layer were lost: all is read again")
            self.take({"type": "live.resync"})
            for listener in tuple(self.on_loss):
                listener()

    def join(self, call: str | None, sight: Sight) -> Dashboard:
        dashboard = Dashboard(call, sight)
        self._dashboards.add(dashboard)
        return dashboard

    def leave(self, dashboard: Dashboard) -> None:
        self._dashboards.discard(dashboard)

    @property
    def dashboards(self) -> int:
        return len(self._dashboards)

    @property
    def longest_slot(self) -> int:
        """The events that wait for the page that is furthest behind."""
        return max((len(each.events) for each in self._dashboards), default=0)

    def calls(self, sight: Sight) -> dict[str, CallLive]:
        """The newest word on every call of this sight, from every process that spoke within a second. From any thread.

        While a call changes processes, the one that has its socket wins, then the younger bundle.
        """
        return {call_id: said for call_id, said in self._said().items() if sight.sees(call_id)}

    def call(self, call_id: str, sight: Sight) -> CallLive | None:
        return self._said().get(call_id) if sight.sees(call_id) else None

    def _said(self) -> dict[str, CallLive]:
        """Merged once for all who ask until the next bundle; a bundle's life ends with a tick."""
        merged = self._merged
        if merged is None:
            self._merged = merged = self._merge(tuple(self._bundles.values()))
        return merged

    def _merge(self, bundles: tuple[tuple[float, dict[str, CallLive]], ...]) -> dict[str, CallLive]:
        fresh = self._clock() - BUNDLE_LIFE_S
        found: dict[str, CallLive] = {}
        for arrived_s, calls in sorted(bundles, key=lambda each: each[0]):
            if arrived_s >= fresh:
                for call_id, said in calls.items():
                    found[call_id] = joined(found[call_id], said) if call_id in found else said
        return found

    def history(self, call_id: str, sight: Sight) -> dict[str, list[int | None]]:
        """RMS per 100 ms of the last minute, oldest first; None where nothing was heard."""
        tracks = self._history.get(call_id, {}) if sight.sees(call_id) else {}
        return {raw_id: list(track) for raw_id, track in tracks.items()}

    def health_marks(self, call_id: str, sight: Sight) -> list[Mark]:
        """One mark per second of the last minute, oldest first; see calls/health.py."""
        found = self._health.get(call_id) if sight.sees(call_id) else None
        return found.marks() if found else []

    async def _tick_forever(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s = max(due_s + TICK_S, time.monotonic())
            await asyncio.sleep(due_s - time.monotonic())
            try:
                self.tick()
            except Exception:  # such as a word of a process of another version, which must not end all live views
                times = count("hub_ticks_failed")
                if times == 1 or times % FAILURES_PER_LINE == 0:
                    log.exception("a tick of the hub failed (%d so far)", times)
            if self.ticks % ECHO_TICKS == 0:
                self.call_out()

    def tick(self) -> None:
        """Each 100 ms: tells the dashboards that there are levels, or none any more, and writes the history."""
        self.ticks += 1
        self._forget()
        if self._bundles or self._shown:
            self._shown = bool(self._bundles)
            for dashboard in self._dashboards:
                dashboard.offer_levels()
        self._remember()

    def _forget(self) -> None:
        fresh = self._clock() - BUNDLE_LIFE_S
        for process in [name for name, (at_s, _) in self._bundles.items() if at_s < fresh]:
            del self._bundles[process]
        self._merged = None

    def _remember(self) -> None:
        calls = self._said()
        for call_id in [each for each in self._history if each not in calls]:
            tracks = self._history[call_id]
            _append(tracks, {})
            self._health[call_id].tick(None)
            if all(value is None for track in tracks.values() for value in track):
                del self._history[call_id], self._health[call_id]
        for call_id, live in calls.items():
            _append(self._history.setdefault(call_id, {}), live["levels"])
            marks, health = self._health.setdefault(call_id, HealthMarks()), live["health"]
            if health:
                marks.tick(health["lag_ms"], health["lost_ms"], health["frame_age_ms"])
            else:
                marks.tick(None)


def _append(tracks: dict[str, deque[int | None]], levels: dict[str, Level]) -> None:
    length = max((len(track) for track in tracks.values()), default=0)
    for raw_id in levels:
        if raw_id not in tracks:
            tracks[raw_id] = deque([None] * min(length, HISTORY_LENGTH - 1), maxlen=HISTORY_LENGTH)
    for raw_id, track in tracks.items():
        level = levels.get(raw_id)
        track.append(round(level["rms_dbfs"]) if level else None)


hub = Hub()
