"""Keys that people press: into the media stream, to a waiting recognition, and one by one to those who subscribed."""

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from acsportal.emulator import errors
from acsportal.emulator.call.results import TONE_RECEIVED, TONES_STOPPED
from acsportal.emulator.media.stream import Order

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NAMES: Final = {
    **{str(digit): name for digit, name in enumerate(_DIGITS)},
    **{letter: letter.lower() for letter in "ABCD"},
    "#": "pound",
    "*": "asterisk",
}
KEYS: Final = {name: key for key, name in NAMES.items()}


@dataclass(slots=True)
class Subscription:
    order: Order
    received: int = 0


class Keypad:
    def __init__(self, call: "Call") -> None:
        self._call = call
        self._subscriptions: dict[str, Subscription] = {}

    def press(self, raw_id: str, tones: str) -> None:
        """Keys, one after the other."""
        self._call.tasks.spawn("keys", self._press(raw_id, tones))

    def subscribe(self, raw_id: str, order: Order) -> None:
        """From now each key of that participant is told; asked for again, the newer order counts."""
        self._subscriptions[raw_id] = Subscription(order)

    def unsubscribe(self, raw_id: str, order: Order) -> None:
        """Raises AzureError when there is nothing to stop."""
        if self._subscriptions.pop(raw_id, None) is None:
            raise errors.wrong_state("continuous DTMF recognition is not active for this participant")
        self._call.tell("ContinuousDtmfRecognitionStopped", order, TONES_STOPPED)

    async def _press(self, raw_id: str, tones: str) -> None:
        call = self._call
        for tone in tones:
            if call.phase != "connected" or raw_id not in call.room.people:
                return
            if call.media is not None:
                call.media.press(tone)
            call.queue.press(raw_id, tone)
            if (subscription := self._subscriptions.get(raw_id)) is not None:
                subscription.received += 1
                told = {"sequenceId": subscription.received, "tone": NAMES[tone]}
                call.tell("ContinuousDtmfRecognitionToneReceived", subscription.order, TONE_RECEIVED, told)
            await asyncio.sleep(call.network.timing.tone_s)
