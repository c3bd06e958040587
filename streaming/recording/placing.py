"""Where on a take's clock each frame belongs. Pure: everything comes in with the frame.

A participant's frames are placed by Azure's clock: frames whose timestamps follow each other lie end to end, a step
that is too long leaves a gap of its exact length, and what was overtaken on its way still goes where it belongs. Bursts
after a stall change nothing, since the moment of arrival decides only where the first frame of all is put.

Frames without usable timestamps are placed by arrival. Then a hole in arrival can be a loss or a stall, which only what
follows tells: the first frames after it are kept back until they come at their own pace again, and are put so that the
last of them lies where it arrived. Frames that went missing one by one show after half a second: all are early.

A clock that is set makes no hole of hours: what it says is believed only near the moment of arrival.
"""

from collections import deque
from datetime import datetime, timedelta
from typing import Final, Protocol

from streaming.audio import BYTES_PER_SAMPLE, PcmFrame
from streaming.recording.records import Why

SETTLED_S: Final = 2.0
"""So long after the first frame, how late that one was is taken as known."""
LATEST_S: Final = 15.0
EARLIEST_S: Final = 0.5
"""A frame that is said to be of another moment, that much before or after its arrival, has a wrong date."""
JITTER_S: Final = 0.1
ABSENCE_S: Final = 10.0
"""A hole of that length is a pause of the speaker and no loss (streaming/session.py)."""
DISPLACED_S: Final = 1.0
"""The same while more than four people speak, as only four of them are sent."""
DOMINANT_SPEAKERS: Final = 4
OLDEST_YEAR: Final = 2000
MOST_GAPS: Final = 16
WATCHED: Final = 25
BURST_FRAMES: Final = 250


class Place(Protocol):
    """Takes sound and loss, by samples of the take's clock."""

    def sound(self, position: int, pcm: bytes) -> None: ...

    def lost(self, position: int, length: int, why: Why) -> None: ...


