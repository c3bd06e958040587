import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient

from calls.models import ApiKey, AuditEntry, Segment
from tests.calls.api.door import Door
from tests.calls.subtitles import read_vtt
from tests.calls.transcripts_scene import spoken_call

pytestmark = pytest.mark.django_db


def test_a_call_is_fetched_as_a_file_whose_name_says_nothing_of_anybody(integrator: Door) -> None:
    call = spoken_call("I was charged twice.", "Sorry.")
    answer = integrator.get(f"calls/{call.pk}/export/", format="vtt")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/vtt; charset=utf-8")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="call-{str(call.pk)[:8]}.vtt"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert [each.text for each in read_vtt(answer.body.decode())] == ["I was charged twice.", "Sorry."]
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.via, entry.facts["calls"]) == ("export", "API key Night desk", "api", 1)


def test_what_the_client_accepts_does_not_matter(integrator: Door) -> None:
    call = spoken_call("Hello.")
    answer = integrator.client.get(f"/api/v1/calls/{call.pk}/export/?format=csv", headers={"Accept": "text/csv"})
    assert answer.status_code == 200


def test_many_calls_are_fetched_by_filters_and_by_what_was_said(integrator: Door) -> None:
    spoken_call("refund")
    spoken_call("voucher", number="+493012345678", direction="outbound")
    spoken_call(number="+14255550128")

    def callers(**query: str) -> list[str]:
        answer = integrator.get("export/", format="csv", **query)
        assert answer.status == 200, answer
        return [row["caller"] for row in csv.DictReader(io.StringIO(answer.body.decode()))]

    assert len(callers()) == 3
    assert callers(q="refund") == ["+14255550126"]
    assert callers(direction="outbound") == ["+493012345678"]
    assert callers(q="nobody said it") == []
    assert callers(about="0128") == ["+14255550128"]
    assert callers(state="live") == []


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "bad_input"),
        ({"format": "doc"}, "bad_input"),
        ({"format": "zip", "redact": "digits", "audio": "stereo"}, "bad_input"),
    ],
)
def test_what_cannot_be_made_is_refused_in_json(integrator: Door, query: dict[str, str], code: str) -> None:
    call = spoken_call("Hello.")
    answer = integrator.get(f"calls/{call.pk}/export/", **query)
    assert (answer.status, answer.error["code"]) == (400, code)
    assert integrator.get("export/", format="srt").status == 400
    assert not AuditEntry.objects.exists()


def test_who_may_not_export_gets_nothing(key: Callable[..., Door]) -> None:
    call = spoken_call("Hello.")
    assert key("view_call").get(f"calls/{call.pk}/export/", format="json").status == 403
    blind: Any = key("export_call").client.get("/api/v1/export/?format=json")  # who sees no call takes none
    assert json.loads(b"".join(blind.streaming_content))["calls"] == []


@pytest.mark.django_db(transaction=True)
def test_under_asgi_a_file_comes_in_pieces_as_it_is_made() -> None:
    call = spoken_call()
    Segment.objects.bulk_create(
        Segment(
            call=call, key=str(each), seq=each + 1, text=f"turn {each} " + "word " * 40, final=True, source="test",
            started_at=call.since, ended_at=call.since,
        )
        for each in range(1_500)
    )  # fmt: skip
    _, secret = ApiKey.issue("Night desk", ["export_call", "view_call"])

    async def fetch() -> list[bytes]:
        headers: Any = {"Authorization": f"Api-Key {secret}"}
        answer = await AsyncClient().get(f"/api/v1/calls/{call.pk}/export/?format=json", headers=headers)
        assert (answer.status_code, answer.is_async) == (200, True)  # type: ignore[attr-defined]
        return [piece async for piece in answer.streaming_content]  # type: ignore[attr-defined]

    pieces = async_to_sync(fetch)()
    assert len(pieces) > 5
    assert max(map(len, pieces)) < 200_000
    assert len(json.loads(b"".join(pieces))["calls"][0]["segments"]) == 1_500
