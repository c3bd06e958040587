"""Call Automation events on their way to the portal's callback address: one CloudEvent per POST (sheet, section 5)."""

import asyncio
import random
import uuid
from collections.abc import Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

from aiohttp import ClientError, ClientTimeout

from acsportal.emulator.identity import CALLBACK_TOKEN_S
from acsportal.emulator.network import Network, Tasks, log

PREFIX = "Microsoft.Communication."
REORDER_S = 2.0
DUPLICATE_S = 0.1
LAST_WORDS_S = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    code: int = 200
    subcode: int = 0
    message: str = ""

    def body(self) -> dict[str, object]:
        return {"code": self.code, "subCode": self.subcode, "message": self.message}


@dataclass(frozen=True, slots=True)
class Leg:
    """The portal's connection to a call: the ids in each event, and where events go."""

    callback_url: str
    operation_context: str | None
    api_version: str
    server_call_id: str
    correlation_id: str
    call_connection_id: str = field(default_factory=lambda: str(uuid.uuid4()))


class Delivery(TypedDict):
    """One attempt; ``status`` is the HTTP status, or null when there was no answer, or a fault lost the event."""

    type: str
    status: int | None
    at: str


class Callbacks:
    """The events of one leg. Each is delivered by a task of its own, so their order is what the network makes of it."""

    def __init__(self, network: Network, leg: Leg, call_id: str, dice: random.Random) -> None:
        self.deliveries: list[Delivery] = []
        self._network = network
        self._leg = leg
        self._call_id = call_id
        self._dice = dice
        self._tasks = Tasks(f"call {call_id} callback")
        self._on_the_way: set[asyncio.Task[None]] = set()
        self._held: asyncio.Event | None = None
        self._closed = False

    def send(
        self,
        kind: str,
        extra: dict[str, Any] | None = None,
        *,
        result: Result | None = None,
        context: str | None = None,
        url: str | None = None,
        source: str | None = None,
    ) -> None:
        """Have ``Microsoft.Communication.<kind>`` delivered soon; not after the call's last event.

        ``source`` is the leg, if it is nothing else.
        """
        if self._closed:
            return
        event = self._event(kind, extra or {}, result or Result(), context, source)
        before, self._held = self._held, None
        if before is None and self._network.faults.take("reorder_callbacks", self._call_id, type=kind):
            self._held = asyncio.Event()
        self._launch(self._deliver(event, url or self._leg.callback_url, wait=self._held, release=before), kind)

    async def finish(self, kind: str, result: Result, context: str | None = None) -> None:
        """The last event of the leg: those under way get a second, retries are given up, nothing comes after it."""
        if self._closed:
            return
        self._closed = True
        if self._held is not None:
            self._held.set()
        if self._on_the_way:
            await asyncio.wait(tuple(self._on_the_way), timeout=LAST_WORDS_S)
        await self._tasks.cancel()
        self._launch(self._deliver(self._event(kind, {}, result, context), self._leg.callback_url), kind)

    async def cancel(self) -> None:
        self._closed = True
        await self._tasks.cancel()

    def _launch(self, delivery: Coroutine[Any, Any, None], kind: str) -> None:
        task = self._tasks.spawn(kind, delivery)
        self._on_the_way.add(task)
        task.add_done_callback(self._on_the_way.discard)

    def _event(
        self, kind: str, extra: dict[str, Any], result: Result, context: str | None, source: str | None = None
    ) -> dict[str, Any]:
        source = source or f"calling/callConnections/{self._leg.call_connection_id}"
        body = {
            **extra,
            "resultInformation": result.body(),
            "version": self._leg.api_version,
            "callConnectionId": self._leg.call_connection_id,
            "serverCallId": self._leg.server_call_id,
            "correlationId": self._leg.correlation_id,
            "publicEventType": PREFIX + kind,
        }
        if context is not None:
            body["operationContext"] = context
        return {
            "id": str(uuid.uuid4()),
            "source": source,
            "type": PREFIX + kind,
            "data": body,
            "time": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}{self._dice.randrange(10)}+00:00",
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "subject": source,
        }

    async def _deliver(
        self, event: dict[str, Any], url: str, wait: asyncio.Event | None = None, release: asyncio.Event | None = None
    ) -> None:
        if wait is not None:
            await _at_most(wait, REORDER_S)
        take, about = self._network.faults.take, {"type": event["type"]}
        twice = take("duplicate_callback", self._call_id, **about)
        try:
            if take("lose_callback", self._call_id, **about):
                self._note(event, None)
                return
            if late := take("delay_callbacks", self._call_id, **about):
                await asyncio.sleep(late.number("ms") / 1000)
            await self._post(event, url)
        finally:
            if release is not None:
                release.set()
        if twice:
            await asyncio.sleep(DUPLICATE_S)
            await self._post(event, url)

    async def _post(self, event: dict[str, Any], url: str) -> None:
        """Until answered below 500. Whether Azure repeats callbacks at all is undocumented (sheet 5.2)."""
        for pause_s in (*self._network.timing.callback_retry_s, None):
            status = await self._attempt(event, url)
            self._note(event, status)
            if status is not None and status < 500:
                return
            if pause_s is None:
                log.warning("call %s: %s was not taken, given up", self._call_id, event["type"])
                return
            log.warning("call %s: %s not taken (%s), again in %s s", self._call_id, event["type"], status, pause_s)
            await asyncio.sleep(pause_s)

    def _note(self, event: dict[str, Any], status: int | None) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.deliveries.append({"type": event["type"], "status": status, "at": at})

    async def _attempt(self, event: dict[str, Any], url: str) -> int | None:
        headers = self._network.authorization(self._call_id, "callback", CALLBACK_TOKEN_S, event["type"])
        try:
            async with self._network.http.post(
                url, json=[event], headers=headers, timeout=ClientTimeout(total=10), allow_redirects=False
            ) as response:
                return response.status
        except (ClientError, OSError, TimeoutError):
            return None


async def _at_most(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
