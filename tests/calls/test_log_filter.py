import logging
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from calls.log_filter import HideTokens, NoTraceback, hide_tokens


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"POST /acs/callbacks/abc.def-1:2/ HTTP/1.1" 200', '"POST /acs/callbacks/…/ HTTP/1.1" 200'),
        ("GET /ws/acs/media/abc.def/", "GET /ws/acs/media/…/"),
        ("GET /ws/acs/transcription/abc", "GET /ws/acs/transcription/…"),
        ("POST /acs/events/?token=secret&x=1", "POST /acs/events/?token=…&x=1"),
        ("POST /acs/events/?x=1&token=secret", "POST /acs/events/?x=1&token=…"),
        ("wss://portal.example/ws/acs/media/abc/?a=1", "wss://portal.example/ws/acs/media/…/?a=1"),
        ("GET /calls/1/?page=2", "GET /calls/1/?page=2"),
    ],
)
def test_a_line_keeps_all_but_its_tokens(text: str, shown: str) -> None:
    assert hide_tokens(text) == shown


def test_tokens_among_a_records_arguments_are_hidden() -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "Forbidden: %s", ("/acs/callbacks/secret/",), None)
    assert HideTokens().filter(record)
    assert record.getMessage() == "Forbidden: /acs/callbacks/…/"


def test_a_record_without_tokens_is_left_as_it_is() -> None:
    record = logging.LogRecord("x", logging.INFO, "x", 1, "call %s ended", ("1",), None)
    assert HideTokens().filter(record)
    assert (record.msg, record.args) == ("call %s ended", ("1",))


def test_what_any_visitor_can_cause_leaves_a_line_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    logging_settings: Any = settings.LOGGING
    assert logging_settings["loggers"]["django.security.DisallowedHost"]["filters"] == ["short"]
    logger = logging.getLogger("django.security.DisallowedHost")
    assert any(isinstance(each, NoTraceback) for each in logger.filters)
    Client().get("/login/", headers={"Host": "evil.example"})
    [record] = [each for each in caplog.records if each.name == logger.name]
    assert (record.exc_info, record.levelname) == (None, "ERROR")


def test_every_line_of_the_portal_goes_through_the_filter() -> None:
    logging_settings: Any = settings.LOGGING
    assert all("tokens" in handler["filters"] for handler in logging_settings["handlers"].values())
    assert logging_settings["filters"]["tokens"]["()"] == "calls.log_filter.HideTokens"
