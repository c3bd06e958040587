import pytest
from django.test import Client

from calls.models import Call
from tests.calls.scene import live_call, signed_in, staff

pytestmark = pytest.mark.django_db


@pytest.fixture
def call() -> Call:
    return live_call()


def test_the_timeline_of_a_live_call_is_a_page_and_json_for_who_asks(call: Call) -> None:
    viewer = signed_in(staff())
    path = f"/calls/{call.pk}/timeline/"
    page = viewer.get(path)
    assert page.status_code == 200
    assert "live; what has been said so far" in page.content.decode()
    told = viewer.get(path, headers={"Accept": "application/json"}).json()
    assert told["live"]
    assert told["lanes"][-1]["label"] == "We"


def test_the_style_sheet_that_wavesurfer_brings_is_let_in_by_its_nonce_alone(call: Call) -> None:
    response = signed_in(staff()).get(f"/calls/{call.pk}/timeline/")
    policy = response["Content-Security-Policy"]
    (nonce,) = [word[7:-1] for word in policy.replace(";", " ").split() if word.startswith("'nonce-")]
    assert f'data-nonce="{nonce}"' in response.content.decode()
    assert "unsafe" not in policy
    assert "nonce" not in signed_in(staff(name="ben")).get("/calls/")["Content-Security-Policy"]


def test_an_ended_call_has_its_player_and_one_that_never_connected_has_none(call: Call) -> None:
    viewer = signed_in(staff())
    Call.objects.filter(pk=call.pk).update(state="ended", ended_at=call.since)
    assert "<acs-player" in viewer.get(f"/calls/{call.pk}/").content.decode()
    Call.objects.filter(pk=call.pk).update(connected_at=None)
    assert "<acs-player" not in viewer.get(f"/calls/{call.pk}/").content.decode()


def test_strangers_sign_in_first(call: Call) -> None:
    assert Client().get(f"/calls/{call.pk}/timeline/").status_code == 302
