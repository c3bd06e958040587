"""What keeps the portal from starting, said before any worker is started."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def preflight(**environment: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}}
    return subprocess.run(
        [sys.executable, "-m", "acsportal.preflight"],
        cwd=ROOT,
        env={**kept, "ENV_FILE": os.devnull, "VAR_DIR": "/tmp", **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_settings_that_can_be_used_are_told_as_facts() -> None:
    done = preflight(SECRET_KEY="x" * 50, LOG_LEVEL="warning")
    assert json.loads(done.stdout) == {
        "redis": False,
        "postgresql": False,
        "log_format": "json",
        "log_level": "WARNING",
    }
    many = {"DATABASE_URL": "postgres://u@h/n", "REDIS_URL": "redis://h:6379/0", "LOG_FORMAT": "line"}
    assert json.loads(preflight(SECRET_KEY="x" * 50, **many).stdout)["postgresql"] is True


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({}, "SECRET_KEY is not set. Set it in the environment, or SECRET_KEY_FILE to a file with it.\n"),
        ({"SECRET_KEY": ""}, "The SECRET_KEY setting must not be empty.\n"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short to keep a secret: give it 32 letters.\n"),
        ({"SECRET_KEY": "x" * 50, "LOG_FORMAT": "xml"}, "LOG_FORMAT is 'xml'; it may be json, line.\n"),
        ({"SECRET_KEY": "x" * 50, "STREAM_DRAIN_S": "-1"}, "STREAM_DRAIN_S is -1; it may be 0 to 86400.\n"),
    ],
)
def test_what_is_missing_is_one_sentence(environment: dict[str, str], says: str) -> None:
    done = preflight(**environment)
    assert (done.returncode, done.stderr, done.stdout) == (1, says, "")
