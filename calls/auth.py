"""Azure's bearer tokens at our doors: callbacks (a new one each, 5 min) and media sockets (one per socket, 24 h).

Only RS256 with a key from Azure's own key set, the configured issuer and audience, and an expiry. Nothing inside the
token chooses the algorithm or the key's origin: `kid` is a dictionary key and nothing else. Source: Microsoft's
"Secure webhook endpoints and WebSocket connections"; further claims are undocumented and not required.
"""

import asyncio
import base64
import binascii
import hashlib
import json
import logging
import math
import re
import time
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings

from calls.keys import Fetch, KeySet

log = logging.getLogger(__name__)

LEEWAY_S: Final = 60
MAX_TOKEN_LENGTH: Final = 8192
WAIT_FOR_KEYS_S: Final = 4.0
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)

Mode = Literal["enforce", "log", "off"]
Reason = Literal[
    "no_token",
    "wrong_scheme",
    "too_long",
    "malformed",
    "wrong_algorithm",
    "unknown_key",
    "keys_unavailable",
    "not_configured",
    "bad_signature",
    "expired",
    "not_yet_valid",
    "wrong_issuer",
    "wrong_audience",
]
# Not the token's fault but ours or the key server's: the door answers 503, so that Azure tries again.
_OUR_FAULT: Final[frozenset[Reason]] = frozenset({"keys_unavailable", "not_configured"})


class AuthError(Exception):
    """A token is refused; `reason` is a machine word, safe to log and to count."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Claims:
    """What a good token says. `digest` is the SHA-256 of the token in hex: one token has exactly one, so a socket
    token that comes twice is a replay. `expires_at` is in Unix seconds."""

    digest: str
    expires_at: float
    issuer: str
    audience: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The verdict for one request. Under `log` a bad token is let in with its `reason`, under `off` none is read."""

    claims: Claims | None
    reason: Reason | None
    let_in: bool

    @property
    def refusal_status(self) -> int:
        """What the door answers if it does not let in: 401; 503 while we cannot judge, as Azure repeats after that."""
        return 503 if self.reason in _OUR_FAULT else 401


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    kid: str


