import json
from uuid import uuid4

import pytest

from calls.commands import CloseSocket, Order, PlaySound, StopSound, group_of, read, send
from tests.calls.ear import Ear

ORDERS: list[Order] = [
    PlaySound("i", "text", "Hello", text="Hello", voice="en-gb", speed_wpm=160, gain_db=-3.5, loop=True),
    PlaySound("i", "tone", "Tone 440 Hz", tone_hz=440, tone_ms=500),
    PlaySound("i", "clip", "Welcome", file="clips/x.wav"),
    StopSound("c"),
    CloseSocket(1000, "a newer socket took its place"),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_arrives_as_it_was_sent_and_fits_into_json(order: Order) -> None:
    session_id = uuid4()
    ear, neighbour = Ear(group_of(session_id)), Ear(group_of(uuid4()))
    send(session_id, order)
    [message] = ear.messages()
    assert read(json.loads(json.dumps(message))) == order
    assert neighbour.messages() == []


def test_an_order_for_a_process_that_is_gone_is_lost_in_silence() -> None:
    send(uuid4(), StopSound("c"))
