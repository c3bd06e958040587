"""One take while it is made: who speaks, what we play, what is held back, and when. It fills queues, no more."""

from dataclasses import dataclass
from typing import Final

from calls.counters import count
from streaming.audio import PCM_TYPE, PcmFrame, Samples
from streaming.pipeline.playout import Playout
from streaming.recording.placing import TakeClock, TrackPlacing
from streaming.recording.records import Kind, Why
from streaming.recording.sinks import TakeSink, TrackSink

PARTICIPANT: Final = "participant"
INJECTED: Final = "injected"
MOST_TRACKS: Final = 50
FOR_EVER: Final = 1 << 62
# Frames of 20 ms whose moments are sums of fractions of a second: they lie end to end, give or take this much.
ROUNDING: Final = 2


@dataclass(frozen=True, slots=True)
class NewTrack:
    recording: str
    track: str
    raw_id: str


class _Voice:
    """A participant's place on the take; silent where something is held back."""

    __slots__ = ("_sink", "_take", "placing")

    def __init__(self, take: "TakeInMaking", sink: TrackSink) -> None:
        self._take, self._sink = take, sink
        self.placing = TrackPlacing(take.clock, self)

    def sound(self, position: int, pcm: bytes) -> None:
        if position >= self._take.held_until:
            self._sink.sound(position, pcm)

    def lost(self, position: int, length: int, why: Why) -> None:
        self._sink.lost(position, length, why)


class TakeInMaking:
    """Begins at `start_s` of our clock; every `now_s` is that clock as well."""

    def __init__(self, sink: TakeSink, playout: Playout, start_s: float) -> None:
        self.sink, self._playout = sink, playout
        self.clock = TakeClock(start_s, sink.head.rate_hz)
        self.held_until = 0
        """No sound before this sample is taken any more; FOR_EVER while something is held back."""
        self.new_tracks: list[NewTrack] = []
        """Told once: whoever reads them takes them away."""
        self._voices: dict[str, TrackPlacing | None] = {}
        self._ours: TrackSink | None = None
        self._ours_next = 0
        self._held_from: dict[Why, int] = {}
        self._held: list[tuple[int, int, Why]] = []
        self._gone_s: float | None = None
        playout.settle(start_s)  # what was heard before is not of this take
        playout.on_heard = self._heard

    def feed(self, frame: PcmFrame) -> None:
        placing = self._voices.get(frame.raw_id) or self._new_voice(frame)
        if placing is not None:
            placing.feed(frame)
        if self._playout.is_ahead:
            self._playout.settle(frame.arrived_s)

    def hold(self, why: Why, now_s: float) -> None:
        """From now on the take gets silence; `why` is PAUSE or SENSITIVE, and both may be at once."""
        if why in self._held_from:
            return
        self._playout.settle(now_s)
        position = self.clock.ours(now_s)
        self._held_from[why] = position
        self.held_until = FOR_EVER
        self.sink.mark(Kind.HELD_FROM, position, why)

    def release(self, why: Why, now_s: float) -> None:
        since = self._held_from.get(why)
        if since is None:
            return
        self._playout.settle(now_s)
        del self._held_from[why]
        position = self.clock.ours(now_s)
        self._held.append((since, position, why))
        self.sink.mark(Kind.HELD_UNTIL, position, why)
        if not self._held_from:
            # What was said meanwhile and comes late is held back as well.
            self.held_until = position + self._late

    def socket_came(self) -> None:
        self.clock.sockets += 1
        self._gone_s = None

    def socket_gone(self, now_s: float) -> None:
        self._gone_s = now_s

    def tick(self, now_s: float) -> None:
        """Each second: how far the take has come."""
        self._playout.settle(now_s)
        if self._gone_s is None:
            self.sink.mark(Kind.TICK, self.clock.ours(now_s))
        if self.clock.settles_s and now_s > self.clock.settles_s:
            self.sink.late = self._late

    def end(self, now_s: float) -> None:
        """If the socket broke and did not come back, the take ends where it broke."""
        self._playout.settle(now_s)
        if self._playout.on_heard == self._heard:
            self._playout.on_heard = None
        late = self.sink.late = self._late
        end = self.clock.ours(now_s if self._gone_s is None else self._gone_s)
        for placing in self._voices.values():
            if placing is not None:
                placing.flush()
                end = max(end, placing.next - late if placing.by_azure else placing.next)
        end = max(end, self._ours_next)
        held = [*self._held, *((since, end, why) for why, since in self._held_from.items())]
        self.sink.close(end, held)

    @property
    def _late(self) -> int:
        return round(self.clock.late_s * self.sink.head.rate_hz)

    def _new_voice(self, frame: PcmFrame) -> TrackPlacing | None:
        """None for a voice too many; it was told when it was new."""
        if frame.raw_id in self._voices:
            return None
        if len(self._voices) >= MOST_TRACKS:
            count("recording_tracks_refused")
            self._voices[frame.raw_id] = None
            return None
        by_azure = frame.timestamp is not None
        sink = self.sink.track(PARTICIPANT, frame.raw_id, by_azure=by_azure)
        self.clock.speakers += 1
        placing = self._voices[frame.raw_id] = _Voice(self, sink).placing
        self.new_tracks.append(NewTrack(sink.head.recording, PARTICIPANT, frame.raw_id))
        return placing

    def _heard(self, samples: Samples, plays_at_s: float) -> None:
        """What we played, as the caller has heard it."""
        position = self.clock.ours(plays_at_s)
        if position < 0:  # it began before the take
            samples, position = samples[-position:], 0
        if position <= self._ours_next + ROUNDING:
            position = self._ours_next
        if not samples.size or self._is_held(position, position + samples.size):
            return
        if self._ours is None:
            self._ours = self.sink.track(INJECTED, "")
            self.new_tracks.append(NewTrack(self._ours.head.recording, INJECTED, ""))
        self._ours.sound(position, samples.astype(PCM_TYPE, copy=False).tobytes())
        self._ours_next = position + samples.size

    def _is_held(self, begin: int, end: int) -> bool:
        if any(end > since for since in self._held_from.values()):
            return True
        return any(begin < until and end > since for since, until, _ in self._held)
