"""Azure's REST face: the operations the portal may use, with the statuses and bodies of section 6 of the sheet.

What is not in ``Rest.operations`` is refused as Azure refuses what it does not support: 405, code 8520.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from aiohttp import web

from acsportal.emulator import errors
from acsportal.emulator.call import REDIRECTED, REJECTED, Call, SetUp, identifier, raw_id_of
from acsportal.emulator.errors import AzureError
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.identity import signature_fault
from acsportal.emulator.media.stream import Order, StreamingOptions

RATES_HZ = {"pcm16kmono": 16000, "pcm24kmono": 24000}
REMEMBERED = 10_000
CONNECTION = re.compile(r"callConnections/([^/:]+)(.*)")
OF_PARTICIPANT = "/participants/"

Body = dict[str, Any]
Answer = tuple[int, Body | None]
Operation = Callable[["Rest", web.Request, Body, str], Answer]


class Rest:
    """``/calling/…``: signature, repeatability, dispatch; then one method per operation."""

    def __init__(self, exchange: Exchange, access_key: str) -> None:
        self._exchange = exchange
        self._access_key = access_key
        self._answered: OrderedDict[tuple[str, str, str], Answer] = OrderedDict()

    async def respond(self, request: web.Request) -> web.Response:
        try:
            content = await request.read()
            fault = signature_fault(self._access_key, request.method, request.raw_path, request.headers, content)
            if fault:
                raise errors.signature_refused(fault)
            status, body = self._once(request, content)
        except AzureError as error:
            status, body = error.status, error.body()
        return web.Response(status=status) if body is None else web.json_response(body, status=status)

    def _once(self, request: web.Request, content: bytes) -> Answer:
        """A repeated Repeatability-Request-ID gets its first answer again: SDKs keep it over their retries."""
        repeat_id = request.headers.get("Repeatability-Request-ID")
        if not repeat_id:
            return self._dispatch(request, content)
        key = (request.method, request.path, repeat_id)
        if key not in self._answered:
            try:
                self._answered[key] = self._dispatch(request, content)
            except AzureError as error:
                self._answered[key] = (error.status, error.body())
            while len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        return self._answered[key]

    def _dispatch(self, request: web.Request, content: bytes) -> Answer:
        shape, argument = _shape(request.raw_path.partition("?")[0].removeprefix("/calling/"))
        operation = self.operations.get(f"{request.method} {shape}")
        if operation is None:
            raise errors.not_supported(f"{request.method} {shape}")
        return operation(self, request, _json_object(content), argument)

    def answer(self, request: web.Request, body: Body, _: str) -> Answer:
        call = self._ringing(body)
        self._exchange.answer(call, self._set_up(request, body))
        return 200, _properties(call)

    def reject(self, request: web.Request, body: Body, _: str) -> Answer:
        self._ringing(body).turn_away(REJECTED)
        return 204, None

    def redirect(self, request: web.Request, body: Body, _: str) -> Answer:
        call = self._ringing(body)
        _target(body.get("target"))
        call.turn_away(REDIRECTED)
        return 204, None

    def create(self, request: web.Request, body: Body, _: str) -> Answer:
        targets = body.get("targets")
        if not isinstance(targets, list) or not targets:
            raise errors.invalid("targets is missing")
        raw_ids = [_target(target) for target in targets]
        set_up = self._set_up(request, body)
        source = body.get("sourceCallerIdNumber")
        number = source.get("value") if isinstance(source, dict) else None
        if any(raw_id.startswith("4:") for raw_id in raw_ids) and not number:
            raise errors.invalid("sourceCallerIdNumber is needed to call a phone number")
        call = self._exchange.place(f"4:{number}" if number else set_up.own_raw_id, raw_ids, set_up)
        return 201, _properties(call)

    def properties(self, request: web.Request, body: Body, connection_id: str) -> Answer:
        return 200, _properties(self._live(connection_id))

    def hang_up(self, request: web.Request, body: Body, connection_id: str) -> Answer:
        self._live(connection_id).hang_up(by_portal=True)
        return 204, None

    def participants(self, request: web.Request, body: Body, connection_id: str) -> Answer:
        call = self._established(connection_id)
        return 200, {"value": [somebody.body() for somebody in call.participants.values()], "nextLink": None}

    def participant(self, request: web.Request, body: Body, argument: str) -> Answer:
        connection_id, _, raw_id = argument.partition("/")
        somebody = self._established(connection_id).participants.get(raw_id)
        if somebody is None:
            raise errors.participant_not_found(raw_id)
        return 200, somebody.body()

    def start_streaming(self, request: web.Request, body: Body, connection_id: str) -> Answer:
        call = self._established(connection_id)
        if call.media is None:
            raise errors.no_stream_url()
        if call.media.state not in ("off", "failed"):
            raise errors.media_mode(f"media streaming is {call.media.state}")
        call.media.start(_order(body))
        return 202, None

    def stop_streaming(self, request: web.Request, body: Body, connection_id: str) -> Answer:
        call = self._established(connection_id)
        if call.media is None or not call.media.is_active:
            raise errors.wrong_state("media streaming is not active")
        call.media.stop(_order(body))
        return 202, None

    operations: dict[str, Operation] = {
        "POST callConnections": create,
        "POST callConnections:answer": answer,
        "POST callConnections:reject": reject,
        "POST callConnections:redirect": redirect,
        "GET callConnections/{id}": properties,
        "DELETE callConnections/{id}": hang_up,
        "POST callConnections/{id}:terminate": hang_up,
        "GET callConnections/{id}/participants": participants,
        "GET callConnections/{id}/participants/{rawId}": participant,
        "POST callConnections/{id}:startMediaStreaming": start_streaming,
        "POST callConnections/{id}:stopMediaStreaming": stop_streaming,
    }

    def _ringing(self, body: Body) -> Call:
        context = body.get("incomingCallContext")
        call = self._exchange.by_context(context) if isinstance(context, str) else None
        if call is None:
            raise errors.invalid("incomingCallContext is missing or unknown")
        if call.set_up is not None:
            raise errors.conflict()
        if call.phase != "ringing":
            raise errors.ringing_is_over()
        return call

    def _live(self, connection_id: str) -> Call:
        """While a call ends it is terminated (8528), afterwards it is not known any more (8522)."""
        call = self._exchange.by_connection(connection_id)
        if call is None or call.phase == "disconnected":
            raise errors.call_not_found(connection_id)
        if call.phase == "disconnecting":
            raise errors.terminated(connection_id)
        return call

    def _established(self, connection_id: str) -> Call:
        call = self._live(connection_id)
        if call.phase != "connected":
            raise errors.not_established(connection_id)
        return call

    def _set_up(self, request: web.Request, body: Body) -> SetUp:
        if body.get("transcriptionOptions") is not None:
            raise errors.not_supported("transcriptionOptions")
        source = body.get("answeredBy") or body.get("source")
        own_id = source.get("id") if isinstance(source, dict) else None
        context = body.get("operationContext")
        return SetUp(
            _url(body, "callbackUri", ("http", "https")),
            context if isinstance(context, str) else None,
            request.query.get("api-version", ""),
            _streaming(body.get("mediaStreamingOptions")),
            own_id if isinstance(own_id, str) else self._exchange.own_raw_id(),
        )


def _shape(path: str) -> tuple[str, str]:
    """The path with its ids replaced by names, and the ids."""
    match = CONNECTION.fullmatch(path)
    if match is None:
        return path, ""
    connection_id, rest = match.groups()
    if rest.startswith(OF_PARTICIPANT):
        raw_id = unquote(rest.removeprefix(OF_PARTICIPANT))
        return f"callConnections/{{id}}{OF_PARTICIPANT}{{rawId}}", f"{connection_id}/{raw_id}"
    return f"callConnections/{{id}}{rest}", connection_id


def _json_object(content: bytes) -> Body:
    if not content:
        return {}
    try:
        body = json.loads(content)
    except ValueError as error:
        raise errors.invalid("the body is no JSON") from error
    if not isinstance(body, dict):
        raise errors.invalid("the body is no JSON object")
    return body


def _url(body: Body, name: str, schemes: tuple[str, ...]) -> str:
    """Azure takes https and wss only; on loopback plain http and ws must do."""
    url = body.get(name)
    if not isinstance(url, str) or urlsplit(url).scheme not in schemes or not urlsplit(url).netloc:
        raise errors.invalid(f"The field {name} is invalid")
    return url


def _streaming(options: Any) -> StreamingOptions | None:
    if options is None:
        return None
    if not isinstance(options, dict):
        raise errors.invalid("mediaStreamingOptions is no object")
    for name, allowed in (
        ("transportType", ("websocket",)),
        ("contentType", ("audio",)),
        ("audioChannelType", ("mixed", "unmixed")),
    ):
        if str(options.get(name, "")).lower() not in allowed:
            raise errors.invalid(f"mediaStreamingOptions.{name} is none of {', '.join(allowed)}")
    rate_hz = RATES_HZ.get(str(options.get("audioFormat") or "pcm16KMono").lower())
    if rate_hz is None:
        raise errors.invalid("mediaStreamingOptions.audioFormat is neither pcm16KMono nor pcm24KMono")
    return StreamingOptions(
        transport_url=_url(options, "transportUrl", ("ws", "wss")),
        unmixed=options["audioChannelType"].lower() == "unmixed",
        rate_hz=rate_hz,
        bidirectional=options.get("enableBidirectional") is True,
        dtmf=options.get("enableDtmfTones") is True,
        start=options.get("startMediaStreaming") is True,
    )


def _order(body: Body) -> Order:
    context = body.get("operationContext")
    url = _url(body, "operationCallbackUri", ("http", "https")) if body.get("operationCallbackUri") else None
    return Order(context if isinstance(context, str) else None, url)


def _target(target: Any) -> str:
    raw_id = target.get("rawId") if isinstance(target, dict) else None
    if not raw_id and isinstance(target, dict):
        phone, user = target.get("phoneNumber"), target.get("communicationUser")
        raw_id = f"4:{phone.get('value')}" if isinstance(phone, dict) else (user or {}).get("id")
    try:
        return raw_id_of(str(raw_id))
    except ValueError as error:
        raise errors.invalid(f"a target has no usable rawId: {error}") from error


def _properties(call: Call) -> Body:
    """CallConnectionProperties (sheet 6.4)."""
    if call.leg is None or call.set_up is None:
        raise errors.not_established(call.id)
    own = call.set_up.own_raw_id
    body: Body = {
        "callConnectionId": call.leg.call_connection_id,
        "serverCallId": call.server_call_id,
        "targets": [identifier(target) for target in (call.targets or [call.callee])],
        "callConnectionState": call.phase,
        "callbackUri": call.set_up.callback_url,
        "sourceDisplayName": "",
        "source": identifier(call.caller if call.direction == "inbound" else own),
        "correlationId": call.correlation_id,
    }
    if call.caller.startswith("4:+"):
        body["sourceCallerIdNumber"] = {"value": call.caller[2:]}
    if call.direction == "inbound":
        body["answeredBy"] = {"id": own}
        if call.callee.startswith("4:+"):
            body["answeredFor"] = {"value": call.callee[2:]}
    if call.media is not None:
        body["mediaStreamingSubscription"] = {
            "id": call.media.subscription_id,
            "state": "active" if call.media.state in ("streaming", "stopping") else "inactive",
            "subscribedContentTypes": ["audio"],
        }
    return body
