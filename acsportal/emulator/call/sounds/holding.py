"""Hold: nobody hears who holds, and who holds hears music or nothing, until taken back."""

from typing import TYPE_CHECKING

from acsportal.emulator import errors
from acsportal.emulator.call.results import HOLD_AUDIO_CANCELED
from acsportal.emulator.call.sounds.hearing import Sounding
from acsportal.emulator.call.sounds.prompts import Prompt, PromptError, load
from acsportal.emulator.media.stream import Order

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


class Holding:
    def __init__(self, call: "Call") -> None:
        self._call = call
        self._music: dict[str, tuple[Sounding, Order]] = {}

    def hold(self, raw_id: str, prompt: Prompt | None, order: Order) -> None:
        """Raises AzureError when they hold already."""
        call = self._call
        participant = call.room.people[raw_id]
        if participant.is_on_hold:
            raise errors.wrong_state(f"{raw_id} is on hold already")
        participant.is_on_hold = True
        call.hearing.hold(raw_id, call.elapsed_s())
        call.room.changed()
        if prompt is not None:
            call.tasks.spawn("hold music", self._play(raw_id, prompt, order))

    def unhold(self, raw_id: str) -> None:
        """Raises AzureError when they do not hold."""
        call = self._call
        participant = call.room.people[raw_id]
        if not participant.is_on_hold:
            raise errors.wrong_state(f"{raw_id} is not on hold")
        participant.is_on_hold = False
        call.hearing.unhold(raw_id, call.elapsed_s())
        self.stop_music(raw_id)
        call.room.changed()

    def stop_music(self, raw_id: str) -> None:
        """The recorded service calls this end a cancellation, misspelt (sheet 5.4)."""
        if (playing := self._music.pop(raw_id, None)) is not None:
            sounding, order = playing
            sounding.stop(self._call.elapsed_s())
            self._call.tell("HoldAudioCompleted", order, HOLD_AUDIO_CANCELED)

    async def _play(self, raw_id: str, prompt: Prompt, order: Order) -> None:
        """``HoldAudio…`` events are of the recordings of 2024; whether newer versions send them is not known."""
        call = self._call
        try:
            pcm = await load(call.network.http, (prompt,), call.rate_hz)
        except PromptError as error:
            call.tell("HoldFailed", order, error.result)
            return
        participant = call.room.people.get(raw_id)
        if participant is None or not participant.is_on_hold or call.phase != "connected":
            return
        music = Sounding(pcm, call.rate_hz, call.elapsed_s(), frozenset({raw_id}), loop=True, is_hold_music=True)
        self._music[raw_id] = (call.sound(music), order)
        call.tell("HoldAudioStarted", order)
