"""The calls of one run, at the emulator that plays Azure's part."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from acsportal.load.asking import LoadError, ask, in_parallel

# One voice for 9 s, and then the quiet of its room for as long as the call lasts.
SCENARIO: Final = "callee"
FIRST_CALLER: Final = 14_255_560_000
RUNG_AT_ONCE: Final = 10
PATIENCE_S: Final = 20.0
REMEDY: Final = "Start it with `python manage.py emulator`, or name its address with --emulator."
POLICY: Final = (
    "Choose a callee whose policy answers at once and streams (--callee), and no more streams than the portal allows."
)

Row = dict[str, Any]


@dataclass(slots=True)
class EmulatedCalls:
    """Calls that the emulator rings with; `ids` are its own."""

    emulator: str
    callee: str
    ids: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, content: Row | None = None) -> Any:
        return ask(method, f"{self.emulator}/emulator/{path}", content, what="The emulator", remedy=REMEDY)

    def ring(self, count: int) -> None:
        """Some after the others, each lot when the one before streams: how many may come at once is another question.

        Raises LoadError if some do not stream.
        """
        for first in range(0, count, RUNG_AT_ONCE):
            self._ring(range(first, min(first + RUNG_AT_ONCE, count)))
            self._wait_until_all_stream()

    def _ring(self, numbers: range) -> None:
        def one(number: int) -> None:
            call = {"caller": f"+{FIRST_CALLER + number}", "callee": self.callee, "scenario": SCENARIO}
            self.ids.append(str(self.ask("POST", "calls", call)["id"]))

        for _ in in_parallel(one, numbers):
            pass

    def _wait_until_all_stream(self) -> None:
        until_s = time.monotonic() + PATIENCE_S
        while True:
            rows = self.rows()
            over = [row for row in rows if row["state"] == "ended" or row["streaming"]["state"] == "failed"]
            if over:
                end = (over[0]["end"] or {}).get("message", "streaming failed")
                raise LoadError(f"{len(over)} of {len(self.ids)} calls ended before they streamed ({end}). {POLICY}")
            count = sum(row["streaming"]["state"] == "streaming" for row in rows)
            if count == len(self.ids):
                return
            if time.monotonic() > until_s:
                raise LoadError(f"Only {count} of {len(self.ids)} calls streamed in time. {POLICY}")
            time.sleep(0.2)

    def rows(self) -> list[Row]:
        wanted = set(self.ids)
        return [row for row in self.ask("GET", "calls")["results"] if row["id"] in wanted]

    def frames_sent(self) -> int:
        return sum(row["streaming"]["frames_sent"] for row in self.rows())

    def round_trips_ms(self) -> Iterator[float]:
        for found in in_parallel(lambda call: self.ask("GET", f"calls/{call}/round-trips")["ms"], self.ids):
            yield from found

    def hang_up(self) -> None:
        for _ in in_parallel(lambda call: self.ask("POST", f"calls/{call}/hang-up", {}), self.ids):
            pass
