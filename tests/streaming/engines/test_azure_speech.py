"""Azure AI Speech: Microsoft's own SDK against a server that speaks its protocol and understands tones."""

import asyncio
import hashlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from streaming.engines import azure_speech, turns
from streaming.engines.access import AzureSpeechAccess
from streaming.engines.azure_speech import AzureSpeech
from streaming.engines.contract import EngineError, Heard, Listening
from tests.streaming.engines.hearing import Hearing, hearing
from tests.streaming.engines.speech_service import RATE_HZ, SpeechService, speech_service
from tests.streaming.engines.tones import spoken

GERMAN = Listening("de-DE", ("Contoso", "zwei Wörter"))
TWO = spoken("one two three", RATE_HZ) + spoken("four five", RATE_HZ)


@pytest.fixture(autouse=True)
def _sdk(lacks: Callable[[str], NoReturn]) -> None:
    if not azure_speech.INSTALLED:
        lacks("azure-cognitiveservices-speech")


def recogniser(service: SpeechService, key: str = "speech-key") -> AzureSpeech:
    return AzureSpeech(GERMAN, AzureSpeechAccess(key, endpoint=service.url))


async def say_two(hearing: Hearing) -> None:
    await hearing.push(TWO)
    await hearing.recogniser.flush()


def failed(engine: AzureSpeech, pcm: bytes = TWO) -> EngineError:
    async def talk(hearing: Hearing) -> None:
        while True:
            await hearing.push(pcm, pace=20)

    with pytest.raises(EngineError) as caught:
        hearing(engine, talk)
    return caught.value


def lines(heard: list[Heard]) -> list[tuple[str, str, float, float]]:
    return [(each.key, each.text, round(each.start_s, 2), round(each.end_s, 2)) for each in heard]


def test_two_utterances_are_heard_as_they_are_said_and_in_the_end() -> None:
    with speech_service() as service:
        found = hearing(recogniser(service), say_two)
    assert lines(found.partials) == [
        ("0", "one", 0.2, 0.36),
        ("0", "one two", 0.2, 0.58),
        ("0", "one two three", 0.2, 0.8),
        ("1", "four", 1.5, 1.66),
        ("1", "four five", 1.5, 1.88),
    ]
    assert lines(found.finals) == [("0", "One two three.", 0.2, 0.8), ("1", "Four five.", 1.5, 1.88)]
    assert [each.confidence for each in found.finals] == [0.875, 0.875]
    assert {each.language for each in found.heard} == {"de-DE"}
    words = [(word.text, round(word.start_s, 2), round(word.end_s, 2)) for word in found.finals[1].words]
    assert words == [("four", 1.5, 1.66), ("five", 1.72, 1.88)]


def test_the_service_gets_all_of_the_sound_the_language_the_phrases_and_the_key() -> None:
    with speech_service() as service:
        hearing(recogniser(service), say_two)
    (visit,) = service.visits
    assert visit.sha256 == hashlib.sha256(TWO).hexdigest()
    assert visit.path == "/speech/recognition/conversation/cognitiveservices/v1"
    assert (visit.query["language"], visit.query["format"]) == ("de-DE", "detailed")
    assert visit.phrases == ["Contoso", "zwei Wörter"]
    assert visit.key == "speech-key"
    assert visit.wav_header[24:28] == RATE_HZ.to_bytes(4, "little")
    assert visit.ended == 1


def test_the_address_of_a_resource_is_asked_at_the_newer_path() -> None:
    with speech_service() as service:
        access = AzureSpeechAccess("speech-key", endpoint=service.url.replace("ws:", "http:"))
        found = hearing(AzureSpeech(GERMAN, access), say_two)
    assert [each.text for each in found.finals] == ["One two three.", "Four five."]
    assert service.visits[0].path == "/stt/speech/universal/v2"
    assert service.visits[0].contexts[0]["phraseDetection"]["language"] == "de-DE"


def test_times_go_on_when_the_service_begins_a_new_turn() -> None:
    with speech_service(turn_of=1) as service:
        found = hearing(recogniser(service), say_two)
    assert lines(found.finals) == [("0", "One two three.", 0.2, 0.8), ("1", "Four five.", 1.5, 1.88)]
    assert len(service.visits[0].contexts) >= 2
    assert found.finals[1].words[0].start_s == pytest.approx(1.5, abs=0.02)


def test_a_flush_ends_what_is_being_said_and_times_go_on_after_it() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(spoken("one two", RATE_HZ, after_ms=0))
        await hearing.recogniser.flush()
        assert [each.text for each in hearing.finals] == ["One two."]
        await hearing.recogniser.flush()  # nothing was pushed since
        await hearing.push(spoken("six", RATE_HZ))
        await hearing.recogniser.flush()

    with speech_service() as service:
        found = hearing(recogniser(service), talk)
    assert lines(found.finals) == [("0", "One two.", 0.2, 0.58), ("1", "Six.", 0.78, 0.94)]
    assert len({each.key for each in found.finals}) == 2
    assert len(service.visits) == 2


def test_a_connection_that_breaks_once_is_mended_by_the_sdk() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(spoken("one two three", RATE_HZ))
        service.drop_after_s = None
        await hearing.push(spoken("four five", RATE_HZ))
        await hearing.recogniser.flush()

    with speech_service(drop_after_s=0.5) as service:
        found = hearing(recogniser(service), talk)
    assert lines(found.finals) == [("0", "One two three.", 0.2, 0.8), ("1", "Four five.", 1.5, 1.88)]
    assert len(service.visits) >= 2


