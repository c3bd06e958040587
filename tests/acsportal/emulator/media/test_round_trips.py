import statistics
from typing import Any

import requests

from tests.acsportal.emulator.media.test_stream import streaming_call


def round_trips(bench: Any, call_id: str) -> list[float]:
    ms: list[float] = requests.get(f"{bench.url}/emulator/calls/{call_id}/round-trips", timeout=5).json()["ms"]
    return ms


def test_the_answers_to_pings_are_timed_while_the_call_streams(bench: Any) -> None:
    call_id, _ = streaming_call(bench)
    found = bench.until(lambda: ms if len(ms := round_trips(bench, call_id)) >= 3 else None)
    assert 0 < statistics.median(found) < 1_000


def test_a_portal_that_pings_is_answered(bench: Any) -> None:
    _, socket = streaming_call(bench)
    bench.run(socket.web_socket.ping(b"are you there"))
    count = len(socket.of_kind("AudioData"))
    bench.until(lambda: len(socket.of_kind("AudioData")) > count + 25)
    assert not socket.is_closed


def test_a_pong_that_nobody_asked_for_is_passed_over(bench: Any) -> None:
    call_id, socket = streaming_call(bench)
    bench.run(socket.web_socket.pong(b"unasked"))
    assert all(each < 10_000 for each in bench.until(lambda: round_trips(bench, call_id)))


def test_a_call_without_streaming_has_none(bench: Any) -> None:
    assert round_trips(bench, bench.answered()) == []
