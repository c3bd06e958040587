"""The demo's supervisor before it starts anything: ports, secrets, environment. Its run is a journey."""

import socket
import stat
from pathlib import Path

import pytest

from acsportal.demo import DemoError, Options, environment_of, kept_secret, read_options
from tests.journeys.stack import free_port


def options(folder: Path) -> Options:
    return Options(free_port(), free_port(), folder)


def test_a_secret_stays_the_same_and_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    first = kept_secret(path, "acs_")
    assert first.startswith("acs_")
    assert len(first) > 40
    assert kept_secret(path, "acs_") == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_secret_can_be_taken_for_an_option(tmp_path: Path) -> None:
    secrets = [kept_secret(tmp_path / str(number)) for number in range(300)]
    assert all(secret.isalnum() for secret in secrets)


def test_a_port_that_is_no_number_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eighty")
    with pytest.raises(DemoError, match="PORT is 'eighty'"):
        read_options()


def test_a_taken_port_is_refused_with_another_to_choose(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(free_port()))
        monkeypatch.setenv("EMULATOR_PORT", str(taken.getsockname()[1]))
        with pytest.raises(DemoError, match="choose another with EMULATOR_PORT="):
            read_options()


def test_one_port_cannot_serve_both(monkeypatch: pytest.MonkeyPatch) -> None:
    port = str(free_port())
    monkeypatch.setenv("PORT", port)
    monkeypatch.setenv("EMULATOR_PORT", port)
    with pytest.raises(DemoError, match=f"both {port}; choose another with EMULATOR_PORT="):
        read_options()


def test_the_demo_inherits_nothing_of_a_deployments_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("ACS_ENDPOINT", "DATABASE_URL", "REDIS_URL", "SPEECH_ENGINE", "STREAM_LEAD_MS", "ALLOWED_HOSTS")
    for name in (
        *settings,
        "SECRET_KEY_FILE",
        "SECURE_SSL_REDIRECT",
        "BEHIND_PROXY",
        "LOG_FORMAT",
        "METRICS_TOKEN",
        "PUBLIC_URL_FILE",
    ):
        monkeypatch.setenv(name, "from-the-deployment")
    environment = environment_of(options(tmp_path))
    assert "from-the-deployment" not in environment.values()
    assert environment["ACS_ENDPOINT"].startswith("http://127.0.0.1:")
    assert environment["PUBLIC_URL"].startswith("http://127.0.0.1:")
    assert environment["DATABASE_URL"].startswith("sqlite:")
