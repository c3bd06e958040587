"""The words of OpenAI's Realtime transcription: what is asked in which dialect, and what its answers mean. Pure.

Two dialects are spoken: the one since general availability ("session.update"), and the preview's
("transcription_session.update"), which Azure deployments with an `api-version` still speak. The names are those of the
API reference (developers.openai.com, "Realtime transcription", read in November 2026).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from streaming.engines.access import OpenAIAccess
from streaming.engines.contract import EngineError, Listening

RATE_HZ: Final = 24_000
VAD_PREFIX_MS: Final = 300
VAD_SILENCE_MS: Final = 500
_VAD: Final = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": VAD_PREFIX_MS,
    "silence_duration_ms": VAD_SILENCE_MS,
}
_LOGPROBS: Final = ["item.input_audio_transcription.logprobs"]
LONGEST_PROMPT: Final = 1_000
LONGEST_REASON: Final = 120


@dataclass(frozen=True, slots=True)
class Model:
    """What a model takes: `hints` is the member for phrases ("" if none); without `turns` it never ends one itself."""

    hints: str = "prompt"
    turns: bool = True
    logprobs: bool = False


# By a part of the name, as a deployment of Azure OpenAI usually has its model's name in its own; the first one counts.
_MODELS: Final = (
    ("live-transcribe", Model(hints="keywords", turns=False)),
    ("realtime-whisper", Model(hints="", turns=False)),
    ("diarize", Model(hints="")),
    ("4o-transcribe", Model(logprobs=True)),
    ("4o-mini-transcribe", Model(logprobs=True)),
    ("gpt-transcribe", Model(hints="keywords")),
)
_UNKNOWN_MODEL: Final = Model()


def model_of(name: str) -> Model:
    return next((model for part, model in _MODELS if part in name.lower()), _UNKNOWN_MODEL)


def address(url: str) -> str:
    """The socket's address; it says that nothing but a transcription is wanted."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    query = dict(parse_qsl(parts.query)) | {"intent": "transcription"}
    return urlunsplit((scheme, parts.netloc, parts.path, urlencode(query), ""))


def headers(access: OpenAIAccess) -> dict[str, str]:
    """Azure OpenAI, whose paths begin with /openai/, has a header of its own for the key."""
    if urlsplit(access.url).path.startswith("/openai/"):
        return {"api-key": access.key}
    return {"Authorization": f"Bearer {access.key}"}


def is_preview(created: Mapping[str, Any]) -> bool:
    """Which dialect the server speaks, from the first thing that it says."""
    session = created.get("session") or {}
    return created.get("type") == "transcription_session.created" or "input_audio_format" in session


def session_update(preview: bool, model_name: str, listening: Listening, *, server_turns: bool) -> dict[str, Any]:
    """The order that begins a transcription."""
    model = model_of(model_name)
    transcription: dict[str, Any] = {"model": model_name}
    language = listening.language.partition("-")[0].lower()
    if len(language) == 2:  # ISO 639-1; a language with three letters is left to the model to find out
        transcription["language"] = language
    if listening.phrases and model.hints:
        hints = list(listening.phrases)
        transcription[model.hints] = hints if model.hints == "keywords" else _prompt(hints)
    turns = _VAD if server_turns else None
    include = {"include": _LOGPROBS} if model.logprobs else {}
    if preview:
        session = {"input_audio_format": "pcm16", "input_audio_transcription": transcription, "turn_detection": turns}
        return {"type": "transcription_session.update", "session": session | include}
    sound = {
        "format": {"type": "audio/pcm", "rate": RATE_HZ},
        "transcription": transcription,
        "turn_detection": turns,
    }
    return {"type": "session.update", "session": {"type": "transcription", "audio": {"input": sound}} | include}


def _prompt(phrases: list[str]) -> str:
    prompt = f"Expect these words: {', '.join(phrases)}."
    return prompt if len(prompt) <= LONGEST_PROMPT else prompt[:LONGEST_PROMPT].rpartition(",")[0] + "."


def confidence_of(completed: Mapping[str, Any]) -> float | None:
    """The mean probability of the tokens, 0 to 1; None where the model does not tell."""
    found = [each["logprob"] for each in completed.get("logprobs") or () if "logprob" in each]
    return round(math.exp(sum(found) / len(found)), 3) if found else None


# What an error means, by its code or its type: a sentence, and whether the same may succeed later.
_KEY_REFUSED: Final = (
    "OpenAI refused the key. Check SPEECH_OPENAI_KEY, and that it belongs to SPEECH_OPENAI_URL.",
    False,
)
_NO_MODEL: Final = (
    "OpenAI has no such address or model. Check SPEECH_OPENAI_URL and SPEECH_OPENAI_MODEL "
    "(for Azure OpenAI the deployment's name).",
    False,
)
_BUSY: Final = ("OpenAI takes no more from this key at the moment.", True)
_FAILED: Final = ("OpenAI failed.", True)
_TROUBLES: Final = {
    "invalid_api_key": _KEY_REFUSED,
    "authentication_error": _KEY_REFUSED,
    "insufficient_quota": ("The quota of SPEECH_OPENAI_KEY is used up.", False),
    "model_not_found": _NO_MODEL,
    "DeploymentNotFound": _NO_MODEL,
    "OperationNotSupported": _NO_MODEL,
    "OpperationNotSupported": _NO_MODEL,  # as Azure spells it
    "rate_limit_exceeded": _BUSY,
    "rate_limit_error": _BUSY,
    "session_expired": ("OpenAI ended the session, as it does after an hour.", True),
    "server_error": _FAILED,
}
_STATUSES: Final = {400: _NO_MODEL, 401: _KEY_REFUSED, 403: _KEY_REFUSED, 404: _NO_MODEL, 429: _BUSY}


def refusal(status: int, error: Mapping[str, Any]) -> EngineError:
    """What a refused handshake means."""
    message, retryable = _known(error) or _STATUSES.get(status) or (f"OpenAI answered {status}.", status >= 500)
    return EngineError(message, retryable=retryable)


def trouble(error: Mapping[str, Any], *, starting: bool) -> EngineError:
    """What an `error` event means. A session that has begun was understood, so that a later one may succeed."""
    known = _known(error)
    if known is not None:
        return EngineError(known[0], retryable=known[1])
    return EngineError(f"OpenAI did not do as asked: {_reason(error)}", retryable=not starting)


def nothing_to_commit(error: Mapping[str, Any]) -> bool:
    """The answer to a commit when the server has just cut the turn itself; earlier versions give no code."""
    message = str(error.get("message"))
    return error.get("code") == "input_audio_buffer_commit_empty" or "committing input audio buffer" in message


def not_written_down(error: Mapping[str, Any]) -> EngineError:
    """One utterance failed."""
    known = _known(error)
    if known is not None:
        return EngineError(known[0], retryable=known[1])
    return EngineError(f"OpenAI could not write an utterance down: {_reason(error)}", retryable=True)


def _known(error: Mapping[str, Any]) -> tuple[str, bool] | None:
    return _TROUBLES.get(str(error.get("code"))) or _TROUBLES.get(str(error.get("type")))


def _reason(error: Mapping[str, Any]) -> str:
    """Its own words, which name a part of the key where they speak of it."""
    reason = str(error.get("message") or error.get("code") or error.get("type") or "it gave no reason")
    reason = re.sub(r"\b(sk|key)-\S+", "…", " ".join(reason.split()))
    return f"{reason[:LONGEST_REASON].rstrip('.')}."
