"""Requests' bodies, for any server: no larger and no slower than their address has a use for.

Django reads a body to its end, onto the disk if it is large, before it asks who sends it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from django.core.exceptions import RequestAborted

from acsportal.guards.limits import body_limits
from calls.counters import count

Scope = dict[str, Any]
Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

ANSWERS: Final = {413: b"The body is too large.\n", 408: b"The body came too slowly.\n"}


class _Refused(RequestAborted):
    """Django takes its base for a visitor who has left, and answers nothing."""


class _Body:
    """One request's body on its way in."""

    def __init__(self, receive: Receive, most_bytes: int, within_s: float) -> None:
        self._receive = receive
        self._left = most_bytes
        self._until_s = time.monotonic() + within_s
        self._whole = False
        self.refused = 0

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()  # until the visitor leaves
        try:
            async with asyncio.timeout(max(0.0, self._until_s - time.monotonic())):
                message = await self._receive()
        except TimeoutError:
            raise self._refuse(408) from None
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            self._whole = not message.get("more_body", False)
            if self._left < 0:
                raise self._refuse(413)
        return message

    def _refuse(self, status: int) -> _Refused:
        self.refused = status
        return _Refused(ANSWERS[status].decode())


async def limited(application: Application, scope: Scope, receive: Receive, send: Send) -> None:
    """Runs the application with a body that keeps within its limits; answers 413 or 408 for it where it does not."""
    headers = dict(scope["headers"])
    most_bytes, within_s = body_limits(scope["path"], headers.get(b"content-type", b"").decode("latin-1"))
    said = headers.get(b"content-length", b"0")
    if said.isdigit() and int(said[:20]) > most_bytes:
        await _answer(413, send)
        return
    body = _Body(receive, most_bytes, within_s)
    answered = False

    async def noticed(message: Message) -> None:
        nonlocal answered
        answered = True
        await send(message)

    try:
        await application(scope, body.receive, noticed)
    except _Refused:
        if answered:
            raise
    if body.refused and not answered:
        await _answer(body.refused, send)


async def _answer(status: int, send: Send) -> None:
    count("refused_body_too_large" if status == 413 else "refused_body_too_slow")
    headers = [(b"content-type", b"text/plain"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": ANSWERS[status]})
