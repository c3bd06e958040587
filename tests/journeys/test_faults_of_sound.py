"""The media socket on a bad day: the portal lives, says what happened, and a neighbour notices nothing."""

import time
from typing import Any

import pytest

from tests.journeys.faults import SALES, SUPPORT, arm, events, health, is_well, streams, told
from tests.journeys.stack import Stack, wait_for

pytestmark = [pytest.mark.journey, pytest.mark.usefixtures("neighbour")]


def test_late_frames_are_shown_as_lag_and_nothing_is_lost(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "late_frames", call=emulated, ms=600, duration_s=4)
    wait_for(lambda: health(stack, call).get("lag_ms", 0) > 300, 4, "lag is shown")
    row = stack.until(call, lambda row: is_well(row) and row["health"]["lag_ms"] < 50, 15)
    assert (row["health"]["gaps"], row["health"]["lost_ms"]) == (0, 0)


def test_lost_frames_are_counted_to_the_millisecond(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "lose_frames", call=emulated, share=0.3, duration_s=2)
    time.sleep(2.5)
    lost = stack.emulated(emulated)["streaming"]["frames_lost"]
    assert lost > 20
    row = stack.until(call, lambda row: is_well(row) and row["health"]["lost_ms"] == 20 * lost, 5)
    assert 0 < row["health"]["gaps"] <= lost


def test_a_second_without_any_frame_is_told_with_its_length(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "lose_frames", call=emulated, share=1, duration_s=3)
    wait_for(lambda: health(stack, call).get("frame_age_ms", 0) > 1_000, 2, "the age of the newest frame")
    assert health(stack, call)["lag_ms"] >= 1_000
    assert told(stack, call, "StreamStalled", 3).startswith("No sound comes any more: the media socket is open, but")
    assert told(stack, call, "StreamFlows", 5) == "Sound comes again: after 3.0 s without any."
    assert stack.until(call, is_well)["health"]["lost_ms"] in range(5_700, 6_300)  # of two who speak


@pytest.mark.long
def test_a_peer_that_answers_pings_is_not_taken_for_dead_however_still_it_is(
    stack: Stack, talking: tuple[str, str]
) -> None:
    emulated, call = talking
    arm(stack, "lose_frames", call=emulated, share=1, duration_s=17)
    wait_for(lambda: health(stack, call).get("frame_age_ms", 0) > 16_000, 20, "16 s without a frame")
    stack.until(call, is_well, 5)
    assert [each["state"] for each in streams(stack, call)] == ["open"]
    assert len(events(stack, call, "StreamStalled")) == 1


@pytest.mark.parametrize("length", [320, 1280, 641])
def test_frames_of_another_length_are_taken_and_counted(stack: Stack, talking: tuple[str, str], length: int) -> None:
    emulated, call = talking
    arm(stack, "wrong_length", call=emulated, bytes=length, duration_s=1)
    time.sleep(1.2)
    stack.until(call, is_well)
    stack.caller_hangs_up(emulated)
    stack.until(call, lambda row: row["state"] == "ended")
    stream = wait_for(lambda: [each for each in streams(stack, call) if each["state"] == "closed"])[0]
    if length % 2:
        assert stream["malformed_kinds"]["odd_length"] == stream["malformed"] >= 40
    else:
        assert stream["wrong_size"] >= 40
        assert stream["malformed"] == 0


def test_metadata_that_names_a_length_no_frame_has_changes_nothing(stack: Stack) -> None:
    arm(stack, "wrong_length", of="metadata", bytes=640)
    emulated, call = stack.streaming_call(**{**SALES, "caller": "+442079460199"})
    [stream] = streams(stack, call)
    assert (stream["sample_rate_hz"], stream["frame_length"]) == (24_000, 640)
    stack.caller_hangs_up(emulated)
    closed = wait_for(lambda: [each for each in streams(stack, call) if each["state"] == "closed"])[0]
    assert (closed["wrong_size"], closed["malformed"], closed["lost_ms"]) == (0, 0, 0)


def test_messages_of_unknown_kinds_are_counted_and_passed_over(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "unknown_kind", call=emulated, count=7, kind="MarkData")
    row = stack.until(call, lambda row: is_well(row) and row["health"]["malformed"] == 7, 3)
    assert row["health"]["lost_ms"] == 0


@pytest.mark.parametrize("how", ["null", "absent"])
def test_frames_that_do_not_say_who_speaks_are_heard_as_one_voice(
    stack: Stack, talking: tuple[str, str], how: str
) -> None:
    emulated, call = talking
    arm(stack, "participant_null", call=emulated, how=how, duration_s=2)
    stack.until(call, lambda row: "mixed" in row["levels"], 3)
    time.sleep(1.5)
    row = stack.until(call, lambda row: is_well(row) and len(row["levels"]) >= 2, 5)
    assert row["health"]["malformed"] == 0


def test_frames_that_do_not_say_whether_they_are_silent_are_heard(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "silent_absent", call=emulated, duration_s=30)
    before = health(stack, call)["frames_received"]
    row = stack.until(call, lambda row: is_well(row) and row["health"]["frames_received"] > before + 100, 5)
    assert (row["health"]["malformed"], row["health"]["lost_ms"]) == (0, 0)
    assert any(level["rms_dbfs"] > -60 for level in row["levels"].values())


