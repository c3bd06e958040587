"""Who is let in where Azure dials: its media sockets and its transcription sockets, by the same rules.

URL token first, then the JWT, then what the database knows of the call: its connection id, and whether the JWT has
opened a socket before. Whoever is not let in is told so by HTTP, counted, and named on the call's timeline.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Concatenate, ParamSpec, TypeVar
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from calls import tokens
from calls.auth import token_verifier
from calls.background import at_door
from calls.counters import count
from calls.errors import CallError
from calls.services.sockets import Caller
from calls.services.upkeep.troubles import tell_refused_socket
from calls.tokens import TokenError, read_call_token
from streaming.journal import journal

log = logging.getLogger(__name__)

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Opened = TypeVar("Opened")
More = ParamSpec("More")


@dataclass(frozen=True, slots=True)
class Door:
    """`name` says whose URL tokens fit; `refusal` is the event that a call's timeline gets when one is turned away."""

    name: tokens.Door
    refusal: str


class Refused(Exception):  # noqa: N818 (an answer, not a fault)
    """The socket is not let in; `status` is the HTTP status of the refusal."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def let_in(
    scope: dict[str, Any],
    door: Door,
    enter: Callable[Concatenate[UUID, Caller, More], Opened],
    *args: More.args,
    **kwargs: More.kwargs,
) -> Opened:
    """What `enter` answers for the call of the URL and whoever knocks; raises Refused."""
    try:
        call_id = read_call_token(scope["url_route"]["kwargs"]["token"], door.name)
    except TokenError as error:
        raise Refused(403, f"url_{error.reason}") from error
    caller = await _caller(scope, door, call_id)
    try:
        return await at_door(enter, call_id, caller, *args, **kwargs)
    except CallError as error:
        journal.offer(tell_refused_socket, call_id, error.code, error.message, event_type=door.refusal)
        raise Refused(error.status, error.code) from error
    except (DatabaseError, InterfaceError) as error:
        raise Refused(503, "database_away") from error


async def _caller(scope: dict[str, Any], door: Door, call_id: UUID) -> Caller:
    headers = _headers(scope)
    admission = await token_verifier().aadmit(headers.get("authorization"), settings.ACS_TOKEN_CHECK)
    if not admission.let_in:
        journal.offer(tell_refused_socket, call_id, admission.reason, event_type=door.refusal)
        raise Refused(admission.refusal_status, f"token_{admission.reason}")
    if admission.reason:
        log.warning("call %s: a socket was let in although its token is bad: %s", call_id, admission.reason)
    claims = admission.claims
    return Caller(
        connection_id=headers.get("x-ms-call-connection-id", "")[:128],
        correlation_id=headers.get("x-ms-call-correlation-id", "")[:128],
        token_digest=claims.digest if claims else "",
        token_expires_at=claims.expires_at if claims else 0.0,
        enforce=settings.ACS_TOKEN_CHECK == "enforce",  # noqa: S105 (no password)
    )


def _headers(scope: dict[str, Any]) -> dict[str, str]:
    """Header names in lower case; one that comes twice is refused, as it could be read in two ways."""
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in found and (name == "authorization" or name.startswith("x-ms-")):
            raise Refused(401, "token_ambiguous")
        found[name] = raw_value.decode("latin-1")
    return found


async def refuse(scope: dict[str, Any], send: Send, door: Door, refusal: Refused) -> None:
    """Tells the peer, and the log in one line without a secret."""
    times = count(f"refused_{door.name}_{refusal.reason}")
    log.warning("the %s door refused a socket: %s (%d so far)", door.name, refusal.reason, times)
    if "websocket.http.response" in scope.get("extensions", {}):
        await send({"type": "websocket.http.response.start", "status": refusal.status, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})
    else:
        await send({"type": "websocket.close"})  # Daphne answers 403
