"""Azure throttles, is away or slow: orders say so with a remedy, and what a policy ordered is asked again."""

from typing import Any

import pytest

from tests.journeys.faults import SUPPORT, arm, commands, is_well, told
from tests.journeys.stack import Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("neighbour")]

DEADLINE_S = 9.5


def refused(answer: Any) -> tuple[int, str]:
    return answer.status, answer.json["error"]["code"]


def test_a_throttled_answer_is_asked_again_by_itself_while_the_call_rings(stack: Stack) -> None:
    arm(stack, "throttle", type="answer", retry_after_s=4)
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    words = told(stack, call, "OrderPutOff", 5)
    assert words == (
        "Azure could not take the order: it is asked again in 4 s. Azure slows this resource down. "
        "Azure asks us to wait 4 s (Retry-After); then try again."
    )
    assert stack.get(f"calls/{call}/")["state"] == "ringing"
    stack.until(call, is_well, 15)
    first, second = commands(stack, call, "answer")
    assert (first["state"], first["error"]["code"]) == ("failed", "azure_throttled")
    assert wait_for(lambda: stack.get(f"commands/{second['id']}/")["state"] == "done")
    assert first["asked_by"] == second["asked_by"]
    stack.caller_hangs_up(emulated)


def test_an_answer_is_asked_again_until_azure_is_back(stack: Stack) -> None:
    arm(stack, "unavailable", type="answer", window_s=9)
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    stack.until(call, is_well, 29)
    tries = commands(stack, call, "answer")
    assert len(tries) >= 3
    assert {each["error"]["code"] for each in tries[:-1]} == {"azure_unavailable"}
    stack.caller_hangs_up(emulated)


def test_a_pause_that_azure_asks_for_beyond_the_ringing_is_told(stack: Stack) -> None:
    arm(stack, "throttle", type="answer", retry_after_s=60)
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    assert "it rings too short a time to be asked again." in told(stack, call, "OrderPutOff", 5)
    assert stack.order(f"calls/{call}/answer/").status == 202  # an operator may try
    stack.until(call, is_well)
    stack.caller_hangs_up(emulated)


def test_a_throttled_order_is_refused_with_azures_pause_and_the_call_goes_on(
    stack: Stack, talking: tuple[str, str]
) -> None:
    emulated, call = talking
    arm(stack, "throttle", call=emulated, type="stopMediaStreaming", retry_after_s=30)
    answer = stack.order(f"calls/{call}/streaming/stop/")
    assert refused(answer) == (502, "azure_throttled")
    assert answer.json["error"]["message"] == (
        "Azure slows this resource down. Azure asks us to wait 30 s (Retry-After); then try again."
    )
    assert {name.lower(): value for name, value in answer.headers.items()}["retry-after"] == "30"
    stack.until(call, is_well, 3)
    assert commands(stack, call, "stop_streaming")[0]["error"]["message"] == answer.json["error"]["message"]


def test_a_short_pause_is_waited_for_and_nobody_notices(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "throttle", call=emulated, type="stopMediaStreaming", count=2, retry_after_s=1)
    answer = stack.order(f"calls/{call}/streaming/stop/")
    assert answer.status == 202, answer
    stack.until(call, lambda row: row["streaming"]["state"] == "off")


def test_a_fault_of_azures_own_that_passes_is_not_noticed_and_one_that_stays_is_told(
    stack: Stack, talking: tuple[str, str]
) -> None:
    emulated, call = talking
    arm(stack, "unavailable", call=emulated, type="terminate", count=5)
    answer = stack.order(f"calls/{call}/hang-up/")  # asked three times
    assert refused(answer) == (502, "azure_unavailable")
    assert "Try again" in answer.json["error"]["message"]
    stack.until(call, is_well, 3)
    assert stack.order(f"calls/{call}/hang-up/").status == 202
    stack.until(call, lambda row: row["state"] == "ended")


def test_a_call_that_azure_does_not_place_says_why(stack: Stack) -> None:
    arm(stack, "throttle", type="createCall", retry_after_s=20)
    answer = stack.order("calls/", {"callee": "+14255550151", "caller": "+18005550100"})
    assert refused(answer) == (502, "azure_throttled")
    [row] = stack.get("calls/", callee="+14255550151")["results"]
    assert row["state"] == "failed"
    assert "Azure slows this resource down" in row["end"]["text"]
    assert stack.order("calls/", {"callee": "+14255550151", "caller": "+18005550100"}).status == 201


def test_an_answer_that_azure_confirms_late_is_one_answer(stack: Stack) -> None:
    arm(stack, "slow_rest", type="answer", ms=5_000)
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    stack.until(call, is_well, 5)  # before Azure has answered
    [answer] = commands(stack, call, "answer")
    assert wait_for(lambda: stack.get(f"commands/{answer['id']}/")["state"] == "done", 8)
    stack.caller_hangs_up(emulated)


def test_an_order_that_azure_does_not_confirm_in_time_is_believed_when_its_event_comes(
    stack: Stack, talking: tuple[str, str]
) -> None:
    emulated, call = talking
    arm(stack, "slow_rest", call=emulated, type="stopMediaStreaming", ms=12_000)
    answer = stack.order(f"calls/{call}/streaming/stop/")
    assert refused(answer) == (503, "azure_timeout")
    assert f"within {DEADLINE_S:g} s" in answer.json["error"]["message"]
    assert stack.get(f"calls/{call}/")["streaming"]["state"] == "off"
    assert commands(stack, call, "stop_streaming")[0]["state"] == "done"
    assert stack.order(f"calls/{call}/streaming/start/").status == 202
    stack.until(call, is_well)
