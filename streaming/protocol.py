"""The JSON of Azure's media socket, in both directions.

What comes in is nearly always one exact shape, fifty times a second for each speaker, so that shape has a typed decoder
of its own. Everything else takes a slow and tolerant path: any casing of names and kinds, any order, members nobody has
heard of, and the form of the 2022 private preview that had no `kind`. Nothing but ProtocolError ever leaves `decode`.

Source: Microsoft, "Server-side audio streaming quickstart" and "Audio streaming overview" (11/2024).
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

import msgspec
import pybase64

LONGEST_NAME: Final = 256
"""Characters allowed in an identifier; Azure's raw ids have about 90."""

STOP_AUDIO: Final = '{"Kind":"StopAudio","AudioData":null,"StopAudio":{}}'
"""Makes Azure drop what it has queued. No answer comes, and the next audio plays normally."""

_DTMF_WORDS: Final = {
    "zero": "0",
    "one": "1",
    "two": "2",
    "three": "3",
    "four": "4",
    "five": "5",
    "six": "6",
    "seven": "7",
    "eight": "8",
    "nine": "9",
    "asterisk": "*",
    "star": "*",
    "pound": "#",
    "hash": "#",
}
_DTMF_TONES: Final = frozenset("0123456789*#ABCD")


class ProtocolError(Exception):
    """A message that cannot be used. `kind` is one of few words, fit for counting."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class AudioMetadata(msgspec.Struct, frozen=True):
    """The first message of a connection. `length` is what Azure calls the packet size in bytes; never depend on it."""

    subscription_id: str
    encoding: str
    sample_rate_hz: int
    channels: int
    length: int | None


class AudioData(
    msgspec.Struct,
    frozen=True,
    gc=False,
    # A member in another casing must not pass for an absent one: whatever is not exactly this takes the slow path.
    forbid_unknown_fields=True,
    rename={"pcm": "data", "raw_id": "participantRawID"},
):
    """Some sound, normally 20 ms. `pcm` is 16-bit little-endian mono; `raw_id` is None in a mixed stream.

    `timestamp` is always aware; a time that cannot be read is None, since the sound is worth more than its date.
    """

    pcm: bytes
    raw_id: str | None = None
    timestamp: Instant | None = None
    silent: bool = False


class DtmfData(msgspec.Struct, frozen=True):
    """A key pressed on a telephone: one of 0–9, *, #, A–D."""

    tone: str
    raw_id: str | None = None


class UnknownKind(msgspec.Struct, frozen=True):
    """A well-formed message of a kind we do not know, to be counted and passed over."""

    kind: str


