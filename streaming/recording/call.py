"""The recording of one call in this process: obeys its orders, and tells what became of them."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from django.conf import settings

from calls.commands import PauseRecording, ResumeRecording, StartRecording, StopRecording
from calls.operations.process import PROCESS_ID
from calls.services.recordings import steering, tracks
from streaming.audio import PcmFrame
from streaming.journal import journal
from streaming.pipeline.call import CallPipeline
from streaming.recording.records import TakeHead, Why
from streaming.recording.sinks import TakeFacts, TakeSink
from streaming.recording.take import TakeInMaking
from streaming.recording.writer import Writer, writer

TICK_S: Final = 1.0
STUCK_S: Final = 3.0
STUCK: Final = "the disk does not answer. Look at the machine"

# A take is written once: an order that comes again must not write over it.
_begun: Final[set[str]] = set()


class CallRecording:
    """A stage; see streaming/keeping.py for who calls what. Lives in the event loop and never waits for the disk."""

    def __init__(
        self,
        call_id: str,
        pipeline: CallPipeline,
        *,
        clock: Callable[[], float] = time.monotonic,
        into: Writer = writer,
    ) -> None:
        self._call_id, self._pipeline = call_id, pipeline
        self._clock, self._writer = clock, into
        self._take: TakeInMaking | None = None
        self._started_at = datetime.now(UTC)
        self._start_s = 0.0
        self._sensitive = False
        self._stuck = False
        self._timer: asyncio.TimerHandle | None = None

    def feed(self, frame: PcmFrame) -> None:
        take = self._take
        if take is not None:
            take.feed(frame)
            if take.new_tracks:
                self._tell_tracks(take)

    def close(self) -> None:
        """The line ends, and the take with it."""
        self._end("")

    def start(self, order: StartRecording) -> None:
        take = self._take
        if take is None or take.sink.head.take != order.take:
            if order.take in _begun:
                return
            self._end("")
            self._begin(order.take)
        journal.write(
            tracks.take_began, UUID(order.take), self._started_at, self._pipeline.playout.rate_hz, order.command
        )

    def stop(self, order: StopRecording) -> None:
        if self._take is not None and self._take.sink.head.take == order.take:
            self._end(order.command)
        elif order.take not in self._writer.takes:
            journal.write(tracks.take_unknown, UUID(order.take), order.command)

    def pause(self, order: PauseRecording) -> None:
        if self._take is not None and self._take.sink.head.take == order.take:
            self._take.hold(Why.PAUSE, self._clock())
            journal.write(steering.take_paused, UUID(order.take), order.command)

    def resume(self, order: ResumeRecording) -> None:
        if self._take is not None and self._take.sink.head.take == order.take:
            self._take.release(Why.PAUSE, self._clock())
            journal.write(steering.take_resumed, UUID(order.take), order.command)

    def hold(self) -> None:
        """A sensitive moment begins."""
        self._sensitive = True
        if self._take is not None:
            self._take.hold(Why.SENSITIVE, self._clock())

    def release(self) -> None:
        self._sensitive = False
        if self._take is not None:
            self._take.release(Why.SENSITIVE, self._clock())

    def socket_came(self) -> None:
        """Another socket brings the call's sound from now on."""
        if self._take is not None:
            self._take.socket_came()

    def socket_gone(self) -> None:
        if self._take is not None:
            self._take.socket_gone(self._clock())

    def _begin(self, take_id: str) -> None:
        _begun.add(take_id)
        self._start_s, self._started_at = self._clock(), datetime.now(UTC)
        rate_hz = self._pipeline.playout.rate_hz
        head = TakeHead(take_id, self._call_id, rate_hz, self._started_at.isoformat(), PROCESS_ID)
        # Its last words depend on how it ends, which is known only then.
        sink = TakeSink(head, _told(tracks.take_trouble, take_id), _told(tracks.take_well, take_id), lambda facts: None)
        self._take = TakeInMaking(sink, self._pipeline.playout, self._start_s)
        self._stuck = False
        if self._sensitive:
            self._take.hold(Why.SENSITIVE, self._start_s)
        self._writer.open(sink, Path(settings.RECORDING_DIR) / take_id)
        self._tick_later()

    def _end(self, command: str) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        take, self._take = self._take, None
        if take is None:
            return
        take.sink.on_closed = _ended(UUID(take.sink.head.take), self._started_at, command)
        take.end(self._clock())
        self._tell_tracks(take)

    def _tell_tracks(self, take: TakeInMaking) -> None:
        new, take.new_tracks = take.new_tracks, []
        for each in new:
            take_id, recording_id = UUID(take.sink.head.take), UUID(each.recording)
            journal.write(tracks.track_began, take_id, recording_id, each.track, each.raw_id)

    def _tick_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        take = self._take
        if take is None:
            return
        self._tick_later()
        take.tick(self._clock())
        self._tell_tracks(take)
        stuck = self._writer.stuck_s() > STUCK_S
        if stuck != self._stuck:
            self._stuck = stuck
            (take.sink.on_trouble(STUCK) if stuck else take.sink.on_well())


def _told(say: Callable[..., None], take_id: str) -> Callable[..., None]:
    """Says it by the journal, from whichever thread."""

    def tell(*words: str) -> None:
        journal.write(say, UUID(take_id), *words)

    return tell


def _ended(take_id: UUID, started_at: datetime, command: str) -> Callable[[TakeFacts], None]:
    def tell(facts: TakeFacts) -> None:
        began_at = started_at - timedelta(seconds=facts.late_s)
        ended_at = began_at + timedelta(seconds=facts.duration_s)
        if facts.written:
            journal.write(tracks.take_ended, take_id, ended_at, _said(facts, began_at), command)
        else:
            said = f"Nothing of it could be written: {facts.trouble or 'the process ended too soon'}."
            journal.write(tracks.take_failed, take_id, said, command)

    return tell


def _said(facts: TakeFacts, started_at: datetime) -> tracks.TakeSaid:
    return tracks.TakeSaid(
        started_at,
        facts.duration_s,
        facts.lost_ms,
        [asdict(hole) for hole in facts.holes],
        tuple(
            tracks.TrackSaid(UUID(each.recording), each.track, each.raw_id, each.silence_ms, each.lost_ms, each.held_ms)
            for each in facts.tracks
        ),
        facts.trouble,
    )
