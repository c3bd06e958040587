"""Misbehaviour to order: which faults there are, which are armed, and who takes one."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

AVAILABLE = {
    "drop_socket": "The media socket breaks without a close frame, now or `after_s` seconds after it opens.",
    "duplicate_callback": "The next callbacks (`count`, or only those of `type`) are delivered twice.",
    "reorder_callbacks": "The next callbacks (`count`, or only those of `type`) arrive after the one behind them.",
}


class UnknownFaultError(ValueError):
    """The name is none of ``AVAILABLE``."""


@dataclass(slots=True)
class Fault:
    """One armed fault. ``call`` None means: the next call that it can happen to."""

    name: str
    call: str | None = None
    type: str | None = None
    count: int = 1
    after_s: float = 0.0
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    armed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    taken: int = 0

    def fits(self, call: str, event_type: str | None) -> bool:
        return (
            self.taken < self.count
            and self.call in (None, call)
            and (self.type is None or event_type is None or event_type.endswith(self.type))
        )


class Faults:
    """The armed faults of one process. Those who can misbehave ask ``take`` at the moment when they could."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._listeners: set[Callable[[Fault], None]] = set()

    def listen(self, listener: Callable[[Fault], None]) -> Callable[[], None]:
        """Have ``listener`` called for each fault when it is armed; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def arm(self, fault: Fault) -> Fault:
        if fault.name not in AVAILABLE:
            raise UnknownFaultError(f"There is no fault “{fault.name}” yet. Available: {', '.join(sorted(AVAILABLE))}.")
        self._armed.append(fault)
        for listener in tuple(self._listeners):
            listener(fault)
        return fault

    def take(self, name: str, call: str, event_type: str | None = None) -> Fault | None:
        """The armed fault of that name that fits this call and event, used up by one; None when all is well."""
        for fault in self._armed:
            if fault.name == name and fault.fits(call, event_type):
                fault.taken += 1
                if fault.taken >= fault.count:
                    self._armed.remove(fault)
                return fault
        return None

    def armed(self) -> list[Fault]:
        return list(self._armed)