@pytest.mark.parametrize(
    ("status", "retryable", "says"),
    [
        (401, False, "refused the key. Check SPEECH_AZURE_KEY"),
        (403, False, "refused the key"),
        (400, False, "choose a language"),
        (429, True, "as much as this resource may have at once"),
        (503, True, "not available at the moment"),
    ],
)
def test_a_refusal_says_what_to_do_and_whether_to_come_again(status: int, retryable: bool, says: str) -> None:
    with speech_service(refuse=status) as service:
        error = failed(recogniser(service))
    assert says in str(error)
    assert error.retryable is retryable


def test_a_wrong_key_is_never_repeated() -> None:
    with speech_service() as service:
        error = failed(recogniser(service, "wrong-secret"))
        assert service.visits == []
    assert not error.retryable
    assert "wrong-secret" not in str(error)


def test_a_service_that_is_not_there_may_be_tried_again() -> None:
    error = failed(AzureSpeech(GERMAN, AzureSpeechAccess("k", endpoint="ws://127.0.0.1:1")))
    assert error.retryable
    assert "cannot be reached" in str(error)


@pytest.mark.parametrize("manners", [{"drop_after_s": 0.6}, {"close_after_s": (0.6, 1011, "internal")}])
def test_a_service_that_breaks_off_again_and_again_may_be_tried_again(manners: dict[str, object]) -> None:
    with speech_service(**manners) as service:
        error = failed(recogniser(service))
    assert error.retryable


def test_a_service_that_says_nothing_to_speech_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_speech, "PATIENCE_S", 1.0)
    with speech_service(silent_visits=1) as service:
        error = failed(recogniser(service))
    assert "said nothing to 1 s of sound" in str(error)
    assert error.retryable


def test_a_service_that_owes_the_end_of_an_utterance_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "OWED_S", 1.0)
    with speech_service(silent_after_words=1) as service:
        error = failed(recogniser(service), spoken("one two", RATE_HZ, after_ms=5_000))
    assert "said nothing to 1 s of sound" in str(error)
    assert error.retryable


@pytest.mark.parametrize("text", ["", "one"])
def test_a_minute_without_an_answer_is_a_fault_only_where_something_was_said(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK gives up after a minute that nobody answered, be it silence."""
    usual = azure_speech._config

    def at_once(access: AzureSpeechAccess, language: str) -> Any:
        config = usual(access, language)
        config.set_property_by_name("SPEECH-TransmitLengthBeforThrottleMs", "100000")  # as the SDK spells it
        return config

    async def talk(hearing: Hearing) -> None:
        await hearing.push(spoken(text, RATE_HZ, after_ms=70_000), pace=1_000)
        await asyncio.sleep(2)
        await hearing.push(spoken("two", RATE_HZ))
        await hearing.recogniser.flush()

    monkeypatch.setattr(azure_speech, "_config", at_once)
    with speech_service(silent_visits=1) as service:
        if text:
            with pytest.raises(EngineError, match="did not answer in time") as caught:
                hearing(recogniser(service), talk)
            assert caught.value.retryable
        else:
            (final,) = hearing(recogniser(service), talk).finals
            assert (final.text, round(final.start_s, 1)) == ("Two.", 70.4)


def test_closing_does_not_wait_for_a_service_that_hangs() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(TWO, pace=50)

    with speech_service(silent_visits=1) as service:
        engine = recogniser(service)
        began_s = time.monotonic()
        hearing(engine, talk)
        assert time.monotonic() - began_s < 2


def test_after_closing_nothing_is_heard_and_no_thread_of_ours_stays() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(TWO, pace=50)
        await hearing.recogniser.close()
        told = len(hearing.heard)
        await asyncio.sleep(0.3)
        assert len(hearing.heard) == told

    before = set(threading.enumerate())
    with speech_service() as service:
        hearing(recogniser(service), talk)
        ours = [each for each in set(threading.enumerate()) - before if each.name == "azure speech ends"]
        for thread in ours:
            thread.join(5)
        assert not any(thread.is_alive() for thread in ours)


def test_a_recogniser_that_was_never_opened_can_be_closed() -> None:
    asyncio.run(AzureSpeech(GERMAN, AzureSpeechAccess("k", "westeurope")).close())


def test_without_access_or_package_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="set SPEECH_AZURE_KEY and SPEECH_AZURE_REGION"):
        asyncio.run(AzureSpeech(GERMAN).open(lambda heard: None))
    monkeypatch.setattr(azure_speech, "sdk", None)
    with pytest.raises(EngineError, match=r"pip install acsportal\[azure-speech\]") as caught:
        asyncio.run(AzureSpeech(GERMAN, AzureSpeechAccess("k", "westeurope")).open(lambda heard: None))
    assert not caught.value.retryable


def test_settings_that_the_sdk_cannot_use_are_an_engine_error() -> None:
    error = failed(AzureSpeech(GERMAN, AzureSpeechAccess("", region="westeurope")))
    assert "could not be started" in str(error)
    assert not error.retryable


def test_a_process_may_end_while_the_sdk_listens() -> None:
    """Threads of the SDK that call into an interpreter that is going would end the process by a signal."""
    code = """
import asyncio
from streaming.engines.access import AzureSpeechAccess
from streaming.engines.azure_speech import AzureSpeech
from streaming.engines.contract import Listening
from tests.streaming.engines.speech_service import speech_service
from tests.streaming.engines.tones import spoken
async def run(url):
    engine = AzureSpeech(Listening("en-US"), AzureSpeechAccess("speech-key", endpoint=url))
    await engine.open(print)
    await engine.push(spoken("one two three", 16_000))
    await asyncio.sleep(0.3)
    await engine.close()
with speech_service() as service:
    asyncio.run(run(service.url))
print("ended")
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("ended\n")
