"""The pages' names, which templates, redirects and other rooms rely on."""

from uuid import UUID

import pytest
from django.urls import resolve, reverse

CALL = UUID(int=1)


@pytest.mark.parametrize(
    ("name", "arguments", "url"),
    [
        ("wall", [], "/"),
        ("history", [], "/calls/"),
        ("place", [], "/calls/place/"),
        ("call", [CALL], f"/calls/{CALL}/"),
        ("call_do", [CALL, "hang-up"], f"/calls/{CALL}/do/hang-up/"),
        ("call_event", [CALL, CALL], f"/calls/{CALL}/events/{CALL}/"),
        ("clips", [], "/clips/"),
        ("clip_audio", [CALL], f"/clips/{CALL}/audio/"),
        ("delete_clip", [CALL], f"/clips/{CALL}/delete/"),
        ("design", [], "/design/"),
        ("login", [], "/login/"),
        ("logout", [], "/logout/"),
    ],
)
def test_a_page_keeps_its_name_and_its_address(name: str, arguments: list[object], url: str) -> None:
    assert reverse(name, args=arguments) == url
    assert resolve(url).url_name == name
