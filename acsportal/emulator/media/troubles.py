"""What is wrong with the messages of one media socket now: frames late, lost, of another length, or saying too little.

Pure: the time comes in with each call, monotonic, in seconds.
"""

import base64
import random

from acsportal.emulator.faults import Fault
from acsportal.emulator.media import wire
from acsportal.emulator.media.mixer import Frame


class Troubles:
    """The faults that a socket suffers from, each until its time is over."""

    def __init__(self, dice: random.Random) -> None:
        self.frames_lost = 0
        self._dice = dice
        self._until_s: dict[str, tuple[float, Fault]] = {}
        self._unknown: list[bytes] = []

    def begin(self, fault: Fault, now_s: float) -> None:
        if fault.name == "unknown_kind":
            self._unknown += [wire.unknown(str(fault.options["kind"]))] * int(fault.number("count"))
        else:
            self._until_s[fault.name] = (now_s + fault.number("duration_s"), fault)

    def end(self) -> None:
        """A new socket begins without the old one's troubles."""
        self._until_s.clear()
        self._unknown.clear()

    def named_length(self, length: int) -> int:
        """What the metadata says of the length of a frame in bytes."""
        _, fault = self._until_s.get("wrong_length", (0.0, None))
        return length if fault is None or fault.options["of"] != "metadata" else int(fault.number("bytes"))

    def delay_s(self, now_s: float) -> float:
        late = self._now("late_frames", now_s)
        return 0.0 if late is None else late.number("ms") / 1000

    def between(self) -> list[bytes]:
        """At most one message of an unknown kind, to be sent before the next frame."""
        return [self._unknown.pop()] if self._unknown else []

    def message(self, frame: Frame, stamp: str, now_s: float) -> bytes | None:
        """The frame as JSON; None if it is lost."""
        if not self._until_s:
            return wire.audio(frame, stamp)
        loss = self._now("lose_frames", now_s)
        if loss is not None and self._dice.random() < loss.number("share"):
            self.frames_lost += 1
            return None
        length = self._now("wrong_length", now_s)
        if length is not None and length.options["of"] == "frames":
            frame = frame._replace(content=_resized(frame.content, int(length.number("bytes"))))
        nobody = self._now("participant_null", now_s)
        if nobody is not None:
            frame = frame._replace(raw_id=None)
        null = nobody is not None and nobody.options["how"] == "null"
        mum = self._now("silent_absent", now_s) is not None
        return wire.audio(frame, stamp, null_speaker=null, with_silent=not mum)

    def _now(self, name: str, now_s: float) -> Fault | None:
        until_s, fault = self._until_s.get(name, (0.0, None))
        if fault is not None and now_s >= until_s:
            del self._until_s[name]
            return None
        return fault


def _resized(content: bytes, length: int) -> bytes:
    pcm = base64.b64decode(content)
    return base64.b64encode((pcm * (length // max(1, len(pcm)) + 1))[:length])
