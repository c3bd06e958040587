"""Who is reached at which number: open phones, and how a call to them rings until one takes it."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import Protocol

from acsportal.emulator.call import BUSY, NO_ANSWER, Call, raw_id_of
from acsportal.emulator.callbacks import Result

FIRST_NUMBER = 14255550199
LOOK_S = 0.05


class Bell(Protocol):
    """What can ring."""

    raw_id: str

    @property
    def is_free(self) -> bool: ...

    def ring(self, call: Call) -> None: ...

    def rest(self, call: Call) -> None:
        """That call rings here no longer: it was taken elsewhere, given up, or not answered."""


@dataclass(slots=True)
class Ringing:
    """One call at one number; over when somebody takes it or all have declined."""

    ringing: list[Bell]
    taken_by: Bell | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Directory:
    """The phones of one emulator. Several may have one number: all ring, and the first to answer has the call."""

    def __init__(self) -> None:
        self._bells: list[Bell] = []
        self._ringing: dict[tuple[str, str], Ringing] = {}

    def enter(self, bell: Bell) -> None:
        self._bells.append(bell)

    def leave(self, bell: Bell) -> None:
        """The phone is gone; what rang there counts as declined."""
        if bell in self._bells:
            self._bells.remove(bell)
        for call_id, _ in tuple(self._ringing):
            self.decline(call_id, bell)

    def free_number(self) -> str:
        """+14255550199, or the next below it that no open phone has."""
        taken = {bell.raw_id for bell in self._bells}
        number = FIRST_NUMBER
        while raw_id_of(f"+{number}") in taken:
            number -= 1
        return f"+{number}"

    def has(self, raw_id: str) -> bool:
        return any(bell.raw_id == raw_id for bell in self._bells)

    async def ring(self, raw_id: str, call: Call) -> Result | None:
        """Ring there at most the network's ``ring_s``: None when somebody took the call, else how it ends."""
        bells = [bell for bell in self._bells if bell.raw_id == raw_id and bell.is_free]
        ringing = self._ringing[call.id, raw_id] = Ringing(bells.copy())
        for bell in bells:
            bell.ring(call)
        until_s = time.monotonic() + call.network.timing.ring_s
        try:
            while ringing.ringing and ringing.taken_by is None and not call.is_over and time.monotonic() < until_s:
                await _changes(ringing.changed)
        finally:
            del self._ringing[call.id, raw_id]
            for bell in bells:
                if bell is not ringing.taken_by:
                    bell.rest(call)
        if ringing.taken_by is not None:
            return None
        return NO_ANSWER if ringing.ringing else BUSY

    def take(self, call_id: str, bell: Bell) -> bool:
        """Whether the call is that phone's now."""
        ringing = self._open(call_id, bell)
        if ringing is None:
            return False
        ringing.taken_by = bell
        ringing.changed.set()
        return True

    def decline(self, call_id: str, bell: Bell) -> None:
        """Not here; the call is declined when nobody is left whom it rings."""
        if (ringing := self._open(call_id, bell)) is not None:
            ringing.ringing.remove(bell)
            ringing.changed.set()

    def _open(self, call_id: str, bell: Bell) -> Ringing | None:
        ringing = self._ringing.get((call_id, bell.raw_id))
        return ringing if ringing is not None and ringing.taken_by is None and bell in ringing.ringing else None


async def _changes(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_S):
            await event.wait()
            event.clear()
    except TimeoutError:
        pass
