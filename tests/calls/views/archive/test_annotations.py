"""Tags, notes and corrections by forms alone, as browsers without a script send them."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from calls.errors import BadInput
from calls.models import Call, Segment
from calls.selectors.annotations import notes_of, tags_of
from calls.views.archive.annotations import seconds_of
from tests.calls.scene import signed_in
from tests.calls.transcripts_scene import spoken_call

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    person = User.objects.create_user("dana")
    codes = ["view_call", "annotate_call"]
    person.user_permissions.set(Permission.objects.filter(content_type__app_label="calls", codename__in=codes))
    return signed_in(person)


@pytest.fixture
def call() -> Call:
    return spoken_call("I was charged twice.")


def fresh(call: Call) -> Call:
    return Call.objects.get(pk=call.pk)


def test_tags_come_and_go(client: Client, call: Call) -> None:
    page = client.post(f"/calls/{call.pk}/tags/", {"name": "refund & more"}, follow=True).content.decode()
    assert 'data-tag="refund &amp; more"' in page
    assert tags_of(fresh(call)) == ["refund & more"]
    client.post(f"/calls/{call.pk}/tags/", {"gone": "refund & more"})
    assert tags_of(fresh(call)) == []
    page = client.post(f"/calls/{call.pk}/tags/", {"name": ""}, follow=True).content.decode()
    assert "The tag cannot be used. Give a word" in page


def test_notes_come_and_go(client: Client, call: Call) -> None:
    answer = client.post(f"/calls/{call.pk}/notes/", {"text": "Wants <b>a letter</b>.", "about": "1:03.2"})
    assert answer.headers["Location"] == f"/calls/{call.pk}/#notes"
    (note,) = notes_of(fresh(call))
    assert note["about_s"] == 63.2
    page = client.get(f"/calls/{call.pk}/").content.decode()
    assert "Wants &lt;b&gt;a letter&lt;/b&gt;." in page
    assert f'href="/calls/{call.pk}/?t=63.2"' in page
    client.post(f"/calls/{call.pk}/notes/{note['id']}/delete/")
    assert notes_of(fresh(call)) == []
    page = client.post(f"/calls/{call.pk}/notes/", {"text": "x", "about": "noon"}, follow=True).content.decode()
    assert "The moment noon cannot be read." in page


def test_a_passage_is_corrected_on_a_page_of_its_own(client: Client, call: Call) -> None:
    segment = call.segments.get()
    where = f"/segments/{segment.pk}/"
    assert "I was charged twice." in client.get(where).content.decode()
    answer = client.post(where, {"text": "I was charged thrice."})
    assert answer.headers["Location"] == f"/calls/{call.pk}/?t=5.0"
    assert Segment.objects.get().original_text == "I was charged twice."
    assert "“I was charged twice.”" in client.get(where).content.decode()
    refused = client.post(where, {"text": " "})
    assert (refused.status_code, "Write some words." in refused.content.decode()) == (400, True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("", None), ("1:03", 63.0), ("1:02:03.5", 3723.5), ("63.2", 63.2), (" 0:07 ", 7.0)]
)
def test_a_moment_is_read_as_people_write_it(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["noon", "1:2:3:4", "-5", "1:", "٣:٠٠"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        seconds_of(text)
