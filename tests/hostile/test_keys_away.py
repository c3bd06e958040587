"""Azure's key server is slow, gone, wrong or changed while strangers ask for keys that nobody has."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from tests.azure_stand_in import bearer, callback
from tests.calls.forger import AUDIENCE, HEADER, ISSUER, OTHER_KEY, other_key, part, token
from tests.calls.loopback import Loopback, Reply, Seen, loopback
from tests.calls.test_keys import jwk
from tests.hostile.conftest import KINDS
from tests.hostile.neighbour import Neighbour, neighbour_of
from tests.hostile.wire import Wire
from tests.journeys.conftest import services_answer
from tests.journeys.stack import ask
from tests.rings import count_of
from tests.streaming.doorstep import AzureCall, Door, opened

ROTATED_WITHIN_S = 5.0
PAUSE_S = 30.0


@dataclass
class Keys:
    """The key server of a portal: `reply` overrules its answers."""

    server: Loopback
    reply: Callable[[], Reply] | None = None
    keys: list[Any] = field(default_factory=lambda: [jwk("one")])
    asked_s: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.server.answer = self._answer

    def _answer(self, seen: Seen) -> Reply:
        if seen.path == "/oidc":
            self.asked_s.append(time.monotonic())
        if self.reply is not None:
            return self.reply()
        if seen.path == "/oidc":
            return Reply.of({"issuer": ISSUER, "jwks_uri": f"{self.server.url}/keys"})
        return Reply.of({"keys": self.keys})

    def slow(self) -> Reply:
        self.server.released.wait(30)
        return Reply(503)


@dataclass
class Scene:
    door: Door
    neighbour: Neighbour
    keys: Keys


@contextmanager
def scene_of(kind: str, folder: Any) -> Iterator[Scene]:
    """A portal with a key server of its own; its neighbour's token was judged by the first fetch."""
    with loopback() as server:
        keys = Keys(server)
        with opened(kind, folder, ACS_OIDC_URL=f"{server.url}/oidc") as door, neighbour_of(door) as neighbour:
            yield Scene(door, neighbour, keys)


@pytest.fixture(params=KINDS)
def scene(request: pytest.FixtureRequest, tmp_path: Any, lacks: Any) -> Iterator[Scene]:
    if request.param == "uvicorn" and not services_answer():
        lacks("PostgreSQL and Redis on 127.0.0.1")
    with scene_of(request.param, tmp_path) as found:
        yield found


def unknown(kid: str = "") -> str:
    """A token whose key nobody has."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 300}
    return "Bearer " + token({**HEADER, "kid": kid or str(uuid4())}, claims, other_key)


def told(call: AzureCall, header: str) -> int:
    events = [callback("CallTransferAccepted", call.connection_id)]
    return ask("POST", call.callback_url, events, {"Authorization": header}).status


def knocked(call: AzureCall, header: str) -> int:
    with Wire(call.transport_url) as wire:
        return wire.open([("x-ms-call-connection-id", call.connection_id), ("Authorization", header)])


def good_ones_pass(call: AzureCall, times: int) -> None:
    for _ in range(times):
        began_s = time.monotonic()
        assert told(call, bearer()) == 200
        assert time.monotonic() - began_s < 2
        assert knocked(call, bearer()) == 101


TROUBLES: dict[str, Callable[[Keys], Reply]] = {
    "slow": Keys.slow,
    "away": lambda _keys: Reply(503),
    "a page": lambda _keys: Reply(200, b"<html><body>Sign in to the hotel's network</body></html>"),
    "endless": lambda keys: Reply(200, keys.server.trickle(), length=10_000_000),
    "huge": lambda _keys: Reply(200, b" " * 5_000_000),
    "ten thousand keys": lambda keys: Reply.of({"jwks_uri": f"{keys.server.url}/keys", "keys": [jwk("k0")] * 10_000}),
    "keys of another kind": lambda keys: Reply.of(
        {"jwks_uri": f"{keys.server.url}/keys", "keys": [{"kty": "oct", "kid": "one", "k": "c2VjcmV0"}]}
    ),
    "another scheme": lambda _keys: Reply.of({"jwks_uri": "file:///etc/passwd"}),
}


def strangers(call: AzureCall, headers: list[str]) -> None:
    """Ask for keys that nobody has, at both doors, two at a time, while good tokens come as well."""
    wrong: list[int] = []

    def ask_on(start: int) -> None:
        for number, header in enumerate(headers[start::2]):
            status = told(call, header) if number % 2 else knocked(call, header)
            if status not in {401, 403, 503}:
                wrong.append(status)

    asking = [threading.Thread(target=ask_on, args=(start,)) for start in range(2)]
    for each in asking:
        each.start()
    good_ones_pass(call, 10)
    for each in asking:
        each.join()
    assert not wrong


@pytest.mark.parametrize(
    ("scene", "trouble"),
    [
        ("daphne", "slow"),
        pytest.param("uvicorn", "slow", marks=pytest.mark.long),
        *(pytest.param("daphne", name, marks=pytest.mark.long) for name in TROUBLES if name != "slow"),
    ],
    indirect=["scene"],
)
def test_calls_go_on_while_the_key_server_is_in_trouble(scene: Scene, trouble: str) -> None:
    call, keys = scene.door.call(), scene.keys
    fetched = len(keys.asked_s)
    keys.reply = lambda: TROUBLES[trouble](keys)
    headers = [unknown() for _ in range(64)]
    began_s = time.monotonic()
    scene.neighbour.unharmed_by(f"key server: {trouble}", lambda: strangers(call, headers))
    assert 1 <= len(keys.asked_s) - fetched <= 1 + (time.monotonic() - began_s) / PAUSE_S
    assert told(call, unknown()) in {401, 503}
    keys.reply = None


def test_a_new_key_is_found_at_once(scene: Scene) -> None:
    call, keys = scene.door.call(), scene.keys
    keys.keys = [jwk("one"), jwk("two", OTHER_KEY)]
    began_s = time.monotonic()
    assert told(call, unknown("two")) == 200
    assert time.monotonic() - began_s < ROTATED_WITHIN_S
    assert knocked(call, unknown("two")) == 101


@pytest.mark.long
def test_many_unknown_keys_cost_two_fetches_a_minute(scene: Scene) -> None:
    """Ten thousand are asked for without a network in tests/calls/test_auth.py."""
    call, keys = scene.door.call(), scene.keys
    fetched, began_s = len(keys.asked_s), time.monotonic()
    claims, signature = unknown().split(".")[1:]
    headers = [
        f"Bearer {part({**HEADER, 'kid': f'k{number}'})}.{claims}.{signature}" for number in range(count_of(2_000, 400))
    ]
    scene.neighbour.unharmed_by("2,000 unknown keys", lambda: strangers(call, headers))
    assert len(keys.asked_s) - fetched <= 1 + (time.monotonic() - began_s) / PAUSE_S
