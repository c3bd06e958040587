"""The sound of one voice that nobody could recognise, joined into gaps and told while they grow. Pure."""

from collections.abc import Callable
from datetime import datetime
from typing import Final
from uuid import uuid4

from streaming.transcripts.voice import Gap, Outlet

SAME_S: Final = 1.0
SHORTEST_S: Final = 0.3


class Gaps:
    """Of one voice. `source` names the recogniser that should have heard it."""

    def __init__(
        self, raw_id: str, outlet: Outlet, each_s: float, moment: Callable[[float], datetime], source: str = ""
    ) -> None:
        self._raw_id, self._outlet, self._each_s, self._moment = raw_id, outlet, each_s, moment
        self.source = source
        self._key = ""
        self._from_s = self._until_s = 0.0
        self._why = ""
        self._told_s = 0.0
        self._due = False

    def lose(self, from_s: float, until_s: float, why: str) -> None:
        """Sound between these moments was not recognised; what adjoins a gap is part of it, for its first reason."""
        if not self._key or from_s - self._until_s > SAME_S:
            if self._due:
                self._tell()
            self._key, self._from_s, self._why = f"gap-{uuid4().hex[:12]}", from_s, why
            self._until_s = until_s
        self._until_s = max(self._until_s, until_s)
        self._due = self._until_s - self._from_s >= SHORTEST_S

    def tell(self, now_s: float, *, at_once: bool = False) -> None:
        """Tells what is new of a gap, not too often."""
        if self._due and (at_once or now_s - self._told_s >= self._each_s):
            self._told_s = now_s
            self._tell()

    def _tell(self) -> None:
        self._due = False
        length_s = self._until_s - self._from_s
        words = f"{length_s:.0f} s" if length_s >= 9.95 else f"{length_s:.1f} s"
        self._outlet.gap(
            Gap(
                self._key,
                self._raw_id,
                f"{words} could not be recognised: {self._why}",
                self._moment(self._from_s),
                self._moment(self._until_s),
                self.source,
            )
        )
