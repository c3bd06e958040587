"""What a person on a call hears while it is heard: the portal's stream, what Azure plays to them, music while held."""

import time
from collections.abc import Callable

import numpy as np

from acsportal.emulator.call import Call
from acsportal.emulator.call.sounds.hearing import Pcm, Sounding
from acsportal.emulator.media.clock import FRAME_S


class Ear:
    """Of one person from now on; ``hear`` gets PCM16 of whole ticks, and nothing while there is nothing to hear.

    The same sounds make the call's ``heard.wav`` afterwards, which knows their places to the sample.
    """

    def __init__(self, call: Call, raw_id: str, hear: Callable[[bytes], None]) -> None:
        self._call, self._raw_id, self._hear = call, raw_id, hear
        self._frame_samples = round(call.rate_hz * FRAME_S)
        self._tick = int(call.elapsed_s() / FRAME_S)
        self._played = bytearray()
        if call.media is not None:
            call.media.playout.ears.append(self._take)

    def detach(self) -> None:
        media = self._call.media
        if media is not None and self._take in media.playout.ears:
            media.playout.ears.remove(self._take)

    def listen(self) -> None:
        """What was played since the last time."""
        media = self._call.media
        if media is not None:
            media.playout.advance(media.elapsed_s(time.monotonic()))
        tick = int(self._call.elapsed_s() / FRAME_S)
        first, length = self._tick * self._frame_samples, (tick - self._tick) * self._frame_samples
        self._tick = tick
        played, self._played = self._played, bytearray()
        own = self._call.participants.get(self._raw_id)
        is_held = own is not None and own.is_on_hold
        sounding = [
            part
            for sound in self._call.hearing.sounds
            if sound.reaches(self._raw_id)
            and sound.is_hold_music == is_held
            and (part := _window(sound, first, length)) is not None
        ]
        if is_held:
            played = bytearray()
        if sounding:
            self._hear(_sum(bytes(played), sounding, length))
        elif played:
            self._hear(bytes(played))

    def _take(self, pcm: bytes) -> None:
        self._played += pcm


def _window(sound: Sounding, first: int, length: int) -> Pcm | None:
    """That part of it, by samples of call time; None when it is silent then."""
    at = first - round(sound.start_s * sound.rate_hz)
    end_s = float("inf") if sound.end_s is None else sound.end_s
    if not len(sound.pcm) or not length or at + length <= 0 or first >= end_s * sound.rate_hz:
        return None
    if at >= len(sound.pcm) and not sound.loop:
        return None
    places = np.arange(at, at + length)
    inside = places >= 0 if sound.loop else (places >= 0) & (places < len(sound.pcm))
    return np.where(inside, sound.pcm[places % len(sound.pcm)], 0).astype(np.int16)


def _sum(played: bytes, sounding: list[Pcm], length: int) -> bytes:
    total = np.zeros(max(length, len(played) // 2), dtype=np.int32)
    total[: len(played) // 2] += np.frombuffer(played, dtype="<i2")
    for part in sounding:
        total[:length] += part
    return np.clip(total, -32768, 32767).astype("<i2").tobytes()
