"""One phone: a number, at most one call, and a page that holds it and may be gone for a moment."""

import asyncio
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

from acsportal.emulator.call import Call, raw_id_of
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.network import Tasks
from acsportal.emulator.phone.line import Line, other_party
from acsportal.emulator.scenario import Scenario, Speaker

GRACE_S = 3.0
MOST_PIECES = 50
MOST_WORDS = 200
KEYS = set("0123456789*#ABCD")


class PhoneError(ValueError):
    """What the person asked for cannot be done now; says why."""


class Outbox:
    """What waits for the page: words in order, and at most a second of sound, of which the oldest goes first."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: deque[dict[str, Any] | bytes] = deque()
        self._arrived = asyncio.Event()

    def put(self, message: dict[str, Any] | bytes) -> None:
        kind, most = (bytes, MOST_PIECES) if isinstance(message, bytes) else (dict, MOST_WORDS)
        if sum(isinstance(each, kind) for each in self._waiting) >= most:
            self._waiting.remove(next(each for each in self._waiting if isinstance(each, kind)))
            self.dropped += 1
        self._waiting.append(message)
        self._arrived.set()

    async def next(self) -> dict[str, Any] | bytes:
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        return self._waiting.popleft()


class Handset:
    """What the verbs of a phone do. ``raw_id`` is the number it calls from and is called at."""

    def __init__(self, exchange: Exchange, raw_id: str, gone: Callable[["Handset"], None], grace_s: float) -> None:
        self.id = str(uuid.uuid4())
        self.raw_id = raw_id
        self.outbox = Outbox()
        self.is_held = False
        self._exchange, self._gone, self._grace_s = exchange, gone, grace_s
        self._tasks = Tasks(f"phone {self.id}")
        self._ringing: Call | None = None
        self._line: Line | None = None
        self._leaving: asyncio.Task[None] | None = None

    @property
    def is_free(self) -> bool:
        return self._line is None and self._ringing is None

    def hold(self) -> None:
        """A page has it now."""
        self.is_held, self.outbox = True, Outbox()
        if self._leaving is not None:
            self._leaving.cancel()
        self.introduce()
        if self._ringing is not None:
            self._announce(self._ringing)

    def let_go(self) -> None:
        """The page is gone: after ``grace_s`` the phone hangs up and is no more."""
        self.is_held = False
        self._leaving = self._tasks.spawn("leave", self._leave())

    def introduce(self) -> None:
        self.outbox.put({"kind": "phone", "id": self.id, "number": self.raw_id.removeprefix("4:")})

    def renumber(self, number: str) -> None:
        if not self.is_free:
            raise PhoneError("The number can be changed between calls.")
        self.raw_id = raw_id_of(number)
        self.introduce()

    def dial(self, callee: str) -> None:
        if not self.is_free:
            raise PhoneError("Hang up first: this phone has a call.")
        whom = raw_id_of(callee)
        alone = Scenario("phone", (Speaker(self.raw_id, "Phone"),))
        self._take(self._exchange.ring(self.raw_id, whom, alone), is_dialled=True)

    def ring(self, call: Call) -> None:
        self._ringing = call
        self._announce(call)

    def rest(self, call: Call) -> None:
        if self._ringing is call:
            self._ringing = None
            self.outbox.put({"kind": "rest", "id": call.id})

    def answer(self) -> None:
        call = self._rung()
        if not self._exchange.phones.take(call.id, self):
            raise PhoneError("The call is not there any more.")
        self._ringing = None
        self._take(call, is_dialled=False)

    def decline(self) -> None:
        call = self._rung()
        self._exchange.phones.decline(call.id, self)
        self.rest(call)

    def press(self, tones: str) -> None:
        if not tones or set(tones) - KEYS:
            raise PhoneError("Keys are 0 to 9, *, # and A to D.")
        if not self._connected().press(tones):
            raise PhoneError("Keys are heard once the call is connected.")

    def mute(self, is_muted: bool) -> None:
        self._connected().mute(is_muted)

    def hang_up(self) -> None:
        self._connected().hang_up()

    def say(self, pcm: bytes) -> None:
        if self._line is not None:
            self._line.say(pcm)

    async def shut_down(self) -> None:
        await self._tasks.cancel()

    def _take(self, call: Call, is_dialled: bool) -> None:
        self._line = Line(call, self.raw_id, is_dialled, self._show, lambda pcm: self.outbox.put(pcm))
        self._tasks.spawn("line", self._attend(self._line))

    async def _attend(self, line: Line) -> None:
        try:
            await line.run()
        finally:
            line.detach()
            self._line = None

    def _show(self, facts: dict[str, Any]) -> None:
        self.outbox.put({"kind": "call", "call": facts, "unheard": self.outbox.dropped})

    def _announce(self, call: Call) -> None:
        self.outbox.put({"kind": "rings", "id": call.id, "who": other_party(call, is_dialled=False)})

    async def _leave(self) -> None:
        await asyncio.sleep(self._grace_s)
        if self._ringing is not None:
            self.decline()
        if self._line is not None:
            self.hang_up()
        self._gone(self)

    def _rung(self) -> Call:
        if self._ringing is None:
            raise PhoneError("Nobody rings here now.")
        return self._ringing

    def _connected(self) -> Line:
        if self._line is None:
            raise PhoneError("There is no call on this phone.")
        return self._line
