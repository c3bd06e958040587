"""Calls from their first ring to their end, through the real portal, Azure's SDK and the emulator."""

import pytest

from tests.journeys.stack import Stack, ask, wait_for

pytestmark = [pytest.mark.journey]

SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}
FRONT_DESK = {"caller": "+14255550188", "callee": "+18005550102", "scenario": "support"}  # its policy rings operators


def test_an_incoming_call_is_answered_by_policy_and_streams_within_ten_seconds(stack: Stack) -> None:
    emulated = stack.ring(**SUPPORT)
    found = stack.call_of(emulated, 10)
    row = stack.until(found, lambda row: len(row["levels"]) == 2 and len(row["participants"]) == 2, 10)
    assert (row["direction"], row["caller"], row["callee"]) == ("inbound", "+14255550123", "+18005550100")
    assert row["streaming"]["sample_rate_hz"] == 16000
    assert row["streaming"]["channel_type"] == "unmixed"
    assert {each["raw_id"] for each in row["participants"]} >= set(row["levels"])  # each with a level of its own
    # Its facts are written by a thread of its own, soon after the sound is there.
    stream = wait_for(
        lambda: [each for each in stack.get(f"calls/{found}/streams/")["results"] if each["sample_rate_hz"]]
    )[0]
    assert (stream["state"], stream["sample_rate_hz"], stream["malformed"]) == ("open", 16000, 0)
    stack.caller_hangs_up(emulated)
    over = stack.until(found, lambda row: row["state"] == "ended")
    assert over["end"]["message"]
    assert over["streaming"]["state"] == "off"
    assert stack.get(f"calls/{found}/streams/")["results"][0]["state"] == "closed"


def test_hanging_up_ends_the_call_when_azure_says_so(stack: Stack) -> None:
    emulated, found = stack.streaming_call(**SUPPORT)
    answer = stack.order(f"calls/{found}/hang-up/")
    assert answer.status == 202
    assert answer.json["state"] in {"accepted", "done"}
    over = stack.until(found, lambda row: row["state"] == "ended")
    assert over["end"]["subcode"] == 7000
    wait_for(lambda: stack.get(f"commands/{answer.json['id']}/")["state"] == "done")
    assert stack.emulated(emulated)["state"] == "ended"
    again = stack.order(f"calls/{found}/hang-up/")
    assert (again.status, again.json["error"]["code"]) == (409, "wrong_state")


def test_streaming_stops_and_starts_again_in_mid_call_any_number_of_times(stack: Stack) -> None:
    emulated, found = stack.streaming_call(**SUPPORT)
    for round_number in range(1, 4):
        stop = stack.order(f"calls/{found}/streaming/stop/")
        assert stop.status == 202, stop
        stack.until(found, lambda row: row["streaming"]["state"] == "off")
        wait_for(lambda stop=stop: stack.get(f"commands/{stop.json['id']}/")["state"] == "done")  # type: ignore[misc]
        assert stack.get(f"calls/{found}/")["state"] == "connected"
        refused = stack.order(f"calls/{found}/injections/", {"tone_hz": 440})
        assert refused.status == 409
        start = stack.order(f"calls/{found}/streaming/start/")
        assert start.status == 202, start
        stack.until(found, lambda row: row["streaming"]["state"] == "streaming" and row["levels"])
        wait_for(lambda start=start: stack.get(f"commands/{start.json['id']}/")["state"] == "done")  # type: ignore[misc]
        streams = stack.get(f"calls/{found}/streams/")["results"]
        assert len(streams) == round_number + 1
        assert sorted(each["state"] for each in streams) == ["closed"] * round_number + ["open"]
    stack.caller_hangs_up(emulated)


def test_operators_answer_a_call_that_rings_for_them(stack: Stack) -> None:
    emulated = stack.ring(**FRONT_DESK)
    found = stack.call_of(emulated)
    assert stack.get(f"calls/{found}/")["state"] == "ringing"
    answer = stack.order(f"calls/{found}/answer/")
    assert answer.status == 202, answer
    stack.until(found, lambda row: row["state"] == "connected" and row["streaming"]["state"] == "streaming")
    assert wait_for(lambda: stack.get(f"commands/{answer.json['id']}/")["state"] == "done")
    stack.caller_hangs_up(emulated)


def test_operators_reject_a_call(stack: Stack) -> None:
    emulated = stack.ring(**FRONT_DESK)
    found = stack.call_of(emulated)
    assert stack.order(f"calls/{found}/reject/").status == 202
    assert stack.get(f"calls/{found}/")["state"] == "ended"
    wait_for(lambda: stack.emulated(emulated)["state"] == "ended")


