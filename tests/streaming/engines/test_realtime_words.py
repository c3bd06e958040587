"""What is asked in each dialect, and what each refusal comes to."""

from typing import Any

import pytest

from streaming.engines.access import OpenAIAccess
from streaming.engines.contract import Listening
from streaming.engines.realtime_words import (
    LONGEST_PROMPT,
    address,
    confidence_of,
    headers,
    is_preview,
    model_of,
    not_written_down,
    nothing_to_commit,
    refusal,
    session_update,
    trouble,
)

LISTENING = Listening("en-GB", ("Contoso", "order number"))
VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}


@pytest.mark.parametrize(
    ("given", "dialled"),
    [
        ("wss://api.openai.com/v1/realtime", "wss://api.openai.com/v1/realtime?intent=transcription"),
        (
            "https://r.openai.azure.com/openai/v1/realtime",
            "wss://r.openai.azure.com/openai/v1/realtime?intent=transcription",
        ),
        (
            "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview",
            "wss://r.openai.azure.com/openai/realtime?api-version=2025-04-01-preview&intent=transcription",
        ),
        ("http://127.0.0.1:1/v1/realtime?intent=transcription", "ws://127.0.0.1:1/v1/realtime?intent=transcription"),
    ],
)
def test_the_address_says_that_a_transcription_is_wanted(given: str, dialled: str) -> None:
    assert address(given) == dialled


def test_each_service_gets_the_key_in_its_own_header() -> None:
    assert headers(OpenAIAccess("k", "wss://api.openai.com/v1/realtime", "m")) == {"Authorization": "Bearer k"}
    for path in ("openai/v1/realtime", "openai/realtime?api-version=2025-04-01-preview"):
        assert headers(OpenAIAccess("k", f"wss://r.openai.azure.com/{path}", "m")) == {"api-key": "k"}


def test_general_availability_is_asked_in_its_words() -> None:
    assert session_update(False, "gpt-transcribe", LISTENING, server_turns=True) == {
        "type": "session.update",
        "session": {
            "type": "transcription",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24_000},
                    "transcription": {
                        "model": "gpt-transcribe",
                        "language": "en",
                        "keywords": ["Contoso", "order number"],
                    },
                    "turn_detection": VAD,
                }
            },
        },
    }


def test_the_preview_is_asked_in_its_words() -> None:
    assert session_update(True, "my-gpt-4o-transcribe-1", LISTENING, server_turns=True) == {
        "type": "transcription_session.update",
        "session": {
            "input_audio_format": "pcm16",
            "input_audio_transcription": {
                "model": "my-gpt-4o-transcribe-1",
                "language": "en",
                "prompt": "Expect these words: Contoso, order number.",
            },
            "turn_detection": VAD,
            "include": ["item.input_audio_transcription.logprobs"],
        },
    }


@pytest.mark.parametrize(
    ("model", "hints", "turns"),
    [
        ("gpt-live-transcribe", "keywords", False),
        ("gpt-live-transcribe-2026-09-01", "keywords", False),
        ("gpt-realtime-whisper", "", False),
        ("gpt-transcribe", "keywords", True),
        ("gpt-4o-transcribe", "prompt", True),
        ("gpt-4o-mini-transcribe-2025-12-15", "prompt", True),
        ("gpt-4o-transcribe-diarize", "", True),
        ("Prod-Whisper-1", "prompt", True),
        ("a deployment", "prompt", True),
    ],
)
def test_a_model_gets_what_it_takes(model: str, hints: str, turns: bool) -> None:
    assert (model_of(model).hints, model_of(model).turns) == (hints, turns)
    asked = session_update(False, model, LISTENING, server_turns=turns)["session"]["audio"]["input"]
    assert {"keywords", "prompt"} & set(asked["transcription"]) == ({hints} if hints else set())
    assert asked["turn_detection"] == (VAD if turns else None)


def test_a_language_of_three_letters_is_left_to_the_model() -> None:
    asked = session_update(True, "whisper-1", Listening("yue-HK"), server_turns=True)["session"]
    assert asked["input_audio_transcription"] == {"model": "whisper-1"}


