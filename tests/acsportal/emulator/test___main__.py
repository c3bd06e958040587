import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from acsportal.emulator.__main__ import main, options_of

COMMAND = [sys.executable, "-m", "acsportal.emulator", "--port", "0"]


@pytest.fixture
def emulator() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def ready_url(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    assert select.select([process.stdout], [], [], 20)[0]
    match = re.fullmatch(r"EMULATOR READY (http://127\.0\.0\.1:\d+)\n", process.stdout.readline())
    assert match
    return match[1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_ready_and_ends_cleanly(emulator: subprocess.Popen[str], number: signal.Signals) -> None:
    url = ready_url(emulator)
    assert requests.get(f"{url}/emulator/calls", timeout=5).json()["results"] == []
    requests.post(f"{url}/emulator/calls", json={}, timeout=5)
    emulator.send_signal(number)
    rest, complaints = emulator.communicate(timeout=10)
    assert emulator.returncode == 0
    assert rest == ""
    assert complaints == ""


def test_a_busy_port_is_one_sentence_with_the_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 1
    assert "Choose one with --port." in capsys.readouterr().err


def test_an_unknown_callee_scenario_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--callee-scenario", "opera"]) == 1
    assert "opera" in capsys.readouterr().err


def test_switches_reach_the_options() -> None:
    options = options_of(["--port", "9", "--portal", "http://p", "--seed", "7", "--event-schema", "cloud"])
    assert (options.port, options.portal, options.seed, options.event_schema) == (9, "http://p", 7, "cloud")


def test_a_useless_access_key_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(["--access-key", "?"])
    assert "error:" in capsys.readouterr().err


def test_help_tells_which_numbers_do_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options_of(["--help"])
    assert "0000 never answer" in capsys.readouterr().out


def test_the_emulator_needs_no_django() -> None:
    code = "import sys, acsportal.emulator.__main__; assert 'django' not in sys.modules; print('ok')"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "ok\n"
