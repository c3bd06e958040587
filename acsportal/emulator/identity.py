"""Who is who: tokens that Azure signs, with the documents to check them by, and signatures that Azure checks."""

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, unquote

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ISSUER = "https://acscallautomation.communication.azure.com"
RESOURCE_ID = "00000000-0000-0000-0000-000000000001"
ACCESS_KEY = base64.b64encode(b"acs-emulator-demo-access-key-32b").decode()
CALLBACK_TOKEN_S = 5 * 60
SOCKET_TOKEN_S = 24 * 60 * 60


@cache
def _process_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def _name(key: rsa.RSAPrivateKey) -> str:
    modulus = key.public_key().public_numbers().n
    return f"emulator-{hashlib.sha256(str(modulus).encode()).hexdigest()[:12]}"


@dataclass(frozen=True, slots=True)
class Identity:
    """One RSA key pair per process, unless another is given.

    The key's name is taken from the key: a portal that caches keys by name asks again after the emulator was restarted.
    """

    resource_id: str = RESOURCE_ID
    issuer: str = ISSUER
    key: rsa.RSAPrivateKey = field(default_factory=_process_key)

    @property
    def key_id(self) -> str:
        return _name(self.key)

    def token(self, lifetime_s: int, *, audience: str = "", aged_s: int = 0) -> str:
        """A new bearer token; each has a ``jti`` of its own. ``aged_s`` makes it one that was signed so long ago."""
        signed_at = int(time.time()) - aged_s
        claims = {
            "iss": self.issuer,
            "aud": audience or self.resource_id,
            "iat": signed_at,
            "nbf": signed_at,
            "exp": signed_at + lifetime_s,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.key_id})

    def openid_configuration(self, base_url: str) -> dict[str, object]:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{base_url}/calling/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def keys(self) -> dict[str, object]:
        public = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": self.key_id, "use": "sig", "alg": "RS256"}]}


def signature_fault(
    access_key: str, method: str, path_and_query: str, headers: Mapping[str, str], content: bytes
) -> str:
    """Why a request's HMAC is refused, or an empty string.

    Lenient in two points where the SDK itself signs something else than it sends: the participant path that the
    asynchronous client re-quotes, and the endpoint configured with a trailing slash.
    """
    scheme, _, parameters = headers.get("Authorization", "").partition(" ")
    signature = parameters.partition("&Signature=")[2]
    if scheme != "HMAC-SHA256" or not signature:
        return "the Authorization header is missing or not HMAC-SHA256"
    content_hash = base64.b64encode(hashlib.sha256(content).digest()).decode()
    if headers.get("x-ms-content-sha256") != content_hash:
        return "x-ms-content-sha256 does not match the body"
    date, host = headers.get("x-ms-date", ""), headers.get("Host", "")
    path, mark, query = path_and_query.partition("?")
    quoted = "/".join(quote(unquote(segment), safe="") for segment in path.split("/")) + mark + query
    for signed_path in (path_and_query, quoted):
        for signed_host in (host, f"{host}/"):
            text = f"{method}\n{signed_path}\n{date};{signed_host};{content_hash}"
            if hmac.compare_digest(_sign(access_key, text), signature):
                return ""
    return "the signature does not match; check the access key"


def _sign(access_key: str, text: str) -> str:
    digest = hmac.new(base64.b64decode(access_key), text.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
