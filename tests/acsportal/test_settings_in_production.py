"""The settings as a deployment loads them: in a process of its own, from its environment alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SECRET_KEY": "kT9-" + "x7Qz" * 15,
    "PUBLIC_URL": "https://portal.example.com",
    "DATABASE_URL": "sqlite:////tmp/never-opened.sqlite3",
    "EVENT_GRID_SECRET": "s" * 32,
    "SECURE_SSL_REDIRECT": "true",
    "BEHIND_PROXY": "true",
}


def python(*arguments: str, **environment: str | None) -> "subprocess.CompletedProcess[str]":
    base = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}}
    given = {**PRODUCTION, **environment}
    chosen = {name: value for name, value in given.items() if value is not None}
    fixed = {"ENV_FILE": os.devnull, "DJANGO_SETTINGS_MODULE": "acsportal.settings"}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**base, **fixed, **chosen},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def setting(name: str, **environment: str | None) -> object:
    script = f"import json; from django.conf import settings; print(json.dumps(settings.{name}, default=str))"
    done = python("-c", script, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set."),
        ({"SECRET_KEY": ""}, "SECRET_KEY"),
        ({"SECRET_KEY_FILE": "/nowhere/secret"}, "SECRET_KEY_FILE names /nowhere/secret, which cannot be read"),
        ({"PUBLIC_URL": "portal.example.com"}, "it must look like https://portal.example.com"),
        ({"PUBLIC_URL": "ftp://portal.example.com"}, "it must look like https://portal.example.com"),
        ({"PUBLIC_URL": "https://"}, "it must look like https://portal.example.com"),
        ({"PUBLIC_URL": "http://portal.example.com:port"}, "it must look like https://portal.example.com"),
        ({"PUBLIC_URL": "https://[::1"}, "it must look like https://portal.example.com"),
        ({"ACS_TOKEN_CHECK": "never"}, "ACS_TOKEN_CHECK is 'never'; it may be enforce, log, off."),
        ({"DEBUG": "perhaps"}, "DEBUG is 'perhaps', which is neither yes nor no."),
        ({"STREAM_LEAD_MS": "5"}, "STREAM_LEAD_MS is 5; it may be 40 to 2000."),
        ({"SPEECH_RECOGNISER_DEFAULT": "os.system"}, "SPEECH_RECOGNISER_DEFAULT is os.system, which is not offered."),
        ({"RECORDING_START_DEFAULT": "soon"}, "RECORDING_START_DEFAULT is 'soon'; it may be now, later."),
        ({"SPEECH_WORKERS": "0"}, "SPEECH_WORKERS is 0; it may be 1 to 64."),
        ({"DATABASE_URL": "nonsense"}, "DATABASE_URL"),
        ({"DATABASE_URL": "oracle2://x/y"}, "DATABASE_URL"),
    ],
)
def test_a_setting_that_cannot_be_used_stops_the_start_with_one_sentence(
    environment: dict[str, str | None], says: str
) -> None:
    done = python("-c", "from django.conf import settings; settings.SECRET_KEY", **environment)
    assert done.returncode != 0
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("django.core.exceptions.ImproperlyConfigured"), last
    assert says in last


def test_a_deployment_over_https_has_nothing_to_mend() -> None:
    done = python("-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING")
    assert (done.returncode, "no issues" in done.stdout) == (0, True), done.stderr


def test_over_https_cookies_travel_by_tls_alone_and_browsers_remember_it() -> None:
    names = ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_SECONDS", "ALLOWED_HOSTS", "ALLOWED_ORIGINS")
    script = f"import json; from django.conf import settings as s; print(json.dumps([getattr(s, n) for n in {names}]))"
    secure = json.loads(python("-c", script).stdout)
    assert secure[:2] == [True, True]
    assert secure[2] >= 31_536_000
    assert "portal.example.com" in secure[3]
    assert secure[4] == ["https://portal.example.com"]
    plain = json.loads(python("-c", script, PUBLIC_URL="http://localhost:8000").stdout)
    assert plain[:3] == [False, False, 0]
    assert "http://127.0.0.1:8000" in plain[4]


def test_what_is_not_set_is_safe() -> None:
    assert setting("DEBUG") is False
    assert setting("ACS_TOKEN_CHECK") == "enforce"
    assert setting("EVENT_GRID_SECRET", EVENT_GRID_SECRET=None) == ""
    assert "*" not in str(setting("ALLOWED_HOSTS"))


def test_a_slash_behind_the_public_address_is_forgiven() -> None:
    assert setting("PUBLIC_URL", PUBLIC_URL="https://portal.example.com/") == "https://portal.example.com"


def test_the_file_fills_in_what_the_environment_leaves_out(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("PUBLIC_URL=https://file.example.com\nACS_CALLER_NUMBER=+18005550100\n")
    assert setting("ACS_CALLER_NUMBER", ENV_FILE=str(file)) == "+18005550100"
    assert setting("PUBLIC_URL", ENV_FILE=str(file)) == "https://portal.example.com"
    assert setting("PUBLIC_URL", ENV_FILE=str(file), PUBLIC_URL=None) == "https://file.example.com"


def test_postgresql_and_redis_are_chosen_by_their_addresses() -> None:
    database = setting("DATABASES", DATABASE_URL="postgres://user:secret@db.example:5433/calls")
    assert isinstance(database, dict)
    chosen = database["default"]
    assert (chosen["ENGINE"], chosen["HOST"], chosen["PORT"]) == ("django.db.backends.postgresql", "db.example", 5433)
    assert chosen["OPTIONS"]["pool"]
    assert chosen["CONN_MAX_AGE"] == 0
    assert "RedisPubSubChannelLayer" in str(setting("CHANNEL_LAYERS", REDIS_URL="redis://localhost:6379/1"))
    assert "InMemoryChannelLayer" in str(setting("CHANNEL_LAYERS"))


def test_sqlite_is_made_for_several_writers() -> None:
    database = setting("DATABASES", DATABASE_URL=None)
    assert isinstance(database, dict)
    options = database["default"]["OPTIONS"]
    assert (options["transaction_mode"], options["timeout"]) == ("IMMEDIATE", 20)
    assert "journal_mode=WAL" in options["init_command"]
    assert "synchronous=NORMAL" in options["init_command"]


def test_every_setting_is_explained_and_stands_in_the_example() -> None:
    source = (ROOT / "acsportal" / "settings.py").read_text(encoding="utf-8")
    names = set(re.findall(r'env\.(?:text|flag|number|words|choice|address)\(\s*"([A-Z_]+)"', source))
    assert len(names) > 30
    explained = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert {name for name in names if f"`{name}`" not in explained} == set()
    assert {name for name in names if f"{name}=" not in example} == set()
