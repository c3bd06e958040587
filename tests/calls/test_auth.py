import asyncio
import base64
import hashlib
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from calls.auth import AuthError, AzureTokenVerifier, token_verifier
from tests.calls.forger import (
    ATTACKER_JWK,
    AUDIENCE,
    GONE,
    HEADER,
    ISSUER,
    OTHER_KEY,
    Forger,
    other_key,
    part,
    respelled,
)
from tests.calls.loopback import Loopback, Reply, loopback
from tests.calls.test_keys import Clock, KeyServer, jwk

NOW = 1_795_160_000.0
FORGER = Forger(NOW)
FORGED = FORGER.kinds() | {"nbf just beyond the leeway": (FORGER.with_claims(nbf=NOW + 61), "not_yet_valid")}
GOOD = FORGER.good
HEAD, BODY, SIGNATURE = GOOD.split(".")
with_header, with_claims = FORGER.with_header, FORGER.with_claims


@dataclass
class Door:
    """A verifier with its key server and its clocks."""

    server: KeyServer
    clock: Clock = field(default_factory=Clock)
    wall: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.wall.now = NOW
        self.verifier = AzureTokenVerifier(
            f"{self.server.door.url}/oidc", ISSUER, AUDIENCE, clock=self.wall, monotonic=self.clock
        )

    def refusal(self, header: str | None) -> str:
        with pytest.raises(AuthError) as caught:
            self.verifier.verify(header)
        return caught.value.reason


@pytest.fixture
def loop_door() -> Iterator[Loopback]:
    with loopback() as server:
        yield server


@pytest.fixture
def door(loop_door: Loopback) -> Door:
    return Door(KeyServer(loop_door))


@pytest.fixture(scope="module")
def busy() -> Iterator[Door]:
    """A door that has its keys and has just looked for an unknown one, so that nothing more goes over the network."""
    with loopback() as server:
        door = Door(KeyServer(server))
        door.verifier.verify(f"Bearer {GOOD}")
        assert door.refusal(with_header(kid="first unknown")) == "unknown_key"
        yield door


def test_there_are_many_kinds_of_forgery() -> None:
    assert len(FORGED) >= 40


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_token_is_refused_fast_and_without_network(name: str, busy: Door) -> None:
    header, reason = FORGED[name]
    before = len(busy.server.door.seen)
    times = []
    for _ in range(5):
        started = time.perf_counter()
        assert busy.refusal(header) == reason
        times.append(time.perf_counter() - started)
    assert min(times) < 0.005
    assert len(busy.server.door.seen) == before


def test_the_respelled_signature_differs_only_in_spelling() -> None:
    other = respelled(SIGNATURE)
    assert other != SIGNATURE
    assert base64.urlsafe_b64decode(other + "==") == base64.urlsafe_b64decode(SIGNATURE + "==")


@pytest.mark.parametrize(
    "header",
    [
        f"Bearer {GOOD}",
        f"bearer {GOOD}",
        f"BEARER {GOOD}",
        with_claims(aud=["another", AUDIENCE]),
        with_claims(exp=NOW - 59),
        with_claims(nbf=NOW + 59, iat=NOW + 9999, jti=7, sub=None),
        with_claims(exp=NOW + 0.5),
        with_header(typ=GONE),
        with_header(jku="http://127.0.0.1:1/", jwk=ATTACKER_JWK, x5u="http://127.0.0.1:1/"),
    ],
)
def test_a_token_of_azure_is_let_in(header: str, busy: Door) -> None:
    claims = busy.verifier.verify(header)
    assert (claims.issuer, claims.audience) == (ISSUER, AUDIENCE)
    assert claims.digest == hashlib.sha256(header.partition(" ")[2].encode()).hexdigest()


def test_a_good_token_is_judged_in_well_under_five_milliseconds(busy: Door) -> None:
    times = []
    for _ in range(50):
        started = time.perf_counter()
        busy.verifier.verify(f"Bearer {GOOD}")
        times.append(time.perf_counter() - started)
    assert statistics.median(times) < 0.005


def test_two_tokens_have_two_digests(busy: Door) -> None:
    first = busy.verifier.verify(f"Bearer {GOOD}")
    assert busy.verifier.verify(f"Bearer {GOOD}") == first
    assert busy.verifier.verify(with_claims(jti="2")).digest != first.digest


def test_a_rotated_key_is_accepted_at_once(door: Door) -> None:
    door.verifier.verify(f"Bearer {GOOD}")
    door.server.keys = [jwk("one"), jwk("two", OTHER_KEY)]
    rotated = "Bearer " + FORGER.token(header={**HEADER, "kid": "two"}, sign=other_key)
    started = time.monotonic()
    door.verifier.verify(rotated)
    assert time.monotonic() - started < 5


