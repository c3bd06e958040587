from uuid import UUID

import pytest

from calls.models import Command
from tests.calls.api.door import Door
from tests.calls.loopback import Loopback
from tests.calls.scene import ended_call, live_call

pytestmark = pytest.mark.django_db

NO_ID = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")
VERBS = ["answer", "reject", "hang-up", "streaming/start", "streaming/stop", "injections/stop"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_on_a_call_that_does_not_exist_is_404_and_names_it(integrator: Door, verb: str) -> None:
    answer = integrator.post(f"calls/{NO_ID}/{verb}/")
    assert answer.status == 404
    assert f"There is no call {NO_ID}." in answer.error["message"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_that_the_state_forbids_is_409_and_leaves_no_order(integrator: Door, verb: str) -> None:
    call = ended_call()
    before = Command.objects.count()
    answer = integrator.post(f"calls/{call.pk}/{verb}/")
    assert (answer.status, answer.error["code"]) == (409, "wrong_state")
    assert answer.error["message"] == "The call has ended."
    assert Command.objects.count() == before


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_takes_nothing_that_it_does_not_know(integrator: Door, verb: str) -> None:
    answer = integrator.post(f"calls/{live_call().pk}/{verb}/", {"colour": "red"})
    assert answer.status == 400
    assert set(answer.error["fields"]) == {"colour"}


def test_an_empty_body_of_any_kind_is_no_body(integrator: Door, azure: Loopback) -> None:
    call = live_call()
    assert integrator.post(f"calls/{call.pk}/streaming/stop/", {}).status == 202
    assert (
        integrator.raw("POST", f"calls/{call.pk}/streaming/start/", b"", "application/x-www-form-urlencoded").status
        == 202
    )
    assert [seen.path.partition("?")[0].rpartition(":")[2] for seen in azure.seen] == [
        "stopMediaStreaming",
        "startMediaStreaming",
    ]


def test_an_order_is_followed_where_its_location_points(integrator: Door, azure: Loopback) -> None:
    answer = integrator.post(f"calls/{live_call().pk}/hang-up/")
    assert answer.status == 202
    followed = integrator.get(answer.headers["Location"])
    assert followed.json == answer.json
    assert followed.json["state"] == "accepted"
    assert followed.json["asked_by"] == "API key Night desk"


def test_answers_are_kept_in_no_cache(integrator: Door) -> None:
    for path in ("calls/", f"calls/{NO_ID}/"):
        assert integrator.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["calls", "commands", "injections", "streams", "clips"])
def test_a_row_that_does_not_exist_is_404_and_named(integrator: Door, path: str) -> None:
    answer = integrator.get(f"{path}/{NO_ID}/")
    assert answer.status == 404
    assert f"There is no {path.removesuffix('s')} {NO_ID}." in answer.error["message"]
