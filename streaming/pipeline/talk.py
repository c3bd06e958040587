"""Who speaks from when to when, read off the levels ten times a second. Pure; costs nothing per frame."""

from collections.abc import Mapping
from typing import Final

import msgspec

LONGEST_SPAN_S: Final = 30.0
"""A span that goes on is told in pieces, so that little is lost with its process."""
HANGOVER_S: Final = 0.3
"""For so long after the last loud moment the levels still say that somebody speaks."""
SHORTEST_S: Final = 0.2
WINDOW_S: Final = 0.1


class TalkSpan(msgspec.Struct, frozen=True):
    """Somebody spoke without a break; monotonic seconds."""

    raw_id: str
    start_s: float
    end_s: float


class TalkWatch:
    """Ask it each 100 ms with who is heard and whether that one speaks; it answers with the spans that are over."""

    def __init__(self) -> None:
        self._since_s: dict[str, float] = {}

    def look(self, now_s: float, speaking: Mapping[str, bool]) -> list[TalkSpan]:
        over = []
        for raw_id, since_s in list(self._since_s.items()):
            if not speaking.get(raw_id, False):
                del self._since_s[raw_id]
                over.append(TalkSpan(raw_id, since_s, now_s - HANGOVER_S - WINDOW_S))
            elif now_s - since_s >= LONGEST_SPAN_S:
                self._since_s[raw_id] = now_s
                over.append(TalkSpan(raw_id, since_s, now_s))
        for raw_id, speaks in speaking.items():
            if speaks:
                self._since_s.setdefault(raw_id, now_s - WINDOW_S)
        return [span for span in over if span.end_s - span.start_s >= SHORTEST_S]

    def end(self, now_s: float) -> list[TalkSpan]:
        """The call's sound is over: whoever speaks now has spoken until now."""
        left = [TalkSpan(raw_id, since_s, now_s) for raw_id, since_s in self._since_s.items()]
        self._since_s.clear()
        return [span for span in left if span.end_s - span.start_s >= SHORTEST_S]
