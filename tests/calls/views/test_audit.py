import re

import pytest
from django.db import transaction
from django.test import Client

from calls.models import AuditEntry, Call
from calls.services import Actor, audit
from tests.calls.scene import live_call, signed_in, staff

pytestmark = pytest.mark.django_db
PAGE = "/audit/"


@pytest.fixture
def call() -> Call:
    return live_call()


@pytest.fixture
def supervisor() -> Client:
    return signed_in(staff("view_auditentry", name="sue"))


@pytest.fixture(autouse=True)
def entries(call: Call) -> None:
    with transaction.atomic():
        audit.record(
            Actor("user", "ana", "page", "192.0.2.7"), "hang_up", call=call, target_id=call.pk, outcome="asked"
        )
        audit.record(Actor("user", "ben", "admin", "192.0.2.8"), "change_policy", target="Night", position="10 → 7")
        audit.record(Actor("policy", "policy Answer all"), "answer", call=call)


def shown(page: Client, **question: str) -> list[str]:
    """The numbers of the entries on the page, top down."""
    return re.findall(r'title="SHA-256 [0-9a-f]+">(\d+)<', page.get(PAGE, question).content.decode())


def test_the_page_says_who_did_what_on_which_call_and_from_where(supervisor: Client, call: Call) -> None:
    page = supervisor.get(PAGE).content.decode()
    assert "3 entries, never changed" in page
    for words in (
        "ana",
        "hung up",
        "192.0.2.7",
        "position",
        "10 → 7",
        "Night",
        "policy Answer all",
        "the portal itself",
    ):
        assert words in page
    assert f'href="/calls/{call.pk}/"' in page
    assert shown(supervisor) == ["3", "2", "1"]


def test_entries_are_narrowed_by_who_what_way_call_and_day(supervisor: Client, call: Call) -> None:
    assert shown(supervisor, who="BEN") == ["2"]
    assert shown(supervisor, action="hang_up") == ["1"]
    assert shown(supervisor, via="admin") == ["2"]
    assert shown(supervisor, call=str(call.pk)) == ["3", "1"]
    assert shown(supervisor, since="2999-01-01") == []
    assert shown(supervisor, until="2999-01-01") == ["3", "2", "1"]
    assert shown(supervisor, before="3") == ["2", "1"]
    assert "No entry fits" in supervisor.get(PAGE, {"who": "nobody"}).content.decode()


@pytest.mark.parametrize(
    "wrong", [{"since": "soon"}, {"call": "x"}, {"before": "x"}, {"before": "9" * 30}, {"via": "\0"}]
)
def test_a_filter_that_makes_no_sense_hides_nothing(supervisor: Client, wrong: dict[str, str]) -> None:
    assert shown(supervisor, **wrong) == ["3", "2", "1"]


def test_a_script_gets_the_rows_alone(supervisor: Client) -> None:
    part = supervisor.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert "<table" in part
    assert "<html" not in part


def test_long_audits_come_in_pages(supervisor: Client) -> None:
    with transaction.atomic():
        for _ in range(100):
            audit.record(Actor("user", "ana"), "place")
    page = supervisor.get(PAGE).content.decode()
    assert "Older entries" in page
    assert shown(supervisor, before="4") == ["3", "2", "1"]
    assert AuditEntry.objects.count() == 103


def test_operators_do_not_see_the_audit_and_strangers_sign_in_first() -> None:
    assert signed_in(staff()).get(PAGE).status_code == 403
    assert Client().get(PAGE).status_code == 302
