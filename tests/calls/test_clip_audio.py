"""A clip's file by the page's door and by the API's: whole, in the parts that a player asks for, or not at all."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from calls.models import Clip
from calls.services import PORTAL, add_clip
from tests.calls.scene import upload

pytestmark = pytest.mark.django_db
DOORS = ["/clips/{}/audio/", "/api/v1/clips/{}/audio/"]


@pytest.fixture
def clip() -> Clip:
    return add_clip(PORTAL, "Welcome", upload())


@pytest.fixture
def whole(clip: Clip) -> bytes:
    with clip.audio.open("rb") as file:
        return bytes(file.read())


@pytest.fixture(params=DOORS, ids=["page", "api"])
def door(request: pytest.FixtureRequest, clip: Clip) -> str:
    return str(request.param).format(clip.pk)


@pytest.fixture
def player() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="a-long-password"))
    return client


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, -1),
        ("bytes=0-0", 0, 0),
        ("bytes=1-2", 1, 2),
        ("bytes=100-199", 100, 199),
        ("bytes=100-99999999999", 100, -1),
        ("bytes=-1", -1, -1),
        ("bytes=-44", -44, -1),
        ("bytes=-99999999999", 0, -1),
    ],
)
def test_a_player_gets_the_part_that_it_asks_for(
    player: Client, door: str, whole: bytes, asked: str, first: int, last: int
) -> None:
    answer = player.get(door, headers={"Range": asked})
    size = len(whole)
    start, stop = first % size, last % size + 1
    assert answer.status_code == 206
    assert answer.content == whole[start:stop]
    assert answer["Content-Range"] == f"bytes {start}-{stop - 1}/{size}"
    assert answer["Content-Length"] == str(stop - start)
    assert answer["Content-Type"] == "audio/wav"


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=99999999-100000000", "bytes=-0"])
def test_bytes_that_the_file_does_not_have_are_416(player: Client, door: str, whole: bytes, asked: str) -> None:
    answer = player.get(door, headers={"Range": asked})
    assert (answer.status_code, answer["Content-Range"]) == (416, f"bytes */{len(whole)}")
    assert answer.content == b""


@pytest.mark.parametrize(
    "asked",
    [None, "", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=0-1,5-6", "items=0-1", "bytes=²-"],
)
def test_what_is_no_single_range_gets_the_whole_file(
    player: Client, door: str, whole: bytes, asked: str | None
) -> None:
    answer = player.get(door, headers={"Range": asked} if asked is not None else {})
    assert answer.status_code == 200
    assert b"".join(answer) == whole
    assert (answer["Accept-Ranges"], answer["Content-Length"]) == ("bytes", str(len(whole)))


def test_a_part_of_an_older_file_is_not_given_for_the_newer_one(
    player: Client, door: str, clip: Clip, whole: bytes
) -> None:
    same = player.get(door, headers={"Range": "bytes=0-9", "If-Range": f'"{clip.pk}"'})
    other = player.get(door, headers={"Range": "bytes=0-9", "If-Range": '"another"'})
    assert (same.status_code, other.status_code) == (206, 200)
    assert (same.content, b"".join(other)) == (whole[:10], whole)


def test_only_get_knows_parts(player: Client, clip: Clip, whole: bytes) -> None:
    answer = player.head(DOORS[0].format(clip.pk), headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer["Content-Length"]) == (200, str(len(whole)))
