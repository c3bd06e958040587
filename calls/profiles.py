"""How a call's sound is streamed and what is kept of it: what a policy, an API order or a form asks for."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Final, Literal, TypedDict, cast

from calls.errors import BadInput

ChannelType = Literal["mixed", "unmixed"]
SampleRate = Literal[16000, 24000]
Start = Literal["now", "later"]

_ALLOWED: Final[dict[str, tuple[object, ...]]] = {
    "channel_type": ("mixed", "unmixed"),
    "sample_rate_hz": (16000, 24000),
    "bidirectional": (True, False),
    "dtmf": (True, False),
    "start": ("now", "later"),
}


class StreamingProfileJson(TypedDict):
    channel_type: ChannelType
    sample_rate_hz: SampleRate
    bidirectional: bool
    dtmf: bool
    start: Start


@dataclass(frozen=True, slots=True)
class StreamingProfile:
    """`unmixed` is one stream per participant (Azure sends the four most dominant), `mixed` one for all.

    Without `bidirectional` nothing we send is heard. `start` "later" opens no socket until streaming is started.
    """

    channel_type: ChannelType = "unmixed"
    sample_rate_hz: SampleRate = 16000
    bidirectional: bool = True
    dtmf: bool = True
    start: Start = "now"

    @classmethod
    def parse(cls, mapping: object) -> "StreamingProfile":
        """The profile that a JSON object describes; what is left out (or None for the whole) takes the default.

        Raises BadInput whose `fields` name each wrong member and what it may be.
        """
        if mapping is None:
            return cls()
        if not isinstance(mapping, Mapping):
            raise BadInput("The streaming profile is not an object; send one, or leave it out.")
        fields = {str(name): fault for name, value in mapping.items() if (fault := _fault(str(name), value))}
        if fields:
            raise BadInput("The streaming profile cannot be used: " + " ".join(fields.values()), fields)
        return cls(**mapping)

    def as_json(self) -> StreamingProfileJson:
        return cast(StreamingProfileJson, asdict(self))


@dataclass(frozen=True, slots=True)
class Capture:
    """What is kept of a call's sound. `recogniser` is a dotted path, empty writes nothing down; `recording_start` is
    "now" or "later"; without `recording_keep_days` recordings stay for ever."""

    recogniser: str = ""
    language: str = "en-US"
    phrases: tuple[str, ...] = ()
    recording_start: Start = "later"
    recording_keep_days: int | None = None


def _fault(name: str, value: object) -> str:
    """What is wrong with one member, as a sentence; empty if nothing."""
    if name not in _ALLOWED:
        return f"{name[:40]} is unknown; a profile has {', '.join(_ALLOWED)}."
    allowed = _ALLOWED[name]
    # 1 == True and 16000.0 == 16000, so the type is compared too.
    if any(type(value) is type(choice) and value == choice for choice in allowed):
        return ""
    return f"{name} must be {' or '.join(_spelled(choice) for choice in allowed)}."


def _spelled(choice: object) -> str:
    return str(choice).lower() if isinstance(choice, bool) else str(choice)
