"""Events that were captured and are sent again: nothing happens twice, and nothing that is over comes back."""

from typing import Any

import pytest

from tests.azure_stand_in import bearer, callback, incoming
from tests.hostile.neighbour import Neighbour
from tests.journeys.stack import ask
from tests.rings import count_of
from tests.streaming.doorstep import AzureCall, Door

TIMES = pytest.mark.parametrize("times", [100, pytest.param(count_of(1_000, 300), marks=pytest.mark.long)])


def facts(call: AzureCall) -> Any:
    """What a replay might change; the clock of the row's own levels is no fact."""
    row = call.row()
    events = call.door.stack.get(f"calls/{call.id}/events/")["results"]
    return [row[name] for name in ("state", "streaming", "participants", "acs")], sorted(each["id"] for each in events)


def replay(url: str, events: list[dict[str, Any]], times: int, **headers: str) -> None:
    """Each of them alone, and all of them together."""
    for number in range(times):
        given = events if number % 2 else [events[number % len(events)]]
        answer = ask("POST", url, given, headers)
        assert answer.status == 200, answer


@TIMES
def test_replayed_events_change_nothing(door: Door, neighbour: Neighbour, times: int) -> None:
    call = door.ring()
    ended = [
        callback("CallConnected", call.connection_id, context=call.context),
        callback("ParticipantsUpdated", call.connection_id, participants=[], sequenceNumber=1),
        callback("CallDisconnected", call.connection_id),
    ]
    replay(call.callback_url, ended, 2, Authorization=bearer())
    door.stack.until(call.id, lambda row: row["state"] == "ended")
    before = facts(call)
    rang = incoming()
    grid = f"{door.stack.portal}/acs/events/?token={door.stack.demo.environment['EVENT_GRID_SECRET']}"
    token = bearer()  # the same one each time: a callback's token may come more than once

    def attack() -> None:
        replay(call.callback_url, ended, times // 2, Authorization=token)
        replay(grid, [rang], times // 2)

    neighbour.unharmed_by(f"{times} replayed events", attack)
    assert facts(call) == before
    context = rang["data"]["incomingCallContext"]
    answers = [each for each in list(door.azure.asked) if each.body.get("incomingCallContext") == context]
    assert len(answers) == 1


def test_callbacks_of_one_call_do_nothing_to_another(door: Door) -> None:
    call, other = door.call(), door.call()
    event = callback("CallDisconnected", other.connection_id)
    assert ask("POST", call.callback_url, [event], {"Authorization": bearer()}).status == 403
    assert (call.row()["state"], other.row()["state"]) == ("connected", "connected")
