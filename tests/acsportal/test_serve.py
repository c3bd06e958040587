"""`make serve` before it serves and while it does, with real processes. How its processes end: test_drain.py."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from acsportal.serve import MOST_WORKERS
from tests.acsportal.serving import Served, serving
from tests.journeys.conftest import services_answer
from tests.journeys.stack import ask, free_port, wait_for

pytestmark = [pytest.mark.journey]

ROOT = Path(__file__).resolve().parents[2]
MANY = {"REDIS_URL": "redis://127.0.0.1:6379/9", "DATABASE_URL": "postgres://u@127.0.0.1:5432/n"}


def serve(**environment: str) -> "subprocess.CompletedProcess[str]":
    """One that is not expected to serve; fails if it does."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME", "LANG", "LD_LIBRARY_PATH"}}
    given = {"ENV_FILE": os.devnull, "VAR_DIR": tempfile.gettempdir(), "SECRET_KEY": "x" * 50, **environment}
    return subprocess.run(
        [sys.executable, "-m", "acsportal.serve"],
        cwd=ROOT,
        env={**kept, "PORT": str(free_port()), **given},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"SECRET_KEY": ""}, "The SECRET_KEY setting must not be empty."),
        ({"WORKERS": "2"}, "2 workers need REDIS_URL and DATABASE_URL=postgres://… to know of each other's calls"),
        ({"WORKERS": "2", "REDIS_URL": MANY["REDIS_URL"]}, "2 workers need DATABASE_URL=postgres://… to know"),
        ({"WORKERS": "2", "DATABASE_URL": MANY["DATABASE_URL"]}, "2 workers need REDIS_URL to know"),
        ({"WORKERS": "many"}, f"WORKERS is 'many'; it may be 1 to {MOST_WORKERS}."),
        ({"WORKERS": "0"}, f"WORKERS is '0'; it may be 1 to {MOST_WORKERS}."),
        ({"PORT": "eighty"}, "PORT is 'eighty', which is no port"),
    ],
)
def test_what_cannot_be_served_is_one_sentence_and_no_worker(environment: dict[str, str], says: str) -> None:
    done = serve(**environment)
    assert done.returncode == 1
    assert says in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_taken_port_is_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = serve(PORT=str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot be had (Address already in use); choose another with PORT=" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.fixture
def pair(tmp_path: Path, lacks: Callable[[str], NoReturn]) -> Iterator[Served]:
    if not services_answer():
        lacks("PostgreSQL and Redis on 127.0.0.1")
    with serving(tmp_path, many=True, STREAM_DRAIN_S="30", TMPDIR=str(tmp_path)) as found:
        yield found


@pytest.mark.timeout(240)
def test_workers_answer_as_one(pair: Served, tmp_path: Path) -> None:
    workers = wait_for(lambda: found if len(found := pair.workers()) == 2 else None)
    portal = pair.stack.portal
    text = wait_for(
        lambda: page if "\nacsportal_processes 2.0" in (page := ask("GET", f"{portal}/metrics").json.decode()) else None
    )
    assert all(f'pid="{pid}"' in text for pid in workers.values())
    assert ask("GET", f"{portal}/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status == 404

    # A worker that is killed is replaced, and its gauges go with it.
    gone = next(iter(workers.values()))
    os.kill(gone, signal.SIGKILL)
    wait_for(lambda: len(found := pair.workers()) == 2 and gone not in found.values(), 60)
    wait_for(lambda: f'pid="{gone}"' not in ask("GET", f"{portal}/metrics").json.decode(), 10)

    # Asked to restart, every worker gets a successor; nobody is refused meanwhile.
    before = pair.workers()
    os.kill(pair.child.process.pid, signal.SIGHUP)
    wait_for(lambda: len(found := pair.workers()) == 2 and not set(found) & set(before), 90)
    said = {line["worker"] for line in pair.lines}
    assert any(worker.startswith("supervisor-") for worker in said)

    pair.ask_to_end()
    assert pair.ended(10)
    assert pair.child.process.returncode == 0
    assert not list(tmp_path.glob("acsportal-figures-*"))


def test_one_process_leaves_nothing_behind(tmp_path: Path) -> None:
    with serving(tmp_path, TMPDIR=str(tmp_path)) as served:
        assert list(tmp_path.glob("acsportal-figures-*"))
        assert "with 1 process (more need REDIS_URL and a DATABASE_URL of PostgreSQL)." in served.log
        served.ask_to_end()
        assert served.ended(10)
        assert served.child.process.returncode == 0
        assert not list(tmp_path.glob("acsportal-figures-*"))
