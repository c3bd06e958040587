"""An integrator with a key, a person at a browser, and an Azure on this machine."""

import base64
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.test import Client

from calls.models import ApiKey
from calls.permissions import GRANTABLE, scope
from tests.calls.api.door import Door
from tests.calls.loopback import Loopback, Reply, Seen, loopback

CONNECTION = "411f0200-abcd-4cdf-8a3e-00000000"


@pytest.fixture(autouse=True)
def _nobody_was_counted() -> None:
    cache.clear()


@pytest.fixture
def key() -> Callable[..., Door]:
    """A door for a new key with these scopes; an operator's without any."""

    def issue(*scopes: str, **fields: Any) -> Door:
        granted = list(scopes) or [scope(each) for each in GRANTABLE]
        _, secret = ApiKey.issue("Night desk", granted, **fields)
        return Door(Client(raise_request_exception=False, headers={"Authorization": f"Api-Key {secret}"}))

    return issue


@pytest.fixture
def integrator(db: None, key: Callable[..., Door]) -> Door:
    return key()


@pytest.fixture
def operator(db: None) -> User:
    person = User.objects.create_user("dana", password="a-long-password")
    person.user_permissions.set(
        Permission.objects.filter(content_type__app_label="calls", codename__in=[scope(each) for each in GRANTABLE])
    )
    return person


@pytest.fixture
def azure(settings: Any) -> Iterator[Loopback]:
    """Azure, as far as placing and steering calls goes; each call gets a connection id of its own."""
    placed = 0

    def answer(seen: Seen) -> Reply:
        nonlocal placed
        path = seen.path.partition("?")[0].removeprefix("/calling/callConnections")
        if path in {"", ":answer"}:
            placed += 1
            ids = {"callConnectionId": f"{CONNECTION}{placed:04}", "serverCallId": f"server-{placed}"}
            return Reply.of({**ids, "correlationId": f"correlation-{placed}"}, 200 if path else 201)
        if seen.method == "DELETE" or path in {":reject", ":redirect"} or path.endswith(":terminate"):
            return Reply(204)
        if path == "/calling/recordings":
            return Reply.of({"recordingId": "recording-1", "recordingState": "active"})
        return Reply(202)

    with loopback() as server:
        server.answer = answer
        settings.ACS_ENDPOINT = server.url
        settings.ACS_ACCESS_KEY = base64.b64encode(b"a key of this test").decode()
        settings.ACS_CALLER_NUMBER = "+18005550100"
        yield server
