"""What a caller says is written down by the recogniser on this machine, while the call goes on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from streaming.audio import samples_of, wav
from tests.journeys.stack import Stack, ask, multipart, running, wait_for
from tests.streaming.engines.speech import RATE_HZ, said

pytestmark = [pytest.mark.journey, pytest.mark.long, pytest.mark.timeout(150)]
PHONE = "+14255550199"
SENTENCE = "hello i want to cancel my order from last week please"


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    with running(tmp_path / "demo") as found:
        yield found


def ring(stack: Stack) -> str:
    body, headers = multipart(
        {"caller": PHONE, "callee": "+18005550100", "loop": "true"},
        {"audio": ("caller.wav", wav(samples_of(said(SENTENCE)), RATE_HZ))},
    )
    answer = ask("POST", f"{stack.emulator}/emulator/calls", body, headers)
    assert answer.status == 201, answer
    return str(answer.json["id"])


def test_a_phrase_of_the_policys_list_stands_in_the_transcript(stack: Stack) -> None:
    call = stack.call_of(ring(stack))
    row = stack.until(call, lambda row: row["transcript"]["state"] == "on", 30)
    assert row["policy"] == "Phone page"
    assert row["transcript"]["source"] == "pocketsphinx"

    def found() -> list[dict[str, Any]] | None:
        rows = stack.get(f"calls/{call}/segments/", final="true")["results"]
        return [each for each in rows if "cancel my order" in each["text"]] or None

    segment = wait_for(found, 60, "the phrase is written down")[0]
    assert (segment["source"], segment["raw_id"]) == ("pocketsphinx", f"4:{PHONE}")
    assert segment["start_s"] < segment["end_s"]
    words = [word["text"] for word in segment["words"]]
    assert " ".join(words) == segment["text"], json.dumps(segment)
    assert stack.get(f"calls/{call}/")["streaming"]["state"] == "streaming"