def test_a_broken_socket_is_told_with_its_code_and_sound_comes_again(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "drop_socket", call=emulated)
    assert told(stack, call, "StreamClosed") == "Media socket broke (1006)"
    wait_for(lambda: len(streams(stack, call)) == 2)
    stack.until(call, is_well)
    assert [(each["state"], each["close_code"]) for each in streams(stack, call)] == [("closed", 1006), ("open", None)]


def test_a_half_open_socket_is_shown_within_2_s_and_closed_within_15_s(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    arm(stack, "half_open_socket", call=emulated, duration_s=40)
    began_s = time.monotonic()
    wait_for(lambda: health(stack, call).get("frame_age_ms", 0) >= 1_000, 2, "nothing comes, and it is shown")
    assert told(stack, call, "StreamStalled", 2.5).startswith("No sound comes any more")
    wait_for(lambda: streams(stack, call)[0]["state"] == "closed", 15 - (time.monotonic() - began_s), "it is closed")
    first = streams(stack, call)[0]
    assert first["close_code"] == 1006
    assert first["close_reason"].endswith("and no ping was answered: the connection was dead.")
    assert stack.get(f"calls/{call}/")["state"] == "connected"
    stack.until(call, is_well, 20)  # the portal asked for a new one
    assert told(stack, call, "StreamingResumed")


@pytest.mark.long
def test_a_half_open_socket_that_we_speak_into_is_closed_too(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    order = stack.order(f"calls/{call}/injections/", {"tone_hz": 440, "duration_ms": 60_000})
    assert order.status == 202, order
    wait_for(lambda: stack.injection(call, order.json["id"])["state"] == "playing")
    arm(stack, "half_open_socket", call=emulated, duration_s=40)
    wait_for(lambda: streams(stack, call)[0]["state"] == "closed", 15, "it is closed")
    stack.until(call, is_well, 20)


def test_a_stream_that_azure_does_not_open_says_why_and_is_started_by_hand(stack: Stack) -> None:
    arm(stack, "stream_refused", subcode="8603")
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    row = stack.until(call, lambda row: (row["state"], row["streaming"]["state"]) == ("connected", "failed"), 10)
    assert row["streaming"]["error"].startswith("Azure could not open our media socket. Start streaming again;")
    assert told(stack, call, "MediaStreamingFailed") == "Azure could not open our media socket"
    start = stack.order(f"calls/{call}/streaming/start/")
    assert start.status == 202, start
    stack.until(call, is_well)
    wait_for(lambda: stack.get(f"commands/{start.json['id']}/")["state"] == "done")
    stack.caller_hangs_up(emulated)


def test_a_stream_that_azure_does_not_open_is_asked_for_again_by_the_portal(stack: Stack) -> None:
    arm(stack, "stream_refused", subcode="8581", count=1)
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    row = stack.until(call, lambda row: row["streaming"]["state"] == "failed", 10)
    assert "PUBLIC_URL" in row["streaming"]["error"]
    stack.until(call, is_well, 25)
    assert told(stack, call, "StreamingResumed")
    stack.caller_hangs_up(emulated)


def test_a_start_that_fails_says_why_on_the_order(stack: Stack, talking: tuple[str, str]) -> None:
    emulated, call = talking
    assert stack.order(f"calls/{call}/streaming/stop/").status == 202
    stack.until(call, lambda row: row["streaming"]["state"] == "off")
    arm(stack, "stream_refused", call=emulated)
    start = stack.order(f"calls/{call}/streaming/start/")
    failed = wait_for(lambda: _over(stack, start.json["id"]))
    assert (failed["state"], failed["error"]["code"]) == ("failed", "azure_500_8603")
    assert "PUBLIC_URL" in failed["error"]["message"]
    assert stack.order(f"calls/{call}/streaming/start/").status == 202
    stack.until(call, is_well)


def _over(stack: Stack, command: str) -> Any:
    row = stack.get(f"commands/{command}/")
    return row if row["state"] in {"done", "failed"} else None


TOKENS = [
    ("expired_token", "its token has expired. Check this machine's clock."),
    (
        "wrong_audience",
        "its token is for another resource. Check that ACS_RESOURCE_ID is this resource's immutable id.",
    ),
    ("no_token", "it carries no token. Check that no proxy before the portal removes the Authorization header."),
]


@pytest.mark.parametrize(("fault", "words"), TOKENS)
def test_a_media_socket_with_a_bad_token_is_refused_and_the_call_says_so(stack: Stack, fault: str, words: str) -> None:
    arm(stack, fault, where="socket")
    emulated = stack.ring(**SUPPORT)
    call = stack.call_of(emulated)
    assert told(stack, call, "SocketRefused") == f"We refused Azure's media socket: {words}"
    row = stack.until(call, lambda row: (row["state"], row["streaming"]["state"]) == ("connected", "failed"), 10)
    assert row["streaming"]["error"] == f"We refused Azure's media socket: {words}"
    assert stack.order(f"calls/{call}/streaming/start/").status == 202
    stack.until(call, is_well)
    assert len(events(stack, call, "SocketRefused")) == 1
    stack.caller_hangs_up(emulated)
