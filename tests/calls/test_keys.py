import base64
import itertools
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import wait
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from calls.keys import KeysError, KeySet, fetch_document
from tests.calls.loopback import Loopback, Reply, Seen, loopback

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def number(value: int) -> str:
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).rstrip(b"=").decode()


def jwk(kid: Any, key: rsa.RSAPrivateKey = KEY, **members: Any) -> dict[str, Any]:
    public = key.public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "alg": "RS256",
        "kid": kid,
        "n": number(public.n),
        "e": number(public.e),
        **members,
    }


class KeyServer:
    """Azure's OpenID document and key set, behind a door that can be broken."""

    def __init__(self, door: Loopback) -> None:
        self.door = door
        self.keys: list[Any] = [jwk("one")]
        self.jwks_uri = f"{door.url}/keys"
        self.broken: Reply | None = None
        door.answer = self.answer

    def answer(self, seen: Seen) -> Reply:
        if self.broken is not None:
            return self.broken
        if seen.path == "/oidc":
            return Reply.of({"issuer": "https://issuer", "jwks_uri": self.jwks_uri})
        return Reply.of({"keys": self.keys})

    @property
    def fetches(self) -> int:
        return sum(seen.path == "/oidc" for seen in self.door.seen)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def door() -> Iterator[Loopback]:
    with loopback() as server:
        yield server


@pytest.fixture
def server(door: Loopback) -> KeyServer:
    return KeyServer(door)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys(server: KeyServer, clock: Clock) -> KeySet:
    return KeySet(f"{server.door.url}/oidc", monotonic=clock)


def settle(keys: KeySet, kid: str) -> bool:
    """Waits for what the set wants waited for; whether the key is then known."""
    pending = keys.pending(kid)
    if pending is not None:
        assert wait([pending], timeout=10).done
    return keys.get(kid) is not None


def finish(keys: KeySet) -> None:
    """Waits until a fetch in the background is over."""
    pending = keys._under_way
    if pending is not None:
        assert wait([pending], timeout=10).done


def test_the_first_token_fetches_the_keys_once(keys: KeySet, server: KeyServer) -> None:
    assert settle(keys, "one")
    for _ in range(100):
        assert keys.pending("one") is None
    assert server.fetches == 1


def test_warming_up_fetches_before_the_first_token(keys: KeySet, server: KeyServer) -> None:
    keys.warm()
    finish(keys)
    keys.warm()
    assert keys.pending("one") is None
    assert keys.get("one") is not None
    assert server.fetches == 1


