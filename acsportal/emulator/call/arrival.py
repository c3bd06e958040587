"""How the portal comes into a call: answered, dialled or joined; then Azure says so, in either order."""

import asyncio
import time
from typing import TYPE_CHECKING

from acsportal.emulator.call import results
from acsportal.emulator.call.people import is_busy, never_answers
from acsportal.emulator.call.words import words_of
from acsportal.emulator.scenario import Speaker

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


async def dial(call: "Call") -> None:
    """Ring all targets: the call connects with the first who answers, the others come in later."""
    timing, targets = call.network.timing, call.targets
    answering = [target for target in targets if not (never_answers(target) or is_busy(target))]
    if not answering:
        all_busy = all(is_busy(target) for target in targets)
        await asyncio.sleep(call.dice.uniform(*timing.callee_answers_s) if all_busy else timing.ring_s)
        call.finish("CreateCallFailed", results.BUSY if all_busy else results.NO_ANSWER)
        return
    first, *later = answering
    if call.phones is not None and call.phones.has(first):
        if (why := await call.phones.ring(first, call)) is not None:
            if call.phase == "connecting":
                call.finish("CreateCallFailed", why)
            return
        star: tuple[Speaker, ...] = (Speaker(first, "Phone"),)
    else:
        await asyncio.sleep(call.dice.uniform(*timing.callee_answers_s))
        call.scenario = call.scenario.starring(first)
        star = call.scenario.speakers
    await connect(call, star)
    for target in later:
        await asyncio.sleep(call.dice.uniform(*timing.connect_s))
        if call.phase != "connected":
            return
        await call.join(Speaker(target, target.partition(":")[2]))


async def enter(call: "Call", is_new: bool, address: str) -> None:
    """Into a conversation under way or, ``is_new``, into a room where the scenario's people wait."""
    if is_new and never_answers(address):
        await asyncio.sleep(call.dice.uniform(*call.network.timing.connect_s))
        call.finish("ConnectFailed", results.NOT_CONNECTED)
        return
    await connect(call, call.scenario.speakers if is_new else ())


async def connect(call: "Call", newcomers: tuple[Speaker, ...]) -> None:
    """``newcomers`` come in together with the portal; others may be there already."""
    timing, room = call.network.timing, call.room
    started_s = time.monotonic()
    call.words = await words_of(call.scenario)
    there = tuple(one.speaker for one in room.people.values() if one.speaker is not None)
    await call.voices.load((*there, *newcomers), room.elapsed_s())
    await asyncio.sleep(max(0.0, call.dice.uniform(*timing.connect_s) - (time.monotonic() - started_s)))
    if call.phase != "connecting" or call.set_up is None:
        return
    if room.is_over:
        call.finish("ConnectFailed", results.NOT_CONNECTED)
        return
    call.establish(newcomers)
    await _tell(call, call.set_up.operation_context)


async def _tell(call: "Call", operation_context: str | None) -> None:
    """Either of the two comes first (recordings, sheet section 0), and the media socket may be there before both."""
    spread_s = call.network.timing.spread_s
    for kind in call.dice.sample(("CallConnected", "ParticipantsUpdated"), 2):
        await asyncio.sleep(call.dice.uniform(0, spread_s))
        if kind == "CallConnected":
            call.told().send(kind, context=operation_context)
        elif call in call.room.calls:
            call.room.tell()
