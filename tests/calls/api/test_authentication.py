from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from calls.models import ApiKey
from tests.calls.api.door import Door

pytestmark = pytest.mark.django_db


def test_a_key_opens_the_door(integrator: Door) -> None:
    assert integrator.get("calls/").status == 200


@pytest.mark.parametrize("header", [None, "Bearer abc", "Api-Key", "Basic YTpi"])
def test_without_a_key_the_answer_is_401_and_names_the_scheme(header: str | None) -> None:
    answer = Door(Client(headers={"Authorization": header} if header else {})).get("calls/")
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Api-Key realm="acsportal"'
    assert answer.error["code"] == "not_signed_in"
    assert answer.error["message"].endswith(".")


@pytest.mark.parametrize("age", [{"expires_at": timedelta(seconds=-1)}, {"revoked_at": timedelta()}])
def test_an_expired_or_revoked_key_is_refused(key: Callable[..., Door], age: dict[str, timedelta]) -> None:
    door = key(**{name: timezone.now() + offset for name, offset in age.items()})
    answer = door.get("calls/")
    assert answer.status == 401
    assert "expired or revoked" in answer.error["message"]


def test_an_unknown_key_is_refused_although_the_browser_is_signed_in(operator: User) -> None:
    client = Client(headers={"Authorization": "Api-Key acs_nobody"})
    client.force_login(operator)
    assert Door(client).get("calls/").status == 401


def test_the_first_use_of_a_key_is_noted(integrator: Door) -> None:
    integrator.get("calls/")
    noted = ApiKey.objects.get().last_used_at
    assert noted is not None
    assert timezone.now() - noted < timedelta(seconds=5)


@pytest.mark.parametrize(("seconds", "is_noted"), [(50, False), (60, True)])
def test_the_use_of_a_key_is_noted_once_a_minute(integrator: Door, seconds: int, is_noted: bool) -> None:
    before = timezone.now() - timedelta(seconds=seconds)
    ApiKey.objects.update(last_used_at=before)
    integrator.get("calls/")
    assert (ApiKey.objects.get().last_used_at != before) is is_noted


def test_a_browser_reads_with_its_session_alone(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    assert Door(client).get("calls/").status == 200


def test_a_browsers_order_needs_the_csrf_token(operator: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(operator)
    refused = Door(client).post("calls/", {"callee": "+1"})
    assert (refused.status, refused.error["code"]) == (403, "csrf_refused")
    client.get("/")  # a page of ours gives the token
    token = client.cookies["csrftoken"].value
    assert Door(client).post("calls/", {"callee": "+1"}, **{"X-CSRFToken": token}).status == 400


def test_a_person_who_was_locked_out_is_not_signed_in(operator: User) -> None:
    client = Client()
    client.force_login(operator)
    User.objects.update(is_active=False)
    assert Door(client).get("calls/").status == 401
