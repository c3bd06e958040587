"""Tells the database who spoke when, as the levels have it: ten times a second a look, a row for each turn."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from calls.live import Level
from calls.services.measures import spans_heard
from streaming.journal import journal
from streaming.pipeline.talk import TalkSpan, TalkWatch


class TalkKeeper:
    """One per line."""

    def __init__(self, call_id: str) -> None:
        self._call_id = UUID(call_id)
        self._watch = TalkWatch()

    def look(self, now_s: float, levels: Mapping[str, Level]) -> None:
        """`now_s` is the monotonic clock."""
        self._tell(self._watch.look(now_s, {raw_id: level["speaking"] for raw_id, level in levels.items()}))

    def close(self) -> None:
        self._tell(self._watch.end(time.monotonic()))

    def _tell(self, spans: list[TalkSpan]) -> None:
        if not spans:
            return
        wall_s = time.time() - time.monotonic()
        told = [(each.raw_id, _at(wall_s + each.start_s), _at(wall_s + each.end_s)) for each in spans]
        journal.offer(spans_heard, self._call_id, told)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
