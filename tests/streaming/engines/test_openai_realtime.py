"""OpenAI's Realtime transcription against a real server that speaks both of its dialects and understands tones."""

import asyncio
import hashlib
import json
import logging
import time
from typing import Any

import pytest

from streaming.engines import openai_realtime, turns
from streaming.engines.access import OpenAIAccess
from streaming.engines.contract import EngineError, Heard, Listening
from streaming.engines.openai_realtime import OpenAIRealtime
from tests.streaming.engines.hearing import Hearing, hearing
from tests.streaming.engines.realtime_service import RATE_HZ, RealtimeService, realtime_service
from tests.streaming.engines.tones import spoken

GERMAN = Listening("de-DE", ("Contoso", "zwei Wörter"))
TWO = spoken("one two three", RATE_HZ, after_ms=700) + spoken("four five", RATE_HZ)
LIVE, CUTTING = "gpt-live-transcribe", "gpt-4o-transcribe"


def recogniser(service: RealtimeService, model: str = LIVE, key: str = "sk-realtime-key") -> OpenAIRealtime:
    return OpenAIRealtime(GERMAN, OpenAIAccess(key, service.socket_url, model))


async def say_two(hearing: Hearing) -> None:
    await hearing.push(TWO)
    await hearing.recogniser.flush()


def failed(engine: OpenAIRealtime, pcm: bytes = TWO) -> EngineError:
    async def talk(hearing: Hearing) -> None:
        while True:
            await hearing.push(pcm, pace=20)

    with pytest.raises(EngineError) as caught:
        hearing(engine, talk)
    return caught.value


def lines(heard: list[Heard]) -> list[tuple[str, float, float]]:
    return [(each.text, round(each.start_s, 2), round(each.end_s, 2)) for each in heard]


@pytest.mark.parametrize("flavour", ["ga", "preview"])
@pytest.mark.parametrize("model", [LIVE, CUTTING])
def test_two_utterances_are_heard_as_they_are_said_and_in_the_end(flavour: str, model: str) -> None:
    with realtime_service(flavour=flavour) as service:
        found = hearing(recogniser(service, model), say_two)
    assert lines(found.finals) == [("One two three.", 0.2, 0.8), ("Four five.", 1.7, 2.08)]
    assert [each.text for each in found.partials] == ["one", "one two", "one two three", "four", "four five"]
    assert [each.key for each in found.partials[:3]] == [found.finals[0].key] * 3
    assert len({each.key for each in found.heard}) == 2
    assert all(each.start_s <= each.end_s <= 2.1 for each in found.heard)
    assert {each.language for each in found.heard} == {"de-DE"}
    (session,) = service.sessions
    assert session.sha256 == hashlib.sha256(TWO).hexdigest()
    assert session.query == {"intent": "transcription"}


def test_a_model_that_cuts_turns_is_left_to_do_so_and_another_is_told() -> None:
    with realtime_service() as service:
        hearing(recogniser(service, CUTTING), say_two)
        hearing(recogniser(service, LIVE), say_two)
    cutting, live = service.sessions
    assert cutting.input["turn_detection"]["type"] == "server_vad"
    assert live.input["turn_detection"] is None
    assert live.commits == 2


def test_the_service_is_told_language_phrases_and_form_of_the_sound() -> None:
    with realtime_service() as service:
        hearing(recogniser(service, "gpt-transcribe"), say_two)
    (session,) = service.sessions
    assert session.input["format"] == {"type": "audio/pcm", "rate": RATE_HZ}
    assert session.input["transcription"] == {
        "model": "gpt-transcribe",
        "language": "de",
        "keywords": ["Contoso", "zwei Wörter"],
    }
    assert session.headers["authorization"] == "Bearer sk-realtime-key"
    assert "api-key" not in session.headers


@pytest.mark.parametrize("path", ["/openai/v1/realtime", "/openai/realtime"])
def test_azure_openai_gets_the_key_in_its_own_header(path: str) -> None:
    with realtime_service(path=path, key_header="api-key", flavour="preview") as service:
        access = OpenAIAccess("sk-realtime-key", f"{service.socket_url}?api-version=2025-04-01-preview", "my-whisper")
        found = hearing(OpenAIRealtime(GERMAN, access), say_two)
    assert len(found.finals) == 2
    assert service.sessions[0].query == {"api-version": "2025-04-01-preview", "intent": "transcription"}
    assert "authorization" not in service.sessions[0].headers


