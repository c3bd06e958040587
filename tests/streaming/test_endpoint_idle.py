"""A stream that brings no sound: over a real socket, with a short limit."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.stack import wait_for
from tests.streaming.doorstep import Door, opened, sine

LIMIT_S = 5


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Door]:
    with opened("daphne", tmp_path, STREAM_IDLE_S=str(LIMIT_S)) as found:
        yield found


def test_a_stream_without_a_frame_is_stopped_and_closed_with_its_reason(hasty: Door) -> None:
    call = hasty.call()
    with call.dial() as socket:
        socket.open()
        socket.say(sine(200, 16_000))
        wait_for(lambda: "stopMediaStreaming" in hasty.azure.verbs(), LIMIT_S + 5, "Azure is asked to stop")
        assert socket.close_code(10) == 1000  # Azure does not stop here, so the portal closes
    row = call.closed_stream()
    assert (row["close_code"], row["close_reason"]) == (1000, "No sound came for too long.")
    told = [each["text"] for each in hasty.stack.get(f"calls/{call.id}/events/")["results"]]
    assert any("it has brought no sound for" in each for each in told)
    call.hang_up()
