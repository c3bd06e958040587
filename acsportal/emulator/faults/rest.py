"""Azure's REST face on a bad day: orders refused, answered late, or answered after their own callbacks."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from acsportal.emulator.call import Call
from acsportal.emulator.errors import AzureError
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.faults.armed import Fault

ORDERS = re.compile(r"/calling/(callConnections|recordings)(?:/([^/:]+))?(/participants)?(/[^:]+)?(?::(\w+))?")
LOOK_S = 0.02

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def misbehaving(exchange: Exchange) -> Middleware:
    """What stands before the REST face; it is asked for each order."""
    faults = exchange.network.faults

    @web.middleware
    async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
        addressed = ORDERS.fullmatch(request.path)
        if addressed is None:
            return await handler(request)
        call, operation = await _about(request, addressed, exchange)
        for name in ("throttle", "unavailable"):
            if fault := faults.take(name, call, type=operation):
                return _refusal(fault)
        slow = faults.take("slow_rest", call, type=operation)
        early = faults.take("early_callback", call, type=operation)
        answer = await handler(request)
        if slow is not None:
            await asyncio.sleep(slow.number("ms") / 1000)
        if early is not None:
            await _until_told(exchange, call or _placed(answer, exchange), early)
        return answer

    return misbehave


async def _about(request: web.Request, addressed: re.Match[str], exchange: Exchange) -> tuple[str, str]:
    """The emulator's id of the call that an order is about, "" if that is not known, and Azure's word for the order."""
    kind, name, people, somebody, verb = addressed.groups()
    if kind == "recordings":
        call, word = None, verb or ("startRecording" if name is None else request.method.lower() + "Recording")
    elif name is None:
        call, word = _ringing(await request.read(), exchange), verb or "createCall"
    else:
        call = exchange.by_connection(name)
        plain = "listParticipants" if people else {"GET": "get", "DELETE": "hangUp"}.get(request.method, request.method)
        word = verb or ("getParticipant" if somebody else plain)
    return "" if call is None else call.id, word


def _ringing(content: bytes, exchange: Exchange) -> Call | None:
    try:
        body = json.loads(content or b"{}")
    except ValueError:
        return None
    context = body.get("incomingCallContext") if isinstance(body, dict) else None
    return exchange.by_context(context) if isinstance(context, str) else None


def _placed(answer: web.StreamResponse, exchange: Exchange) -> str:
    body = json.loads(answer.body) if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else {}
    call = exchange.by_connection(str(body.get("callConnectionId")))
    return "" if call is None else call.id


def _refusal(fault: Fault) -> web.Response:
    """429 or 5xx in Azure's shape (sheet 5.5: 429 carries Retry-After)."""
    if fault.name == "throttle":
        error = AzureError(429, "8516", "Call throttled: too many requests for this resource.")
    else:
        error = AzureError(int(fault.number("status")), "9999", "The service is not available now.")
    retry_after_s = fault.number("retry_after_s")
    headers = {"Retry-After": f"{retry_after_s:g}"} if retry_after_s else {}
    return web.json_response(error.body(), status=error.status, headers=headers)


async def _until_told(exchange: Exchange, call_id: str, fault: Fault) -> None:
    call = exchange.calls.get(call_id)
    if call is None or call.callbacks is None:
        return
    told, event = call.callbacks.deliveries, str(fault.options["event"] or "").lower()
    known = len(told)
    for _ in range(round(fault.number("ms") / 1000 / LOOK_S)):
        if any(delivery["type"].lower().endswith(event) for delivery in told[known:]):
            return
        await asyncio.sleep(LOOK_S)
