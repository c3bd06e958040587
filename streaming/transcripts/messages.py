"""The JSON of Azure's transcription socket, which only ever comes in.

A few messages come each second, so all of them take one tolerant way: any casing of names and kinds, any order, members
that nobody has heard of (the previews' among them, which are kept). Nothing but ProtocolError ever leaves `decode`.

Source: Microsoft, "Add real-time transcription into your application" (2026), and the SDKs' parsers (JS 1.6.0, .NET).
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from streaming.protocol import LONGEST_NAME, ProtocolError, UnknownKind, lower_cased, members_of, unknown

TICKS_PER_S: Final = 10_000_000
LONGEST_TEXT: Final = 4_000
MOST_WORDS: Final = 1_000
LONGEST_EXTRA: Final = 500
MOST_EXTRA: Final = 40
DEEPEST_EXTRA: Final = 4
_FURTHEST_TICKS: Final = 2**63
_KNOWN: Final = frozenset(
    {
        *("text", "format", "confidence", "offset", "offsetinticks", "duration", "durationinticks", "words"),
        *("participantrawid", "participant", "resultstatus", "resultstate", "languageidentified"),
        *("subscriptionid", "transcriptionsubscriptionid", "locale", "callconnectionid", "correlationid"),
    }
)


class TranscriptMetadata(msgspec.Struct, frozen=True):
    """The first message of a connection. `extra` is what previews tell besides."""

    subscription_id: str
    locale: str
    call_connection_id: str
    correlation_id: str
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


class SpokenWord(msgspec.Struct, frozen=True):
    """One word; seconds on the result's own clock."""

    text: str
    start_s: float
    end_s: float


class SpokenResult(msgspec.Struct, frozen=True):
    """What was understood of one utterance, so far or in the end.

    `start_s` counts from when Azure began to transcribe, None if that is not told or makes no sense; `raw_id` is None
    where nobody is named. `language` is the one that was recognised, where Azure was asked to find out.
    """

    text: str
    final: bool
    raw_id: str | None = None
    start_s: float | None = None
    duration_s: float = 0.0
    confidence: float | None = None
    language: str = ""
    words: tuple[SpokenWord, ...] = ()
    extra: dict[str, Any] = msgspec.field(default_factory=dict)


Message = TranscriptMetadata | SpokenResult | UnknownKind
_Members = dict[str, Any]


def decode(text: str | bytes) -> Message:
    """One message from Azure. Raises ProtocolError, and nothing else, for whatever cannot be used."""
    members, kind = members_of(text)
    if kind is None:
        raise ProtocolError("no_kind", "The message does not say of what kind it is.")
    reader = _READERS.get(kind.lower())
    if reader is None:
        return unknown(kind)
    body = members.get(kind.lower())
    if not isinstance(body, dict):
        raise ProtocolError("missing_body", f"The message has no object named {kind.lower()}.")
    return reader(lower_cased(body), _extra(body))


def _metadata(members: _Members, extra: dict[str, Any]) -> TranscriptMetadata:
    return TranscriptMetadata(
        subscription_id=_name(members, "subscriptionid", "transcriptionsubscriptionid"),
        locale=locale_text(_name(members, "locale")),
        call_connection_id=_name(members, "callconnectionid"),
        correlation_id=_name(members, "correlationid"),
        extra=extra,
    )


def _result(members: _Members, extra: dict[str, Any]) -> SpokenResult:
    said = members.get("text")
    if not isinstance(said, str):
        raise ProtocolError("missing_text", "The result has no text.")
    start_s = _seconds(members, "offset", "offsetinticks")
    duration_s = _seconds(members, "duration", "durationinticks")
    return SpokenResult(
        text=_printable(said[:LONGEST_TEXT]),
        final=_is_final(members),
        raw_id=_speaker(members),
        start_s=start_s,
        duration_s=max(0.0, duration_s or 0.0),
        confidence=_confidence(members.get("confidence")),
        language=locale_text(_name(members, "languageidentified")),
        words=_words(members.get("words")),
        extra=extra,
    )


_READERS: Final[dict[str, Callable[[_Members, dict[str, Any]], Message]]] = {
    "transcriptionmetadata": _metadata,
    "transcriptiondata": _result,
}


def locale_text(locale: str) -> str:
    """`en-us` as people write it: en-US."""
    language, *parts = locale.split("-")
    tidy = [part.upper() if len(part) == 2 else part.title() if len(part) == 4 else part for part in parts]
    return "-".join([language.lower(), *tidy])


def _first(members: _Members, names: tuple[str, ...]) -> Any:
    return next((members[name] for name in names if members.get(name) is not None), None)


def _name(members: _Members, *names: str) -> str:
    value = _first(members, names)
    if value is None:
        return ""
    if not isinstance(value, str) or not value.isprintable():
        raise ProtocolError("wrong_type", f"{names[0]} is no printable text.")
    if len(value) > LONGEST_NAME:
        raise ProtocolError("too_long", f"{names[0]} is longer than {LONGEST_NAME} characters.")
    return value


def _speaker(members: _Members) -> str | None:
    """Who speaks: Azure's raw id, or the object that .NET makes of it."""
    participant = members.get("participant")
    if isinstance(participant, dict):
        return _name(lower_cased(participant), "rawid") or None
    return _name(members, "participantrawid", "participant") or None


def _is_final(members: _Members) -> bool:
    status = _first(members, ("resultstatus", "resultstate"))
    if status is None:
        return True  # without intermediate results, every one is final
    if isinstance(status, str) and status.lower() in {"final", "intermediate"}:
        return status.lower() == "final"
    raise ProtocolError("wrong_type", "The result is neither final nor intermediate.")


def _seconds(members: _Members, *names: str) -> float | None:
    """From ticks of 100 ns, as a number or a text; None for what cannot be read."""
    value = _first(members, names)
    if isinstance(value, str):
        try:
            value = float(value) if len(value) < 30 else None
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value / TICKS_PER_S if 0 <= value < _FURTHEST_TICKS else None


def _confidence(value: Any) -> float | None:
    """0 to 1; what is none is not worth losing the words."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        return None
    return float(value)


def _words(value: Any) -> tuple[SpokenWord, ...]:
    found = []
    for each in value[:MOST_WORDS] if isinstance(value, list) else ():
        members = lower_cased(each) if isinstance(each, dict) else {}
        text = members.get("text")
        start_s = _seconds(members, "offset", "offsetinticks")
        if isinstance(text, str) and start_s is not None:
            duration_s = _seconds(members, "duration", "durationinticks") or 0.0
            found.append(SpokenWord(_printable(text[:LONGEST_NAME]), start_s, start_s + duration_s))
    return tuple(found)


def _extra(members: _Members) -> dict[str, Any]:
    """What is not read here, kept as it came, within bounds."""
    unknown = {name: value for name, value in members.items() if name.lower() not in _KNOWN}
    kept: dict[str, Any] = _bounded(unknown, 0)
    return kept


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _printable(value[:LONGEST_EXTRA])
    if isinstance(value, dict | list) and depth >= DEEPEST_EXTRA:
        return None
    if isinstance(value, dict):
        some = list(value.items())[:MOST_EXTRA]
        return {_printable(name[:LONGEST_NAME]): _bounded(each, depth + 1) for name, each in some}
    if isinstance(value, list):
        return [_bounded(each, depth + 1) for each in value[:MOST_EXTRA]]
    if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) < _FURTHEST_TICKS:
        return None
    return value


def _printable(text: str) -> str:
    """Databases take neither NUL nor lone surrogates, and a page no other control character either."""
    return text if text.isprintable() else "".join(each if each.isprintable() else " " for each in text)