def test_two_hundred_phrases_make_a_prompt_of_whole_words() -> None:
    phrases = tuple(f"phrase number {number}" for number in range(200))
    asked = session_update(True, "whisper-1", Listening("en-US", phrases), server_turns=True)["session"]
    prompt = asked["input_audio_transcription"]["prompt"]
    assert len(prompt) <= LONGEST_PROMPT
    assert prompt.removesuffix(".").rpartition(", ")[2] in phrases


@pytest.mark.parametrize(
    ("created", "preview"),
    [
        ({"type": "transcription_session.created", "session": {}}, True),
        ({"type": "session.created", "session": {"input_audio_format": "pcm16"}}, True),
        ({"type": "session.created", "session": {"type": "transcription", "audio": {"input": {}}}}, False),
        ({"type": "session.created", "session": None}, False),
    ],
)
def test_the_dialect_is_told_by_the_first_word(created: dict[str, Any], preview: bool) -> None:
    assert is_preview(created) is preview


def test_confidence_is_the_mean_probability_of_the_tokens() -> None:
    assert confidence_of({"logprobs": [{"logprob": -0.2}, {"logprob": 0.0}]}) == 0.905
    assert confidence_of({"logprobs": None}) is confidence_of({}) is None


@pytest.mark.parametrize(
    ("status", "error", "retryable", "says"),
    [
        (401, {"code": "invalid_api_key", "message": "Incorrect API key: sk-1"}, False, "SPEECH_OPENAI_KEY"),
        (401, {}, False, "SPEECH_OPENAI_KEY"),
        (403, {}, False, "SPEECH_OPENAI_KEY"),
        (404, {"code": "DeploymentNotFound"}, False, "the deployment's name"),
        (400, {"code": "OpperationNotSupported"}, False, "SPEECH_OPENAI_MODEL"),
        (429, {"code": "rate_limit_exceeded"}, True, "no more from this key"),
        (429, {"code": "insufficient_quota"}, False, "quota"),
        (503, {}, True, "answered 503"),
        (302, {}, False, "answered 302"),
    ],
)
def test_a_refused_handshake_says_what_to_do(status: int, error: dict[str, Any], retryable: bool, says: str) -> None:
    found = refusal(status, error)
    assert found.retryable is retryable
    assert says in str(found)
    assert "sk-1" not in str(found)


@pytest.mark.parametrize(
    ("error", "starting", "retryable"),
    [
        ({"type": "invalid_request_error", "code": "session_expired"}, False, True),
        ({"type": "server_error", "code": None}, False, True),
        ({"type": "invalid_request_error", "code": "model_not_found"}, True, False),
        ({"type": "tokens", "code": "rate_limit_exceeded"}, True, True),
        ({"type": "invalid_request_error", "code": "invalid_value", "message": "Bad."}, True, False),
        ({"type": "invalid_request_error", "code": "invalid_value", "message": "Bad."}, False, True),
    ],
)
def test_an_error_is_in_vain_only_where_the_same_would_come_again(
    error: dict[str, Any], starting: bool, retryable: bool
) -> None:
    assert trouble(error, starting=starting).retryable is retryable


def test_the_service_s_own_words_are_passed_on_without_a_key() -> None:
    said = str(trouble({"message": "No sk-abc123*** for\nyou " + "x" * 500}, starting=True))
    assert "abc123" not in said
    assert len(said) < 200
    assert "invalid_language_format" in str(not_written_down({"code": "invalid_language_format"}))
    assert not not_written_down({"code": "insufficient_quota"}).retryable
    assert "gave no reason" in str(trouble({}, starting=False))


def test_nothing_to_commit_is_told_with_and_without_a_code() -> None:
    assert nothing_to_commit({"code": "input_audio_buffer_commit_empty", "message": "…"})
    assert nothing_to_commit({"code": None, "message": "Error committing input audio buffer: the buffer is empty."})
    assert not nothing_to_commit({"code": "invalid_value", "message": None})
