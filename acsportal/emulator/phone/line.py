"""One call as somebody with a phone has it: their mouth in the mixer, their ear at what is played, and what to show."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from acsportal.emulator.call import Call, results
from acsportal.emulator.callbacks import Result
from acsportal.emulator.media.clock import FRAME_S
from acsportal.emulator.media.stream import MediaStream
from acsportal.emulator.phone.ear import Ear
from acsportal.emulator.phone.mouth import Mouth

SHOW_S = 0.25
JOIN_S = 5.0

Facts = dict[str, Any]


def other_party(call: Call, is_dialled: bool) -> str:
    """The portal's number, as this phone sees it; a raw id if it has none."""
    raw_id = call.caller if call.direction == "outbound" and not is_dialled else call.callee
    return raw_id.removeprefix("4:")


class Line:
    """Joins a call and a phone for as long as both are in it.

    ``raw_id`` is whose voice it is; they dialled, or took a call that rang. ``show`` gets the facts of the call four
    times a second and whenever it changes, ``hear`` the PCM16 that they hear, as it is played.
    """

    def __init__(
        self,
        call: Call,
        raw_id: str,
        is_dialled: bool,
        show: Callable[[Facts], None],
        hear: Callable[[bytes], None],
    ) -> None:
        self.call = call
        self.is_muted = False
        self._raw_id, self._is_dialled = raw_id, is_dialled
        self._show, self._hear = show, hear
        self._began_s = time.monotonic()
        self._media: MediaStream | None = None
        self._mouth: Mouth | None = None
        self._ear: Ear | None = None
        self._end: Result | None = None
        self._is_leaving = False
        self._shown: tuple[object, ...] = ()
        self._shown_s = 0.0

    @property
    def state(self) -> str:
        """The call's phase as this person has it: ringing connecting connected ended."""
        if self.end is not None:
            return "ended"
        return "connecting" if self.call.phase == "connected" and self._ear is None else self.call.phase

    @property
    def end(self) -> Result | None:
        return self._end or self.call.end

    async def run(self) -> None:
        """Until the call is over; looks at it every 20 ms on a schedule that does not slip."""
        due_s = time.monotonic()
        while self.end is None:
            self._attend()
            if self._ear is not None:
                self._ear.listen()
            self._tell(due_s)
            due_s = max(due_s + FRAME_S, time.monotonic() - 1)
            await asyncio.sleep(due_s - time.monotonic())
        self.detach()
        self._show(self.facts())

    def say(self, pcm: bytes) -> None:
        """PCM16 at the call's rate; unheard before the call connects and while muted."""
        if self._mouth is not None and not self.is_muted:
            self._mouth.push(pcm)

    def mute(self, is_muted: bool) -> None:
        self.is_muted = is_muted
        if is_muted and self._mouth is not None:
            self._mouth.hush()

    def press(self, tones: str) -> bool:
        """Whether the call is far enough for keys to be heard."""
        if self._ear is not None:
            self.call.press(tones, self._raw_id)
        return self._ear is not None

    def hang_up(self) -> None:
        """The last person to go ends the call; others talk on."""
        if self._ear is not None:
            self._end = results.BY_PERSON
            self.call.remove(self._raw_id, results.BY_PERSON)
        elif self.call.phase == "connected":
            self._is_leaving = True
        else:
            self.call.hang_up(by_portal=False)

    def detach(self) -> None:
        """Hear and say nothing any more; the call itself goes on."""
        if self._ear is not None:
            self._ear.detach()
        if self._mouth is not None:
            self._mouth.hush()

    def facts(self) -> Facts:
        """What the page shows of the call; ``rate_hz`` is null before there is sound."""
        call, mouth = self.call, self._mouth
        own = call.participants.get(self._raw_id)
        return {
            "id": call.id,
            "dialled": self._is_dialled,
            "who": other_party(call, self._is_dialled),
            "state": self.state,
            "connected_s": self._connected_s(),
            "end": None if self.end is None else _end_row(self.end),
            "rate_hz": None if self._ear is None else call.rate_hz,
            "muted": self.is_muted,
            "silenced": own is not None and own.is_muted,
            "held": own is not None and own.is_on_hold,
            "mouth": {
                "queued_ms": 0 if mouth is None else mouth.queued_ms,
                "underruns": 0 if mouth is None else mouth.underruns,
                "dropped": 0 if mouth is None else mouth.dropped,
                "frames": 0 if mouth is None else mouth.taken,
            },
            "streaming": self._streaming(),
        }

    def _attend(self) -> None:
        """Come in once the call is connected and this person in it; notice that they have been sent away."""
        call = self.call
        if call.phase != "connected":
            return
        if self._raw_id not in call.participants:
            if self._ear is not None or time.monotonic() - self._began_s > JOIN_S:
                self._end = results.REMOVED
            return
        if self._ear is None:
            self._ear = Ear(call, self._raw_id, self._hear)
        if call.media is not None and call.media is not self._media:
            self._media, self._mouth = call.media, Mouth(call.media.options.rate_hz)
            call.media.mixer.add(self._raw_id, self._mouth, 0)
        if self._is_leaving:
            self.hang_up()

    def _tell(self, now_s: float) -> None:
        media = self.call.media
        state = (self.state, None if media is None else media.state, self.is_muted)
        if state != self._shown or now_s - self._shown_s >= SHOW_S:
            self._shown, self._shown_s = state, now_s
            self._show(self.facts())

    def _connected_s(self) -> float | None:
        call = self.call
        if call.connected_at is None or (self._ear is None and self.end is None):
            return None
        until = call.ended_at or datetime.now(UTC)
        return round((until - call.connected_at).total_seconds(), 2)

    def _streaming(self) -> Facts | None:
        media = self.call.media
        if media is None:
            return None
        return {
            "state": media.state,
            "unmixed": media.options.unmixed,
            "bidirectional": media.options.bidirectional,
            "dtmf": media.options.dtmf,
            "frames_sent": media.frames_sent,
            "frames_received": media.frames_received,
            "queued_ms": round(media.playout.queued_ms(media.elapsed_s(time.monotonic()))),
            "underruns": media.playout.underruns,
            "stop_audio": media.playout.stop_audio,
        }


def _end_row(result: Result) -> Facts:
    return {"code": result.code, "subcode": result.subcode, "message": result.message}