class AzureTokenVerifier:
    """Judges Authorization headers. Thread-safe; a token whose key we hold is judged without network in about 0.2 ms.

    `clock` is in Unix seconds (expiry), `monotonic` in seconds (age of the key set), `fetch` gets a URL's body.
    """

    def __init__(
        self,
        oidc_url: str,
        issuer: str,
        audience: str,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        fetch: Fetch | None = None,
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self.keys = KeySet(oidc_url, fetch=fetch, monotonic=monotonic)

    def verify(self, authorization: str | None) -> Claims:
        """The claims of `Bearer <token>`, or AuthError. Waits up to 4 s, only if the key is unknown and a fetch runs.

        Takes one header value: a request with two Authorization headers is to be refused before (as `malformed`).
        """
        token = self._parse(authorization)
        pending = self.keys.pending(token.kid)
        if pending is not None:
            wait([pending], timeout=WAIT_FOR_KEYS_S)
        return self._judge(token)

    async def averify(self, authorization: str | None) -> Claims:
        """`verify` for the event loop: never blocks it, and uses no thread to wait."""
        token = self._parse(authorization)
        pending = self.keys.pending(token.kid)
        if pending is not None:
            await asyncio.wait([asyncio.wrap_future(pending)], timeout=WAIT_FOR_KEYS_S)
        return self._judge(token)

    def admit(self, authorization: str | None, mode: Mode) -> Admission:
        """The verdict under ACS_TOKEN_CHECK. Keys that cannot be fetched refuse under `enforce`, with 503."""
        if mode == "off":
            return Admission(None, None, let_in=True)
        try:
            return Admission(self.verify(authorization), None, let_in=True)
        except AuthError as error:
            return Admission(None, error.reason, let_in=mode == "log")

    async def aadmit(self, authorization: str | None, mode: Mode) -> Admission:
        """`admit` for the event loop."""
        if mode == "off":
            return Admission(None, None, let_in=True)
        try:
            return Admission(await self.averify(authorization), None, let_in=True)
        except AuthError as error:
            return Admission(None, error.reason, let_in=mode == "log")

    def _parse(self, authorization: str | None) -> _Token:
        """The token and its key id, before any key is looked for: what is malformed costs no network."""
        if not self._issuer or not self._audience:
            raise AuthError("not_configured")
        text = _bearer(authorization)
        head, _, signature = text.split(".")
        header = _json_part(head)
        if header.get("alg") != "RS256":
            raise AuthError("wrong_algorithm")
        # No extension is understood here, so any that must be is a reason to refuse (RFC 7515, 4.1.11).
        kid = header.get("kid")
        if "crit" in header or header.get("b64", True) is not True or not isinstance(kid, str) or not kid:
            raise AuthError("malformed")
        _decoded(signature)
        return _Token(text, kid)

    def _judge(self, token: _Token) -> Claims:
        key = self.keys.get(token.kid)
        if key is None:
            raise AuthError("unknown_key" if self.keys.usable() else "keys_unavailable")
        claims = _signed_claims(token.text, key)
        now = self._clock()
        expires_at = _seconds(claims.get("exp"))
        if expires_at is None:
            raise AuthError("malformed")
        if expires_at + LEEWAY_S <= now:
            raise AuthError("expired")
        not_before = _seconds(claims.get("nbf", 0))
        if not_before is None:
            raise AuthError("malformed")
        if not_before - LEEWAY_S > now:
            raise AuthError("not_yet_valid")
        if claims.get("iss") != self._issuer:
            raise AuthError("wrong_issuer")
        audience = claims.get("aud")
        if self._audience not in (audience if isinstance(audience, list) else [audience]):
            raise AuthError("wrong_audience")
        digest = hashlib.sha256(token.text.encode()).hexdigest()
        return Claims(digest, expires_at, self._issuer, self._audience)


def token_verifier() -> AzureTokenVerifier:
    """This process's verifier for the settings; another one as soon as they change."""
    return _verifier(settings.ACS_OIDC_URL, settings.ACS_ISSUER, settings.ACS_RESOURCE_ID)


@lru_cache(maxsize=1)
def _verifier(oidc_url: str, issuer: str, audience: str) -> AzureTokenVerifier:
    return AzureTokenVerifier(oidc_url, issuer, audience)


def _bearer(authorization: str | None) -> str:
    if not authorization:
        raise AuthError("no_token")
    if len(authorization) > MAX_TOKEN_LENGTH + len("Bearer "):
        raise AuthError("too_long")
    scheme, _, text = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise AuthError("wrong_scheme")
    if not _TOKEN.fullmatch(text):
        raise AuthError("malformed" if text.strip() else "no_token")
    return text


def _decoded(part: str) -> bytes:
    """base64url without padding, and only its one canonical spelling: else one signature would have many digests."""
    try:
        content = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (binascii.Error, ValueError):
        raise AuthError("malformed") from None
    if base64.urlsafe_b64encode(content).rstrip(b"=") != part.encode():
        raise AuthError("malformed")
    return content


def _json_part(part: str) -> dict[str, Any]:
    try:
        content = json.loads(_decoded(part), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise AuthError("malformed") from None
    if not isinstance(content, dict):
        raise AuthError("malformed")
    return content


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object whose names are unique, as RFC 7515 demands: two readers must not see two algorithms."""
    content = dict(pairs)
    if len(content) != len(pairs):
        raise AuthError("malformed")
    return content


def _signed_claims(text: str, key: RSAPublicKey) -> dict[str, Any]:
    """The payload of a token that this key has signed; its claims are not yet judged."""
    try:
        jwt.PyJWS(algorithms=["RS256"]).decode(text, key=key, algorithms=["RS256"])
    except jwt.InvalidSignatureError:
        raise AuthError("bad_signature") from None
    except jwt.PyJWTError:
        raise AuthError("malformed") from None
    return _json_part(text.split(".")[1])


def _seconds(claim: object) -> float | None:
    """A NumericDate; None for anything that is no finite number."""
    if isinstance(claim, bool) or not isinstance(claim, int | float):
        return None
    try:
        return float(claim) if math.isfinite(claim) else None
    except OverflowError:
        return None
