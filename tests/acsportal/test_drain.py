"""The end of a process under uvicorn, with real processes and a caller on the line."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest

from acsportal.demo import SUPPORT_LINE
from tests.acsportal.serving import Served, refuses, serving
from tests.journeys.conftest import services_answer
from tests.journeys.stack import main_frequency_hz, sounding, wait_for

pytestmark = [pytest.mark.journey]

STREAMS = "select state, close_code, frames_received, gaps, lost_ms, malformed from calls_streamsession"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path, STREAM_DRAIN_S="60") as found:
        yield found


def talk(served: Served, caller: str = "+14255550170") -> tuple[str, str]:
    return served.stack.streaming_call(caller=caller, callee=SUPPORT_LINE, scenario="support")


def test_a_call_talks_to_its_end_while_the_process_takes_no_new_one(served: Served) -> None:
    stack = served.stack
    emulated, call = talk(served)
    asked_s = served.ask_to_end()
    wait_for(lambda: served.ready()[0] == 503, 1, "not ready")
    assert time.monotonic() - asked_s < 1
    said = served.ready()[1]
    assert said["checks"]["draining"]["state"] == "failed"

    refused = stack.ring(caller="+14255550171", callee=SUPPORT_LINE, scenario="support")
    order = stack.order(f"calls/{call}/injections/", {"tone_hz": 440, "duration_ms": 1000})
    assert order.status == 202, order
    assert stack.played(call, order.json["id"])["state"] == "done"
    assert len(stack.get("calls/")["results"]) == 1
    assert stack.emulated(refused)["state"] == "ringing"
    assert stack.emulated(emulated)["state"] == "connected"
    samples, rate_hz = stack.heard(emulated)
    assert abs(main_frequency_hz(sounding(samples), rate_hz) - 440) < 1

    stack.caller_hangs_up(emulated)
    assert served.ended(8)
    sent = stack.emulated(emulated)["streaming"]["frames_sent"]
    [(state, code, received, gaps, lost_ms, malformed)] = served.rows(STREAMS)
    assert (state, code, gaps, lost_ms, malformed) == ("closed", 1000, 0, 0, 0)
    assert received == sent > 100
    assert "refused_event_grid_draining" in served.log or "event_grid_draining" in served.log


def test_what_is_still_open_when_the_time_is_over_is_closed_with_1012(tmp_path: Path) -> None:
    with serving(tmp_path, STREAM_DRAIN_S="3") as served:
        talk(served)
        asked_s = served.ask_to_end()
        assert served.ended(10)
        assert 3 <= time.monotonic() - asked_s < 8
        assert [row[:2] for row in served.rows(STREAMS)] == [("closed", 1012)]
        assert "1 streams were still open after 3 s" in served.log


def test_who_asks_twice_is_not_kept_waiting(served: Served) -> None:
    talk(served)
    served.ask_to_end()
    served.ask_to_end()  # the same wish, by another way
    assert not served.ended(2.5)
    served.ask_to_end()
    assert served.ended(5)
    assert [row[:2] for row in served.rows(STREAMS)] == [("closed", 1012)]


def test_a_process_without_calls_ends_at_once(served: Served) -> None:
    asked_s = served.ask_to_end()
    assert served.ended(5)
    assert time.monotonic() - asked_s < 3
    assert served.child.process.returncode == 0


@pytest.fixture
def pair(tmp_path: Path, lacks: Callable[[str], NoReturn]) -> Iterator[Served]:
    if not services_answer():
        lacks("PostgreSQL and Redis on 127.0.0.1")
    with serving(tmp_path, many=True, STREAM_DRAIN_S="60") as found:
        yield found


def worker_of(served: Served, call: str) -> str:
    [stream] = [each for each in served.stack.get(f"calls/{call}/streams/")["results"] if each["state"] == "open"]
    found = [each for each in served.lines if each.get("stream") == stream["id"] and "opened" in each["event"]]
    return str(found[0]["worker"])


def test_one_worker_leaves_and_another_takes_the_calls(pair: Served) -> None:
    stack = pair.stack
    emulated, call = talk(pair)
    workers = wait_for(lambda: found if len(found := pair.workers()) == 2 else None)
    leaving = worker_of(pair, call)
    pair.ask_to_end(workers[leaving])
    wait_for(lambda: "other workers take what comes to this address" in pair.log, 10)
    assert set(pair.workers()) == set(workers) - {leaving}

    second, other = talk(pair, "+14255550172")
    assert worker_of(pair, other) != leaving
    assert stack.emulated(emulated)["state"] == "connected"
    order = stack.order(f"calls/{call}/injections/", {"tone_hz": 440, "duration_ms": 500})
    assert stack.played(call, order.json["id"])["state"] == "done"

    stack.caller_hangs_up(emulated)
    wait_for(lambda: not alive(workers[leaving]), 10, "the worker ends with its call")
    wait_for(lambda: len(pair.workers()) == 2, 15, "the supervisor starts another worker")
    assert stack.emulated(second)["state"] == "connected"
    [stream] = stack.get(f"calls/{call}/streams/")["results"]
    assert (stream["close_code"], stream["gaps"], stream["lost_ms"]) == (1000, 0, 0)
    assert stream["frames_received"] == stack.emulated(emulated)["streaming"]["frames_sent"]


def test_a_supervisor_that_is_asked_to_end_waits_for_its_workers_calls(pair: Served) -> None:
    stack = pair.stack
    emulated, call = talk(pair)
    asked_s = pair.ask_to_end()
    wait_for(lambda: pair.ready()[0] == 503, 2)
    assert time.monotonic() - asked_s < 1.5
    before = np.count_nonzero(stack.heard(emulated)[0])
    assert stack.order(f"calls/{call}/injections/", {"tone_hz": 440, "duration_ms": 500}).status == 202
    wait_for(lambda: np.count_nonzero(stack.heard(emulated)[0]) > before + 4_000)
    stack.caller_hangs_up(emulated)
    assert pair.ended(15)
    assert refuses(f"{stack.portal}/livez")


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
