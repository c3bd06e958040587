from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calls.models import Call
from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONNECTION = "411f0200-abcd-4cdf-8a3e-000000000001"


CALLS: list[dict[str, Any]] = [
    {"direction": "inbound", "state": "ringing", "caller": "+14255550123", "caller_name": "Åsa Berg"},
    {"direction": "inbound", "state": "ended", "caller": "+493012345678", "policy_name": "Support line"},
    {"direction": "outbound", "state": "failed", "caller": "+18005550100", "callee": "+14255550199"},
    {"direction": "outbound", "state": "connected", "callee": "8:acs:me", "call_connection_id": CONNECTION},
]


@pytest.fixture(autouse=True)
def _calls() -> None:
    for index, fields in enumerate(CALLS):
        Call.objects.create(created_at=NOON + timedelta(hours=index), end_text=f"number {index}", **fields)


def found(door: Door, query: str) -> list[int]:
    """Which of the calls above, oldest first."""
    answer = door.get(f"calls/?{query}")
    assert answer.status == 200, answer.json
    hours = [Call.objects.get(pk=row["id"]).created_at - NOON for row in answer.json["results"]]
    return sorted(each // timedelta(hours=1) for each in hours)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("state=ringing", [0]),
        ("state=ringing&state=failed", [0, 2]),
        ("direction=outbound", [2, 3]),
        ("direction=inbound&state=ended", [1]),
        ("caller=%2B14255550123", [0]),
        ("caller=+14255550123", [0]),
        ("caller=+1 (425) 555-0123", [0]),
        ("callee=5550199", [2]),
        ("callee=8:acs:me", [3]),
        ("since=2026-11-20T13:00:00Z", [1, 2, 3]),
        ("until=2026-11-20T13:00:00Z", [0]),
        ("since=2026-11-20T13:00:00%2B01:00&until=2026-11-20T14:00:00+01:00", [0]),
        ("since=2026-11-20T14:30:00", [3]),
        ("since=2026-11-20&until=2026-11-21", [0, 1, 2, 3]),
        ("q=425 555", [0, 2]),
        ("q=berg", [0]),
        ("q=support", [1]),
        ("q=number 2", [2]),
        (f"q={CONNECTION}", [3]),
        ("q=nobody", []),
        ("q=%25", []),
        ("", [0, 1, 2, 3]),
    ],
)
def test_the_list_is_narrowed(integrator: Door, query: str, expected: list[int]) -> None:
    assert found(integrator, query) == expected


def test_a_call_is_found_by_its_id(integrator: Door) -> None:
    call = Call.objects.get(state="failed")
    assert found(integrator, f"q={call.pk}") == [2]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("state=sleeping", "state"),
        ("direction=up", "direction"),
        ("since=yesterday", "since"),
        ("until=0001-01-01T00:00:00%2B14:00", "until"),
        ("since=9999-12-31T23:59:59-14:00", "since"),
        ("q=a%00b", "q"),
        ("caller=" + "1" * 200, "caller"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(integrator: Door, query: str, field: str) -> None:
    answer = integrator.get(f"calls/?{query}")
    assert answer.status == 400
    assert set(answer.error["fields"]) == {field}
