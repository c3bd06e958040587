"""Those whom the portal asks to come in, or sends elsewhere: they ring, and answer or do not."""

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from acsportal.emulator import errors
from acsportal.emulator.call import results
from acsportal.emulator.call.people import identifier, is_busy, never_answers
from acsportal.emulator.callbacks import Result
from acsportal.emulator.media.stream import Order
from acsportal.emulator.scenario import MUTE, Speaker

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


@dataclass(slots=True)
class Invitation:
    raw_id: str
    task: asyncio.Task[None] | None = None
    is_open: bool = True


class Invitations:
    def __init__(self, call: "Call") -> None:
        self._call = call
        self._sent: dict[str, Invitation] = {}
        self._transferring = False
        self._transfer_task: asyncio.Task[None] | None = None

    @property
    def is_transferring(self) -> bool:
        return self._transferring

    def add(self, raw_id: str, timeout_s: float, order: Order) -> str:
        """The invitation's id. Raises AzureError for somebody who is there already or rings already."""
        if raw_id in self._call.room.people:
            raise errors.invalid(f"{raw_id} is on the call already")
        if any(each.is_open and each.raw_id == raw_id for each in self._sent.values()):
            raise errors.conflict_of(f"{raw_id} is being added already")
        invitation_id = str(uuid.uuid4())
        invitation = self._sent[invitation_id] = Invitation(raw_id)
        invitation.task = self._call.tasks.spawn("invitation", self._invite(invitation_id, timeout_s, order))
        return invitation_id

    def cancel(self, invitation_id: str, order: Order) -> None:
        """Raises AzureError for an id that this call never gave out; one that is over already fails by callback."""
        invitation = self._sent.get(invitation_id)
        if invitation is None:
            raise errors.invitation_not_found(invitation_id)
        extra = {"invitationId": invitation_id}
        if not invitation.is_open:
            self._call.tell("CancelAddParticipantFailed", order, results.TOO_LATE, extra)
            return
        invitation.is_open = False
        if invitation.task is not None:
            invitation.task.cancel()
        self._call.tell("CancelAddParticipantSucceeded", order, results.COMPLETED, extra)

    def transfer(self, transferee: str, target: str, order: Order) -> None:
        """Raises AzureError while another transfer is under way."""
        if self._transferring:
            raise errors.conflict_of("a transfer is under way already")
        self._transferring = True
        self._transfer_task = self._call.tasks.spawn("transfer", self._transfer(transferee, target, order))

    def close(self) -> None:
        """The call is over: nobody rings for it any more."""
        for task in (*(each.task for each in self._sent.values()), self._transfer_task):
            if task is not None and task is not asyncio.current_task():
                task.cancel()

    async def _invite(self, invitation_id: str, timeout_s: float, order: Order) -> None:
        call, invitation = self._call, self._sent[invitation_id]
        extra = {"participant": identifier(invitation.raw_id), "invitationId": invitation_id}
        refusal = await self._ring(invitation.raw_id, timeout_s)
        invitation.is_open = False
        if call.phase != "connected":
            return
        if refusal is not None:
            call.tell("AddParticipantFailed", order, refusal, extra)
            return
        call.tell("AddParticipantSucceeded", order, results.COMPLETED, extra)
        is_phone = call.phones is not None and call.phones.has(invitation.raw_id)
        voice = MUTE if is_phone else call.guest_voice
        await call.room.join(Speaker(invitation.raw_id, invitation.raw_id.partition(":")[2], voice))

    async def _transfer(self, transferee: str, target: str, order: Order) -> None:
        call = self._call
        refusal = await self._ring(target, call.network.timing.ring_s)
        self._transferring = False
        if call.phase != "connected":
            return
        extra = {"transferTarget": identifier(target), "transferee": identifier(transferee)}
        if refusal is None and transferee not in call.room.people:
            refusal = results.NOT_ON_CALL
        if refusal is not None:
            call.tell("CallTransferFailed", order, refusal, extra)
            return
        call.tell("CallTransferAccepted", order, results.TRANSFERRED, extra)
        call.remove(transferee, results.AFTER_TRANSFER)

    async def _ring(self, raw_id: str, timeout_s: float) -> Result | None:
        """Why they did not come, or None."""
        timing, phones = self._call.network.timing, self._call.phones
        if phones is not None and phones.has(raw_id):
            try:
                async with asyncio.timeout(timeout_s):
                    return await phones.ring(raw_id, self._call)
            except TimeoutError:
                return results.NO_ANSWER
        if never_answers(raw_id):
            await asyncio.sleep(timeout_s)
            return results.NO_ANSWER
        await asyncio.sleep(self._call.dice.uniform(*timing.callee_answers_s))
        return results.BUSY if is_busy(raw_id) else None
