from uuid import UUID

import pytest

from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db

NO_ID = UUID("5b541da7-f577-4568-a8fc-01830ce676bc")
# docs: the names that others build on.
SURFACE = [
    "calls/",
    f"calls/{NO_ID}/",
    f"calls/{NO_ID}/injections/",
    f"calls/{NO_ID}/events/",
    f"calls/{NO_ID}/timeline/",
    f"calls/{NO_ID}/commands/",
    f"calls/{NO_ID}/streams/",
    f"commands/{NO_ID}/",
    "clips/",
    f"clips/{NO_ID}/",
    "streams/",
    f"streams/{NO_ID}/",
]


@pytest.mark.parametrize("path", SURFACE)
def test_the_address_exists(integrator: Door, path: str) -> None:
    answer = integrator.get(path)
    assert answer.status == 200 or "There is no " in answer.error["message"]


@pytest.mark.parametrize(
    "path", ["answer", "reject", "hang-up", "streaming/start", "streaming/stop", "injections/stop"]
)
def test_a_verb_is_posted_and_nothing_else(integrator: Door, path: str) -> None:
    answer = integrator.get(f"calls/{NO_ID}/{path}/")
    assert answer.status == 405
    assert answer.headers["Allow"] == "POST"


def test_a_reader_who_forgot_the_slash_is_led_on_with_the_query(integrator: Door) -> None:
    answer = integrator.get("calls?state=ringing")
    assert (answer.status, answer.headers["Location"]) == (301, "/api/v1/calls/?state=ringing")


def test_an_order_without_the_slash_is_refused_with_the_remedy(integrator: Door) -> None:
    answer = integrator.post("calls", {"callee": "+14255550123"})
    assert answer.status == 404
    assert answer.error["message"].endswith("End the address with a slash.")


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/v1", "/api/v1/", "/api/v1/call", "/api/v1/calls//", "/api/schema/more/", "/api/v1/calls/%0A%0D/"],
)
def test_any_other_address_is_404_in_json(integrator: Door, path: str) -> None:
    answer = integrator.get(path)
    assert answer.status == 404
    assert "/api/docs/" in answer.error["message"]
