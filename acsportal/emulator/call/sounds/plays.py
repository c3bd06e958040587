"""Play and send tones: sound that Azure makes for the people on the call."""

import asyncio
from typing import TYPE_CHECKING

from acsportal.emulator.call.results import COMPLETED, OPERATION_CANCELED, TONES_SENT
from acsportal.emulator.call.sounds.hearing import Sounding
from acsportal.emulator.call.sounds.media_queue import MediaOperation
from acsportal.emulator.call.sounds.prompts import Prompt, PromptError, dial_tones, load
from acsportal.emulator.media.stream import Order

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


class Play(MediaOperation):
    """``audience`` None is everybody. A loop ends when it is cancelled."""

    name = "play"

    def __init__(
        self, call: "Call", order: Order, prompts: tuple[Prompt, ...], audience: frozenset[str] | None, loop: bool
    ) -> None:
        super().__init__(call, order, is_broad=audience is None)
        self._prompts, self._audience, self._loop = prompts, audience, loop
        self._sounding: Sounding | None = None

    async def run(self) -> None:
        call = self._call
        try:
            pcm = await load(call.network.http, self._prompts, call.rate_hz)
        except PromptError as error:
            self._tell("PlayFailed", error.result, {"failedPlaySourceIndex": error.index})
            return
        self._sounding = call.sound(Sounding(pcm, call.rate_hz, call.elapsed_s(), self._audience, self._loop))
        self._tell("PlayStarted", COMPLETED)
        if self._loop:
            await asyncio.Event().wait()
        await asyncio.sleep(self._sounding.duration_s)
        self._tell("PlayCompleted", COMPLETED)

    def cancel(self) -> None:
        if self._sounding is not None:
            self._sounding.stop(self._call.elapsed_s())
        self._tell("PlayCanceled", OPERATION_CANCELED)


class SendTones(MediaOperation):
    """Keys that the portal presses for the ears of one participant."""

    name = "send tones"

    def __init__(self, call: "Call", order: Order, tones: str, target: str) -> None:
        super().__init__(call, order, is_broad=False)
        self._tones, self._target = tones, target
        self._sounding: Sounding | None = None

    async def run(self) -> None:
        call = self._call
        pcm = dial_tones(self._tones, call.network.timing.tone_s, call.rate_hz)
        sounding = Sounding(pcm, call.rate_hz, call.elapsed_s(), frozenset({self._target}))
        self._sounding = call.sound(sounding)
        await asyncio.sleep(sounding.duration_s)
        self._tell("SendDtmfTonesCompleted", TONES_SENT)

    def cancel(self) -> None:
        if self._sounding is not None:
            self._sounding.stop(self._call.elapsed_s())
        self._tell("SendDtmfTonesFailed", OPERATION_CANCELED)
