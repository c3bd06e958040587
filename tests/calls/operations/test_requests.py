"""What stands on the log lines of a request."""

import json
import logging
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.contrib.auth.models import User
from django.test import Client

from acsportal import logs
from tests.calls.scene import signed_in

pytestmark = pytest.mark.django_db


def test_what_a_view_logs_says_who_asked() -> None:
    user = User.objects.create_superuser("root", password="a-long-password")
    seen: list[Any] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(structlog.contextvars.get_contextvars())  # type: ignore[method-assign]
    logger = logging.getLogger("calls.doors")
    logger.addHandler(handler)
    try:
        signed_in(user).post("/acs/events/?token=wrong", "[]", "application/json")
    finally:
        logger.removeHandler(handler)
    assert seen[0]["user_id"] == user.pk
    assert seen[0]["request_id"]


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What the portal writes, as JSON, at DEBUG."""
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.TokenFreeFormatter(**_arguments()))
    logger = logging.getLogger("django_structlog")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield out
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def _arguments() -> dict[str, Any]:
    formatter = dict(logs.configuration("json", "INFO", "worker-1")["formatters"]["chosen"])
    formatter.pop("()")
    return formatter


def read(lines: StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_the_lines_of_one_request_carry_its_id_and_its_user(lines: StringIO) -> None:
    user = User.objects.create_superuser("root", password="a-long-password")
    signed_in(user).get("/calls/?q=4255550123")
    began, ended = read(lines)
    assert began["request_id"] == ended["request_id"]
    assert ended["user_id"] == user.pk
    assert ended["code"] == 200
    assert ended["request"] == "GET /calls/"


def test_no_line_says_what_was_looked_for_or_who_asked(lines: StringIO) -> None:
    Client().post("/acs/events/?token=grid-secret", "[]", "application/json")
    Client().get("/calls/?q=4255550123", REMOTE_ADDR="192.0.2.7")
    said = lines.getvalue()
    for secret in ("grid-secret", "4255550123", "192.0.2.7", "root"):
        assert secret not in said, secret


def test_requests_have_different_ids_and_leave_none_behind(lines: StringIO) -> None:
    for _ in range(2):
        Client().get("/livez")
    assert len({each["request_id"] for each in read(lines)}) == 2


def test_the_call_of_the_address_stands_on_the_line(lines: StringIO) -> None:
    Client().get("/calls/7d9f6f5e-0f2a-4f5e-9a51-2f6f8f6f8f6f/")
    assert read(lines)[-1]["call"] == "7d9f6f5e-0f2a-4f5e-9a51-2f6f8f6f8f6f"
