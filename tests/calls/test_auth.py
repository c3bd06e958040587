import asyncio
import base64
import hashlib
import hmac
import json
import statistics
import string
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from calls.auth import AuthError, AzureTokenVerifier, token_verifier
from tests.calls.loopback import Loopback, Reply, loopback
from tests.calls.test_keys import KEY, Clock, KeyServer, jwk

ISSUER = "https://acscallautomation.communication.azure.com"
AUDIENCE = "00000000-0000-0000-0000-000000000001"
NOW = 1_795_160_000.0
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
CLAIMS = {"iss": ISSUER, "aud": AUDIENCE, "exp": NOW + 300}
HEADER = {"alg": "RS256", "kid": "one", "typ": "JWT"}
GONE = object()


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rs256(signed: bytes, key: rsa.RSAPrivateKey = KEY) -> bytes:
    return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def token(header: Any = HEADER, claims: Any = CLAIMS, sign: Callable[[bytes], bytes] = rs256) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(sign(signed.encode()))}"


def with_header(**members: Any) -> str:
    return "Bearer " + token(header={k: v for k, v in {**HEADER, **members}.items() if v is not GONE})


def with_claims(**members: Any) -> str:
    return "Bearer " + token(claims={k: v for k, v in {**CLAIMS, **members}.items() if v is not GONE})


def signed_by(sign: Callable[[bytes], bytes], **header: Any) -> str:
    return "Bearer " + token(header={**HEADER, **header}, sign=sign)


def public_key_as_secret(signed: bytes) -> bytes:
    return hmac.new(PUBLIC_PEM, signed, hashlib.sha256).digest()


def pss(signed: bytes) -> bytes:
    return KEY.sign(signed, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256())


def rs512(signed: bytes) -> bytes:
    return KEY.sign(signed, padding.PKCS1v15(), hashes.SHA512())


def es256(signed: bytes) -> bytes:
    return CURVE_KEY.sign(signed, ec.ECDSA(hashes.SHA256()))


def other_key(signed: bytes) -> bytes:
    return rs256(signed, OTHER_KEY)


GOOD = token()
HEAD, BODY, SIGNATURE = GOOD.split(".")
ATTACKER_JWK = jwk("one", OTHER_KEY)
DOUBLE_ALG = part(b'{"alg":"none","alg":"RS256","kid":"one"}')
DOUBLE_AUD = part(json.dumps(CLAIMS).replace('"aud"', '"aud": "someone", "aud"').encode())
# The same signature bytes in another spelling: the last sign of 256 bytes carries four bits that mean nothing.
ALPHABET = string.ascii_letters.swapcase() + string.digits + "-_"
RESPELLED = SIGNATURE[:-1] + ALPHABET[ALPHABET.index(SIGNATURE[-1]) + 1]

