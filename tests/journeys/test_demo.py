"""The newcomer's way: one command, two calls that talk, a tone that is heard, and a clean end."""

import os
import re
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stack import ask, free_port, main_frequency_hz, sounding, wait_for, wav_of

pytestmark = [pytest.mark.journey]

ROOT = Path(__file__).resolve().parent.parent.parent
READY = re.compile(
    r"READY portal=(?P<portal>http://localhost:\d+) emulator=(?P<emulator>http://127\.0\.0\.1:\d+) "
    r"login=demo/demo admin=admin/admin api_key=(?P<key>\S+)"
)


def start(folder: Path, port: int, emulator_port: int) -> subprocess.Popen[str]:
    environment = os.environ | {"PORT": str(port), "EMULATOR_PORT": str(emulator_port), "DEMO_DIR": str(folder)}
    return subprocess.Popen(
        ["make", "--no-print-directory", "demo"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def demo(folder: Path) -> Iterator[tuple[re.Match[str], subprocess.Popen[str]]]:
    process = start(folder, free_port(), free_port())
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := READY.search(line):
                yield found, process
                return
        raise AssertionError(f"make demo ended with {process.wait()} and never said READY")
    finally:
        process.terminate()
        process.wait(15)
        assert process.stdout is not None
        process.stdout.close()


def test_make_demo_rings_answers_streams_speaks_and_ends_cleanly(tmp_path: Path) -> None:
    began_s = time.monotonic()
    with demo(tmp_path) as (ready, process):
        assert time.monotonic() - began_s < 60
        key = {"Authorization": f"Api-Key {ready['key']}"}

        def streaming() -> list[Any] | None:
            rows = ask("GET", f"{ready['portal']}/api/v1/calls/?state=connected", headers=key).json["results"]
            found = [row for row in rows if row["streaming"]["state"] == "streaming"]
            return found if len(found) == 2 else None

        rows = wait_for(streaming, 10, "two sample calls stream")
        kinds = {(row["streaming"]["channel_type"], row["streaming"]["sample_rate_hz"]) for row in rows}
        assert kinds == {("unmixed", 16000), ("mixed", 24000)}
        for row in rows:
            answer = ask(
                "POST",
                f"{ready['portal']}/api/v1/calls/{row['id']}/injections/",
                {"tone_hz": 440, "duration_ms": 1000},
                key,
            )
            assert answer.status == 202, answer
        time.sleep(2.5)
        for emulated in ask("GET", f"{ready['emulator']}/emulator/calls").json["results"]:
            samples, rate_hz = wav_of(ready["emulator"], emulated["id"])
            assert abs(main_frequency_hz(sounding(samples), rate_hz) - 440) < 1
        process.send_signal(signal.SIGTERM)
        process.wait(15)
        for name in ("portal", "emulator"):
            port = int(ready[name].rpartition(":")[2])
            with socket.socket() as probe:
                assert probe.connect_ex(("127.0.0.1", port)) != 0, f"the {name} still listens"
    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert "Traceback" not in logs


def test_the_demos_job_worker_works_and_is_started_again_if_it_dies(tmp_path: Path) -> None:
    def job_worker() -> int | None:
        with closing(sqlite3.connect(tmp_path / "portal.sqlite3", timeout=10)) as database:
            row = database.execute("select pid from calls_process where kind = 'jobs'").fetchone()
        return int(row[0]) if row else None

    def done() -> bool:
        with closing(sqlite3.connect(tmp_path / "portal.sqlite3", timeout=10)) as database:
            states = {state for (state,) in database.execute("select state from calls_job")}
        return states == {"done"}

    with demo(tmp_path) as (ready, _):
        first = wait_for(job_worker, 30, "the worker gives signs of life")
        assert ask("GET", f"{ready['portal']}/readyz").json["status"] == "ready"
        wait_for(done, 30, "what recurs is done")
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: job_worker() not in {None, first}, 30, "another worker takes its place")


def test_a_taken_port_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = start(tmp_path, taken.getsockname()[1], free_port())
        said, _ = process.communicate(timeout=30)
    assert process.returncode != 0
    sentences = [line for line in said.splitlines() if not re.match(r"make(\[\d+\])?:", line)]
    assert len(sentences) == 1, said
    assert "is taken; choose another with PORT=" in sentences[0]
