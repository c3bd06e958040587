"""The transcript of a call at a running portal: from Azure's socket to rows, pages and the wall."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from tests.journeys.stack import wait_for
from tests.streaming.doorstep import AzureCall, Door, MediaSocket, sine
from tests.streaming.transcripts.parrot import PARROT, STALLING

AGENT = "8:acs:00000000-0000-0000-0000-000000000001_agent-tom"
NOBODY_S_LINE = "+18005550199"  # the policy that answers it names no recogniser
HERE = "tests.streaming.transcripts.parrot"
OFFERED = ",".join(f"{HERE}.{name}" for name in ("Parrot", "Stalling", "Slow", "Failing", "Refused"))
SPEECH = np.concatenate([sine(900, 16_000), np.zeros(9_600, np.int16)])
SILENCE = np.zeros(320, np.int16)


@pytest.fixture(params=["daphne", "uvicorn"])
def portal(request: pytest.FixtureRequest, doors: Callable[..., Door]) -> Door:
    return doors(request.param, SPEECH_RECOGNISERS=OFFERED)


@contextmanager
def heard(portal: Door) -> Iterator[tuple[AzureCall, MediaSocket]]:
    call = portal.call(NOBODY_S_LINE)
    with call.dial().open() as socket:
        socket.say(np.tile(SILENCE, 5))
        wait_for(lambda: call.row()["streaming"]["state"] == "streaming", 10)
        yield call, socket


def start(call: AzureCall, recogniser: str = PARROT, **more: Any) -> str:
    answer = call.door.stack.order(f"calls/{call.id}/transcript/start/", {"recogniser": recogniser, **more})
    assert answer.status == 202, answer
    return str(answer.json["id"])


def order(call: AzureCall, verb: str, **body: Any) -> str:
    answer = call.door.stack.order(f"calls/{call.id}/transcript/{verb}/", body)
    assert answer.status == 202, answer
    return str(answer.json["id"])


def done(call: AzureCall, command: str, state: str = "done") -> Any:
    return wait_for(
        lambda: row if (row := call.door.stack.get(f"commands/{command}/"))["state"] == state else None,
        10,
        f"the order is {state}",
    )


def segments(call: AzureCall, **query: str) -> list[Any]:
    rows: list[Any] = call.door.stack.get(f"calls/{call.id}/segments/", **query)["results"]
    return rows


def finals(call: AzureCall) -> list[tuple[str, str]]:
    return [(each["raw_id"], each["text"]) for each in segments(call, final="true") if each["kind"] == "speech"]


def test_what_two_people_say_is_written_down_and_shown_as_it_is_said(portal: Door) -> None:
    with heard(portal) as (call, socket), portal.page(f"calls/{call.id}/") as page, portal.page("live/") as wall:
        command = start(call)
        socket.say(np.tile(SILENCE, 20), "4:+14255550123", AGENT)
        done(call, command)
        assert call.row()["transcript"]["state"] == "on"
        socket.say(SPEECH, "4:+14255550123")
        socket.say(SPEECH, AGENT)
        wait_for(lambda: len(finals(call)) == 2, 10)
        lines = [
            found["text"]
            for message in messages(wall)
            if (found := message.get("lines", {}).get(call.id)) and found["raw_id"] == "4:+14255550123"
        ]
        told = [each["segment"] for each in messages(page) if each["kind"] == "segment"]
    (first, second) = segments(call)
    assert [(each["raw_id"], each["text"]) for each in (first, second)] == [
        ("4:+14255550123", "one two three"),
        (AGENT, "one two three"),
    ]
    assert (first["side"], second["side"], second["label"]) == ("theirs", "ours", "agent-tom")
    assert second["start_s"] - first["start_s"] == pytest.approx(1.5, abs=0.4)
    assert [each["start_s"] for each in first["words"]] == pytest.approx([0, 0.3, 0.6], abs=0.01)
    grown = [each["text"] for each in told if each["raw_id"] == "4:+14255550123"]
    assert grown[-1] == "one two three"
    assert len(grown) >= 2
    assert {each["id"] for each in told} == {first["id"], second["id"]}
    assert lines[-1] == "one two three"
    assert wait_for(lambda: call.row()["last_line"], 5)["text"] == "one two three"
    assert segments(call, after=str(max(first["seq"], second["seq"]) - 1))


def test_a_stop_writes_the_last_words_and_nothing_after_them(portal: Door) -> None:
    with heard(portal) as (call, socket):
        done_soon = start(call)
        socket.say(sine(700, 16_000))
        done(call, done_soon)
        done(call, order(call, "stop"))
        assert finals(call) == [("4:+14255550123", "one two")]
        assert call.row()["transcript"]["state"] == "off"
        socket.say(SPEECH)
        assert finals(call) == [("4:+14255550123", "one two")]
    # A socket that returns does not take it up again: somebody stopped it.
    with call.dial().open() as again:
        again.say(SPEECH)
        assert len(finals(call)) == 1


def test_another_language_holds_from_then_on(portal: Door) -> None:
    with heard(portal) as (call, socket):
        command = start(call, language="en-GB")
        socket.say(SPEECH)
        done(call, command)
        command = order(call, "language", language="de-DE")
        socket.say(SPEECH)
        done(call, command)
        wait_for(lambda: len(finals(call)) == 2, 10)
        assert [each["language"] for each in segments(call)] == ["en-GB", "de-DE"]
        assert call.row()["transcript"]["language"] == "de-DE"


def test_a_stalled_recogniser_costs_the_call_no_frame_and_is_replaced(doors: Callable[..., Door]) -> None:
    portal = doors("daphne", SPEECH_RECOGNISERS=OFFERED)
    with heard(portal) as (call, socket), portal.page(f"calls/{call.id}/") as page:
        start(call, STALLING)
        before = len(page.messages)
        socket.say(np.concatenate([sine(5_500, 16_000), np.zeros(9_600, np.int16)]))
        wait_for(lambda: any(each["kind"] == "gap" for each in segments(call)), 10)
        wait_for(lambda: finals(call), 10)
        levels = [each for each in messages(page, before) if each["kind"] == "levels" and each["levels"]]
        health = call.row()["health"]
    (gap,) = [each for each in segments(call) if each["kind"] == "gap"]
    assert "could not be recognised: the recogniser failed (it did not take sound within 3 s)" in gap["text"]
    assert 0.3 <= gap["end_s"] - gap["start_s"] < 4
    stream = call.closed_stream()
    assert (stream["frames_received"], stream["gaps"], stream["malformed"]) == (socket.sent_frames, 0, 0)
    assert len(levels) > 45
    assert health["lag_ms"] < 500


def test_one_that_can_never_work_says_why_and_may_be_replaced_by_another(portal: Door) -> None:
    with heard(portal) as (call, socket):
        command = start(call, f"{HERE}.Refused")
        socket.say(np.tile(SILENCE, 20))
        error = done(call, command, "failed")["error"]
        assert error["message"] == "There is no key. Set PARROT_KEY."
        row = call.row()["transcript"]
        assert (row["state"], row["error"]) == ("failed", "There is no key. Set PARROT_KEY.")
        command = start(call)
        socket.say(SPEECH)
        done(call, command)
        wait_for(lambda: finals(call), 10)


def test_more_voices_than_may_be_are_told_and_not_recognised(portal: Door) -> None:
    speakers = [f"4:+1425555020{each}" for each in range(5)]
    with heard(portal) as (call, socket):
        start(call)
        socket.say(np.tile(SILENCE, 10), *speakers[:3])
        socket.say(SPEECH, *speakers)
        wait_for(lambda: len(finals(call)) == 4, 10)
        gaps = [each for each in segments(call) if each["kind"] == "gap"]
    assert {each["raw_id"] for each in gaps} <= set(speakers)
    assert gaps
    assert all("4 voices are recognised at once" in each["text"] for each in gaps)


def test_nothing_of_a_sensitive_moment_is_heard(portal: Door) -> None:
    with heard(portal) as (call, socket):
        done_soon = start(call)
        socket.say(SPEECH)
        done(call, done_soon)
        wait_for(lambda: len(finals(call)) == 1, 10)
        assert portal.stack.order(f"calls/{call.id}/sensitive/begin/").status == 202
        wait_for(lambda: call.row()["sensitive"], 5)
        socket.say(np.tile(SILENCE, 25))
        socket.say(SPEECH)
        assert portal.stack.order(f"calls/{call.id}/sensitive/end/").status == 202
        wait_for(lambda: not call.row()["sensitive"], 5)
        socket.say(np.tile(SILENCE, 25))
        socket.say(SPEECH)
        wait_for(lambda: len(finals(call)) == 2, 10)
        first, second = segments(call)
        assert second["start_s"] - first["start_s"] > 3


def messages(page: Any, after: int = 0) -> list[Any]:
    return [json.loads(text) for _, text in list(page.messages)[after:]]