def test_fifty_first_tokens_at_once_share_one_fetch(keys: KeySet, server: KeyServer) -> None:
    known = []
    threads = [threading.Thread(target=lambda: known.append(settle(keys, "one"))) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert known == [True] * 50
    assert server.fetches == 1


def test_an_old_set_serves_while_a_new_one_is_fetched(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    settle(keys, "one")
    answer = server.door.answer
    gate = threading.Event()

    def slow(seen: Seen) -> Reply:
        gate.wait(10)
        return answer(seen)

    server.door.answer = slow
    clock.now += 301
    assert keys.pending("one") is None
    assert keys.get("one") is not None
    background = keys._under_way
    assert background is not None
    for _ in range(100):
        assert keys.pending("one") is None
    gate.set()
    assert wait([background], timeout=10).done
    assert server.fetches == 2


def test_a_key_that_azure_withdrew_is_forgotten(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    settle(keys, "one")
    server.keys = [jwk("two")]
    clock.now += 301
    keys.pending("one")
    finish(keys)
    assert keys.get("one") is None
    assert keys.get("two") is not None


@pytest.mark.parametrize(
    "broken",
    [
        Reply(503),
        Reply(200, b"not json"),
        Reply.of([]),
        Reply.of({}),
        Reply.of({"jwks_uri": 7}),
        Reply.of({"jwks_uri": "file:///etc/passwd"}),
        Reply.of({"jwks_uri": "http://example.com/keys"}),
        Reply(302, b"", {"Location": "file:///etc/passwd"}),
        Reply(302, b"", {"Location": "https://127.0.0.1/keys"}),
        Reply(302, b"", {"Location": "/oidc"}),
        Reply(200, b"[" * 100_000),
    ],
)
def test_old_keys_serve_for_a_day_of_outage(keys: KeySet, server: KeyServer, clock: Clock, broken: Reply) -> None:
    settle(keys, "one")
    server.broken = broken
    for _ in range(4):
        clock.now += 6 * 3600
        assert keys.pending("one") is None
        assert keys.get("one") is not None
        finish(keys)
    clock.now += 1
    assert not settle(keys, "one")
    server.broken = None
    clock.now += 5
    assert settle(keys, "one")


@pytest.mark.parametrize("listed", [[], "keys", [7], [None, {}], [{"kty": "RSA"}]])
def test_a_poisoned_key_set_does_not_replace_a_good_one(
    keys: KeySet, server: KeyServer, clock: Clock, listed: Any
) -> None:
    settle(keys, "one")
    server.keys = listed
    clock.now += 301
    keys.pending("one")
    finish(keys)
    assert keys.get("one") is not None


def test_only_rsa_signing_keys_of_2048_bits_are_taken(keys: KeySet, server: KeyServer) -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    server.keys = [
        {"kty": "EC", "crv": "P-256", "kid": "ec", "x": number(curve.x), "y": number(curve.y)},
        {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
        jwk("weak", weak),
        jwk("enc", use="enc"),
        jwk("rs512", alg="RS512"),
        jwk(7),
        jwk(""),
        jwk("x" * 257),
        jwk("bad", n="!!"),
        jwk("x5c", x5c=["anything"]),
        jwk("one"),
    ]
    assert settle(keys, "one")
    assert sorted(keys._keys) == ["one", "x5c"]


def test_a_rotated_key_is_fetched_at_once(keys: KeySet, server: KeyServer) -> None:
    settle(keys, "one")
    server.keys = [jwk("one"), jwk("two")]
    started = time.monotonic()
    assert settle(keys, "two")
    assert time.monotonic() - started < 5


def test_ten_thousand_unknown_keys_cost_two_fetches_a_minute(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    settle(keys, "one")
    before = server.fetches
    for index in range(10_000):
        clock.now += 0.006
        assert not settle(keys, f"unknown-{index}")
    assert server.fetches - before <= 2


def test_an_unknown_key_never_makes_a_known_one_wait(keys: KeySet, server: KeyServer) -> None:
    settle(keys, "one")
    server.door.answer = lambda _seen: server.door.hang()
    assert keys.pending("unknown") is not None
    assert keys.pending("another") is not None
    assert keys.pending("one") is None
    assert keys.get("one") is not None


def test_without_any_key_the_server_is_asked_every_five_seconds(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    server.broken = Reply(503)
    for index in range(100):
        clock.now += 0.1
        assert not settle(keys, f"kid-{index}")
    assert server.fetches <= 3


def test_a_fetch_that_never_ends_is_replaced(keys: KeySet, server: KeyServer, clock: Clock) -> None:
    started = itertools.count()
    answer = server.door.answer

    def once(seen: Seen) -> Reply:
        return server.door.hang() if next(started) == 0 else answer(seen)

    server.door.answer = once
    assert keys.pending("one") is not None
    clock.now += 16
    assert settle(keys, "one")


def test_an_outage_is_logged_once_and_without_addresses_that_hold_secrets(
    door: Loopback, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    keys = KeySet(f"{door.url}/oidc?code=secret", monotonic=clock)
    for _ in range(3):
        settle(keys, "one")
        clock.now += 60
    assert len(caplog.records) == 1
    assert "secret" not in caplog.text


def test_a_document_over_one_mebibyte_is_refused(door: Loopback) -> None:
    door.answer = lambda _seen: Reply(200, json.dumps("x" * 1024 * 1024).encode())
    with pytest.raises(KeysError, match="more than 1048576 bytes"):
        fetch_document(door.url)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https:///nohost",
        "",
        "http://127.0.0.2.example",
    ],
)
def test_only_https_and_this_machine_are_asked(url: str) -> None:
    with pytest.raises(KeysError, match="neither https nor on this machine"):
        fetch_document(url)


def test_a_redirect_within_this_machine_is_followed(door: Loopback) -> None:
    door.answer = lambda seen: Reply.of({"a": 1}) if seen.path == "/b" else Reply(302, b"", {"Location": "/b"})
    assert fetch_document(door.url) == b'{"a": 1}'


def test_a_redirect_to_another_scheme_is_not_followed(door: Loopback) -> None:
    door.answer = lambda _seen: Reply(302, b"", {"Location": door.url.replace("http", "https")})
    with pytest.raises(KeysError, match="another scheme"):
        fetch_document(door.url)


def test_a_slow_key_server_is_given_up_after_three_seconds(door: Loopback) -> None:
    door.answer = lambda _seen: Reply(200, door.trickle(), length=1_000_000)
    started = time.monotonic()
    with pytest.raises(KeysError, match="took longer than 3 s"):
        fetch_document(door.url)
    assert time.monotonic() - started < 4
