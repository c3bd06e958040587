import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from calls.models import AuditEntry, Call, CallMeasures
from tests.calls.scene import live_call, signed_in, staff

pytestmark = pytest.mark.django_db
PAGE, CSV = "/reports/", "/reports/csv/"


@pytest.fixture
def call() -> Call:
    now = timezone.now()
    call = live_call(
        streams=False, state="ended", created_at=now, connected_at=now - timedelta(seconds=50), ended_at=now
    )
    Call.objects.filter(pk=call.pk).update(policy_name="=Support")
    CallMeasures.objects.create(call=call, their_talk_s=20, our_talk_s=10, silence_s=20, longest_silence_s=7)
    return call


@pytest.fixture
def supervisor() -> Client:
    return signed_in(staff("export_call", name="sue"))


def text_of(client: Client, path: str = PAGE, **question: str) -> str:
    return client.get(path, question).content.decode()


def csv_of(client: Client, **question: str) -> list[list[str]]:
    response = client.get(CSV, question)
    content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    return list(csv.reader(io.StringIO(content.decode())))


@pytest.mark.usefixtures("call")
def test_the_page_says_its_numbers_with_and_without_a_script(supervisor: Client) -> None:
    page = text_of(supervisor)
    for words in ("Calls per day", "15–60 s", "5–10 s", "40 %", "20 %", "0:50", "No call failed."):
        assert words in page, words


@pytest.mark.usefixtures("call")
def test_filters_narrow_it_and_a_stretch_can_be_chosen(supervisor: Client) -> None:
    assert "No call in this time" in text_of(supervisor, direction="outbound")
    assert "No call in this time" in text_of(supervisor, until="2020-01-01")
    assert "Calls per hour" in text_of(supervisor, since=str(timezone.localdate()), until=str(timezone.localdate()))
    assert "Calls per day" in text_of(supervisor, policy="=Support")


@pytest.mark.parametrize("wrong", [{"since": "soon"}, {"policy": "nobody's"}, {"direction": "sideways"}])
@pytest.mark.usefixtures("call")
def test_a_filter_that_makes_no_sense_hides_nothing(supervisor: Client, wrong: dict[str, str]) -> None:
    assert "15–60 s" in text_of(supervisor, **wrong)


@pytest.mark.usefixtures("call")
def test_the_spreadsheet_is_safe_to_open_and_leaves_an_entry(supervisor: Client) -> None:
    names, line = csv_of(supervisor)
    assert line[names.index("policy")] == "'=Support"
    assert line[names.index("their_talk_s")] == "20.0"
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor, entry.facts["format"]) == ("export", "sue", "csv")


def test_a_viewer_sees_the_report_and_may_not_take_it_away(call: Call) -> None:
    viewer = signed_in(staff())
    assert "CSV" not in text_of(viewer)
    assert viewer.get(CSV).status_code == 403
    assert Client().get(PAGE).status_code == 302


@pytest.mark.usefixtures("call")
def test_the_history_shows_who_talked_and_the_longest_silence(supervisor: Client) -> None:
    page = text_of(supervisor, "/calls/")
    assert "They talked 40 %, we 20 %; longest silence" in page


def test_the_page_of_an_ended_call_shows_its_talk(supervisor: Client, call: Call) -> None:
    page = text_of(supervisor, f"/calls/{call.pk}/")
    assert "Who talked" in page
    assert "Longest dead air" in page