def test_answering_a_caller_who_gave_up_ends_the_call_in_plain_words(stack: Stack) -> None:
    emulated = stack.ring(**FRONT_DESK)
    found = stack.call_of(emulated)
    stack.caller_hangs_up(emulated)
    answer = stack.order(f"calls/{found}/answer/")
    assert answer.status == 502, answer
    over = stack.until(found, lambda row: row["state"] == "ended")
    assert over["end"]["subcode"] == 8522
    events = stack.get(f"calls/{found}/events/")["results"]
    assert any("gone" in each["text"] or "gave up" in each["text"] for each in events), events


def test_an_outbound_call_rings_connects_and_streams(stack: Stack) -> None:
    answer = stack.order("calls/", {"callee": "+14255550177", "caller": "+18005550100"})
    assert answer.status == 201, answer
    row = stack.until(answer.json["id"], lambda row: row["state"] == "connected" and row["levels"])
    assert row["direction"] == "outbound"
    assert stack.order(f"calls/{row['id']}/hang-up/").status == 202
    stack.until(row["id"], lambda row: row["state"] == "ended")


def test_an_outbound_call_may_start_streaming_later(stack: Stack) -> None:
    profile = {"channel_type": "mixed", "sample_rate_hz": 24000, "start": "later"}
    answer = stack.order("calls/", {"callee": "+14255550176", "caller": "+18005550100", "streaming": profile})
    found = answer.json["id"]
    stack.until(found, lambda row: row["state"] == "connected")
    assert stack.get(f"calls/{found}/")["streaming"]["state"] == "off"
    assert stack.get(f"calls/{found}/streams/")["results"] == []
    assert stack.order(f"calls/{found}/streaming/start/").status == 202
    row = stack.until(found, lambda row: row["levels"])
    assert list(row["levels"]) == ["mixed"]
    assert stack.get(f"calls/{found}/streams/")["results"][0]["sample_rate_hz"] == 24000
    stack.order(f"calls/{found}/hang-up/")


def test_a_callee_who_does_not_answer_fails_the_call_with_azures_words(stack: Stack) -> None:
    answer = stack.order("calls/", {"callee": "+14255550001", "caller": "+18005550100"})
    row = stack.until(answer.json["id"], lambda row: row["state"] == "failed", 40)
    assert row["end"]["code"] == 403
    assert row["end"]["message"]


def test_sound_into_a_one_way_stream_is_refused_with_the_reason(stack: Stack) -> None:
    answer = stack.order(
        "calls/", {"callee": "+14255550175", "caller": "+18005550100", "streaming": {"bidirectional": False}}
    )
    found = answer.json["id"]
    stack.until(found, lambda row: row["streaming"]["state"] == "streaming")
    refused = stack.order(f"calls/{found}/injections/", {"text": "Hello"})
    assert refused.status == 409
    assert "one way" in refused.json["error"]["message"]
    stack.order(f"calls/{found}/hang-up/")


def test_a_socket_that_breaks_is_shown_and_heals(stack: Stack) -> None:
    emulated, found = stack.streaming_call(**SUPPORT)
    assert stack.arm(fault="drop_socket", call=emulated).status in {200, 201}
    wait_for(lambda: len(stack.get(f"calls/{found}/streams/")["results"]) == 2, 15, "a second stream")
    stack.until(found, lambda row: row["streaming"]["state"] == "streaming" and row["levels"])
    first = next(each for each in stack.get(f"calls/{found}/streams/")["results"] if each["state"] == "closed")
    assert first["close_code"] == 1006
    heard = stack.order(f"calls/{found}/injections/", {"tone_hz": 440, "duration_ms": 300})
    assert stack.played(found, heard.json["id"])["state"] == "done"
    stack.caller_hangs_up(emulated)


@pytest.mark.parametrize("fault", ["duplicate_callback", "reorder_callbacks"])
def test_callbacks_that_come_twice_or_in_disorder_change_nothing(stack: Stack, fault: str) -> None:
    assert stack.arm(fault=fault).status in {200, 201}
    emulated, found = stack.streaming_call(**SUPPORT)
    assert stack.order(f"calls/{found}/hang-up/").status == 202
    over = stack.until(found, lambda row: row["state"] == "ended")
    assert over["end"]["subcode"] == 7000
    types = [each["type"] for each in stack.get(f"calls/{found}/events/")["results"]]
    assert types.count("CallConnected") == types.count("CallDisconnected") == 1
    assert stack.emulated(emulated)["state"] == "ended"


def test_keys_that_the_caller_presses_are_shown(stack: Stack) -> None:
    emulated, found = stack.streaming_call(**SUPPORT)
    ask("POST", f"{stack.emulator}/emulator/calls/{emulated}/dtmf", {"tones": "1#"})
    wait_for(
        lambda: [each for each in stack.get(f"calls/{found}/events/")["results"] if each["type"] == "DtmfPressed"][1:]
    )
    stack.caller_hangs_up(emulated)
