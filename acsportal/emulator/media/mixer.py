"""Who is heard in which frame: mixed into one, or one frame per participant and at most four of them."""

import base64
from typing import NamedTuple

import numpy as np

from acsportal.emulator.media.clock import FRAME_MS
from acsportal.emulator.media.tracks import Track

MAX_UNMIXED = 4


class Frame(NamedTuple):
    """``raw_id`` None is the mixed stream; ``content`` is base64."""

    raw_id: str | None
    content: bytes
    silent: bool


class Part(NamedTuple):
    """``raw_id`` None is a whole conversation in one piece, which only a mixed stream has."""

    track: Track
    start_tick: int
    raw_id: str | None


class Mixer:
    """The sound of one call at one rate, by the ticks of its clock."""

    def __init__(self, rate_hz: int, unmixed: bool) -> None:
        self.rate_hz = rate_hz
        self.unmixed = unmixed
        self._silence = base64.b64encode(bytes(2 * rate_hz * FRAME_MS // 1000))
        self._parts: dict[str | None, list[Part]] = {} if unmixed else {None: []}
        self._silenced: frozenset[str] = frozenset()

    def join(self, raw_id: str) -> None:
        """From now on the participant has a stream of its own, silent until something is added."""
        if self.unmixed:
            self._parts.setdefault(raw_id, [])

    def leave(self, raw_id: str) -> None:
        if self.unmixed:
            self._parts.pop(raw_id, None)
        else:
            self._parts[None] = [part for part in self._parts[None] if part.raw_id != raw_id]

    def add(self, raw_id: str | None, track: Track, start_tick: int) -> None:
        self._parts.setdefault(raw_id if self.unmixed else None, []).append(Part(track, start_tick, raw_id))

    def silence(self, raw_ids: frozenset[str]) -> None:
        """Those, and from now nobody else, are not heard; their time goes on."""
        self._silenced = raw_ids

    def split(self, tracks: dict[str, Track]) -> None:
        """In a mixed stream: each speaker's own track in place of the conversation in one piece."""
        parts = self._parts[None]
        for whole in [part for part in parts if part.raw_id is None]:
            parts.remove(whole)
            parts += [Part(track, whole.start_tick, raw_id) for raw_id, track in tracks.items()]

    def frames(self, tick: int) -> list[Frame]:
        streams = list(self._parts.items())
        if len(streams) > MAX_UNMIXED:
            loudest = sorted(streams, key=lambda stream: _loudness(stream[1], tick), reverse=True)
            heard = {raw_id for raw_id, _ in loudest[:MAX_UNMIXED]}
            streams = [stream for stream in streams if stream[0] in heard]
        return [self._frame(raw_id, parts, tick) for raw_id, parts in streams]

    def _frame(self, raw_id: str | None, parts: list[Part], tick: int) -> Frame:
        sounding = [
            (part.track, i)
            for part in parts
            if part.raw_id not in self._silenced and (i := part.track.index(tick - part.start_tick)) >= 0
        ]
        if len(sounding) < len(parts):
            parts[:] = [part for part in parts if not _is_over(part, tick)]
        if not sounding:
            return Frame(raw_id, self._silence, True)
        if len(sounding) == 1:
            track, i = sounding[0]
            return Frame(raw_id, track.frames[i], track.silent[i])
        total = np.sum([track.pcm[i] for track, i in sounding], axis=0, dtype=np.int32)
        pcm = np.clip(total, -32768, 32767).astype("<i2")
        return Frame(raw_id, base64.b64encode(pcm.tobytes()), not pcm.any())


def _is_over(part: Part, tick: int) -> bool:
    return part.track.wrap is None and tick - part.start_tick >= len(part.track.frames)


def _loudness(parts: list[Part], tick: int) -> float:
    return max(
        (part.track.loudness[i] for part in parts if (i := part.track.index(tick - part.start_tick)) >= 0), default=0.0
    )
