"""The newest words of a call, told to the wall for a second after each change. Pure."""

from typing import Final, TypedDict

TOLD_FOR_S: Final = 1.0
LONGEST: Final = 200


class Line(TypedDict):
    raw_id: str
    text: str
    final: bool


class NewestLine:
    """One per call and process."""

    def __init__(self) -> None:
        self._line: Line | None = None
        self._changed_s = 0.0

    def say(self, raw_id: str, text: str, now_s: float, *, final: bool) -> None:
        """Of a long turn the end is told, from a whole word on."""
        if not text:
            return
        if len(text) > LONGEST:
            end = text[-LONGEST + 1 :]
            text = "…" + end[end.find(" ") + 1 :]
        self._line, self._changed_s = {"raw_id": raw_id, "text": text, "final": final}, now_s

    def now(self, now_s: float) -> Line | None:
        return self._line if now_s - self._changed_s <= TOLD_FOR_S else None

    def forget(self) -> None:
        self._line = None
