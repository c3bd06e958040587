"""Which moments of a call are held back, so that nothing said in them is written down, however late it arrives."""

from datetime import datetime, timedelta
from typing import Final

from calls.models import Call

BEGAN: Final = "SensitiveBegan"
ENDED: Final = "SensitiveEnded"
# The order to hold back takes a moment to reach the sound, and a recogniser's times are not exact.
SLACK: Final = timedelta(seconds=0.5)


def is_held(call: Call, started_at: datetime, ended_at: datetime) -> bool:
    """Whether this stretch of the call reaches into a moment that somebody holds or held back."""
    return any(
        began_at + SLACK < ended_at and (over_at is None or started_at < over_at)
        for began_at, over_at in _moments(call)
    )


def _moments(call: Call) -> list[tuple[datetime, datetime | None]]:
    found: list[tuple[datetime, datetime | None]] = []
    told = call.events.filter(type__in=(BEGAN, ENDED)).order_by("event_time", "received_at")
    for event_type, at in told.values_list("type", "event_time"):
        if event_type == BEGAN and (not found or found[-1][1] is not None):
            found.append((at, None))
        elif event_type == ENDED and found and found[-1][1] is None:
            found[-1] = (found[-1][0], at)
    if found and found[-1][1] is None and not call.is_sensitive:
        # It ended by itself, which may not have been told yet.
        found[-1] = (found[-1][0], call.sensitive_until)
    return found
