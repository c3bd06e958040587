"""Keeps who spoke when, and adds it up when the call is over."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from calls.models import Call, CallMeasures, StreamSession, TalkSpan
from calls.selectors.measures import measured

SETTLED: Final = timedelta(seconds=5)
"""After its end, a call's last words and spans are still on their way."""
LATEST: Final = timedelta(days=7)
"""Whoever was away for longer measures no more what it missed."""
AT_ONCE: Final = 20


def spans_heard(call_id: UUID, spans: Sequence[tuple[str, datetime, datetime]]) -> None:
    """(raw id, from, until) of whoever has just finished a turn. Told twice, they are kept once."""
    first = min(started_at for _, started_at, _ in spans)
    known = set(TalkSpan.objects.filter(call=call_id, started_at__gte=first).values_list("raw_id", "started_at"))
    TalkSpan.objects.bulk_create(
        TalkSpan(call_id=call_id, raw_id=raw_id[:256], started_at=started_at, ended_at=ended_at)
        for raw_id, started_at, ended_at in spans
        if (raw_id, started_at) not in known
    )


def measure_ended_calls() -> None:
    """Each round of the sweep: a few calls that are over and not measured yet."""
    open_streams = StreamSession.objects.filter(call=OuterRef("pk"), state=StreamSession.State.OPEN)
    over = Call.objects.over().filter(connected_at__isnull=False, measures=None)
    now = timezone.now()
    settled = over.filter(ended_at__lt=now - SETTLED, ended_at__gt=now - LATEST).exclude(Exists(open_streams))
    for call in settled.order_by("-ended_at")[:AT_ONCE]:
        sums, people = measured(call)
        with transaction.atomic():
            CallMeasures.objects.update_or_create(call=call, defaults={**asdict(sums), "people": people})
