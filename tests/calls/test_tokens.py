import re
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.core.signing import TimestampSigner
from django.test.utils import freeze_time

from calls.tokens import Door, TokenError, call_token, read_call_token

CALL = UUID("5f0c8a52-6a53-4a3e-9f9f-0f7f0a3c2b11")
NOW = 1_795_160_000.0
HOUR = 3600.0


def refusal(token: str, door: Door) -> str:
    with pytest.raises(TokenError) as caught:
        read_call_token(token, door)
    return caught.value.reason


@pytest.mark.parametrize("door", ["callbacks", "media"])
def test_a_token_opens_its_own_door_for_its_own_call(door: Door) -> None:
    assert read_call_token(call_token(CALL, door), door) == CALL


@pytest.mark.parametrize(("made_for", "tried_at"), [("callbacks", "media"), ("media", "callbacks")])
def test_a_token_of_one_door_is_refused_at_the_other(made_for: Door, tried_at: Door) -> None:
    assert refusal(call_token(CALL, made_for), tried_at) == "bad_signature"


def test_a_token_needs_no_escaping_in_a_url() -> None:
    token = call_token(CALL, "media")
    assert re.fullmatch(r"[A-Za-z0-9_.\-]{60,120}", token)
    assert quote(token, safe="") == token


def test_a_token_opens_for_48_hours_and_no_longer() -> None:
    with freeze_time(NOW):
        token = call_token(CALL, "media")
    with freeze_time(NOW + 48 * HOUR):
        assert read_call_token(token, "media") == CALL
    with freeze_time(NOW + 48 * HOUR + 2):
        assert refusal(token, "media") == "expired"


def test_any_changed_sign_is_refused() -> None:
    token = call_token(CALL, "callbacks")
    for at, sign in enumerate(token):
        changed = token[:at] + ("A" if sign != "A" else "B") + token[at + 1 :]
        assert refusal(changed, "callbacks") == "bad_signature"


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", CALL.hex, "x" * 201, "é.b.c", "\0"])
def test_what_we_did_not_write_is_refused(token: str) -> None:
    assert refusal(token, "media") in {"malformed", "bad_signature"}


def test_a_signed_text_that_is_no_call_is_refused() -> None:
    forged = TimestampSigner(salt="calls.tokens.media", sep=".").sign("not-a-call")
    assert refusal(forged, "media") == "malformed"


def test_a_token_signed_with_another_secret_is_refused(settings: Any) -> None:
    token = call_token(CALL, "media")
    settings.SECRET_KEY = "another-secret"
    assert refusal(token, "media") == "bad_signature"


def test_tokens_survive_a_change_of_the_secret_while_the_old_one_is_a_fallback(settings: Any) -> None:
    token = call_token(CALL, "media")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-secret"
    assert read_call_token(token, "media") == CALL
