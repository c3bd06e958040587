"""What a voice's loop tells, what bounds it, and what became of the sound that nobody could recognise. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypedDict


class WordTold(TypedDict):
    """Seconds from the turn's start."""

    text: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Turn:
    """One revision of what a voice says; its revisions share `key`."""

    key: str
    raw_id: str
    text: str
    started_at: datetime
    ended_at: datetime
    final: bool
    source: str
    confidence: float | None = None
    language: str = ""
    words: tuple[WordTold, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Gap:
    """Sound that was not recognised. One that goes on is told again under its `key`."""

    key: str
    raw_id: str
    text: str
    started_at: datetime
    ended_at: datetime
    source: str


class Outlet(Protocol):
    """Where a voice's loop tells what it hears; each is called in the event loop and returns at once."""

    def turn(self, turn: Turn) -> None: ...

    def gap(self, gap: Gap) -> None: ...

    def opened(self, raw_id: str) -> None:
        """A recogniser listens to this voice, for the first time or again."""

    def troubled(self, raw_id: str, why: str) -> None:
        """The recogniser failed and is tried again after a pause."""

    def failed(self, raw_id: str, why: str) -> None:
        """Trying again would be in vain: the loop ends."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much sound may wait, and how long each step may take."""

    queue_s: float = 5.0
    piece_s: float = 0.1
    longest_piece_s: float = 0.5
    open_s: float = 10.0
    push_s: float = 3.0
    flush_s: float = 5.0
    close_s: float = 2.0
    first_pause_s: float = 0.5
    last_pause_s: float = 30.0
    steady_s: float = 30.0
    """A recogniser that worked for so long failed for a new reason: the pauses begin again."""
    partial_each_s: float = 0.25
    gap_each_s: float = 1.0
    idle_s: float = 2.0
    """Without sound for so long, what is half said is said."""
