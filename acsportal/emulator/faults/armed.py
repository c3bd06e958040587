"""The armed faults of one emulator, and those that were used up."""

import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

KEPT = 100


@dataclass(slots=True, eq=False)
class Fault:
    """One fault with its options, all of them, as ``catalogue.read_fault`` fills them in."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    armed_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    armed_s: float = field(default_factory=time.monotonic)
    taken: int = 0
    calls: list[str] = field(default_factory=list)

    @property
    def call(self) -> str | None:
        """The emulator's id of the only call that it may happen to; None: the next one that it can happen to."""
        return self.options.get("call")

    def number(self, name: str) -> float:
        return float(self.options[name])

    def is_over(self, now_s: float) -> bool:
        """Used up: taken as often as asked for or, where it holds for all in a span of time, that span is over."""
        if window_s := self.options.get("window_s"):
            return now_s >= self.armed_s + float(window_s)
        return self.taken >= int(self.options.get("count") or 1)

    def fits(self, call: str, **facts: str) -> bool:
        """``facts`` are what an option of the same name, if it is given, must be the end of (casing aside)."""
        if self.call not in (None, call):
            return False
        wanted = ((str(self.options.get(name) or ""), fact) for name, fact in facts.items())
        return all(fact.lower().endswith(option.lower()) for option, fact in wanted)

    def row(self) -> dict[str, Any]:
        state = "used" if self.is_over(time.monotonic()) else "armed"
        armed_at = self.armed_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        about = {"fault": self.name, "id": self.id, "state": state, "armed_at": armed_at}
        return {**about, "taken": self.taken, "calls": list(self.calls), **self.options}


class Faults:
    """The armed faults of one process. Those who can misbehave ask ``take`` at the moment when they could."""

    def __init__(self) -> None:
        self._armed: list[Fault] = []
        self._used: deque[Fault] = deque(maxlen=KEPT)
        self._listeners: set[Callable[[Fault], None]] = set()

    def listen(self, listener: Callable[[Fault], None]) -> Callable[[], None]:
        """Have ``listener`` called for each fault when it is armed; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def arm(self, fault: Fault) -> Fault:
        self._armed.append(fault)
        for listener in tuple(self._listeners):
            listener(fault)
        return fault

    def take(self, name: str, call: str, **facts: str) -> Fault | None:
        """The armed fault of that name that fits this call and these facts, used once more; None when all is well."""
        self._retire()
        for fault in self._armed:
            if fault.name == name and fault.fits(call, **facts):
                fault.taken += 1
                if call and call not in fault.calls:
                    fault.calls.append(call)
                self._retire()
                return fault
        return None

    def armed(self) -> list[Fault]:
        self._retire()
        return list(self._armed)

    def used(self) -> list[Fault]:
        """The youngest first; of very many, the oldest are forgotten."""
        self._retire()
        return list(self._used)

    def disarm(self) -> list[Fault]:
        """Forget all that is armed; what has begun goes on to its end."""
        disarmed, self._armed = self.armed(), []
        return disarmed

    def _retire(self) -> None:
        now_s = time.monotonic()
        for fault in [fault for fault in self._armed if fault.is_over(now_s)]:
            self._armed.remove(fault)
            self._used.appendleft(fault)
