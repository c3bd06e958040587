import base64
import hmac
import time
from dataclasses import replace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from acsportal.emulator.identity import ISSUER, RESOURCE_ID, Identity, signature_fault

KEY = base64.b64encode(b"secret-key-0123456789abcdef01234").decode()
EMPTY_HASH = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
DATE = "Fri, 20 Nov 2026 07:40:36 GMT"


@pytest.fixture(scope="module")
def identity() -> Identity:
    return Identity()


def headers(signature: str) -> dict[str, str]:
    signed = "SignedHeaders=x-ms-date;host;x-ms-content-sha256"
    return {
        "Authorization": f"HMAC-SHA256 {signed}&Signature={signature}",
        "x-ms-date": DATE,
        "x-ms-content-sha256": EMPTY_HASH,
        "Host": "127.0.0.1:8085",
    }


def signature(path: str, host: str = "127.0.0.1:8085") -> str:
    text = f"GET\n{path}\n{DATE};{host};{EMPTY_HASH}"
    return base64.b64encode(hmac.digest(base64.b64decode(KEY), text.encode(), "sha256")).decode()


def test_a_token_verifies_against_the_published_keys(identity: Identity) -> None:
    token = identity.token(300)
    keys = jwt.PyJWKSet.from_dict(identity.keys())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=RESOURCE_ID, issuer=ISSUER)
    assert claims["exp"] - claims["iat"] == 300
    assert abs(claims["iat"] - time.time()) < 5


def test_each_token_has_an_identity_of_its_own(identity: Identity) -> None:
    first, second = (jwt.decode(identity.token(300), options={"verify_signature": False})["jti"] for _ in range(2))
    assert first != second


def test_a_token_can_be_one_that_expired_or_for_somebody_else(identity: Identity) -> None:
    stale = jwt.decode(identity.token(300, aged_s=3900), options={"verify_signature": False})
    assert stale["exp"] == pytest.approx(time.time() - 3600, abs=5)
    assert jwt.decode(identity.token(300, audience="other"), options={"verify_signature": False})["aud"] == "other"


def test_another_key_has_another_name(identity: Identity) -> None:
    assert replace(identity, key=rsa.generate_private_key(65537, 2048)).key_id != identity.key_id


def test_published_keys_hold_no_private_part(identity: Identity) -> None:
    published: Any = identity.keys()
    (key,) = published["keys"]
    assert set(key) <= {"kty", "n", "e", "kid", "use", "alg", "key_ops"}


def test_the_openid_document_leads_to_the_keys(identity: Identity) -> None:
    document = identity.openid_configuration("http://127.0.0.1:8085")
    assert document["jwks_uri"] == "http://127.0.0.1:8085/calling/keys"
    assert document["issuer"] == ISSUER


@pytest.mark.parametrize(
    ("signed_path", "sent_path", "signed_host"),
    [
        ("/calling/x?api-version=1", "/calling/x?api-version=1", "127.0.0.1:8085"),
        ("/calling/x?api-version=1", "/calling/x?api-version=1", "127.0.0.1:8085/"),
        ("/a/4%3A%2B1425", "/a/4:%2B1425", "127.0.0.1:8085"),
    ],
)
def test_what_sdks_sign_is_accepted(signed_path: str, sent_path: str, signed_host: str) -> None:
    assert signature_fault(KEY, "GET", sent_path, headers(signature(signed_path, signed_host)), b"") == ""


def test_a_changed_path_is_refused() -> None:
    assert "does not match" in signature_fault(KEY, "GET", "/b", headers(signature("/a")), b"")


def test_a_changed_body_is_refused() -> None:
    assert "x-ms-content-sha256" in signature_fault(KEY, "GET", "/a", headers(signature("/a")), b"{}")


def test_a_request_without_signature_is_refused() -> None:
    assert "Authorization" in signature_fault(KEY, "GET", "/a", {"Authorization": "Bearer x"}, b"")
