from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.test import RequestFactory

from calls.models import ApiKey
from calls.services import PORTAL, Actor


def request(user: Any, auth: Any = None) -> Any:
    made = RequestFactory().get("/")
    made.user = user
    made.resolver_match = None
    if auth is not None:
        made.auth = auth  # type: ignore[attr-defined]
    return made


def test_a_signed_in_person_acts_by_name() -> None:
    assert Actor.of(request(User(username="ana"))) == Actor("user", "ana", "page", "127.0.0.1")


def test_a_program_acts_by_the_name_of_its_key() -> None:
    assert Actor.of(request(AnonymousUser(), ApiKey(name="dialler"))) == Actor(
        "api_key", "API key dialler", "api", "127.0.0.1"
    )


def test_a_policy_and_the_portal_act_too() -> None:
    assert Actor.policy("Answer all") == Actor("policy", "policy Answer all")
    assert PORTAL.kind == "portal"


def test_no_name_is_longer_than_its_column() -> None:
    long = "x" * 300
    for actor in (
        Actor.of(request(User(username=long))),
        Actor.of(request(None, ApiKey(name=long))),
        Actor.policy(long),
    ):
        assert len(actor.name) == 150
