"""Who spoke when, through the door: sound goes in by Azure's socket, turns come out by REST."""

import numpy as np
import pytest

from tests.journeys.stack import wait_for
from tests.streaming.doorstep import CALLER, Door, sine

pytestmark = pytest.mark.journey
BEN = "8:acs:ben"


def test_each_turn_of_each_voice_is_kept_with_its_length(doors: "object") -> None:
    door: Door = doors("daphne")  # type: ignore[operator]
    call = door.call()
    with call.dial() as socket:
        socket.open()
        quiet = np.zeros(16_000, np.int16)
        socket.say(sine(1_500, 16_000), CALLER)
        socket.say(quiet, CALLER)
        socket.say(sine(800, 16_000), BEN)
        socket.say(quiet[:8_000], BEN)

        def turns() -> dict[str, list[list[float]]]:
            found: dict[str, list[list[float]]] = door.stack.get(f"calls/{call.id}/measures/")["talk"]
            return found

        wait_for(lambda: {CALLER, BEN} <= set(turns()), 5, "both have spoken")
        found = turns()
    ((began_s, ended_s),) = found[CALLER]
    ((later_s, last_s),) = found[BEN]
    assert 1.2 <= ended_s - began_s <= 1.9
    assert 0.5 <= last_s - later_s <= 1.2
    assert later_s > ended_s
    call.hang_up()