class TakeClock:
    """What all tracks of a take share: its start by our clock, and where Azure's clock stands on it."""

    def __init__(self, start_s: float, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.speakers = 0
        self.sockets = 0
        """How many sockets have brought its sound; a hole between two of them is a loss, however long."""
        self._start_s = start_s
        self._first: tuple[datetime, float] | None = None
        self._anchor: tuple[datetime, int] | None = None
        self.late_s = 0.0
        self.settles_s = 0.0

    def ours(self, at_s: float) -> int:
        """The sample that a moment of our clock falls on, as long as the first frame is taken to be on time."""
        return round((at_s - self._start_s) * self.rate_hz)

    def arrival(self, frame: PcmFrame) -> int:
        """Where a frame would lie that had come without delay."""
        return self.ours(frame.arrived_s + self.late_s)

    def begin(self, at: datetime, arrived_s: float) -> int:
        """The place of the first frame of a new speaker, or of one whose clock was set."""
        anchor = self._anchor
        if anchor is not None:
            position = anchor[1] + round((at - anchor[0]).total_seconds() * self.rate_hz)
            if self.is_near(position, arrived_s):
                return max(0, position)
        position = max(0, self.ours(arrived_s + self.late_s))
        self._anchor = at, position
        if self._first is None:
            self._first, self.settles_s = (at, arrived_s), arrived_s + SETTLED_S
        return position

    def is_near(self, position: int, arrived_s: float) -> bool:
        early = position - self.ours(arrived_s + self.late_s)
        return -LATEST_S * self.rate_hz <= early <= EARLIEST_S * self.rate_hz

    def look(self, at: datetime, arrived_s: float) -> None:
        """While it is not settled: the quickest frame tells how late the first one was."""
        if self._first is not None:
            first_at, first_s = self._first
            ahead_s = (at - first_at).total_seconds() - (arrived_s - first_s)
            if self.late_s < ahead_s <= LATEST_S:
                self.late_s = ahead_s


class TrackPlacing:
    """One participant's frames on their way to their places."""

    def __init__(self, clock: TakeClock, place: Place) -> None:
        self._clock, self._place = clock, place
        self._rate_hz = clock.rate_hz
        self.next = 0
        """The sample behind the last frame."""
        self.duplicates = 0
        self.by_azure = False
        self._began = False
        self._at: datetime | None = None
        """The stamp of the last frame, as far as it agrees with its place; `_stamp` is what it really had."""
        self._stamp: datetime | None = None
        self._step = timedelta()
        self._pcm = b""
        self._sockets = clock.sockets
        self._gaps: deque[tuple[int, int]] = deque(maxlen=MOST_GAPS)
        self._burst: list[PcmFrame] = []
        self._early = self._watched = 0

    def feed(self, frame: PcmFrame) -> None:
        """Puts the frame in its place at once, but in the rare case of a burst without timestamps."""
        at = frame.timestamp
        # Nearly every frame is this one: it follows the one before by exactly that one's length.
        if at is not None and self._at is not None and at - self._at == self._step and not self._burst:
            if frame.arrived_s < self._clock.settles_s:
                self._clock.look(at, frame.arrived_s)
            self._at = self._stamp = at
            self._put(frame.pcm)
        else:
            self._unusual(frame)

    def flush(self) -> None:
        """Nothing more will tell where these belong."""
        if self._burst:
            self._end_burst()

    def _put(self, pcm: bytes) -> None:
        self._place.sound(self.next, pcm)
        samples = len(pcm) // BYTES_PER_SAMPLE
        if len(pcm) != len(self._pcm):
            self._step = timedelta(seconds=samples / self._rate_hz)
        self.next += samples
        self._pcm = pcm

    def _unusual(self, frame: PcmFrame) -> None:
        at = frame.timestamp
        if at is not None and at.year < OLDEST_YEAR:
            at = None
        if not self._began:
            self._begin(frame, at)
        elif at is None or self._at is None or (at == self._stamp and frame.pcm != self._pcm):
            self._by_arrival(frame, at)
        elif at == self._stamp:
            self.duplicates += 1
        else:
            self._by_stamp(frame, at, at - self._at)
        self._sockets = self._clock.sockets

    def _begin(self, frame: PcmFrame, at: datetime | None) -> None:
        self._began, self.by_azure = True, at is not None
        self.next = max(0, self._arrival(frame)) if at is None else self._clock.begin(at, frame.arrived_s)
        self._at = self._stamp = at
        self._put(frame.pcm)

    def _arrival(self, frame: PcmFrame) -> int:
        return self._clock.arrival(frame) if self.by_azure else self._clock.ours(frame.arrived_s)

    def _by_stamp(self, frame: PcmFrame, at: datetime, step: timedelta) -> None:
        half = max(1, len(frame.pcm) // BYTES_PER_SAMPLE // 2)
        moved = round((step - self._step).total_seconds() * self._rate_hz)
        if not self._clock.is_near(self.next + moved, frame.arrived_s):
            self._clock_was_set(frame, at)
            return
        if step < timedelta():
            self._overtaken(self.next + moved, frame.pcm)
            return
        if frame.arrived_s < self._clock.settles_s:
            self._clock.look(at, frame.arrived_s)
        if moved > half:
            self._leave_gap(self._whole_frames(moved, half * 2))
            self._at = at
        elif moved < -half:
            self._at = at
        else:
            # Stamps that wander a little around their places do not move them, however often they do.
            self._at = at - (step - self._step)
        self._stamp = at
        self._put(frame.pcm)

    def _clock_was_set(self, frame: PcmFrame, at: datetime) -> None:
        behind = self._arrival(frame) - self.next
        if behind > JITTER_S * self._rate_hz:
            self._leave_gap(behind)
        self._at = self._stamp = at
        self._clock.begin(at, frame.arrived_s)
        self._put(frame.pcm)

    def _overtaken(self, position: int, pcm: bytes) -> None:
        """It belongs into a gap that it left; if there is none, it came twice."""
        length = len(pcm) // BYTES_PER_SAMPLE
        slack = length // 8
        for number, (begin, end) in enumerate(self._gaps):
            if begin - slack <= position and position + length <= end + slack:
                position = min(max(position, begin), end - length)
                self._place.sound(position, pcm)
                del self._gaps[number]
                for left in ((begin, position), (position + length, end)):
                    if left[0] < left[1]:
                        self._gaps.append(left)
                return
        self.duplicates += 1

    def _whole_frames(self, missing: int, samples: int) -> int:
        """Stamps are whole milliseconds; what is missing is whole frames."""
        whole = round(missing / samples) * samples
        return whole if whole and abs(whole - missing) <= self._rate_hz // 500 else missing

    def _leave_gap(self, missing: int) -> None:
        longest_s = ABSENCE_S if self._clock.speakers <= DOMINANT_SPEAKERS else DISPLACED_S
        if missing < longest_s * self._rate_hz or self._clock.sockets != self._sockets:
            self._place.lost(self.next, missing, Why.GAP)
        self._gaps.append((self.next, self.next + missing))
        self.next += missing

    def _by_arrival(self, frame: PcmFrame, at: datetime | None) -> None:
        self._at = self._stamp = at
        if self._burst:
            self._go_on_with_burst(frame)
            return
        behind = self._arrival(frame) - self.next
        if behind > JITTER_S * self._rate_hz:
            self._burst = [frame]
            return
        self._watched += 1
        self._early = behind if self._watched == 1 else min(self._early, behind)
        if self._watched >= WATCHED:
            samples = len(frame.pcm) // BYTES_PER_SAMPLE
            if self._early > samples // 2:
                self._leave_gap(self._whole_frames(self._early, samples))
            self._watched = 0
        self._put(frame.pcm)

    def _go_on_with_burst(self, frame: PcmFrame) -> None:
        length_s = len(frame.pcm) / BYTES_PER_SAMPLE / self._rate_hz
        if frame.arrived_s - self._burst[-1].arrived_s < length_s / 2 and len(self._burst) < BURST_FRAMES:
            self._burst.append(frame)
            return
        self._end_burst()
        self._put(frame.pcm)

    def _end_burst(self) -> None:
        burst, self._burst = self._burst, []
        before = sum(len(frame.pcm) for frame in burst[:-1]) // BYTES_PER_SAMPLE
        missing = self._arrival(burst[-1]) - before - self.next
        if missing > JITTER_S * self._rate_hz:
            self._leave_gap(missing)
        for frame in burst:
            self._put(frame.pcm)
        self._watched = 0
