"""The orders that travel down to the one process that holds a call's socket.

They go to the group `stream.<session id>`; the layer delivers at most once, so every order has a row, and a row that
nobody confirms within 10 s fails as `no_worker` (services.sweep).
"""

from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from calls.wire import wire


@dataclass(frozen=True, slots=True)
class PlaySound:
    """Play one injection after those already queued. `file` is a name in the default storage."""

    injection: str
    kind: str
    label: str
    text: str = ""
    voice: str = ""
    speed_wpm: int | None = None
    tone_hz: int | None = None
    tone_ms: int | None = None
    file: str = ""
    gain_db: float = 0.0
    loop: bool = False


@dataclass(frozen=True, slots=True)
class StopSound:
    """Drop every queued sound, then tell Azure to drop what it holds. `command` is the row to confirm."""

    command: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket: a newer one took its place, or the call is over."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class StartRecording:
    """Write this take from now on. The row is confirmed by the first word about the take."""

    take: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class StopRecording:
    take: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class PauseRecording:
    """Silence takes the place of the sound, so that the take's clock goes on."""

    take: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class ResumeRecording:
    take: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class StartTranscript:
    """Write down what is said by this recogniser (a dotted path of SPEECH_RECOGNISERS)."""

    recogniser: str
    language: str
    phrases: tuple[str, ...] = ()
    command: str = ""


@dataclass(frozen=True, slots=True)
class StopTranscript:
    command: str = ""


@dataclass(frozen=True, slots=True)
class ChangeLanguage:
    language: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class BeginSensitive:
    """Until `until_at` (seconds since 1970) nothing that keeps or forwards the call's sound gets any of it."""

    until_at: float
    command: str = ""


@dataclass(frozen=True, slots=True)
class EndSensitive:
    command: str = ""


KeepingOrder = (
    StartRecording
    | StopRecording
    | PauseRecording
    | ResumeRecording
    | StartTranscript
    | StopTranscript
    | ChangeLanguage
    | BeginSensitive
    | EndSensitive
)
Order = PlaySound | StopSound | CloseSocket | KeepingOrder
_KINDS: Final[dict[str, type[Order]]] = {
    "play": PlaySound,
    "stop": StopSound,
    "close": CloseSocket,
    "start_recording": StartRecording,
    "stop_recording": StopRecording,
    "pause_recording": PauseRecording,
    "resume_recording": ResumeRecording,
    "start_transcript": StartTranscript,
    "stop_transcript": StopTranscript,
    "change_language": ChangeLanguage,
    "begin_sensitive": BeginSensitive,
    "end_sensitive": EndSensitive,
}


def group_of(session_id: UUID | str) -> str:
    return f"stream.{session_id}"


def send(session_id: UUID | str, order: Order) -> None:
    """Hands `order` to the process that owns the session's socket; returns at once."""
    kind = next(name for name, order_type in _KINDS.items() if isinstance(order, order_type))
    wire.send(group_of(session_id), {"type": "stream.order", "order": kind, "fields": asdict(order)})


def read(message: dict[str, Any]) -> Order:
    """The order in a layer message made by `send`."""
    return _KINDS[message["order"]](**message["fields"])
