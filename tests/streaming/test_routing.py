"""Which addresses speak WebSocket, and who is asked for a session there."""

import pytest
from websockets.exceptions import InvalidStatus

from tests.journeys.stack import ask
from tests.streaming.doorstep import Door, MediaSocket


@pytest.mark.parametrize(
    "path",
    [
        "",
        "ws/",
        "ws/live",
        "ws/live/more/",
        "ws/calls/not-a-uuid/",
        "ws/calls/00000000-0000-4000-8000-000000000000/audio/",
        "ws/acs/media/",
        "ws/acs/media/a/b/",
        "ws/acs/transcription/",
        "ws/acs/transcription/token/",
        "ws/acs/transcription/a/b/",
        "login/",
        "api/v1/calls/",
    ],
)
def test_no_socket_opens_anywhere_else(door: Door, path: str) -> None:
    before = len(door.log)
    url = f"ws{door.stack.portal.removeprefix('http')}/{path}"
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        MediaSocket(url, [("Origin", door.stack.portal), ("Cookie", door.cookie("demo"))])
    assert not door.lines(before, "Traceback")


def test_a_person_signed_in_opens_no_media_socket(door: Door) -> None:
    call = door.call()
    cookie = [("Cookie", door.cookie("admin")), ("Origin", door.stack.portal)]
    assert call.refused(cookie) in {401, 403}


def test_azures_token_opens_no_dashboard(door: Door) -> None:
    call = door.call()
    with door.page("live/", user="", Authorization=dict(call.headers())["Authorization"]) as page:
        assert page.close_code() == 4401


def test_socket_addresses_have_no_page(door: Door) -> None:
    for path in ("ws/live/", "ws/nothing/"):
        assert ask("GET", f"{door.stack.portal}/{path}").status == 426
        assert ask("POST", f"{door.stack.portal}/{path}", {}).status == 426
