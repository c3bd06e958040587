from typing import Any
from uuid import uuid4

import pytest
from django.urls import resolve

from calls.doorways import callback_url, media_url
from calls.tokens import read_call_token


@pytest.mark.parametrize(
    ("public_url", "callback", "media"),
    [
        ("https://portal.example", "https://portal.example/", "wss://portal.example/"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/", "ws://127.0.0.1:8000/"),
        ("https://portal.example:8443/calls", "https://portal.example:8443/calls/", "wss://portal.example:8443/calls/"),
    ],
)
def test_azure_is_given_addresses_under_our_public_name(
    public_url: str, callback: str, media: str, settings: Any
) -> None:
    settings.PUBLIC_URL = public_url
    call_id = uuid4()
    assert callback_url(call_id).startswith(f"{callback}acs/callbacks/")
    assert media_url(call_id).startswith(f"{media}ws/acs/media/")


def test_each_address_names_its_call_at_its_own_door_only(settings: Any) -> None:
    settings.PUBLIC_URL = "https://portal.example"
    call_id = uuid4()
    found = resolve(callback_url(call_id).removeprefix("https://portal.example"))
    assert found.url_name == "callbacks"
    assert read_call_token(found.kwargs["token"], "callbacks") == call_id
    assert read_call_token(media_url(call_id).rstrip("/").rpartition("/")[2], "media") == call_id
