"""The job worker as a process of its own."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.journeys.stack import wait_for

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    chosen = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'portal.sqlite3'}",
        "REDIS_URL": "",
        "LOG_FORMAT": "json",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=chosen, check=True)
    return chosen


def rows(folder: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(folder / "portal.sqlite3", timeout=10)) as database:
        return database.execute("select kind, pid from calls_process").fetchall()


@contextmanager
def worker(environment: dict[str, str], folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / "worker.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "db_worker", "--interval", "0.2"], cwd=ROOT, env=environment, stderr=log
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_worker_shows_signs_of_life_and_ends_without_a_trace(environment: dict[str, str], tmp_path: Path) -> None:
    with worker(environment, tmp_path) as process:
        wait_for(lambda: rows(tmp_path) == [("jobs", process.pid)], 30)
        process.send_signal(signal.SIGTERM)
        process.wait(10)
        assert process.returncode == 0
        assert rows(tmp_path) == []
    log = (tmp_path / "worker.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert all(line.startswith("{") for line in log.splitlines())