def test_tokens_are_judged_through_a_day_without_key_server(door: Door) -> None:
    door.verifier.verify(f"Bearer {GOOD}")
    door.server.broken = Reply(503)
    for _ in range(24):
        door.clock.now += 3600
        door.verifier.verify(f"Bearer {GOOD}")
    door.clock.now += 1
    assert door.refusal(f"Bearer {GOOD}") == "keys_unavailable"


def test_a_wall_clock_that_jumps_does_not_age_the_keys(door: Door) -> None:
    door.verifier.verify(f"Bearer {GOOD}")
    door.server.broken = Reply(503)
    door.wall.now -= 3600 * 48
    door.verifier.verify(f"Bearer {GOOD}")
    assert door.server.fetches == 1


def test_ten_thousand_unknown_keys_cost_two_fetches(door: Door) -> None:
    door.verifier.verify(f"Bearer {GOOD}")
    before = door.server.fetches
    for index in range(10_000):
        forged = f"Bearer {part({**HEADER, 'kid': f'k{index}'})}.{BODY}.{SIGNATURE}"
        assert door.refusal(forged) == "unknown_key"
    assert door.server.fetches - before <= 2


def test_a_known_key_does_not_wait_for_a_slow_key_server(door: Door) -> None:
    door.verifier.verify(f"Bearer {GOOD}")
    door.server.door.answer = lambda _seen: door.server.door.hang()
    door.clock.now += 301
    started = time.monotonic()
    for _ in range(20):
        door.verifier.verify(f"Bearer {GOOD}")
    assert time.monotonic() - started < 1


def test_an_unknown_key_waits_at_most_four_seconds_and_never_blocks_the_event_loop(door: Door) -> None:
    door.server.door.answer = lambda _seen: Reply(200, door.server.door.trickle(), length=1_000_000)

    async def both() -> tuple[str, float, float]:
        started = time.monotonic()
        judged = asyncio.create_task(door.verifier.averify(f"Bearer {GOOD}"))
        longest, last = 0.0, started
        while not judged.done():
            await asyncio.sleep(0.005)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        error = judged.exception()
        assert isinstance(error, AuthError)
        return error.reason, time.monotonic() - started, longest

    reason, took, longest = asyncio.run(both())
    assert reason == "keys_unavailable"
    assert took < 4.5
    assert longest < 0.5


def test_the_event_loop_gets_the_same_verdicts(door: Door) -> None:
    async def both() -> tuple[str, str | None]:
        claims = await door.verifier.averify(f"Bearer {GOOD}")
        refused = await door.verifier.aadmit(with_claims(exp=0), "enforce")
        assert (await door.verifier.aadmit(None, "off")).let_in
        return claims.digest, refused.reason

    assert asyncio.run(both()) == (hashlib.sha256(GOOD.encode()).hexdigest(), "expired")


def test_enforce_refuses_what_log_only_notes_and_off_never_reads(door: Door) -> None:
    good, bad = f"Bearer {GOOD}", with_claims(aud="another")
    assert door.verifier.admit(good, "enforce").let_in
    refused = door.verifier.admit(bad, "enforce")
    assert (refused.let_in, refused.reason, refused.refusal_status) == (False, "wrong_audience", 401)
    noted = door.verifier.admit(bad, "log")
    assert (noted.let_in, noted.reason, noted.claims) == (True, "wrong_audience", None)
    admitted = door.verifier.admit(good, "log")
    assert admitted.claims is not None
    unread = door.verifier.admit(None, "off")
    assert (unread.let_in, unread.reason, unread.claims) == (True, None, None)


def test_while_no_key_can_be_had_azure_is_asked_to_come_again(door: Door) -> None:
    door.server.broken = Reply(500)
    refused = door.verifier.admit(f"Bearer {GOOD}", "enforce")
    assert (refused.let_in, refused.reason, refused.refusal_status) == (False, "keys_unavailable", 503)


@pytest.mark.parametrize(("issuer", "audience"), [("", AUDIENCE), (ISSUER, "")])
def test_a_portal_that_knows_no_audience_lets_nobody_in(door: Door, issuer: str, audience: str) -> None:
    verifier = AzureTokenVerifier(f"{door.server.door.url}/oidc", issuer, audience)
    for header in (f"Bearer {GOOD}", with_claims(aud=""), with_claims(aud=None), None):
        refused = verifier.admit(header, "enforce")
        assert (refused.let_in, refused.reason, refused.refusal_status) == (False, "not_configured", 503)


def test_no_token_reaches_the_log(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        for header, _ in FORGED.values():
            door.verifier.admit(header, "enforce")
    assert SIGNATURE not in caplog.text
    assert BODY not in caplog.text


def test_new_settings_make_a_new_verifier(settings: Any) -> None:
    settings.ACS_RESOURCE_ID = AUDIENCE
    first = token_verifier()
    assert token_verifier() is first
    settings.ACS_RESOURCE_ID = "another"
    assert token_verifier() is not first
