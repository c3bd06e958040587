"""Event Grid: proves that the portal's door is the portal's, then delivers call events to it (sheet, section 4)."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import ClientError, ClientSession, ClientTimeout

from acsportal.emulator.faults import Fault
from acsportal.emulator.network import log

ORIGIN = "eventgrid.azure.net"
TOPIC = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/emulator/providers/"
    "microsoft.communication/communicationservices/emulator"
)
TAKEN = range(200, 205)

Schema = Literal["grid", "cloud"]


class NotSubscribedError(Exception):
    """The portal's event door did not prove itself in time."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where events go, in which form. ``retry_s`` are the pauses between attempts (the sheet: 10 s, 30 s, …)."""

    url: str
    secret: str
    schema: Schema = "grid"
    retry_s: tuple[float, ...] = (10.0, 30.0)
    patience_s: float = 120.0
    validation_retry_s: float = 0.5


class EventGrid:
    def __init__(self, http: ClientSession, subscription: Subscription) -> None:
        self._http = http
        self._subscription = subscription
        self._validated = False
        self._validating = asyncio.Lock()

    async def subscribe(self) -> None:
        """The handshake, once per process; waits for a portal that is not up yet. Raises NotSubscribedError.

        Azure would give up at the first refusal; a demonstration in which both sides start together must not.
        """
        async with self._validating:
            if self._validated:
                return
            try:
                async with asyncio.timeout(self._subscription.patience_s):
                    while not await self._handshake():  # noqa: ASYNC110 - the portal is another process
                        await asyncio.sleep(self._subscription.validation_retry_s)
            except TimeoutError as error:
                raise NotSubscribedError("The portal's event door did not answer the validation") from error
            self._validated = True

    async def deliver(self, kind: str, subject: str, content: dict[str, Any], more: Fault | None = None) -> None:
        """At least once, with pauses as subscribed, until taken with 200 to 204 or given up; ``more`` repeats it."""
        event_id, now = str(uuid.uuid4()), _now()
        await self._deliver(event_id, now, kind, subject, content)
        for _ in range(int(more.number("times")) if more is not None else 0):
            if more is not None and more.options["ids"] == "new":
                event_id = str(uuid.uuid4())
            await self._deliver(event_id, now, kind, subject, content)

    async def _deliver(self, event_id: str, now: str, kind: str, subject: str, content: dict[str, Any]) -> None:
        body: Any
        if self._subscription.schema == "grid":
            body = [
                {
                    "id": event_id,
                    "topic": TOPIC,
                    "subject": subject,
                    "data": content,
                    "eventType": kind,
                    "dataVersion": "1.0",
                    "metadataVersion": "1",
                    "eventTime": now,
                }
            ]
        else:
            body = {
                "id": event_id,
                "source": TOPIC,
                "subject": subject,
                "data": content,
                "type": kind,
                "time": now,
                "specversion": "1.0",
            }
        for count, pause_s in enumerate((*self._subscription.retry_s, None)):
            status, _ = await self._post("Notification", body, count)
            if status in TAKEN:
                return
            log.warning("event %s: %s not taken (%s), attempt %s", event_id, kind, status, count + 1)
            if pause_s is not None:
                await asyncio.sleep(pause_s)

    async def _handshake(self) -> bool:
        return await (self._prove_grid() if self._subscription.schema == "grid" else self._prove_cloud())

    async def _prove_grid(self) -> bool:
        code = str(uuid.uuid4())
        event = {
            "id": str(uuid.uuid4()),
            "topic": TOPIC,
            "subject": "",
            "data": {"validationCode": code},
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": _now(),
            "metadataVersion": "1",
            "dataVersion": "1",
        }
        status, answer = await self._post("SubscriptionValidation", [event], 0)
        return status == 200 and isinstance(answer, dict) and answer.get("validationResponse") == code

    async def _prove_cloud(self) -> bool:
        headers = {"WebHook-Request-Origin": ORIGIN, "X-Event-Grid-Secret": self._subscription.secret}
        try:
            async with self._http.options(
                self._subscription.url, headers=headers, timeout=ClientTimeout(total=30)
            ) as response:
                return response.status == 200 and response.headers.get("WebHook-Allowed-Origin") in (ORIGIN, "*")
        except (ClientError, OSError, TimeoutError):
            return False

    async def _post(self, kind: str, body: Any, count: int) -> tuple[int | None, Any]:
        is_grid = self._subscription.schema == "grid"
        headers = {
            "aeg-event-type": kind,
            "aeg-subscription-name": "EMULATOR",
            "aeg-delivery-count": str(count),
            "aeg-metadata-version": "1" if is_grid else "1.0",
            "X-Event-Grid-Secret": self._subscription.secret,
            "Content-Type": f"application/{'json' if is_grid else 'cloudevents+json'}; charset=utf-8",
            **({"aeg-data-version": "1.0"} if is_grid else {"Origin": ORIGIN}),
        }
        try:
            async with self._http.post(
                self._subscription.url, json=body, headers=headers, timeout=ClientTimeout(total=30)
            ) as response:
                is_json = kind == "SubscriptionValidation" and response.content_type == "application/json"
                return response.status, await response.json() if is_json else None
        except (ClientError, OSError, TimeoutError, ValueError):
            return None, None


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"
