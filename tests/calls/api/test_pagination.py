from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calls.models import Call, Clip
from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def calls_at(*minutes: int) -> list[str]:
    """Ended calls, newest first."""
    made = [
        Call.objects.create(direction="inbound", state="ended", created_at=NOON + timedelta(minutes=minute))
        for minute in minutes
    ]
    return [str(call.pk) for call in sorted(made, key=lambda call: (call.created_at, str(call.pk)), reverse=True)]


def ids(page: Any) -> list[str]:
    return [row["id"] for row in page.json["results"]]


def walk(door: Door, url: str, way: str = "next") -> list[str]:
    found = []
    while url:
        page = door.get(url)
        assert set(page.json) == {"results", "next", "previous"}
        found.append(ids(page))
        url = page.json[way]
    return [each for page in (found if way == "next" else reversed(found)) for each in page]


def test_pages_lead_from_the_newest_to_the_oldest_and_back(integrator: Door) -> None:
    newest_first = calls_at(1, 2, 3, 4, 5)
    first = integrator.get("calls/", page_size=2)
    assert ids(first) == newest_first[:2]
    assert first.json["previous"] is None
    assert walk(integrator, first.json["next"]) == newest_first[2:]
    last = integrator.get(integrator.get(first.json["next"]).json["next"])
    assert last.json["next"] is None
    assert walk(integrator, last.json["previous"], "previous") == newest_first[:4]


def test_calls_of_one_instant_are_neither_lost_nor_doubled(integrator: Door) -> None:
    newest_first = calls_at(*[7] * 9)
    assert walk(integrator, "calls/?page_size=2") == newest_first


def test_a_call_that_comes_between_two_pages_moves_nothing(integrator: Door) -> None:
    newest_first = calls_at(1, 2, 3, 4)
    first = integrator.get("calls/", page_size=2)
    calls_at(9)
    assert ids(integrator.get(first.json["next"])) == newest_first[2:]


def test_a_page_has_50_rows_and_at_most_200(integrator: Door) -> None:
    Call.objects.bulk_create(Call(direction="inbound", state="ended") for _ in range(205))
    assert len(ids(integrator.get("calls/"))) == 50
    assert len(ids(integrator.get("calls/", page_size=1_000))) == 200
    assert len(ids(integrator.get("calls/", page_size="many"))) == 50


def cursor(query: str) -> str:
    return b64encode(query.encode()).decode()


@pytest.mark.parametrize(
    "made_up",
    [
        "garbage",
        cursor("p=yesterday"),
        cursor("p=0001-01-01T00:00:00+14:00"),
        cursor("p=a%00b"),
        cursor("o=-1"),
        "ü",
    ],
)
@pytest.mark.parametrize("path", ["calls/", "streams/", "clips/"])
def test_a_cursor_that_we_did_not_give_is_400_or_an_empty_end(integrator: Door, path: str, made_up: str) -> None:
    answer = integrator.get(path, cursor=made_up)
    assert answer.status in ({200, 400} if path == "clips/" else {400})
    if answer.status == 400:
        assert set(answer.error["fields"]) == {"cursor"}


def test_clips_are_paged_by_name(integrator: Door) -> None:
    for name in ("pause", "busy", "hold"):
        Clip.objects.create(
            name=name, duration_ms=1, sample_rate_hz=16_000, channels=1, size=1, sha256="", added_by="dana"
        )
    first = integrator.get("clips/", page_size=2)
    assert [row["name"] for row in first.json["results"]] == ["busy", "hold"]
    assert [row["name"] for row in integrator.get(first.json["next"]).json["results"]] == ["pause"]