FORGED: dict[str, tuple[str | None, str]] = {
    "no header": (None, "no_token"),
    "empty header": ("", "no_token"),
    "no token": ("Bearer", "no_token"),
    "blank token": ("Bearer   ", "no_token"),
    "Basic scheme": (f"Basic {GOOD}", "wrong_scheme"),
    "token without scheme": (GOOD, "wrong_scheme"),
    "two tokens": (f"Bearer {GOOD} {GOOD}", "malformed"),
    "two headers joined": (f"Bearer {GOOD}, Bearer {GOOD}", "malformed"),
    "trailing space": (f"Bearer {GOOD} ", "malformed"),
    "trailing line": (f"Bearer {GOOD}\n", "malformed"),
    "trailing part": (f"Bearer {GOOD}.e30", "malformed"),
    "two dots in a row": (f"Bearer {HEAD}..{BODY}.{SIGNATURE}", "malformed"),
    "one dot": (f"Bearer {HEAD}.{BODY}", "malformed"),
    "four dots (JWE)": (f"Bearer {HEAD}.{BODY}.{SIGNATURE}.{BODY}.{SIGNATURE}", "malformed"),
    "empty header part": (f"Bearer .{BODY}.{SIGNATURE}", "malformed"),
    "empty payload": (f"Bearer {HEAD}..{SIGNATURE}", "malformed"),
    "empty signature": (f"Bearer {HEAD}.{BODY}.", "malformed"),
    "only dots": ("Bearer ..", "malformed"),
    "huge": ("Bearer " + "A" * 9000, "too_long"),
    "huge kid": (with_header(kid="k" * 9000), "too_long"),
    "unicode": (f"Bearer {HEAD}.{BODY}.{SIGNATURE[:-1]}é", "malformed"),
    "full-width dots": (f"Bearer {HEAD}．{BODY}．{SIGNATURE}", "malformed"),
    "percent escapes": (f"Bearer {HEAD}%2E{BODY}%2E{SIGNATURE}", "malformed"),
    "padded base64": (f"Bearer {HEAD}.{BODY}.{SIGNATURE}==", "malformed"),
    "respelled signature": (f"Bearer {HEAD}.{BODY}.{RESPELLED}", "malformed"),
    "header no JSON": (f"Bearer {part(b'RS256')}.{BODY}.{SIGNATURE}", "malformed"),
    "header an array": (f"Bearer {part([HEADER])}.{BODY}.{SIGNATURE}", "malformed"),
    "header nested": (f"Bearer {part(b'[' * 3000)}.{BODY}.{SIGNATURE}", "malformed"),
    "two algorithms": (f"Bearer {DOUBLE_ALG}.{BODY}.{SIGNATURE}", "malformed"),
    "two audiences, signed": (
        f"Bearer {HEAD}.{DOUBLE_AUD}.{part(rs256(f'{HEAD}.{DOUBLE_AUD}'.encode()))}",
        "malformed",
    ),
    **{
        f"alg {spelling!r}": (f"Bearer {part({**HEADER, 'alg': spelling})}.{BODY}.{SIGNATURE}", "wrong_algorithm")
        for spelling in ("none", "None", "NONE", "nOnE", "", "rs256", "RS256 ", "HS256", "dir", None, 1, ["RS256"])
    },
    "no alg": (with_header(alg=GONE), "wrong_algorithm"),
    "HS256 with our public key": (signed_by(public_key_as_secret, alg="HS256"), "wrong_algorithm"),
    "HMAC under the name RS256": (signed_by(public_key_as_secret), "bad_signature"),
    "ES256": (signed_by(es256, alg="ES256"), "wrong_algorithm"),
    "ES256 under the name RS256": (signed_by(es256), "bad_signature"),
    "RS512": (signed_by(rs512, alg="RS512"), "wrong_algorithm"),
    "RS512 under the name RS256": (signed_by(rs512), "bad_signature"),
    "PS256": (signed_by(pss, alg="PS256"), "wrong_algorithm"),
    "PS256 under the name RS256": (signed_by(pss), "bad_signature"),
    "other key, same kid": (signed_by(other_key), "bad_signature"),
    "own key in jwk": (signed_by(other_key, jwk=ATTACKER_JWK), "bad_signature"),
    "own key at jku": (signed_by(other_key, jku="http://127.0.0.1:1/keys"), "bad_signature"),
    "own key at x5u": (signed_by(other_key, x5u="http://127.0.0.1:1/cert"), "bad_signature"),
    "own key in x5c": (signed_by(other_key, x5c=[part(PUBLIC_PEM)]), "bad_signature"),
    "truncated signature": (f"Bearer {HEAD}.{BODY}.{part(rs256(f'{HEAD}.{BODY}'.encode())[:-1])}", "bad_signature"),
    "zero signature": (f"Bearer {HEAD}.{BODY}.{part(bytes(256))}", "bad_signature"),
    "tampered payload": (f"Bearer {HEAD}.{part({**CLAIMS, 'exp': NOW + 9999})}.{SIGNATURE}", "bad_signature"),
    "tampered header": (f"Bearer {part({**HEADER, 'typ': 'at+jwt'})}.{BODY}.{SIGNATURE}", "bad_signature"),
    "no kid": (with_header(kid=GONE), "malformed"),
    "empty kid": (with_header(kid=""), "malformed"),
    "kid a number": (with_header(kid=1), "malformed"),
    "kid a list": (with_header(kid=["one"]), "malformed"),
    "kid unknown": (with_header(kid="two"), "unknown_key"),
    "kid a path": (with_header(kid="../../../../dev/null"), "unknown_key"),
    "kid an address": (with_header(kid="http://127.0.0.1:1/keys"), "unknown_key"),
    "kid SQL": (with_header(kid="' OR '1'='1"), "unknown_key"),
    "kid a command": (with_header(kid="one; rm -rf /"), "unknown_key"),
    "kid with NUL": (with_header(kid="one\0"), "unknown_key"),
    "kid in capitals": (with_header(kid="ONE"), "unknown_key"),
    "crit": (with_header(crit=["exp"]), "malformed"),
    "crit b64": (with_header(crit=["b64"], b64=False), "malformed"),
    "b64 false": (with_header(b64=False), "malformed"),
    "expired": (with_claims(exp=NOW - 61), "expired"),
    "expired in milliseconds before": (with_claims(exp=0), "expired"),
    "exp negative": (with_claims(exp=-(10**300)), "expired"),
    "no exp": (with_claims(exp=GONE), "malformed"),
    "exp null": (with_claims(exp=None), "malformed"),
    "exp text": (with_claims(exp="2099-01-01"), "malformed"),
    "exp true": (with_claims(exp=True), "malformed"),
    "exp infinite": (with_claims(exp=float("inf")), "malformed"),
    "exp not a number": (with_claims(exp=float("nan")), "malformed"),
    "exp beyond floats": (with_claims(exp=10**400), "malformed"),
    "nbf in the future": (with_claims(nbf=NOW + 61), "not_yet_valid"),
    "nbf text": (with_claims(nbf="now"), "malformed"),
    "other issuer": (with_claims(iss="https://evil.example"), "wrong_issuer"),
    "issuer with slash": (with_claims(iss=ISSUER + "/"), "wrong_issuer"),
    "issuer list": (with_claims(iss=[ISSUER]), "wrong_issuer"),
    "no issuer": (with_claims(iss=GONE), "wrong_issuer"),
    "other audience": (with_claims(aud="another-resource"), "wrong_audience"),
    "audience list of others": (with_claims(aud=["a", "b"]), "wrong_audience"),
    "audience in a list in a list": (with_claims(aud=[[AUDIENCE]]), "wrong_audience"),
    "audience as a key": (with_claims(aud={AUDIENCE: True}), "wrong_audience"),
    "audience as a part": (with_claims(aud=AUDIENCE + "0"), "wrong_audience"),
    "empty audience list": (with_claims(aud=[]), "wrong_audience"),
    "no audience": (with_claims(aud=GONE), "wrong_audience"),
    "payload an array": ("Bearer " + token(claims=[CLAIMS]), "malformed"),
    "payload text": ("Bearer " + token(claims="claims"), "malformed"),
    "payload not JSON": ("Bearer " + token(claims=b"\xff\x00"), "malformed"),
    "payload nested": ("Bearer " + token(claims=b"[" * 3000), "malformed"),
}


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
    assert RESPELLED != SIGNATURE
    assert base64.urlsafe_b64decode(RESPELLED + "==") == base64.urlsafe_b64decode(SIGNATURE + "==")


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
    rotated = "Bearer " + token(header={**HEADER, "kid": "two"}, sign=other_key)
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
