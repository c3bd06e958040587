"""Azure's events late, lost, twice, out of order or badly signed: every call ends up as it is."""

from typing import Any

import pytest

from tests.journeys.faults import SUPPORT, arm, commands, events, is_well, streams, told
from tests.journeys.stack import Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("neighbour")]

ALONE = {"callee": "+14255550177", "caller": "+18005550100"}


def is_done(stack: Stack, command: Any) -> Any:
    row = stack.get(f"commands/{command['id']}/")
    return row if row["state"] == "done" else None


def rung(stack: Stack) -> tuple[str, str]:
    emulated = stack.ring(**SUPPORT)
    return emulated, stack.call_of(emulated)


def placed(stack: Stack, **streaming: Any) -> str:
    answer = stack.order("calls/", {**ALONE, "streaming": {"start": "later", **streaming}})
    assert answer.status == 201, answer
    return str(answer.json["id"])


def test_a_call_whose_connection_is_never_told_is_shown_connected_by_its_socket(stack: Stack) -> None:
    arm(stack, "lose_callback", type="CallConnected")
    emulated, call = rung(stack)
    stack.until(call, is_well, 8)
    [answer] = commands(stack, call, "answer")
    assert wait_for(lambda: is_done(stack, answer), 5)
    assert events(stack, call, "CallConnected") == []
    assert stack.order(f"calls/{call}/hang-up/").status == 202
    assert stack.until(call, lambda row: row["state"] == "ended")["end"]["subcode"] == 7000
    assert stack.emulated(emulated)["state"] == "ended"


def test_who_is_on_the_call_tells_that_it_is_connected(stack: Stack) -> None:
    arm(stack, "lose_callback", type="CallConnected")
    call = placed(stack)
    row = stack.until(call, lambda row: row["state"] == "connected", 6)
    assert row["connected_at"]
    stack.order(f"calls/{call}/hang-up/")


def test_azure_is_asked_after_a_call_of_which_nothing_at_all_is_told(stack: Stack) -> None:
    arm(stack, "lose_callback", type="CallConnected")
    arm(stack, "lose_callback", type="ParticipantsUpdated")
    call = placed(stack)
    stack.until(call, lambda row: row["state"] == "connected", 25)
    assert told(stack, call, "CallFound").startswith("Connected: Azure said so when asked")
    [place] = commands(stack, call, "place")
    assert wait_for(lambda: is_done(stack, place), 5)
    stack.order(f"calls/{call}/hang-up/")


def test_a_call_whose_end_is_never_told_ends(stack: Stack) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    arm(stack, "lose_callback", type="CallDisconnected", call=emulated)
    stack.caller_hangs_up(emulated)
    row = stack.until(call, lambda row: row["state"] == "ended", 40)
    assert row["end"]["text"] == "Azure no longer knows this call; no event told of its end."


@pytest.mark.long
def test_a_hang_up_whose_end_is_never_told_is_done(stack: Stack) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    arm(stack, "lose_callback", type="CallDisconnected", call=emulated)
    order = stack.order(f"calls/{call}/hang-up/")
    stack.until(call, lambda row: row["state"] == "ended", 40)
    assert is_done(stack, order.json)


def test_streaming_that_is_never_told_of_starts_and_stops(stack: Stack) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    arm(stack, "lose_callback", type="MediaStreamingStopped", call=emulated)
    stop = stack.order(f"calls/{call}/streaming/stop/")
    stack.until(call, lambda row: row["streaming"]["state"] == "off", 5)
    assert wait_for(lambda: is_done(stack, stop.json), 5)
    arm(stack, "lose_callback", type="MediaStreamingStarted", call=emulated)
    start = stack.order(f"calls/{call}/streaming/start/")
    stack.until(call, is_well, 5)
    assert wait_for(lambda: is_done(stack, start.json), 5)
    assert len(streams(stack, call)) == 2
    stack.caller_hangs_up(emulated)


def test_a_failed_stream_that_is_never_told_of_is_asked_for_again(stack: Stack) -> None:
    arm(stack, "stream_refused")
    arm(stack, "lose_callback", type="MediaStreamingFailed")
    emulated, call = rung(stack)
    assert stack.until(call, lambda row: row["state"] == "connected")["streaming"]["state"] == "starting"
    stack.until(call, is_well, 30)
    assert told(stack, call, "StreamingResumed")
    stack.caller_hangs_up(emulated)


def test_late_events_change_nothing_but_the_moment(stack: Stack) -> None:
    arm(stack, "delay_callbacks", count=3, ms=3_000)
    emulated, call = rung(stack)
    stack.until(call, is_well, 8)
    assert told(stack, call, "CallConnected", 8) == "Connected"
    row = stack.until(call, lambda row: len(row["participants"]) > 1)
    assert row["state"] == "connected"
    connected = events(stack, call, "CallConnected")[0]
    assert row["connected_at"] == connected["event_time"]
    assert connected["received_at"] > connected["event_time"]
    stack.caller_hangs_up(emulated)


def test_events_that_overtake_the_answer_to_their_order_are_believed(stack: Stack) -> None:
    arm(stack, "early_callback", type="answer", event="CallConnected")
    emulated, call = rung(stack)
    stack.until(call, is_well)
    assert wait_for(lambda: is_done(stack, commands(stack, call, "answer")[0]))
    for verb, operation in (("stop", "stopMediaStreaming"), ("start", "startMediaStreaming")):
        arm(stack, "early_callback", type=operation, call=emulated)
        order = stack.order(f"calls/{call}/streaming/{verb}/")
        assert (order.status, order.json["state"]) == (202, "done"), order
    stack.until(call, is_well)
    stack.caller_hangs_up(emulated)


@pytest.mark.parametrize("ids", ["same", "new"])
def test_a_call_that_is_told_of_four_times_is_one_call(stack: Stack, ids: str) -> None:
    arm(stack, "duplicate_incoming", times=3, ids=ids)
    caller = "+14255550" + {"same": "141", "new": "142"}[ids]
    emulated = stack.ring(**{**SUPPORT, "caller": caller})
    call = stack.call_of(emulated)
    stack.until(call, is_well)
    wait_for(lambda: len(events(stack, call, "IncomingCall")) == (1 if ids == "same" else 4))
    assert len(stack.get("calls/", caller=caller)["results"]) == 1
    assert len(commands(stack, call, "answer")) == 1
    stack.caller_hangs_up(emulated)


@pytest.mark.parametrize("fault", ["duplicate_callback", "reorder_callbacks"])
def test_events_twice_or_in_disorder_change_nothing(stack: Stack, fault: str) -> None:
    arm(stack, fault, count=2)
    emulated, call = rung(stack)
    stack.until(call, is_well)
    assert len(wait_for(lambda: events(stack, call, "CallConnected"))) == 1
    stack.caller_hangs_up(emulated)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("expired_token", "its token has expired."),
        ("wrong_audience", "its token is for another resource."),
        ("no_token", "it carries no token."),
    ],
)
def test_an_event_with_a_bad_token_is_refused_and_the_call_says_so(stack: Stack, fault: str, words: str) -> None:
    arm(stack, fault, where="callback", type="CallConnected")
    emulated, call = rung(stack)
    assert told(stack, call, "CallbackRefused").startswith(f"We refused a message from Azure: {words}")
    stack.until(call, is_well)
    assert events(stack, call, "CallConnected") == []
    refused = [each for each in stack.emulated(emulated)["callbacks"] if each["status"] == 401]
    assert [each["type"] for each in refused] == ["Microsoft.Communication.CallConnected"]
    stack.caller_hangs_up(emulated)
