"""What we say in a call: a queue of sounds, cut into frames and sent on an absolute 20 ms schedule with a bounded lead.

Pure: the clock is an argument and sending is the caller's job. Azure plays what it gets at once and acknowledges
nothing, so this schedule is also our only knowledge of what has been heard. A *run* is an unbroken row of frames; its
frame k is heard at `run start + k * 20 ms` and falls due `lead_ms` before its end. The run ends when everything was
heard; if the event loop slept through the lead, the rest starts a new run and an underrun is counted.

The caller's loop: `due` → send; `take_events` → tell; sleep until `wake_at_s` or a new order. After `stop` it sends
StopAudio, and nothing more until something new is enqueued.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from streaming.audio import FRAME_MS, Samples

FRAME_S: Final = FRAME_MS / 1000
MOST_SOUNDS: Final = 100
HEARD_WINDOW_MS: Final = 100
NOTHING: Final[Samples] = np.zeros(0, np.int16)
# A thousandth of a sample: far below anything audible, far above what float arithmetic loses in a day.
TOLERANCE_S: Final = 1e-8


class PlayoutFull(Exception):  # noqa: N818 (said of the queue, not of a fault)
    """The queue holds as many sounds as it may."""


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Something to play, at the stream's rate. A loop plays until it is stopped, and what is queued behind it waits."""

    injection_id: str
    samples: Samples
    loop: bool = False
    kind: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Started:
    """The first frame is being heard."""

    injection_id: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The last sample has been heard."""

    injection_id: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """Ended by order; `played_ms` is what was heard of it, 0 if its turn had not come."""

    injection_id: str
    played_ms: int


@dataclass(frozen=True, slots=True)
class Playing:
    """The sound being heard, or next to be. `left_ms` is None for a loop; `queued` counts those behind it."""

    injection_id: str
    kind: str
    label: str
    played_ms: int
    left_ms: int | None
    queued: int


class _Turn:
    """One sound's way through the queue; counts in samples of the sound, padding left out."""

    __slots__ = ("dropped", "heard", "sent", "sound", "started")

    def __init__(self, sound: Sound) -> None:
        self.sound = sound
        self.sent = 0
        self.heard = 0
        self.started = False
        self.dropped = False

    @property
    def all_sent(self) -> bool:
        return not self.sound.loop and self.sent >= self.sound.samples.size

    def cut(self, count: int) -> Samples:
        """The next frame's samples: fewer than `count` at the very end, round again for a loop."""
        samples = self.sound.samples
        if self.sound.loop:
            piece: Samples = samples.take(np.arange(self.sent, self.sent + count), mode="wrap")
        else:
            piece = samples[self.sent : self.sent + count]
        self.sent += piece.size
        return piece


@dataclass(frozen=True, slots=True)
class _Sent:
    turn: _Turn
    samples: Samples
    plays_at_s: float
    ends_at_s: float
    last: bool = False


