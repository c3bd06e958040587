"""Signed per-call tokens for the URLs that we hand to Azure.

Azure calls back on the URL it was given, so the token in it says which call is meant and that we wrote it.
Each door has its own salt: a token seen in a callback URL opens no media socket.
"""

from datetime import timedelta
from typing import Final, Literal
from uuid import UUID

from django.core.signing import BadSignature, SignatureExpired, TimestampSigner

Door = Literal["callbacks", "media", "transcription"]

MAX_AGE: Final = timedelta(hours=48)  # longer than any call, as Azure's own socket tokens live 24 h
_MAX_LENGTH: Final = 200
_SALTS: Final[dict[Door, str]] = {
    "callbacks": "calls.tokens.callbacks",
    "media": "calls.tokens.media",
    "transcription": "calls.tokens.transcription",
}


class TokenError(Exception):
    """A URL token is not ours, is for another door, or is too old; `reason` is malformed, bad_signature or expired."""

    def __init__(self, reason: Literal["malformed", "bad_signature", "expired"]) -> None:
        super().__init__(reason)
        self.reason = reason


def call_token(call_id: UUID, door: Door) -> str:
    """A token for one call and one door: about 80 characters, only letters, digits, `-`, `_` and `.`."""
    return _signer(door).sign(call_id.hex)


def read_call_token(token: str, door: Door) -> UUID:
    """The call that a token of this door was made for; raises TokenError."""
    if len(token) > _MAX_LENGTH or not token.isascii():
        raise TokenError("malformed")
    try:
        return UUID(hex=_signer(door).unsign(token, max_age=MAX_AGE))
    except SignatureExpired as error:
        raise TokenError("expired") from error
    except BadSignature as error:
        raise TokenError("bad_signature") from error
    except ValueError as error:
        raise TokenError("malformed") from error


def _signer(door: Door) -> TimestampSigner:
    return TimestampSigner(salt=_SALTS[door], sep=".")
