"""What a call has to know of the phones that people hold."""

from typing import TYPE_CHECKING, Protocol

from acsportal.emulator.callbacks import Result

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


class Phones(Protocol):
    """The phones that people hold: who is called there decides for themselves."""

    def has(self, raw_id: str) -> bool: ...

    async def ring(self, raw_id: str, call: "Call") -> Result | None:
        """None when somebody took the call, else how it ends."""