class Playout:
    """One stream's outgoing sound. Every method takes `now_s`, a monotonic clock that never runs backwards."""

    def __init__(self, rate_hz: int, lead_ms: int = 200) -> None:
        self.rate_hz = rate_hz
        self.lead_s = lead_ms / 1000
        # So that what was sent and not yet heard is never longer than the lead.
        self._ahead_s = max(0.0, self.lead_s - FRAME_S)
        self.frames_sent = 0
        self.underruns = 0
        self.on_heard: Callable[[Samples, float], None] | None = None
        """Is told what has been heard, piece by piece and in order, each with the moment at which it began."""
        self._frame_samples = rate_hz * FRAME_MS // 1000
        self._turns: deque[_Turn] = deque()  # not yet heard to the end
        self._unsent: deque[_Turn] = deque()  # of these, the ones with something left to send
        self._unheard: deque[_Sent] = deque()
        self._heard: deque[_Sent] = deque()  # the last moments, for the meter
        self._events: list[Started | Finished] = []
        self._run_start_s = 0.0
        self._run_frames = 0
        self._hungry = False  # the last `due` left something unsent, so a dry queue would be our fault
        self._paused = False

    def enqueue(self, sound: Sound) -> None:
        """Puts a sound at the end of the queue; ask `due` at once afterwards.

        Raises PlayoutFull if 100 sounds wait already, ValueError for a sound without samples.
        """
        if not sound.samples.size:
            raise ValueError("A sound without samples cannot be played.")
        if len(self._turns) >= MOST_SOUNDS:
            raise PlayoutFull(f"{MOST_SOUNDS} sounds wait already; stop some, or try again later.")
        turn = _Turn(sound)
        self._turns.append(turn)
        self._unsent.append(turn)

    def due(self, now_s: float) -> list[bytes]:
        """The PCM frames to send now, in order; all are whole, the last one of a sound is filled up with silence."""
        self._settle(now_s)
        frames: list[bytes] = []
        while self._unsent and not self._paused:
            plays_at_s = self._next_plays_at_s()
            if plays_at_s < now_s - TOLERANCE_S or not self._run_frames:
                self.underruns += self._hungry and self._run_frames > 0
                self._run_start_s = plays_at_s = now_s
                self._run_frames = 0
            if plays_at_s - self._ahead_s > now_s + TOLERANCE_S:
                break
            frames.append(self._send(plays_at_s))
        self._hungry = bool(self._unsent)
        return frames

    def wake_at_s(self, now_s: float) -> float | None:
        """When to ask `due` and `take_events` again; None if only a new order can change anything."""
        moments: list[float] = []
        if self._unsent and not self._paused:
            moments.append(self._next_plays_at_s() - self._ahead_s if self._run_frames else now_s)
        if self._events:
            moments.append(now_s)
        # One moment for each frame would wake the caller for nothing: only beginnings and ends are news.
        moments.extend(sent.plays_at_s for sent in self._unheard if not sent.turn.started)
        moments.extend(sent.ends_at_s for sent in self._unheard if sent.last)
        return max(now_s, min(moments)) if moments else None

    def take_events(self, now_s: float) -> list[Started | Finished]:
        """What has begun or ended for the listener since the last time, in order."""
        self._settle(now_s)
        events, self._events = self._events, []
        return events

    def progress(self, now_s: float) -> Playing | None:
        """What is being heard and how much of it is left; None if nothing is heard or waits."""
        self._settle(now_s)
        if not self._turns:
            return None
        turn = self._turns[0]
        sound = turn.sound
        heard = self._heard_samples(turn, now_s)
        left_ms = None if sound.loop else self._ms(sound.samples.size) - self._ms(heard)
        return Playing(sound.injection_id, sound.kind, sound.label, self._ms(heard), left_ms, len(self._turns) - 1)

    def stop(self, now_s: float) -> list[Stopped]:
        """Drops everything, heard in part or not at all. Send StopAudio next, for what Azure still has."""
        self._settle(now_s)
        stopped = [self._stopped(turn, self._heard_samples(turn, now_s)) for turn in self._turns]
        self._turns.clear()
        self._unsent.clear()
        self._cut_run(now_s)
        return stopped

    def stop_one(self, injection_id: str, now_s: float) -> Stopped | None:
        """Takes one sound out; None if it is not there any more.

        What was sent of it (at most the lead and a frame) is still heard and counts as played; no event follows.
        """
        self._settle(now_s)
        turn = next((turn for turn in self._turns if turn.sound.injection_id == injection_id), None)
        if turn is None:
            return None
        turn.dropped = True
        self._turns.remove(turn)
        if turn in self._unsent:
            self._unsent.remove(turn)
        return self._stopped(turn, turn.sent)

    def pause(self, now_s: float) -> None:
        """The socket is lost: nothing falls due until `resume`, and what was sent but not heard will be sent again."""
        self._settle(now_s)
        for sent in reversed(self._unheard):
            sent.turn.sent -= sent.samples.size
        self._unsent = deque(self._turns)
        self._cut_run(now_s)
        self._paused = True

    def resume(self, now_s: float) -> None:
        """A socket is there again; a new run begins with the next `due`."""
        self._settle(now_s)
        self._paused = False

    @property
    def is_ahead(self) -> bool:
        """Whether something was sent that has not been heard to its end."""
        return bool(self._unheard)

    def settle(self, now_s: float) -> None:
        """Brings what was heard up to now; `on_heard` is told."""
        self._settle(now_s)

    def level_window(self, now_s: float) -> Samples:
        """The last 100 ms heard, silence included; empty if no sound fell into them at all."""
        self._settle(now_s)
        if not (self._heard or self._unheard):
            return NOTHING
        count = self.rate_hz * HEARD_WINDOW_MS // 1000
        begin_s = now_s - HEARD_WINDOW_MS / 1000
        window = np.zeros(count, np.int16)
        touched = False
        for sent in (*self._heard, *self._unheard):
            start = round((sent.plays_at_s - begin_s) * self.rate_hz)
            first, last = max(0, start), min(count, start + sent.samples.size)
            if first < last:
                window[first:last] = sent.samples[first - start : last - start]
                touched = True
        return window if touched else window[:0]

    def _next_plays_at_s(self) -> float:
        return self._run_start_s + self._run_frames * FRAME_S

    def _send(self, plays_at_s: float) -> bytes:
        turn = self._unsent[0]
        samples = turn.cut(self._frame_samples)
        if turn.all_sent:
            self._unsent.popleft()
        self._unheard.append(_Sent(turn, samples, plays_at_s, plays_at_s + samples.size / self.rate_hz, turn.all_sent))
        self._run_frames += 1
        self.frames_sent += 1
        return samples.astype("<i2", copy=False).tobytes().ljust(self._frame_samples * 2, b"\0")

    def _settle(self, now_s: float) -> None:
        """Moves what the playback clock has passed from sent to heard."""
        now_s += TOLERANCE_S
        while self._unheard and self._unheard[0].plays_at_s <= now_s:
            sent = self._unheard[0]
            turn = sent.turn
            if not turn.started:
                turn.started = True
                if not turn.dropped:
                    self._events.append(Started(turn.sound.injection_id))
            if sent.ends_at_s > now_s:
                break
            turn.heard += sent.samples.size
            if self.on_heard is not None:
                self.on_heard(sent.samples, sent.plays_at_s)
            if sent.last and not turn.dropped:
                self._turns.popleft()
                self._events.append(Finished(turn.sound.injection_id, self._ms(turn.heard)))
            self._heard.append(self._unheard.popleft())
        while self._heard and self._heard[0].ends_at_s < now_s - HEARD_WINDOW_MS / 1000:
            self._heard.popleft()

    def _heard_samples(self, turn: _Turn, now_s: float) -> int:
        if self._unheard and self._unheard[0].turn is turn:
            sent = self._unheard[0]
            return turn.heard + min(sent.samples.size, max(0, round((now_s - sent.plays_at_s) * self.rate_hz)))
        return turn.heard

    def _cut_run(self, now_s: float) -> None:
        """Ends the run in the middle: what was heard of the current frame stays heard, the rest never was."""
        if self._unheard and self._unheard[0].plays_at_s < now_s:
            sent = self._unheard[0]
            heard = sent.samples[: round((now_s - sent.plays_at_s) * self.rate_hz)]
            self._heard.append(_Sent(sent.turn, heard, sent.plays_at_s, now_s))
            if self.on_heard is not None:
                self.on_heard(heard, sent.plays_at_s)
        self._unheard.clear()
        self._run_frames = 0
        self._hungry = False

    def _stopped(self, turn: _Turn, samples: int) -> Stopped:
        return Stopped(turn.sound.injection_id, self._ms(samples))

    def _ms(self, samples: int) -> int:
        return round(samples * 1000 / self.rate_hz)