def test_a_deployment_that_cuts_no_turns_is_asked_again_without() -> None:
    with realtime_service(refuses_turn_detection=True) as service:
        found = hearing(recogniser(service, "a-deployment"), say_two)
    assert [each.text for each in found.finals] == ["One two three.", "Four five."]
    assert [
        update["session"]["audio"]["input"]["turn_detection"] is None for update in service.sessions[0].updates
    ] == [
        False,
        True,
    ]


@pytest.mark.parametrize("model", [LIVE, CUTTING])
def test_a_flush_ends_what_is_being_said_and_the_session_goes_on(model: str) -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.recogniser.flush()  # nothing was said yet
        await hearing.push(spoken("one two", RATE_HZ, after_ms=0))
        await hearing.recogniser.flush()
        assert [each.text for each in hearing.finals] == ["One two."]
        await hearing.push(bytes(RATE_HZ))
        await hearing.recogniser.flush()
        await hearing.push(spoken("six", RATE_HZ))
        await hearing.recogniser.flush()

    with realtime_service() as service:
        found = hearing(recogniser(service, model), talk)
    assert [each.text for each in found.finals] == ["One two.", "Six."]
    assert found.finals[1].start_s == pytest.approx(0.58 + 0.5 + 0.2, abs=0.11)
    assert len(service.sessions) == 1
    assert service.sessions[0].commits == (2 if model == LIVE else 1)  # silence alone is not to be written down


def test_a_flush_that_comes_when_the_server_has_just_cut_is_no_error() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(spoken("one two", RATE_HZ, after_ms=320), pace=1_000)
        await hearing.recogniser.flush()

    with realtime_service() as service:
        found = hearing(recogniser(service, CUTTING), talk)
    assert [each.text for each in found.finals] == ["One two."]


def test_confidence_is_told_where_the_model_tells_it() -> None:
    with realtime_service() as service:
        assert hearing(recogniser(service, CUTTING), say_two).finals[0].confidence == 0.905
        assert hearing(recogniser(service, LIVE), say_two).finals[0].confidence is None


def test_events_that_nobody_knows_are_counted_and_harm_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    strange: list[Any] = [{"type": "rate_limits.updated"}, {"type": "new.thing", "text": "secret words"}, {"no": 1}]
    with realtime_service(strange=strange) as service:
        engine = recogniser(service)
        found = hearing(engine, say_two)
    assert len(found.finals) == 2
    assert engine.unknown_events == {"new.thing": 1, "None": 1}
    assert "new.thing" in caplog.text
    assert "secret words" not in caplog.text


@pytest.mark.parametrize("strange", ["no JSON", "[]", '{"type": "input_audio_buffer.speech_started"}', '"x"'])
def test_a_service_that_cannot_be_understood_is_left(strange: str) -> None:
    with realtime_service(strange=[strange]) as service:
        error = failed(recogniser(service))
    assert str(error) == "OpenAI sent what cannot be understood."
    assert error.retryable


@pytest.mark.parametrize(
    ("refuse", "retryable", "says"),
    [
        ((429, {"code": "rate_limit_exceeded"}), True, "takes no more"),
        ((429, {"code": "insufficient_quota"}), False, "quota"),
        ((404, {"code": "DeploymentNotFound"}), False, "SPEECH_OPENAI_MODEL"),
        ((500, "no object"), True, "answered 500"),
    ],
)
def test_a_refusal_says_what_to_do_and_whether_to_come_again(
    refuse: tuple[int, Any], retryable: bool, says: str
) -> None:
    with realtime_service(refuse=refuse) as service:
        error = failed(recogniser(service))
    assert says in str(error)
    assert error.retryable is retryable


