from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from calls.models import CallEvent, Command, Injection, StreamSession
from calls.services import Actor, audit
from tests.calls.api.door import Door
from tests.calls.scene import CONTEXT, ended_call, live_call

pytestmark = pytest.mark.django_db


def told(door: Door, call: Any) -> list[dict[str, Any]]:
    answer = door.get(f"calls/{call.pk}/timeline/")
    assert answer.status == 200
    rows: list[dict[str, Any]] = answer.json["results"]
    return rows


def test_everything_stands_in_the_order_in_which_it_happened(integrator: Door) -> None:
    call = live_call(streams=False)
    start = call.since
    StreamSession.objects.create(call=call, owner="web-1", channel_type="mixed", opened_at=start + timedelta(seconds=3))
    Command.objects.create(
        call=call, verb="start_streaming", state="done", asked_by="dana", created_at=start + timedelta(seconds=2)
    )
    Injection.objects.create(
        call=call, kind="tone", tone_hz=440, asked_by="dana", state="playing", queued_at=start + timedelta(seconds=4)
    )
    CallEvent.objects.create(
        call=call,
        source="stream",
        type="DtmfPressed",
        event_time=start + timedelta(seconds=5),
        message="Caller pressed 1",
    )
    rows = told(integrator, call)
    assert [(row["kind"], row["offset_s"]) for row in rows] == [
        ("event", 0.0),
        ("command", 2.0),
        ("stream", 3.0),
        ("injection", 4.0),
        ("event", 5.0),
    ]
    assert [row["text"] for row in rows[1:4]] == [
        "dana asked to start streaming: done.",
        "Media stream 1 was opened: open.",
        "dana asked to play “Tone 440 Hz”: playing.",
    ]
    assert rows[3]["injection"]["tone_hz"] == 440
    assert all(set(row) == {"kind", "at", "offset_s", "text", row["kind"]} for row in rows)


def test_who_may_see_the_audit_sees_from_where_an_order_came(integrator: Door, key: Callable[..., Door]) -> None:
    call = live_call(streams=False)
    command = Command.objects.create(call=call, verb="hang_up", asked_by="dana")
    with transaction.atomic():
        audit.record(Actor("user", "dana", "page", "192.0.2.7"), "hang_up", call=call, target_id=command.pk)
    [row] = [each for each in told(integrator, call) if each["kind"] == "command"]
    assert (row["audit"]["address"], row["audit"]["via"], row["audit"]["actor"]) == ("192.0.2.7", "page", "dana")
    assert all("audit" not in each for each in told(key("view_call"), call))


def test_secrets_in_what_azure_said_are_withheld(integrator: Door) -> None:
    answer = integrator.get(f"calls/{ended_call().pk}/timeline/")
    assert CONTEXT not in answer.body.decode()
    assert "(withheld)" in answer.body.decode()


def test_a_long_story_comes_in_pages(integrator: Door) -> None:
    call = live_call(streams=False)
    at = timezone.now()
    CallEvent.objects.bulk_create(
        CallEvent(call=call, source="portal", type=f"Step{index:03}", event_time=at + timedelta(milliseconds=index))
        for index in range(450)
    )
    seen: list[str] = []
    url = f"calls/{call.pk}/timeline/"
    while url:
        page = integrator.get(url)
        seen += [row["event"]["type"] for row in page.json["results"]]
        url = page.json["next"]
    assert seen == ["CallConnected", *(f"Step{index:03}" for index in range(450))]


@pytest.mark.parametrize("query", [{"offset": 10**30}, {"offset": -1}, {"limit": 0}, {"limit": 10**30}])
def test_a_page_that_cannot_be_is_no_fault_of_ours(integrator: Door, query: dict[str, int]) -> None:
    assert integrator.get(f"calls/{live_call().pk}/timeline/", **query).status == 200


def test_another_calls_story_is_not_told(integrator: Door) -> None:
    ended_call()
    assert [row["event"]["type"] for row in told(integrator, live_call(streams=False))] == ["CallConnected"]
