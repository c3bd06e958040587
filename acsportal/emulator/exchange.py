"""The exchange: all calls of the process, by the names under which others ask for them."""

import asyncio
import base64
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from acsportal.emulator.call import Call, SetUp
from acsportal.emulator.eventgrid import EventGrid, Schema, Subscription
from acsportal.emulator.identity import ACCESS_KEY, ISSUER, RESOURCE_ID
from acsportal.emulator.network import Network, Timing
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
        self._grid = grid
        self._callee = callee
        self._kept_calls = kept_calls
        self._ordinal = 0
        self._contexts: dict[str, Call] = {}
        self._connections: dict[str, Call] = {}

    def ring(self, caller: str, callee: str, scenario: Scenario) -> Call:
        """Have somebody call the portal; ``caller`` and ``callee`` are raw ids."""
        call = self._add(Call(self.network, self._grid, scenario.starring(caller), caller, callee, self._next()))
        self._contexts[call.incoming_call_context] = call
        call.ring()
        return call

    def place(self, caller: str, targets: list[str], set_up: SetUp) -> Call:
        """The portal calls somebody."""
        call = Call(
            self.network, self._grid, self._callee, caller, targets[0], self._next(), "outbound", targets=targets
        )
        call.dial(set_up)
        self._learn(call)
        return self._add(call)

    def answer(self, call: Call, set_up: SetUp) -> None:
        call.answer(set_up)
        self._learn(call)

    def by_context(self, context: str) -> Call | None:
        return self._contexts.get(context)

    def by_connection(self, connection_id: str) -> Call | None:
        return self._connections.get(connection_id)

    def own_raw_id(self) -> str:
        """A new identity of the portal's resource: the portal's own leg of a call."""
        return f"8:acs:{self.network.identity.resource_id}_{uuid.uuid4()}"

    async def shut_down(self) -> None:
        await asyncio.gather(*(call.shut_down() for call in self.calls.values()))

    def _next(self) -> int:
        self._ordinal += 1
        return self._ordinal

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
        self._contexts.pop(call.incoming_call_context, None)
        if call.leg is not None:
            self._connections.pop(call.leg.call_connection_id, None)
