"""The exchange: all calls of the process, by the names under which others ask for them."""

import asyncio
import base64
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from acsportal.emulator.call import Call, SetUp
from acsportal.emulator.call.archive import Archive
from acsportal.emulator.call.room import Room
from acsportal.emulator.eventgrid import EventGrid, Schema, Subscription
from acsportal.emulator.identity import ACCESS_KEY, ISSUER, RESOURCE_ID
from acsportal.emulator.network import Network, Timing
from acsportal.emulator.phone.directory import Directory
from acsportal.emulator.scenario import Scenario

DEMO_SECRET = "emulator-event-grid-secret"  # noqa: S105 - for loopback demonstrations only


@dataclass(frozen=True, slots=True)
class Options:
    """How one emulator is set up; the command line has one switch for each but the last two."""

    port: int = 8085
    portal: str = "http://127.0.0.1:8000"
    seed: int = 1
    access_key: str = ACCESS_KEY
    resource_id: str = RESOURCE_ID
    issuer: str = ISSUER
    event_grid_secret: str = DEMO_SECRET
    event_schema: Schema = "grid"
    event_retry_s: tuple[float, ...] = (10.0, 30.0)
    callee_scenario: str = "callee"
    kept_calls: int = 500
    timing: Timing = field(default_factory=Timing)

    def __post_init__(self) -> None:
        """Raises ValueError for a key or an address that could never work."""
        base64.b64decode(self.access_key, validate=True)
        if urlsplit(self.portal).scheme not in ("http", "https"):
            raise ValueError(f"The portal's address must begin with http:// or https://, not “{self.portal}”.")

    def subscription(self) -> Subscription:
        url = f"{self.portal.rstrip('/')}/acs/events/"
        return Subscription(url, self.event_grid_secret, self.event_schema, self.event_retry_s)


class Exchange:
    """Keeps every live call, and of ended ones the youngest while there are not more than ``kept_calls`` in all."""

    def __init__(self, network: Network, grid: EventGrid, callee: Scenario, kept_calls: int) -> None:
        self.network = network
        self.calls: dict[str, Call] = {}
        self.phones = Directory()
        self.archive = Archive(grid)
        self._grid = grid
        self._callee = callee
        self._kept_calls = kept_calls
        self._ordinal = 0
        self._contexts: dict[str, Call] = {}
        self._connections: dict[str, Call] = {}
        self._rooms: dict[str, Room] = {}

    def ring(self, caller: str, callee: str, scenario: Scenario) -> Call:
        """Have somebody call the portal; ``caller`` and ``callee`` are raw ids."""
        call = self._add(self._call(scenario.starring(caller), caller, callee, "inbound"))
        self._contexts[call.incoming_call_context] = call
        call.ring()
        return call

    def place(self, caller: str, targets: list[str], set_up: SetUp) -> Call:
        """The portal calls somebody."""
        call = self._call(self._callee, caller, targets[0], "outbound")
        call.targets = targets
        call.dial(set_up)
        self._learn(call)
        return self._add(call)

    def connect(self, kind: str, address: str, set_up: SetUp) -> Call | None:
        """The portal joins: a conversation under way, or None; or the people in a group call or a room.

        In a group call or room that nobody is in yet the callee's scenario waits.
        """
        if kind == "serverCallLocator":
            other = self._under_way(address)
            if other is None:
                return None
            call = self._call(other.scenario, other.caller, set_up.own_raw_id, "connected")
            room: Room | None = other.room
        else:
            room = self._rooms.get(f"{kind} {address}")
            room = None if room is not None and room.is_over else room
            call = self._call(self._callee, self._callee.speakers[0].raw_id, set_up.own_raw_id, "connected")
        call.enter(set_up, room, address)
        if kind != "serverCallLocator":
            self._rooms[f"{kind} {address}"] = call.room
        self._learn(call)
        return self._add(call)

    def answer(self, call: Call, set_up: SetUp) -> None:
        call.answer(set_up)
        self._learn(call)

    def by_context(self, context: str) -> Call | None:
        return self._contexts.get(context)

    def by_connection(self, connection_id: str) -> Call | None:
        return self._connections.get(connection_id)

    def by_server_call(self, server_call_id: str) -> Call | None:
        """A live connection to that conversation."""
        found = [call for call in self.calls.values() if call.server_call_id == server_call_id and not call.is_over]
        return found[0] if found else None

    def own_raw_id(self) -> str:
        """A new identity of the portal's resource: the portal's own leg of a call."""
        return f"8:acs:{self.network.identity.resource_id}_{uuid.uuid4()}"

    async def shut_down(self) -> None:
        await asyncio.gather(*(call.shut_down() for call in self.calls.values()))
        await self.archive.shut_down()

    def _call(self, scenario: Scenario, caller: str, callee: str, direction: str) -> Call:
        self._ordinal += 1
        call = Call(self.network, self._grid, scenario, caller, callee, self._ordinal, direction)
        call.guest_voice, call.phones = self._callee.speakers[0].voice, self.phones
        return call

    def _under_way(self, server_call_id: str) -> Call | None:
        """A call of that conversation, if it has begun and somebody is still in it, be it without the portal."""
        for call in self.calls.values():
            has_begun = call.room.began_s is not None and not call.room.is_over
            if call.server_call_id == server_call_id and has_begun and call.room.humans:
                return call
        return None

    def _learn(self, call: Call) -> None:
        if call.leg is not None:
            self._connections[call.leg.call_connection_id] = call

    def _add(self, call: Call) -> Call:
        self.calls[call.id] = call
        if len(self.calls) > self._kept_calls:
            self._forget(next((old for old in self.calls.values() if old.state == "ended"), None))
        return call

    def _forget(self, call: Call | None) -> None:
        if call is None:
            return
        del self.calls[call.id]
        for address in [name for name, room in self._rooms.items() if room is call.room and not room.calls]:
            del self._rooms[address]
        self._contexts.pop(call.incoming_call_context, None)
        if call.leg is not None:
            self._connections.pop(call.leg.call_connection_id, None)
