"""`manage.py load` against a portal and an emulator that run as processes of their own."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from acsportal.load.processes import listening, read, rss_mib
from tests.journeys.stack import Stack, ask, running, wait_for

pytestmark = [pytest.mark.journey]
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("load")) as found:
        yield found


def load(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command with nothing of this process's settings."""
    clean = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    command = [sys.executable, "manage.py", "load", *options]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=clean | {"ENV_FILE": os.devnull} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def against(stack: Stack, *options: str) -> subprocess.CompletedProcess[str]:
    addresses = ["--portal", stack.portal, "--emulator", stack.emulator]
    return load(*addresses, *options, VAR_DIR=str(stack.demo.options.folder), DEMO_DIR=str(stack.demo.options.folder))


def emulated(stack: Stack) -> Any:
    """The newest call of the emulator."""
    return ask("GET", f"{stack.emulator}/emulator/calls").json["results"][0]


def said(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.timeout(180)
def test_calls_in_real_time_are_counted_and_what_they_cost_is_told(stack: Stack) -> None:
    row = said(against(stack, "--streams", "4", "--seconds", "3", "--json"))
    assert row["frames_lost"] == 0
    assert row["frames_sent"] == row["frames_received"] >= 4 * 3 * 50
    assert 0 < row["latency_p50_ms"] <= row["latency_p99_ms"]
    assert row["cpu_us_per_frame"] > 1
    assert row["memory_mib"] > 20
    assert (row["streams"], row["processes"]) == (4, 1)
    live = [call for call in stack.get("calls/")["results"] if call["state"] == "connected"]
    assert live == [], "all calls were hung up"


@pytest.mark.timeout(180)
def test_a_person_reads_the_same_in_lines(stack: Stack) -> None:
    done = against(stack, "--streams", "2", "--seconds", "1")
    assert done.returncode == 0, done.stderr
    assert "0 lost" in done.stdout
    for word in ("latency", "CPU", "memory", "ping to pong"):
        assert word in done.stdout


@pytest.mark.timeout(180)
def test_a_callee_that_is_no_number_is_refused_in_one_sentence(stack: Stack) -> None:
    done = against(stack, "--streams", "1", "--seconds", "1", "--callee", "not a number")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "The emulator refused POST" in done.stderr


@pytest.mark.long
@pytest.mark.timeout(180)
def test_calls_that_nobody_answers_are_said_with_the_remedy_and_hung_up(stack: Stack) -> None:
    done = against(stack, "--streams", "1", "--seconds", "1", "--callee", "+18005550102")
    assert done.returncode == 1
    assert "Only 0 of 1 calls streamed in time. Choose a callee whose policy answers" in done.stderr
    rung = emulated(stack)
    assert (rung["callee"], rung["state"]) == ("+18005550102", "ended")


def test_without_a_good_key_nothing_is_rung(stack: Stack) -> None:
    before = len(stack.get("calls/")["results"])
    done = against(stack, "--streams", "1", "--seconds", "1", "--api-key", "acs_wrong")
    assert done.returncode == 1
    assert "--api-key" in done.stderr
    assert len(stack.get("calls/")["results"]) == before


def test_nobody_there_is_one_sentence_with_the_remedy(stack: Stack) -> None:
    done = load("--emulator", "http://127.0.0.1:9", "--portal", stack.portal)
    assert done.returncode == 1
    assert "manage.py emulator" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--portal", "https://portal.example.com"], "--anywhere"),
        (["--emulator", "http://192.0.2.1:8085"], "--anywhere"),
        (["--portal", "portal"], "http://"),
        (["--streams", "0"], "--streams is 0"),
        (["--seconds", "0"], "--seconds is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_one_sentence(options: list[str], words: str) -> None:
    done = load(*options)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_the_help_says_what_is_measured() -> None:
    done = load("--help")
    assert done.returncode == 0
    assert "from a ping that the emulator sends" in " ".join(done.stdout.split())


def test_a_process_is_found_by_its_port_and_its_time_is_read() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        assert listening(door.getsockname()[1]) == {os.getpid()}
        door.close()
    before = read(os.getpid())
    wait_for(lambda: read(os.getpid()).cpu_s > before.cpu_s, 10, "time is spent")
    assert rss_mib(os.getpid()) > 10
    with pytest.raises(OSError, match="No such file"):
        read(2**22 + 1)
