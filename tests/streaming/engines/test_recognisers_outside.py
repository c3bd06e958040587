"""A call through a running portal whose recogniser is a service outside: its words in REST, and what a stall costs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pytest

from calls.recognisers import AZURE_SPEECH, OPENAI_REALTIME
from streaming.engines import azure_speech
from tests.journeys.stack import wait_for
from tests.streaming.doorstep import AzureCall, Door, MediaSocket, opened
from tests.streaming.engines.realtime_service import RealtimeService, realtime_service
from tests.streaming.engines.speech_service import SpeechService, speech_service
from tests.streaming.engines.tones import spoken

pytestmark = pytest.mark.journey
RATE_HZ = 16_000


LINES = {OPENAI_REALTIME: "+18005550111", AZURE_SPEECH: "+18005550112"}
POLICIES = f"""
from calls.models import CallPolicy
for recogniser, number in {LINES!r}.items():
    CallPolicy.objects.create(
        name=number, position=1, callee_pattern=number, recogniser=recogniser, language="de-DE", phrases="Contoso"
    )
"""


@dataclass
class Outside:
    """A portal whose policies choose the two services."""

    door: Door
    speech: SpeechService
    realtime: RealtimeService

    @contextmanager
    def call(self, recogniser: str) -> Iterator[tuple[AzureCall, MediaSocket]]:
        call = self.door.call(LINES[recogniser])
        with call.dial().open(RATE_HZ) as socket:
            yield call, socket
        call.hang_up()


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    folder = tmp_path_factory.mktemp("outside")
    with speech_service() as speech, realtime_service() as realtime:
        secret = folder / "openai-key"
        secret.write_text(f"{realtime.key}\n")
        given = {
            "SPEECH_AZURE_KEY": speech.key,
            "SPEECH_AZURE_ENDPOINT": speech.url,
            "SPEECH_OPENAI_KEY_FILE": str(secret),
            "SPEECH_OPENAI_URL": realtime.socket_url,
        }
        with opened("daphne", folder, **given) as door:
            door.run(POLICIES)
            yield Outside(door, speech, realtime)
        assert speech.key not in door.log
        assert realtime.key not in door.log
        # A thread of the SDK that outlives the interpreter would end the process so.
        assert "FATAL" not in door.log


def samples(text: str, after_ms: int = 900) -> "np.ndarray[Any, np.dtype[np.int16]]":
    return np.frombuffer(spoken(text, RATE_HZ, 200, after_ms), "<i2")


def segments(call: AzureCall) -> list[Any]:
    rows: list[Any] = call.door.stack.get(f"calls/{call.id}/segments/")["results"]
    return rows


def written(call: AzureCall, *texts: str, within_s: float = 30) -> list[Any]:
    """The call's rows, as soon as these are among its finished ones."""

    def found() -> list[Any] | None:
        rows = segments(call)
        return rows if set(texts) <= {row["text"] for row in rows if row["final"]} else None

    return wait_for(found, within_s, f"{texts} are written down")


@pytest.mark.parametrize("recogniser", LINES)
def test_what_is_said_is_written_down(recogniser: str, outside: Outside, lacks: Callable[[str], NoReturn]) -> None:
    if recogniser == AZURE_SPEECH and not azure_speech.INSTALLED:
        lacks("azure-cognitiveservices-speech")
    with outside.call(recogniser) as (call, socket):
        socket.say(samples("one two three"))
        socket.say(samples("four five"))
        rows = written(call, "One two three.", "Four five.")
    first, second = (row for row in rows if row["text"] in {"One two three.", "Four five."})
    assert first["source"] == recogniser.split(".")[2]
    assert first["language"] == "de-DE"
    # The engines' own tests measure times; here the frames' arrival counts, which a busy machine moves.
    assert first["start_s"] < first["end_s"] < second["start_s"] < second["end_s"]
    phrases = (
        outside.speech.visits[-1].phrases
        if recogniser == AZURE_SPEECH
        else outside.realtime.sessions[-1].input["transcription"]["keywords"]
    )
    assert phrases == ["Contoso"]


@pytest.mark.long
def test_a_service_that_stalls_costs_a_gap_and_never_the_call(outside: Outside) -> None:
    """It takes the connection and says nothing at all: the sound waits, then the oldest goes, and that is told."""
    realtime = outside.realtime
    realtime.silent_after_words = -1
    with outside.call(OPENAI_REALTIME) as (call, socket):
        with socket.saying(np.tile(samples("one two three"), 5)):
            call.reaches(call.play(tone_hz=440, duration_ms=300), "done", within_s=10)
            gap = wait_for(lambda: next((row for row in segments(call) if row["kind"] == "gap"), None), 30, "a gap")
            assert "could not be recognised" in gap["text"]
            assert call.row()["state"] == "connected"
            realtime.silent_after_words = 1_000_000
        for _ in range(10):
            socket.say(samples("six", 2_000))
            if any(row["text"] == "Six." for row in segments(call)):
                break
        written(call, "Six.")
        assert socket.is_open


def test_a_refused_key_is_said_and_the_call_goes_on(outside: Outside) -> None:
    realtime = outside.realtime
    realtime.refuse = (401, {"code": "invalid_api_key", "message": f"Incorrect API key {realtime.key}."})
    try:
        with outside.call(OPENAI_REALTIME) as (call, socket):
            socket.say(samples("one"))
            row = wait_for(lambda: found if (found := call.row())["transcript"]["error"] else None, 30)
            assert "SPEECH_OPENAI_KEY" in row["transcript"]["error"]
            assert realtime.key not in str(row)
            assert socket.is_open
    finally:
        realtime.refuse = None