class _CanonicalAudio(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    kind: Literal["AudioData"]
    audioData: AudioData  # noqa: N815 (Azure's name)


_decode_canonical = msgspec.json.Decoder(_CanonicalAudio).decode
_decode_any = msgspec.json.Decoder().decode

Message = AudioMetadata | AudioData | DtmfData | UnknownKind
_Members = dict[str, Any]


def decode(text: str | bytes) -> Message:
    """One message from Azure. Raises ProtocolError, and nothing else, for whatever cannot be used."""
    try:
        audio = _decode_canonical(text).audioData
    except (ValueError, RecursionError):
        return _decode_tolerant(text)
    if len(audio.pcm) % 2:
        raise ProtocolError("odd_length", f"The audio has {len(audio.pcm)} bytes; 16-bit samples need an even number.")
    return audio


def encode_audio(pcm: bytes) -> str:
    """The message that plays this PCM in the call, at the rate that was negotiated for the stream."""
    return f'{{"Kind":"AudioData","AudioData":{{"Data":"{pybase64.b64encode_as_string(pcm)}"}},"StopAudio":null}}'


def members_of(text: str | bytes) -> tuple[_Members, str | None]:
    """A message's members by their names in lower case, and its kind as it was written, None if it names none.

    Raises ProtocolError for what is no JSON object or names something that is no kind.
    """
    try:
        message = _decode_any(text)
    except RecursionError:
        raise ProtocolError("too_deep", "The message is nested too deeply to be read.") from None
    except ValueError as error:  # msgspec's errors and the Unicode ones alike
        raise ProtocolError("not_json", f"The message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise ProtocolError("not_an_object", "The message is JSON, but not an object.")
    members = lower_cased(message)
    kind = members.get("kind")
    if kind is not None and not isinstance(kind, str):
        raise ProtocolError("wrong_type", "The message's kind is not a text.")
    return members, kind


def unknown(kind: str) -> UnknownKind:
    """A kind nobody has heard of, in a form that can be logged."""
    return UnknownKind(kind.encode("ascii", "replace").decode()[:64])


def _decode_tolerant(text: str | bytes) -> Message:
    members, kind = members_of(text)
    if kind is None:
        return _preview_2022(members)
    reader = _READERS.get(kind.lower())
    if reader is None:
        return unknown(kind)
    return reader(_body(members, kind.lower()))


def _preview_2022(members: _Members) -> Message:
    if isinstance(members.get("format"), dict):
        return _metadata({**_body(members, "format"), "subscriptionid": members.get("subscriptionid")})
    if "data" in members:
        return _audio(members)
    raise ProtocolError("no_kind", "The message does not say of what kind it is.")


def _metadata(members: _Members) -> AudioMetadata:
    return AudioMetadata(
        subscription_id=_text(members, "subscriptionid") or "",
        encoding=_text(members, "encoding") or "PCM",
        sample_rate_hz=_required_number(members, "samplerate"),
        channels=_number(members, "channels") or 1,
        length=_number(members, "length"),
    )


def _audio(members: _Members) -> AudioData:
    encoded = members.get("data")
    if not isinstance(encoded, str):
        raise ProtocolError("missing_data", "The audio message has no base64 text in its data.")
    try:
        pcm = pybase64.b64decode(encoded, validate=True)
    except ValueError:
        raise ProtocolError("bad_base64", "The audio message's data is not base64.") from None
    if len(pcm) % 2:
        raise ProtocolError("odd_length", f"The audio has {len(pcm)} bytes; 16-bit samples need an even number.")
    return AudioData(
        pcm=pcm,
        raw_id=_text(members, "participantrawid", "participantid"),
        timestamp=_instant(members.get("timestamp")),
        silent=_flag(members, "silent", "issilent", "issilence"),
    )


def _dtmf(members: _Members) -> DtmfData:
    key = (_text(members, "data") or "").strip()
    tone = _DTMF_WORDS.get(key.lower(), key.upper())
    if tone not in _DTMF_TONES:
        raise ProtocolError("unknown_tone", "The DTMF message names no key of a telephone.")
    return DtmfData(tone, _text(members, "participantrawid"))


_READERS: Final[dict[str, Callable[[_Members], Message]]] = {
    "audiometadata": _metadata,
    "audiodata": _audio,
    "dtmfdata": _dtmf,
}


def lower_cased(members: _Members) -> _Members:
    return {name.lower(): value for name, value in members.items()}


def _body(members: _Members, name: str) -> _Members:
    body = members.get(name)
    if not isinstance(body, dict):
        raise ProtocolError("missing_body", f"The message has no object named {name}.")
    return lower_cased(body)


def _first(members: _Members, names: tuple[str, ...]) -> Any:
    return next((members[name] for name in names if members.get(name) is not None), None)


def _text(members: _Members, *names: str) -> str | None:
    value = _first(members, names)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ProtocolError("wrong_type", f"{names[0]} is not a text.")
    if len(value) > LONGEST_NAME:
        raise ProtocolError("too_long", f"{names[0]} is longer than {LONGEST_NAME} characters.")
    return value


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


def _flag(members: _Members, *names: str) -> bool:
    value = _first(members, names)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ProtocolError("wrong_type", f"{names[0]} is neither true nor false.")
    return value


def _number(members: _Members, name: str) -> int | None:
    value = members.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise ProtocolError("wrong_type", f"{name} is not a number that makes sense.")
    return value


def _required_number(members: _Members, name: str) -> int:
    value = _number(members, name)
    if value is None:
        raise ProtocolError("missing_member", f"The metadata has no {name}.")
    return value
