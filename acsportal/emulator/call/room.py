"""The room that all connections to one conversation share: who is in it, who is muted, who holds."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from acsportal.emulator.call.people import identifier
from acsportal.emulator.scenario import Speaker

if TYPE_CHECKING:
    from acsportal.emulator.call.lifecycle import Call


@dataclass(slots=True)
class Participant:
    """``speaker`` is what they say; None for a portal's own leg, which says what its stream brings."""

    raw_id: str
    name: str
    is_muted: bool = False
    is_on_hold: bool = False
    speaker: Speaker | None = None

    def body(self) -> dict[str, Any]:
        return {"identifier": identifier(self.raw_id), "isMuted": self.is_muted, "isOnHold": self.is_on_hold}


@dataclass(slots=True, eq=False)
class Room:
    """``people`` are in the order in which they came; ``calls`` are the portal's live connections to it.

    ``began_s`` is the monotonic time at which the conversation of the scenario began.
    """

    server_call_id: str
    correlation_id: str
    people: dict[str, Participant] = field(default_factory=dict)
    calls: list["Call"] = field(default_factory=list)
    began_s: float | None = None
    is_over: bool = False

    @property
    def humans(self) -> list[str]:
        return [raw_id for raw_id, somebody in self.people.items() if somebody.speaker is not None]

    @property
    def silenced(self) -> frozenset[str]:
        """Whom nobody hears: the muted and those who hold."""
        return frozenset(raw_id for raw_id, one in self.people.items() if one.is_muted or one.is_on_hold)

    def elapsed_s(self) -> float:
        return 0.0 if self.began_s is None else time.monotonic() - self.began_s

    def enter(self, participant: Participant) -> None:
        """Silently: who is to be told, and when, is decided by who let them in."""
        self.people[participant.raw_id] = participant
        if participant.speaker is not None:
            for call in self.calls:
                call.voices.come(participant.raw_id)

    def leave(self, raw_id: str) -> Participant:
        """They are gone, and all connections hear of it. Raises KeyError."""
        participant = self.people.pop(raw_id)
        for call in self.calls:
            call.voices.go(raw_id)
        self.tell()
        return participant

    def changed(self) -> None:
        """Somebody was muted, put on hold, or the contrary."""
        for call in self.calls:
            call.voices.settle()
            if call.own_raw_id in self.silenced:
                call.hearing.still_stream(call.elapsed_s())
        self.tell()

    def tell(self) -> None:
        for call in self.calls:
            call.tell_participants()

    async def join(self, speaker: Speaker) -> Participant:
        """Somebody comes in and, if there is a voice, begins to talk."""
        participant = Participant(speaker.raw_id, speaker.name, speaker=speaker)
        self.enter(participant)
        self.tell()
        if speaker.voice.sounds:
            for call in tuple(self.calls):
                await call.voices.say(speaker.raw_id, speaker.voice)
        return participant
