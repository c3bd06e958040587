"""What Azure understands of a call is read while it is said, and stays: the emulator knows its scenarios' texts."""

import json
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import pytest

from tests.journeys.stack import Stack, wait_for

pytestmark = [pytest.mark.journey]

SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}
SALES = {"caller": "+442079460123", "callee": "+18005550101", "scenario": "sales"}


@pytest.fixture
def alone(stacks: Callable[[str], Stack]) -> Iterator[Stack]:
    """Where it makes no difference, on one process is enough."""
    stack = stacks("embedded")
    yield stack
    stack.hang_up_all()


def script(scenario: str) -> list[Any]:
    text = files("acsportal.emulator.scenarios").joinpath(f"{scenario}.json").read_text(encoding="utf-8")
    found: list[Any] = sorted(json.loads(text)["utterances"], key=lambda each: each["start_s"])
    return found


def segments(stack: Stack, call: str, **query: str) -> list[Any]:
    found: list[Any] = stack.get(f"calls/{call}/segments/", **query)["results"]
    return found


def finals(stack: Stack, call: str, many: int, within_s: float = 30) -> list[Any]:
    """The first final segments, as soon as there are so many."""

    def look() -> list[Any] | None:
        rows = segments(stack, call, final="true")
        return rows if len(rows) >= many else None

    return wait_for(look, within_s, f"{many} final segments")


def settled(stack: Stack, call: str) -> list[Any]:
    """All segments, as soon as none of them is still being spoken."""

    def look() -> list[Any] | None:
        rows = segments(stack, call)
        return rows if rows and all(row["final"] for row in rows) else None

    return wait_for(look, 5, "no turn stays open")


def transcript(stack: Stack, call: str, state: str) -> Any:
    return stack.until(call, lambda row: row["transcript"]["state"] == state)["transcript"]


def order(stack: Stack, call: str, verb: str, **content: str) -> Any:
    answer = stack.order(f"calls/{call}/transcript/{verb}/", content)
    assert answer.status == 202, answer
    return wait_for(
        lambda: row if (row := stack.get(f"commands/{answer.json['id']}/"))["state"] in {"done", "failed"} else None
    )


def told(stack: Stack, call: str, event_type: str) -> list[Any]:
    return [row for row in stack.get(f"calls/{call}/events/")["results"] if row["type"] == event_type]


def test_both_speakers_are_written_down_in_order_while_they_speak(stack: Stack) -> None:
    emulated, call = stack.streaming_call(**SUPPORT)
    expected = script("support")
    early = wait_for(lambda: segments(stack, call), 10, "somebody is written down")[0]
    assert expected[0]["text"].startswith(early["text"])
    rows = finals(stack, call, 2)
    assert [row["text"] for row in rows[:2]] == [each["text"] for each in expected[:2]]
    assert rows[0]["id"] == early["id"]
    assert rows[0]["revision"] >= 3
    agent, caller = rows[:2]
    assert (caller["raw_id"], caller["label"], caller["side"]) == ("4:+14255550123", "Caller", "theirs")
    assert (agent["side"], agent["source"], agent["language"]) == ("ours", "azure_call", "en-US")
    for row, each in zip(rows, expected, strict=False):
        # The conversation begins within a second of the call's own second 0.
        assert abs(row["end_s"] - row["start_s"] - each["duration_s"]) < 0.05
        assert abs((row["start_s"] - rows[0]["start_s"]) - (each["start_s"] - expected[0]["start_s"])) < 0.1
    transcript(stack, call, "on")
    stack.caller_hangs_up(emulated)
    ended = stack.until(call, lambda row: row["state"] == "ended")
    assert ended["transcript"]["state"] == "off"
    kept = settled(stack, call)
    assert len({row["id"] for row in kept}) == len(kept)
    assert [row["start_s"] for row in kept] == sorted(row["start_s"] for row in kept)


def test_a_mixed_call_is_written_down_by_whom_azure_names(alone: Stack) -> None:
    _, call = alone.streaming_call(**SALES)
    [row, *_] = finals(alone, call, 1)
    assert row["text"] == script("sales")[0]["text"]
    assert row["raw_id"] not in {"", "mixed"}


@pytest.mark.long
def test_it_is_turned_to_another_language_stopped_and_started_again(alone: Stack) -> None:
    _, call = alone.streaming_call(**SUPPORT)
    transcript(alone, call, "on")
    wait_for(lambda: segments(alone, call), 10)
    assert order(alone, call, "language", language="fr-FR")["state"] == "done"
    assert finals(alone, call, 1)[0]["text"] == script("support")[0]["text"]
    assert finals(alone, call, 2)[1]["language"] == "fr-FR"
    assert order(alone, call, "stop")["state"] == "done"
    transcript(alone, call, "off")
    before = settled(alone, call)
    assert order(alone, call, "start", language="en-GB")["state"] == "done"
    transcript(alone, call, "on")
    after = finals(alone, call, len(before) + 1)
    assert after[-1]["language"] == "en-GB"
    assert [row["id"] for row in after[: len(before)]] == [row["id"] for row in before]


def test_a_socket_that_breaks_and_returns_leaves_no_copy_and_no_open_end(alone: Stack) -> None:
    emulated, call = alone.streaming_call(**SUPPORT)
    wait_for(lambda: segments(alone, call), 10, "somebody is being written down")
    assert alone.arm(fault="drop_transcript", call=emulated).status in {200, 201}
    wait_for(lambda: told(alone, call, "TranscriptClosed"), 5, "the socket broke")
    wait_for(lambda: told(alone, call, "TranscriptionResumed"), 10, "Azure dialled again")
    transcript(alone, call, "on")
    cut, second = finals(alone, call, 2)[:2]
    first, said = script("support")[:2]
    assert first["text"].startswith(cut["text"])
    assert second["text"] == said["text"]
    assert second["start_s"] > cut["start_s"]
    assert len(told(alone, call, "TranscriptOpened")) == 2
    alone.caller_hangs_up(emulated)
    settled(alone, call)


def test_a_call_goes_on_without_the_transcript_that_azure_cannot_write(alone: Stack) -> None:
    alone.arm(fault="transcript_refused", subcode="8565")
    emulated, call = alone.streaming_call(**SUPPORT)
    failed = transcript(alone, call, "failed")
    assert "AI service" in failed["error"]
    assert "quota" in failed["error"]
    assert segments(alone, call) == []
    assert alone.get(f"calls/{call}/")["streaming"]["state"] == "streaming"
    assert order(alone, call, "start")["state"] == "done"
    transcript(alone, call, "on")
    wait_for(lambda: segments(alone, call), 15, "somebody is written down")
    alone.caller_hangs_up(emulated)
