from datetime import UTC, datetime, time
from typing import Any

import pytest

from calls.errors import BadInput
from calls.models import AuditEntry, CallPolicy
from calls.services import Actor, add_policy, change_policy, delete_policy, verdicts

ANA = Actor("user", "ana", "api", "192.0.2.7")
FRIDAY_NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def empty() -> None:
    CallPolicy.objects.all().delete()


@pytest.mark.parametrize(
    ("days", "opens", "closes", "zone", "moments"),
    [
        # By local clock: Friday noon in London is Friday evening in Tokyo and Friday morning in New York.
        ("5", None, None, "UTC", {"2026-11-20T00:00": True, "2026-11-20T23:59": True, "2026-11-21T00:00": False}),
        ("12345", "09:00", "17:00", "UTC", {"2026-11-20T08:59": False, "2026-11-20T09:00": True}),
        ("12345", "09:00", "17:00", "UTC", {"2026-11-20T16:59": True, "2026-11-20T17:00": False}),
        ("12345", "09:00", "17:00", "UTC", {"2026-11-21T12:00": False}),
        ("1234567", "09:00", "17:00", "Asia/Tokyo", {"2026-11-20T00:00": True, "2026-11-20T08:00": False}),
        ("5", "22:00", "06:00", "UTC", {"2026-11-20T22:00": True, "2026-11-21T05:59": True}),
        ("5", "22:00", "06:00", "UTC", {"2026-11-20T05:59": False, "2026-11-21T06:00": False}),
        ("7", "22:00", "06:00", "UTC", {"2026-11-23T03:00": True, "2026-11-22T03:00": False}),
        # The clocks of Berlin go forward on 29 March 2026: 08:00 there is 07:00 UTC before and 06:00 after.
        ("1234567", "08:00", "09:00", "Europe/Berlin", {"2026-03-28T07:30": True, "2026-03-30T06:30": True}),
        ("1234567", "08:00", "09:00", "Europe/Berlin", {"2026-03-28T06:30": False, "2026-03-30T07:30": False}),
    ],
)
def test_hours_are_those_of_the_policys_own_clock(
    days: str, opens: str | None, closes: str | None, zone: str, moments: dict[str, bool]
) -> None:
    policy = CallPolicy(
        name="Hours",
        days=days,
        opens_at=time.fromisoformat(opens) if opens else None,
        closes_at=time.fromisoformat(closes) if closes else None,
        time_zone=zone,
    )
    for text, open_then in moments.items():
        assert policy.is_open(datetime.fromisoformat(text).replace(tzinfo=UTC)) is open_then, text


def test_the_first_policy_by_position_that_is_open_takes_the_call() -> None:
    add_policy(ANA, CallPolicy(name="Weekend", position=1, days="67", action="reject"))
    add_policy(ANA, CallPolicy(name="Off", position=2, enabled=False))
    add_policy(ANA, CallPolicy(name="Ours", position=3, callee_pattern="+1800*"))
    add_policy(ANA, CallPolicy(name="Rest", position=4))
    found = CallPolicy.first_match("+4930", "+18005550100", FRIDAY_NOON)
    assert found is not None
    assert found.name == "Ours"
    assert [
        (each.policy.name, each.obstacle, each.takes) for each in verdicts("+4930", "+18005550100", FRIDAY_NOON)
    ] == [
        ("Weekend", "It is closed then; it is open Sat, Sun UTC.", False),
        ("Off", "It is switched off.", False),
        ("Ours", "", True),
        ("Rest", "", False),
    ]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"callee_pattern": "1800*"}, "callee_pattern"),
        ({"caller_pattern": "who?"}, "caller_pattern"),
        ({"days": "8"}, "days"),
        ({"days": ""}, "days"),
        ({"time_zone": "Mars/Base"}, "time_zone"),
        ({"opens_at": time(9)}, "closes_at"),
        ({"closes_at": time(9)}, "opens_at"),
        ({"opens_at": time(9), "closes_at": time(9)}, "closes_at"),
        ({"action": "redirect"}, "redirect_target"),
        ({"action": "sing"}, "action"),
        ({"reject_reason": "ugly"}, "reject_reason"),
        ({"sample_rate_hz": 8000}, "sample_rate_hz"),
        ({"name": ""}, "name"),
        ({"name": "Taken"}, "name"),
    ],
)
def test_a_policy_that_could_never_work_is_refused_at_its_field(fields: dict[str, Any], named: str) -> None:
    CallPolicy.objects.create(name="Taken")
    with pytest.raises(BadInput) as caught:
        add_policy(ANA, CallPolicy(**{"name": "New"} | fields))
    assert named in caught.value.fields
    assert CallPolicy.objects.count() == 1


def test_what_people_type_is_kept_as_azure_says_it() -> None:
    kept = add_policy(
        ANA,
        CallPolicy(
            name="Night",
            callee_pattern="+1 (800) 555-01*",
            days="7531",
            action="redirect",
            redirect_target="+1 (425) 555-0123",
        ),
    )
    kept.refresh_from_db()
    assert (kept.callee_pattern, kept.days, kept.redirect_target) == ("+180055501*", "1357", "+14255550123")
    assert (kept.what, kept.hours) == ("redirect to +14255550123", "Mon, Wed, Fri, Sun UTC")


def test_a_change_is_recorded_by_what_is_different() -> None:
    kept = add_policy(ANA, CallPolicy(name="Night"))
    kept.position, kept.action = 7, "ring"
    change_policy(ANA, kept)
    entry = AuditEntry.objects.first()
    assert entry is not None
    assert entry.facts == {"position": "100 → 7", "action": "answer → ring"}
    change_policy(ANA, kept)
    delete_policy(ANA, kept)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["delete_policy", "change_policy", "add_policy"]
