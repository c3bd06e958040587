"""Forged and stolen tokens at both of Azure's doors, over real connections: none opens one, none is felt next door."""

import json
import time
from collections.abc import Iterator
from uuid import uuid4

from tests.azure_stand_in import bearer, callback
from tests.calls.forger import Forger
from tests.hostile.neighbour import Neighbour
from tests.hostile.wire import Wire, request
from tests.streaming.doorstep import AzureCall, Door

Header = tuple[str, str]
# A space behind a header's value is no part of it (RFC 9110, 5.5), so what arrives is a good token.
NO_FORGERY = {"trailing space"}
# What a server itself may answer before any door is asked; 0 if it just closes.
MALFORMED = {400, 401, 414, 431, 0}


def forged() -> Iterator[tuple[str, list[Header], set[int]]]:
    """What is wrong, the headers, and the statuses that refuse it."""
    forger = Forger(time.time())
    for name, (value, _) in forger.kinds().items():
        if name not in NO_FORGERY:
            sendable = value is None or (value.isascii() and value.isprintable() and len(value) < 8_000)
            yield name, [] if value is None else [("Authorization", value)], {401} if sendable else MALFORMED
    good = bearer()
    yield "two headers", [("Authorization", bearer()), ("Authorization", good)], {401}
    yield "two headers, one forged", [("Authorization", good), ("authorization", "Bearer x.y.z")], {401}
    yield "a megabyte", [("Authorization", "Bearer " + "A" * 1_048_576)], MALFORMED
    yield "in a header of a proxy", [("Proxy-Authorization", good)], {401}
    yield "in a header of its own", [("X-Authorization", good)], {401}
    yield "in a cookie", [("Cookie", f"Authorization={good.removeprefix('Bearer ')}")], {401}
    yield "as a subprotocol", [("Sec-WebSocket-Protocol", f"bearer, {good.removeprefix('Bearer ')}")], {401}
    yield "a space before the colon", [("Authorization ", good)], MALFORMED
    yield "a NUL behind it", [("Authorization", good + "\0")], MALFORMED
    yield "a password", [("Authorization", "Basic " + "YWRtaW46YWRtaW4=")], {401}
    yield "the token of another resource", [("Authorization", bearer(aud=str(uuid4())))], {401}


def at_callbacks(call: AzureCall, headers: list[Header], url: str = "") -> int:
    """The status with which the door for callbacks answers."""
    body = json.dumps([callback("CallDisconnected", call.connection_id)]).encode()
    path = (url or call.callback_url).removeprefix(call.door.stack.portal)
    sent = [("Host", "localhost"), ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers]
    with Wire(call.callback_url) as wire:
        wire.send(request("POST", path, sent, body))
        return wire.status()


def at_media(call: AzureCall, headers: list[Header], url: str = "") -> int:
    with Wire(url or call.transport_url) as wire:
        return wire.open([("x-ms-call-connection-id", call.connection_id), *headers])


def test_no_forged_token_opens_a_door(door: Door, neighbour: Neighbour) -> None:
    call = door.call()

    def attack() -> None:
        before, tried = len(door.log), 0
        for name, headers, refused in forged():
            answered = at_callbacks(call, headers)
            assert answered in refused, f"callbacks: {name}: {answered}"
            opened = at_media(call, headers)
            assert opened in ({403, *MALFORMED} if door.kind == "daphne" else refused), f"media: {name}: {opened}"
            tried += 1
        assert tried >= 110
        said = door.log[before:]
        assert said.count("refused a request: callback_token_") >= 100
        assert said.count("refused a socket: token_") >= 100
        for name, headers, _ in forged():
            assert not [part for _, value in headers for part in value.split(".") if len(part) > 60 and part in said], (
                name
            )

    neighbour.unharmed_by("forged tokens", attack)
    assert (call.row()["state"], call.streams()) == ("connected", [])


def test_a_token_in_the_address_opens_no_door(door: Door) -> None:
    call = door.call()
    token = bearer().removeprefix("Bearer ")
    before = len(door.log)
    for name in ("access_token", "Authorization", "token", "jwt"):
        tail = f"?{name}={token}"
        assert at_callbacks(call, [], call.callback_url + tail) == 401
        assert at_media(call, [], call.transport_url + tail) in {401, 403}
    assert token not in door.log[before:]
    assert call.row()["state"] == "connected"


def test_a_stolen_token_opens_no_second_socket(door: Door) -> None:
    """One token, one stream (S3): not a second of the same call, and none of another."""
    call, other = door.call(), door.call()
    stolen = bearer()
    with Wire(call.transport_url) as wire:
        assert wire.open([("x-ms-call-connection-id", call.connection_id), ("Authorization", stolen)]) == 101
        for each in (call, other):
            assert at_media(each, [("Authorization", stolen)]) in {401, 403}
        assert wire.is_open
    assert at_media(call, [("Authorization", stolen)]) in {401, 403}
    assert [len(each.streams()) for each in (call, other)] == [1, 0]


def test_a_good_token_is_still_let_in(door: Door) -> None:
    call = door.call()
    for header in ("Authorization", "authorization", "AUTHORIZATION"):
        assert at_media(call, [(header, bearer())]) == 101
    assert at_callbacks(call, [("Authorization", bearer().replace("Bearer", "bearer"))]) == 200
