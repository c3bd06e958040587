"""Azure's public signing keys: fetched rarely, kept long, and never a reason to wait for a caller whose key we hold.

The OpenID document names the key set (JWKS). A set is fresh for 5 minutes; after that it goes on serving while one
background thread fetches a new one, for 24 hours if need be. A key id that we do not know starts a fetch at once, but
not again for 30 s, so that made-up ids cannot make us hammer Azure.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from http.client import HTTPException
from ipaddress import ip_address
from typing import IO, Any, Final
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

log = logging.getLogger(__name__)

FRESH_S: Final = 300.0
USABLE_S: Final = 24 * 3600.0
UNKNOWN_KEY_PAUSE_S: Final = 30.0
RETRY_S: Final = 30.0
EMPTY_RETRY_S: Final = 5.0  # without any key every token is refused, so we ask more often
FETCH_TIMEOUT_S: Final = 3.0
STUCK_S: Final = 15.0  # a fetch that no time-out ends (a header sent byte by byte) is given up
MAX_DOCUMENT_BYTES: Final = 1024 * 1024
_MAX_KEYS: Final = 100
_MAX_KID: Final = 256
_LEAST_KEY_BITS: Final = 2048

Fetch = Callable[[str], bytes]
Never: Final = float("-inf")


class KeysError(Exception):
    """The OpenID document or the key set cannot be fetched or read; the message names the fact."""


class KeySet:
    """RSA public keys by key id; thread-safe. `monotonic` is a clock in seconds, `fetch` gets a URL's body."""

    def __init__(
        self, oidc_url: str, *, fetch: Fetch | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._oidc_url = oidc_url
        self._fetch: Fetch = fetch or fetch_document
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._keys: Mapping[str, RSAPublicKey] = {}
        self._fetched_at = Never
        self._asked_at = Never
        self._unknown_at = Never
        self._under_way: Future[None] | None = None
        self._failing = False

    def get(self, kid: str) -> RSAPublicKey | None:
        """The key, or None if unknown; at once, without any network."""
        return self._keys.get(kid) if self.usable() else None

    def usable(self) -> bool:
        """Whether we hold a set that is at most 24 h old."""
        return self._monotonic() - self._fetched_at <= USABLE_S

    def pending(self, kid: str) -> "Future[None] | None":
        """What to wait for before `get` can answer for this key id: a fetch under way, or None for nothing.

        Starts a fetch where one is due. The future never fails; after it `get` says what is true then.
        """
        with self._lock:
            now = self._monotonic()
            usable = now - self._fetched_at <= USABLE_S
            known = usable and kid in self._keys
            if now - self._asked_at > STUCK_S:
                self._under_way = None
            if self._under_way is None and self._due(now, known=known, usable=usable):
                self._asked_at = now
                if usable and not known:
                    self._unknown_at = now
                self._under_way = self._start()
            return None if known else self._under_way

    def warm(self) -> None:
        """Starts the first fetch in the background, so that the first call need not wait for it."""
        if not self.usable():
            self.pending("")

    def _due(self, now: float, *, known: bool, usable: bool) -> bool:
        if not usable:
            return now - self._asked_at >= EMPTY_RETRY_S
        if not known and now - self._unknown_at >= UNKNOWN_KEY_PAUSE_S:
            return True
        return now - self._fetched_at >= FRESH_S and now - self._asked_at >= RETRY_S

    def _start(self) -> "Future[None]":
        done: Future[None] = Future()
        done.set_running_or_notify_cancel()  # so that nobody who waits can cancel it for the others
        threading.Thread(target=self._refresh, args=(done,), name="azure-keys", daemon=True).start()
        return done

    def _refresh(self, done: "Future[None]") -> None:
        try:
            keys = self._read_keys()
        except Exception as error:
            if not self._failing:  # once per outage: the old set goes on serving
                log.warning("azure's signing keys cannot be fetched: %s", error)
            self._failing = True
        else:
            self._failing = False
            with self._lock:
                self._keys, self._fetched_at = keys, self._monotonic()
        finally:
            with self._lock:
                if self._under_way is done:
                    self._under_way = None
            done.set_result(None)

    def _read_keys(self) -> dict[str, RSAPublicKey]:
        document = _json_object(self._fetch(_checked(self._oidc_url)))
        jwks_uri = document.get("jwks_uri")
        if not isinstance(jwks_uri, str):
            raise KeysError("the OpenID document has no jwks_uri")
        listed = _json_object(self._fetch(_checked(jwks_uri))).get("keys")
        keys = dict(key for key in map(_public_key, listed[:_MAX_KEYS]) if key) if isinstance(listed, list) else {}
        if not keys:
            raise KeysError("the key set has no usable RSA key")
        return keys


def fetch_document(url: str) -> bytes:
    """A small document by GET: https (or http on this machine), 3 s, 1 MiB, redirects only within the scheme.

    Raises KeysError.
    """
    until = time.monotonic() + FETCH_TIMEOUT_S
    handlers: list[Any] = [_SameSchemeRedirects()]
    if _is_loopback(url):
        handlers.append(ProxyHandler({}))
    try:
        request = Request(_checked(url), headers={"Accept": "application/json"})  # noqa: S310 - _checked
        with build_opener(*handlers).open(request, timeout=FETCH_TIMEOUT_S) as response:
            body = bytearray()
            while chunk := response.read1(65536):
                body += chunk
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise KeysError(f"{_named(url)} sent more than {MAX_DOCUMENT_BYTES} bytes")
                if time.monotonic() > until:
                    raise KeysError(f"{_named(url)} took longer than {FETCH_TIMEOUT_S:g} s")
            return bytes(body)
    except (URLError, HTTPException, OSError, ValueError) as error:
        raise KeysError(f"{_named(url)} did not answer: {type(error).__name__}") from error


class _SameSchemeRedirects(HTTPRedirectHandler):
    max_redirections = 3

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> Request | None:
        if urlsplit(newurl).scheme != req.type:
            raise KeysError("a redirect led to another scheme")
        return super().redirect_request(req, fp, code, msg, headers, _checked(newurl))


def _checked(url: str) -> str:
    parts = urlsplit(url)
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(url))):
        return url
    raise KeysError(f"{_named(url)} is neither https nor on this machine")


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _named(url: str) -> str:
    """The URL without what may be secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{parts.path}"[:200]


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise KeysError("the answer is not JSON") from error
    if not isinstance(document, dict):
        raise KeysError("the answer is no JSON object")
    return document


def _public_key(jwk: object) -> tuple[str, RSAPublicKey] | None:
    """(kid, key) of a JWK that can check RS256; None for any other."""
    if not isinstance(jwk, dict) or jwk.get("kty") != "RSA" or jwk.get("use", "sig") != "sig":
        return None
    kid, algorithm = jwk.get("kid"), jwk.get("alg", "RS256")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID or algorithm != "RS256":
        return None
    try:
        key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": jwk["n"], "e": jwk["e"]})
    except Exception:  # whatever a foreign key makes the libraries raise: the next key may be well
        return None
    return (kid, key) if isinstance(key, RSAPublicKey) and key.key_size >= _LEAST_KEY_BITS else None
