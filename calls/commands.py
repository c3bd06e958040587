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


Order = PlaySound | StopSound | CloseSocket
_KINDS: Final[dict[str, type[PlaySound] | type[StopSound] | type[CloseSocket]]] = {
    "play": PlaySound,
    "stop": StopSound,
    "close": CloseSocket,
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
