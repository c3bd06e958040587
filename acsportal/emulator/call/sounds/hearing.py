"""What each person on a call heard: the portal's stream, what Azure played to them, and hold music while they held."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from acsportal.emulator.media.playout import Heard

Pcm = NDArray[np.int16]
MEMORY_SOUNDS = 1000


@dataclass(slots=True, eq=False)
class Sounding:
    """One sound in call time. ``end_s`` None: until it is over or, in a loop, until it is stopped.

    ``audience`` None is everybody. Only hold music is heard by those who hold, and by nobody else.
    """

    pcm: Pcm
    rate_hz: int
    start_s: float
    audience: frozenset[str] | None = None
    loop: bool = False
    is_hold_music: bool = False
    end_s: float | None = None

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / self.rate_hz

    def stop(self, at_s: float) -> None:
        if self.end_s is None:
            self.end_s = max(self.start_s, at_s)

    def part(self, until_s: float) -> Pcm:
        """As much of it as sounded until then."""
        length = round((min(until_s, self.end_s if self.end_s is not None else until_s) - self.start_s) * self.rate_hz)
        if not self.loop or length <= len(self.pcm) or not len(self.pcm):
            return self.pcm[: max(0, length)]
        return np.resize(self.pcm, length)

    def reaches(self, raw_id: str) -> bool:
        return self.audience is None or raw_id in self.audience


@dataclass(slots=True)
class Hearing:
    """All that Azure played in one call, and when who held. Of more than a thousand sounds the oldest are forgotten."""

    sounds: deque[Sounding] = field(default_factory=lambda: deque(maxlen=MEMORY_SOUNDS))
    _holds: dict[str, list[tuple[float, float | None]]] = field(default_factory=dict)
    _stream_end_s: float | None = None

    def begin(self, sounding: Sounding) -> Sounding:
        self.sounds.append(sounding)
        return sounding

    def hold(self, raw_id: str, at_s: float) -> None:
        self._holds.setdefault(raw_id, []).append((at_s, None))

    def unhold(self, raw_id: str, at_s: float) -> None:
        if self._holds.get(raw_id):
            from_s, _ = self._holds[raw_id].pop()
            self._holds[raw_id].append((from_s, at_s))

    def still_stream(self, at_s: float) -> None:
        """The portal's own leg is muted: of its stream nothing is heard any more. Azure has no way back."""
        if self._stream_end_s is None:
            self._stream_end_s = at_s

    def mixed(self, raw_id: str, streamed: Heard) -> Heard:
        """The portal's stream and what was played, as that person heard them. Some tenths of a second for an hour."""
        holds = self._holds.get(raw_id, [])
        sounds = [sounding for sounding in self.sounds if sounding.reaches(raw_id)]
        if not holds and not sounds and self._stream_end_s is None:
            return streamed
        pcm = np.zeros(streamed.length, dtype=np.int16)
        for first, piece in streamed.pieces:
            _add(pcm, first, np.frombuffer(piece, dtype="<i2"))
        if self._stream_end_s is not None:
            pcm[round(self._stream_end_s * streamed.rate_hz) :] = 0
        now_s = streamed.length / streamed.rate_hz
        for sounding in sounds:
            if not sounding.is_hold_music:
                _add(pcm, round(sounding.start_s * streamed.rate_hz), sounding.part(now_s))
        for from_s, to_s in holds:
            last = streamed.length if to_s is None else round(to_s * streamed.rate_hz)
            pcm[round(from_s * streamed.rate_hz) : last] = 0
        for sounding in sounds:
            if sounding.is_hold_music:
                _add(pcm, round(sounding.start_s * streamed.rate_hz), sounding.part(now_s))
        return Heard(streamed.rate_hz, streamed.length, ((0, pcm.tobytes()),))


def _add(pcm: Pcm, first: int, piece: Pcm) -> None:
    room = pcm[first : first + len(piece)]
    total = room.astype(np.int32) + piece[: len(room)]
    room[:] = np.clip(total, -32768, 32767).astype(np.int16)
