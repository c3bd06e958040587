"""Which faults there are, what each does to the portal, and the options that it takes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from acsportal.emulator.faults.armed import Fault

LONGEST_S = 3600.0


class BadFaultError(ValueError):
    """The order names no fault, or one with options that it cannot have; the message says what would be right."""


@dataclass(frozen=True, slots=True)
class Option:
    """``default`` None: may be left out. Numbers have limits, some texts a choice."""

    words: str
    default: Any = None
    lowest: float = 0
    highest: float = LONGEST_S
    choice: tuple[str, ...] = ()
    is_text: bool = False
    is_whole: bool = False

    def read(self, name: str, value: Any) -> Any:
        if self.is_text:
            if not isinstance(value, str) or (self.choice and value not in self.choice):
                one_of = f"one of {', '.join(self.choice)}" if self.choice else "a text"
                raise BadFaultError(f"“{name}” must be {one_of}, not {value!r}.")
            return value
        fitting = (int,) if self.is_whole else (int, float)
        if isinstance(value, bool) or not isinstance(value, fitting) or not self.lowest <= value <= self.highest:
            kind = "a whole number" if self.is_whole else "a number"
            raise BadFaultError(f"“{name}” must be {kind} from {self.lowest:g} to {self.highest:g}, not {value!r}.")
        return value

    def told(self, name: str) -> str:
        values = " or ".join(self.choice) if self.is_text else f"{self.lowest:g} to {self.highest:g}"
        default = "" if self.default is None else f"default {self.default}"
        about = ", ".join(part for part in (self.words, values, default) if part)
        return f"{name} ({about})"


@dataclass(frozen=True, slots=True)
class Kind:
    sentence: str
    options: Mapping[str, Option]

    def told(self) -> str:
        return f"{self.sentence} Options: {'; '.join(option.told(name) for name, option in self.options.items())}."


CALL = {"call": Option("the emulator's id of a call; left out: the next call", is_text=True)}
AFTER = {"after_s": Option("seconds to wait first", 0.0)}


def _count(words: str, default: int = 1) -> dict[str, Option]:
    return {"count": Option(words, default, 1, 100_000, is_whole=True)}


def _for(seconds: float) -> dict[str, Option]:
    return {"duration_s": Option("how long", seconds)}


_CALLBACKS = {**CALL, "type": Option("only such events, such as CallConnected", is_text=True), **_count("how many")}
_FRAMES = {**CALL, **AFTER, **_for(5.0)}
_ORDERS = {
    **CALL,
    "type": Option("only this operation, such as answer or startMediaStreaming", is_text=True),
    **_count("how many requests"),
    "window_s": Option("instead of a count: all requests for so many seconds"),
}
_RETRY_AFTER = Option("the header's seconds; 0: no header", 5.0, 0, 600)
_TOKENS = {
    **CALL,
    "where": Option("only these doors", is_text=True, choice=("callback", "socket", "transcription")),
    "type": Option("only callbacks of this event", is_text=True),
    **_count("how many tokens"),
}

KINDS: dict[str, Kind] = {
    "drop_socket": Kind(
        "The media socket breaks without a close frame, and is dialled again after a second.", {**CALL, **AFTER}
    ),
    "half_open_socket": Kind(
        "The emulator neither reads nor writes its media socket, and closes nothing; then it breaks and is dialled "
        "again.",
        {**CALL, **AFTER, **_for(20.0)},
    ),
    "late_frames": Kind(
        "Frames arrive late by so many milliseconds; at the end they catch up in a burst.",
        {**_FRAMES, "ms": Option("how late", 400, 1, 60_000)},
    ),
    "lose_frames": Kind(
        "Some frames never arrive; the timestamps of the others tell.",
        {**_FRAMES, "share": Option("of all frames, by chance", 0.2, 0, 1)},
    ),
    "wrong_length": Kind(
        "Frames have another length than 20 ms, or the metadata names one that they do not have.",
        {
            **_FRAMES,
            "of": Option("where", "frames", is_text=True, choice=("frames", "metadata")),
            "bytes": Option("the length, instead of 640 or 960", 320, 0, 65_536, is_whole=True),
        },
    ),
    "unknown_kind": Kind(
        "The media socket carries messages of a kind that nobody knows, between its frames.",
        {**CALL, **AFTER, **_count("how many messages", 5), "kind": Option("the kind", "MarkData", is_text=True)},
    ),
    "participant_null": Kind(
        "Frames do not say who speaks: participantRawID is null, or absent.",
        {**_FRAMES, "how": Option("which of them", "null", is_text=True, choice=("null", "absent"))},
    ),
    "silent_absent": Kind("Frames do not say whether they are silent: the key is absent.", _FRAMES),
    "duplicate_callback": Kind("The next callbacks are delivered twice.", _CALLBACKS),
    "reorder_callbacks": Kind("The next callbacks arrive after the one behind them.", _CALLBACKS),
    "delay_callbacks": Kind(
        "The next callbacks are delivered so many milliseconds after what they tell of.",
        {**_CALLBACKS, "ms": Option("how late", 2000, 1, 600_000)},
    ),
    "lose_callback": Kind("The next callbacks are never delivered.", _CALLBACKS),
    "early_callback": Kind(
        "The answer to an order waits until the callback that the order caused has been delivered.",
        {
            **CALL,
            "type": Option("only this operation, such as answer", is_text=True),
            "event": Option("the callback to wait for; left out: any", is_text=True),
            **_count("how many orders"),
            "ms": Option("no longer than this", 5000, 1, 60_000),
        },
    ),
    "duplicate_incoming": Kind(
        "Event Grid tells of the next call more than once.",
        {
            "times": Option("how often more", 1, 1, 100, is_whole=True),
            "ids": Option("with one event id or new ones", "same", is_text=True, choice=("same", "new")),
        },
    ),
    "throttle": Kind("Azure refuses orders with 429 and a Retry-After.", {**_ORDERS, "retry_after_s": _RETRY_AFTER}),
    "unavailable": Kind(
        "Azure refuses orders with a fault of its own.",
        {
            **_ORDERS,
            "status": Option("HTTP status", 503, 500, 599, is_whole=True),
            "retry_after_s": Option("the header's seconds; 0: no header", 0.0, 0, 600),
        },
    ),
    "slow_rest": Kind(
        "Orders are carried out at once, and answered so many milliseconds later.",
        {**_ORDERS, "ms": Option("how late", 3000, 1, 60_000)},
    ),
    "expired_token": Kind("The bearer token has expired an hour ago.", _TOKENS),
    "wrong_audience": Kind("The bearer token is made out for another resource.", _TOKENS),
    "no_token": Kind("The Authorization header is missing.", _TOKENS),
    "stream_refused": Kind(
        "Azure does not open the media socket, and says MediaStreamingFailed.",
        {
            **CALL,
            **_count("how many attempts"),
            "subcode": Option(
                "8603: not able to connect, 8581: the URL is no good",
                "8603",
                is_text=True,
                choice=("8603", "8581"),
            ),
        },
    ),
}
KINDS |= {
    "drop_transcript": Kind(
        "The transcription socket breaks without a close frame, and is dialled again after a second.", CALL
    ),
    "preview_transcript": Kind(
        "Azure says of the words what only its previews say: the language it found, and the sentiment.",
        {**CALL, **_count("how many messages", 100_000)},
    ),
    "transcript_refused": Kind(
        "Azure does not open the transcription socket, and says TranscriptionFailed.",
        {
            **CALL,
            **_count("how many attempts"),
            "subcode": Option(
                "8578: not able to connect, 8581: the URL is no good, 8565: its AI service refused, 8579: canceled",
                "8578",
                is_text=True,
                choice=("8578", "8581", "8565", "8579"),
            ),
        },
    ),
}
AVAILABLE: dict[str, str] = {name: kind.told() for name, kind in KINDS.items()}
# Those that a running media stream takes when they are armed, or when it opens.
OF_SOCKETS = frozenset(
    {
        "drop_socket",
        "half_open_socket",
        "late_frames",
        "lose_frames",
        "wrong_length",
        "unknown_kind",
        "participant_null",
        "silent_absent",
    }
)


def read_fault(fields: Mapping[str, Any]) -> Fault:
    """The fault that a JSON order asks for, with every option filled in. Raises BadFaultError."""
    name = fields.get("fault")
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise BadFaultError(f"There is no fault “{name}”. Available: {', '.join(sorted(KINDS))}.")
    given = {key: value for key, value in fields.items() if key != "fault" and value is not None}
    for unknown in given.keys() - kind.options.keys():
        raise BadFaultError(f"The fault {name} has no option “{unknown}”. It takes {', '.join(kind.options)}.")
    options = {
        key: option.read(key, given[key]) if key in given else option.default for key, option in kind.options.items()
    }
    return Fault(str(name), options)
