"""Tokens as Azure signs them, and more than a hundred kinds that must open no door, each with why it is refused."""

import base64
import hashlib
import hmac
import json
import string
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.calls.test_keys import KEY, jwk

ISSUER = "https://acscallautomation.communication.azure.com"
AUDIENCE = "00000000-0000-0000-0000-000000000001"
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE_KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = KEY.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
HEADER = {"alg": "RS256", "kid": "one", "typ": "JWT"}
GONE = object()
Kinds = dict[str, tuple[str | None, str]]


def part(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def rs256(signed: bytes, key: rsa.RSAPrivateKey = KEY) -> bytes:
    return key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def token(header: Any, claims: Any, sign: Callable[[bytes], bytes] = rs256) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{part(sign(signed.encode()))}"


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


ATTACKER_JWK = jwk("one", OTHER_KEY)
ALPHABET = string.ascii_letters.swapcase() + string.digits + "-_"


def respelled(signature: str) -> str:
    """The same bytes in another spelling: the last sign of 256 bytes carries four bits that mean nothing."""
    return signature[:-1] + ALPHABET[ALPHABET.index(signature[-1]) + 1]


class Forger:
    """Signs with Azure's key, or makes believe, at one moment in Unix seconds."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.claims: dict[str, Any] = {"iss": ISSUER, "aud": AUDIENCE, "exp": now + 300}
        self.good = self.token()

    def token(self, header: Any = HEADER, claims: Any = None, sign: Callable[[bytes], bytes] = rs256) -> str:
        return token(header, self.claims if claims is None else claims, sign)

    def with_header(self, **members: Any) -> str:
        return "Bearer " + self.token(header={k: v for k, v in {**HEADER, **members}.items() if v is not GONE})

    def with_claims(self, **members: Any) -> str:
        return "Bearer " + self.token(claims={k: v for k, v in {**self.claims, **members}.items() if v is not GONE})

    def signed_by(self, sign: Callable[[bytes], bytes], **header: Any) -> str:
        return "Bearer " + self.token(header={**HEADER, **header}, sign=sign)

    def kinds(self) -> Kinds:
        """Authorization headers that must open no door, by what is wrong with them, and the reason of the refusal."""
        return self._shapes() | self._signatures() | self._headers() | self._claims()

    def _shapes(self) -> Kinds:
        good, claims = self.good, self.claims
        head, body, signature = good.split(".")
        double_alg = part(b'{"alg":"none","alg":"RS256","kid":"one"}')
        double_aud = part(json.dumps(claims).replace('"aud"', '"aud": "someone", "aud"').encode())
        return {
            "no header": (None, "no_token"),
            "empty header": ("", "no_token"),
            "no token": ("Bearer", "no_token"),
            "blank token": ("Bearer   ", "no_token"),
            "Basic scheme": (f"Basic {good}", "wrong_scheme"),
            "token without scheme": (good, "wrong_scheme"),
            "two tokens": (f"Bearer {good} {good}", "malformed"),
            "two headers joined": (f"Bearer {good}, Bearer {good}", "malformed"),
            "trailing space": (f"Bearer {good} ", "malformed"),
            "trailing line": (f"Bearer {good}\n", "malformed"),
            "trailing part": (f"Bearer {good}.e30", "malformed"),
            "two dots in a row": (f"Bearer {head}..{body}.{signature}", "malformed"),
            "one dot": (f"Bearer {head}.{body}", "malformed"),
            "four dots (JWE)": (f"Bearer {head}.{body}.{signature}.{body}.{signature}", "malformed"),
            "empty header part": (f"Bearer .{body}.{signature}", "malformed"),
            "empty payload": (f"Bearer {head}..{signature}", "malformed"),
            "empty signature": (f"Bearer {head}.{body}.", "malformed"),
            "only dots": ("Bearer ..", "malformed"),
            "huge": ("Bearer " + "A" * 9000, "too_long"),
            "huge kid": (self.with_header(kid="k" * 9000), "too_long"),
            "unicode": (f"Bearer {head}.{body}.{signature[:-1]}é", "malformed"),
            "full-width dots": (f"Bearer {head}．{body}．{signature}", "malformed"),
            "percent escapes": (f"Bearer {head}%2E{body}%2E{signature}", "malformed"),
            "padded base64": (f"Bearer {head}.{body}.{signature}==", "malformed"),
            "respelled signature": (f"Bearer {head}.{body}.{respelled(signature)}", "malformed"),
            "header no JSON": (f"Bearer {part(b'RS256')}.{body}.{signature}", "malformed"),
            "header an array": (f"Bearer {part([HEADER])}.{body}.{signature}", "malformed"),
            "header nested": (f"Bearer {part(b'[' * 3000)}.{body}.{signature}", "malformed"),
            "two algorithms": (f"Bearer {double_alg}.{body}.{signature}", "malformed"),
            "two audiences, signed": (
                f"Bearer {head}.{double_aud}.{part(rs256(f'{head}.{double_aud}'.encode()))}",
                "malformed",
            ),
        }

    def _signatures(self) -> Kinds:
        head, body, signature = self.good.split(".")
        return {
            **{
                f"alg {spelling!r}": (
                    f"Bearer {part({**HEADER, 'alg': spelling})}.{body}.{signature}",
                    "wrong_algorithm",
                )
                for spelling in (
                    "none",
                    "None",
                    "NONE",
                    "nOnE",
                    "",
                    "rs256",
                    "RS256 ",
                    "HS256",
                    "dir",
                    None,
                    1,
                    ["RS256"],
                )
            },
            "no alg": (self.with_header(alg=GONE), "wrong_algorithm"),
            "HS256 with our public key": (self.signed_by(public_key_as_secret, alg="HS256"), "wrong_algorithm"),
            "HMAC under the name RS256": (self.signed_by(public_key_as_secret), "bad_signature"),
            "ES256": (self.signed_by(es256, alg="ES256"), "wrong_algorithm"),
            "ES256 under the name RS256": (self.signed_by(es256), "bad_signature"),
            "RS512": (self.signed_by(rs512, alg="RS512"), "wrong_algorithm"),
            "RS512 under the name RS256": (self.signed_by(rs512), "bad_signature"),
            "PS256": (self.signed_by(pss, alg="PS256"), "wrong_algorithm"),
            "PS256 under the name RS256": (self.signed_by(pss), "bad_signature"),
            "other key, same kid": (self.signed_by(other_key), "bad_signature"),
            "own key in jwk": (self.signed_by(other_key, jwk=ATTACKER_JWK), "bad_signature"),
            "own key at jku": (self.signed_by(other_key, jku="http://127.0.0.1:1/keys"), "bad_signature"),
            "own key at x5u": (self.signed_by(other_key, x5u="http://127.0.0.1:1/cert"), "bad_signature"),
            "own key in x5c": (self.signed_by(other_key, x5c=[part(PUBLIC_PEM)]), "bad_signature"),
            "truncated signature": (
                f"Bearer {head}.{body}.{part(rs256(f'{head}.{body}'.encode())[:-1])}",
                "bad_signature",
            ),
            "zero signature": (f"Bearer {head}.{body}.{part(bytes(256))}", "bad_signature"),
            "tampered payload": (
                f"Bearer {head}.{part({**self.claims, 'exp': self.now + 9999})}.{signature}",
                "bad_signature",
            ),
            "tampered header": (f"Bearer {part({**HEADER, 'typ': 'at+jwt'})}.{body}.{signature}", "bad_signature"),
        }

    def _headers(self) -> Kinds:
        return {
            "no kid": (self.with_header(kid=GONE), "malformed"),
            "empty kid": (self.with_header(kid=""), "malformed"),
            "kid a number": (self.with_header(kid=1), "malformed"),
            "kid a list": (self.with_header(kid=["one"]), "malformed"),
            "kid unknown": (self.with_header(kid="two"), "unknown_key"),
            "kid a path": (self.with_header(kid="../../../../dev/null"), "unknown_key"),
            "kid an address": (self.with_header(kid="http://127.0.0.1:1/keys"), "unknown_key"),
            "kid SQL": (self.with_header(kid="' OR '1'='1"), "unknown_key"),
            "kid a command": (self.with_header(kid="one; rm -rf /"), "unknown_key"),
            "kid with NUL": (self.with_header(kid="one\0"), "unknown_key"),
            "kid in capitals": (self.with_header(kid="ONE"), "unknown_key"),
            "crit": (self.with_header(crit=["exp"]), "malformed"),
            "crit b64": (self.with_header(crit=["b64"], b64=False), "malformed"),
            "b64 false": (self.with_header(b64=False), "malformed"),
        }

    def _claims(self) -> Kinds:
        now, claims = self.now, self.claims
        return {
            "expired": (self.with_claims(exp=now - 61), "expired"),
            "expired in milliseconds before": (self.with_claims(exp=0), "expired"),
            "exp negative": (self.with_claims(exp=-(10**300)), "expired"),
            "no exp": (self.with_claims(exp=GONE), "malformed"),
            "exp null": (self.with_claims(exp=None), "malformed"),
            "exp text": (self.with_claims(exp="2099-01-01"), "malformed"),
            "exp true": (self.with_claims(exp=True), "malformed"),
            "exp infinite": (self.with_claims(exp=float("inf")), "malformed"),
            "exp not a number": (self.with_claims(exp=float("nan")), "malformed"),
            "exp beyond floats": (self.with_claims(exp=10**400), "malformed"),
            "nbf in the future": (self.with_claims(nbf=now + 3600), "not_yet_valid"),
            "nbf text": (self.with_claims(nbf="now"), "malformed"),
            "other issuer": (self.with_claims(iss="https://evil.example"), "wrong_issuer"),
            "issuer with slash": (self.with_claims(iss=ISSUER + "/"), "wrong_issuer"),
            "issuer list": (self.with_claims(iss=[ISSUER]), "wrong_issuer"),
            "no issuer": (self.with_claims(iss=GONE), "wrong_issuer"),
            "other audience": (self.with_claims(aud="another-resource"), "wrong_audience"),
            "audience list of others": (self.with_claims(aud=["a", "b"]), "wrong_audience"),
            "audience in a list in a list": (self.with_claims(aud=[[AUDIENCE]]), "wrong_audience"),
            "audience as a key": (self.with_claims(aud={AUDIENCE: True}), "wrong_audience"),
            "audience as a part": (self.with_claims(aud=AUDIENCE + "0"), "wrong_audience"),
            "empty audience list": (self.with_claims(aud=[]), "wrong_audience"),
            "no audience": (self.with_claims(aud=GONE), "wrong_audience"),
            "payload an array": ("Bearer " + self.token(claims=[claims]), "malformed"),
            "payload text": ("Bearer " + self.token(claims="claims"), "malformed"),
            "payload not JSON": ("Bearer " + self.token(claims=b"\xff\x00"), "malformed"),
            "payload nested": ("Bearer " + self.token(claims=b"[" * 3000), "malformed"),
            "a good token as the payload": ("Bearer " + self.token(claims=self.good.encode()), "malformed"),
        }
