import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.test import Client

from acsportal import logs
from acsportal.logs import HideTokens, NoTraceback, TokenFreeFormatter, hide_tokens

ROOT = Path(__file__).resolve().parents[2]


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
    assert logging_settings["filters"]["tokens"]["()"] is HideTokens
    assert all(each["()"] is TokenFreeFormatter for each in logging_settings["formatters"].values())


# --- Lines as they are written ---------------------------------------------------------------------------------------


def written(form: logs.Format, say: Callable[[logging.Logger], None]) -> str:
    """What one logger writes through the portal's own formatter."""
    arguments: Any = dict(logs.configuration(form, "INFO", "worker-1")["formatters"]["chosen"])
    formatter = arguments.pop("()")(**arguments)
    out = StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.Logger("calls.doors")
    logger.addHandler(handler)
    say(logger)
    return out.getvalue()


def fails(logger: logging.Logger) -> None:
    try:
        raise ValueError("cannot open wss://portal.example/ws/acs/media/very.secret-token/?x=1")
    except ValueError:
        logger.exception("a call's %s", "/acs/callbacks/another-secret/")


@pytest.mark.parametrize("form", ["json", "line"])
def test_no_token_stands_in_a_traceback(form: logs.Format) -> None:
    said = written(form, fails)
    assert "ValueError" in said
    assert "Traceback" in said
    assert "/ws/acs/media/…" in said.encode().decode("unicode_escape") or "/ws/acs/media/…" in said
    for secret in ("very.secret-token", "another-secret"):
        assert secret not in said


def test_a_handler_of_somebody_else_writes_no_token_of_a_traceback_either() -> None:
    out = StringIO()
    handler = logging.StreamHandler(out)
    logger = logging.Logger("uvicorn.error")
    logger.addFilter(HideTokens())
    logger.addHandler(handler)
    fails(logger)
    assert "Traceback" in out.getvalue()
    for secret in ("very.secret-token", "another-secret"):
        assert secret not in out.getvalue()


def test_a_line_is_one_json_object_with_the_ids_that_are_bound() -> None:
    with structlog.contextvars.bound_contextvars(call="c-1", stream="s-1"):
        line = written("json", lambda logger: logger.warning("stream %s: %d malformed", "s-1", 3))
    said = json.loads(line)
    assert line.count("\n") == 1
    assert said["event"] == "stream s-1: 3 malformed"
    assert (said["level"], said["logger"], said["worker"]) == ("warning", "calls.doors", "worker-1")
    assert (said["call"], said["stream"]) == ("c-1", "s-1")
    assert datetime.fromisoformat(said["timestamp"]).tzinfo is not None


def test_a_token_before_a_quote_leaves_the_line_readable() -> None:
    line = written("json", lambda logger: logger.warning('"GET /acs/callbacks/secret" and \\"?token=secret\\"'))
    assert "secret" not in json.loads(line)["event"]


def test_a_structlog_logger_goes_the_same_way() -> None:
    script = """
import structlog, logging.config
from acsportal import logs
logging.config.dictConfig(logs.configuration("json", "INFO", "w"))
logs.configure_structlog("w")
structlog.get_logger("here").info("said", call="c-1", path="/acs/callbacks/secret/")
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    said = json.loads(done.stderr)
    assert (said["event"], said["call"], said["worker"], said["logger"]) == ("said", "c-1", "w", "here")
    assert said["path"] == "/acs/callbacks/…/"


def test_a_line_for_the_eye_ends_with_what_it_says() -> None:
    with structlog.contextvars.bound_contextvars(call="c-1"):
        line = written("line", lambda logger: logger.warning("call %s ended", "c-1"))
    assert re.fullmatch(r"\S+Z WARNING calls\.doors \[call=c-1\] call c-1 ended\n", line)
    below = written("line", fails).splitlines()
    assert below[1] == "Traceback (most recent call last):"
