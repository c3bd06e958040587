"""What a test arms in the emulator, what an operator then sees, and the neighbour who is to notice nothing."""

from dataclasses import dataclass
from typing import Any

from tests.journeys.stack import Stack, ask, wait_for

SUPPORT = {"caller": "+14255550123", "callee": "+18005550100", "scenario": "support"}  # unmixed, 16 kHz
SALES = {"caller": "+442079460123", "callee": "+18005550101", "scenario": "sales"}  # mixed, 24 kHz
NEVER_MORE_MS = 400


def arm(stack: Stack, fault: str, **options: Any) -> Any:
    answer = stack.arm(fault=fault, **options)
    assert answer.status == 201, answer
    return answer.json


def disarm(stack: Stack) -> None:
    ask("DELETE", f"{stack.emulator}/emulator/faults")


def events(stack: Stack, call: str, event_type: str) -> list[Any]:
    """The oldest first."""
    rows = stack.get(f"calls/{call}/events/", limit="200")["results"]
    return sorted((row for row in rows if row["type"] == event_type), key=lambda row: row["received_at"])


def told(stack: Stack, call: str, event_type: str, within_s: float = 15) -> str:
    """What the timeline says of the first such event, as soon as it does."""
    return str(wait_for(lambda: events(stack, call, event_type), within_s, f"{event_type} is told")[0]["text"])


def commands(stack: Stack, call: str, verb: str) -> list[Any]:
    """The oldest first."""
    rows = stack.get(f"calls/{call}/commands/")["results"]
    return sorted((row for row in rows if row["verb"] == verb), key=lambda row: row["created_at"])


def streams(stack: Stack, call: str) -> list[Any]:
    return sorted(stack.get(f"calls/{call}/streams/")["results"], key=lambda row: row["number"])


def health(stack: Stack, call: str) -> Any:
    return stack.get(f"calls/{call}/")["health"] or {}


def is_well(row: Any) -> bool:
    """Connected, streaming, and heard at this moment."""
    heard = (row["health"] or {}).get("frame_age_ms", 10_000) < NEVER_MORE_MS
    return bool(row["state"] == "connected" and row["streaming"]["state"] == "streaming" and row["levels"] and heard)


@dataclass
class Neighbour:
    """A call beside the one that suffers."""

    stack: Stack
    emulated: str
    call: str

    @classmethod
    def of(cls, stack: Stack) -> "Neighbour":
        return cls(stack, *stack.streaming_call(**SALES))

    def noticed_nothing(self) -> None:
        row = self.stack.until(self.call, is_well, 2)
        assert row["health"]["lost_ms"] == row["health"]["malformed"] == 0, row["health"]
        assert len(streams(self.stack, self.call)) == 1
        assert not events(self.stack, self.call, "StreamStalled")
