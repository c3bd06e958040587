"""Azure's REST face: signature, repeatability, dispatch to ``operations``; sections 6.1 to 6.5 of the sheet.

What no operation is known for is refused as Azure refuses what it does not support: 405, code 8520.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from acsportal.emulator import errors
from acsportal.emulator.errors import AzureError
from acsportal.emulator.exchange import Exchange
from acsportal.emulator.identity import signature_fault
from acsportal.emulator.operations import media, peopling, recordings, setting_up, streaming, transcribing
from acsportal.emulator.operations.asking import Answer, Ask, Body

REMEMBERED = 10_000
ADDRESSED = re.compile(r"(callConnections|recordings)/([^/:]+)(.*)")
OF_PARTICIPANT = "/participants/"

OPERATIONS: Mapping[str, Callable[[Ask], Answer]] = {
    **setting_up.OPERATIONS,
    **peopling.OPERATIONS,
    **media.OPERATIONS,
    **streaming.OPERATIONS,
    **transcribing.OPERATIONS,
    **recordings.OPERATIONS,
}


class Rest:
    """``/calling/…`` for operations and ``/v1/objects/…`` for recorded files."""

    def __init__(self, exchange: Exchange, access_key: str) -> None:
        self._exchange = exchange
        self._access_key = access_key
        self._answered: OrderedDict[tuple[str, str, str], Answer] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        one = "/v1/objects/{document}"
        return [
            web.route("*", "/calling/{operation:.*}", self.respond),
            web.get(f"{one}/content/audio", self.download),
            web.get(f"{one}/content/acsmetadata", self.metadata),
            web.delete(one, self.delete),
        ]

    async def respond(self, request: web.Request) -> web.StreamResponse:
        try:
            content = await request.read()
            self._verify(request, content)
            status, body = self._once(request, content)
        except AzureError as error:
            status, body = error.status, error.body()
        return web.Response(status=status) if body is None else web.json_response(body, status=status)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """The recorded file, or the range of it that was asked for."""
        try:
            self._verify(request, b"")
            stored = self._exchange.archive.stored(request.match_info["document"])
        except AzureError as error:
            return _refusal(error)
        return web.FileResponse(stored.path, headers={"Content-Type": "application/octet-stream"})

    async def metadata(self, request: web.Request) -> web.StreamResponse:
        try:
            self._verify(request, b"")
            return web.json_response(self._exchange.archive.stored(request.match_info["document"]).metadata)
        except AzureError as error:
            return _refusal(error)

    async def delete(self, request: web.Request) -> web.StreamResponse:
        try:
            self._verify(request, await request.read())
            self._exchange.archive.delete(request.match_info["document"])
        except AzureError as error:
            return _refusal(error)
        return web.Response(status=200)

    def _verify(self, request: web.Request, content: bytes) -> None:
        """Requests for files are signed with the resource's own host, which is named beside (sheet 6.2)."""
        headers: dict[str, str] = {**request.headers}
        if resource := request.headers.get("x-ms-host"):
            socket_name = request.get_extra_info("sockname")
            headers["Host"] = resource if ":" in resource else f"{resource}:{socket_name[1]}"
        fault = signature_fault(self._access_key, request.method, request.raw_path, headers, content)
        if fault:
            raise errors.signature_refused(fault)

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
        shape, own_id, raw_id = _shape(request.raw_path.partition("?")[0].removeprefix("/calling/"))
        operation = OPERATIONS.get(f"{request.method} {shape}")
        if operation is None:
            raise errors.not_supported(f"{request.method} {shape}")
        origin, version = f"http://{request.host}", request.query.get("api-version", "")
        return operation(Ask(self._exchange, _json_object(content), own_id, raw_id, version, origin))


def _shape(path: str) -> tuple[str, str, str]:
    """The path with its ids replaced by names; the id; the participant's raw id."""
    match = ADDRESSED.fullmatch(path)
    if match is None:
        return path, "", ""
    kind, own_id, rest = match.groups()
    if rest.startswith(OF_PARTICIPANT):
        raw_id = unquote(rest.removeprefix(OF_PARTICIPANT))
        return f"{kind}/{{id}}{OF_PARTICIPANT}{{rawId}}", unquote(own_id), raw_id
    return f"{kind}/{{id}}{rest}", unquote(own_id), ""


def _json_object(content: bytes) -> Body:
    if not content:
        return {}
    try:
        body: Any = json.loads(content)
    except ValueError as error:
        raise errors.invalid("the body is no JSON") from error
    if not isinstance(body, dict):
        raise errors.invalid("the body is no JSON object")
    return body


def _refusal(error: AzureError) -> web.Response:
    return web.json_response(error.body(), status=error.status)