def test_a_wrong_key_is_never_repeated(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with realtime_service() as service:
        error = failed(recogniser(service, key="sk-wrong-secret"))
    assert "SPEECH_OPENAI_KEY" in str(error)
    assert not error.retryable
    assert "wrong-secret" not in f"{error!r} {error.__cause__!r}"
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert "wrong-secret" not in str(ours)


def test_neither_key_nor_words_reach_any_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with realtime_service() as service:
        hearing(recogniser(service), say_two)
    # The stand-in's own server says what it gets.
    ours = [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
    assert not [line for line in ours if "sk-realtime-key" in line or "two" in line]


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        ({"type": "invalid_request_error", "code": "model_not_found"}, False),
        ({"type": "invalid_request_error", "code": "invalid_language", "message": "No such language."}, False),
        ({"type": "server_error"}, True),
    ],
)
def test_an_error_at_the_start_ends_it(error: Any, retryable: bool) -> None:
    with realtime_service(error_at_start=error) as service:
        assert failed(recogniser(service)).retryable is retryable


@pytest.mark.parametrize("code", ["session_expired", "rate_limit_exceeded", "something_new"])
def test_an_error_in_the_middle_may_be_tried_again(code: str) -> None:
    told = {"type": "invalid_request_error", "code": code}
    with realtime_service(error_after_words=(2, told)) as service:
        assert failed(recogniser(service)).retryable


def test_an_utterance_that_cannot_be_written_down_is_an_error() -> None:
    with realtime_service(fails={"type": "server_error", "message": "x"}) as service:
        assert failed(recogniser(service, CUTTING)).retryable
    with realtime_service(fails={"code": "audio_unintelligible", "message": "Too short."}) as service:
        error = failed(recogniser(service, CUTTING))
    assert str(error) == "OpenAI could not write an utterance down: Too short."


@pytest.mark.parametrize(
    "manners", [{"drop_after_s": 0.6}, {"close_after_s": (0.6, 1001)}, {"close_after_s": (0.6, 1000)}]
)
def test_a_connection_that_ends_in_the_middle_may_be_tried_again(manners: dict[str, Any]) -> None:
    with realtime_service(**manners) as service:
        error = failed(recogniser(service))
    assert error.retryable
    assert "OpenAI" in str(error)


def test_a_service_that_says_nothing_to_speech_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openai_realtime, "PATIENCE_S", 1.0)
    with realtime_service(silent_after_words=1) as service:
        error = failed(recogniser(service))
    assert "OpenAI said nothing to" in str(error)
    assert error.retryable


def test_a_service_that_owes_the_end_of_an_utterance_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "OWED_S", 1.0)
    with realtime_service(silent_after_words=1) as service:
        error = failed(recogniser(service), spoken("one two", RATE_HZ, after_ms=5_000))
    assert "said nothing to 1 s of sound" in str(error)


def test_a_service_that_is_not_there_may_be_tried_again() -> None:
    error = failed(OpenAIRealtime(GERMAN, OpenAIAccess("k", "ws://127.0.0.1:1/v1/realtime", LIVE)))
    assert error.retryable
    assert "cannot be reached" in str(error)


def test_closing_does_not_wait_for_a_service_that_hangs() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(TWO, pace=50)
        began_s = time.monotonic()
        await hearing.recogniser.close()
        assert time.monotonic() - began_s < 1

    with realtime_service(silent_after_words=0) as service:
        hearing(recogniser(service), talk)


def test_after_closing_nothing_is_heard() -> None:
    async def talk(hearing: Hearing) -> None:
        await hearing.push(TWO, pace=1_000)
        await hearing.recogniser.close()
        told = len(hearing.heard)
        await asyncio.sleep(0.2)
        assert len(hearing.heard) == told

    with realtime_service() as service:
        hearing(recogniser(service), talk)


def test_without_a_key_it_says_what_to_do_and_can_be_closed() -> None:
    with pytest.raises(EngineError, match="set SPEECH_OPENAI_KEY") as caught:
        hearing(OpenAIRealtime(GERMAN), say_two)
    assert not caught.value.retryable


def test_what_it_sends_is_what_the_reference_names() -> None:
    """An order with a member or a value that the server does not know would end the session."""
    with realtime_service() as service:
        hearing(recogniser(service), say_two)
    update = service.sessions[0].updates[0]
    assert json.loads(json.dumps(update)) == update
    assert service.sessions[0].largest_append < 15_000
