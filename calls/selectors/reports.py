"""What a stretch of time adds up to: how many calls, how long, who talked, how long nobody did, what failed.

One row of the database is one call; its measures stand beside it once it is over. Everything is asked for a viewer.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final, TypedDict

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from calls.models import Call

HOURLY_UP_TO: Final = timedelta(days=4)
MOST_CALLS: Final = 100_000
"""Medians and charts of talk are made of the newest so many calls."""
MOST_FAILURES: Final = 12
# Upper edges in seconds and how the page says them.
DURATIONS: Final = (
    (15, "under 15 s"),
    (60, "15–60 s"),
    (180, "1–3 min"),
    (300, "3–5 min"),
    (600, "5–10 min"),
    (1_800, "10–30 min"),
    (None, "over 30 min"),
)
DEAD_AIR: Final = (
    (2, "under 2 s"),
    (5, "2–5 s"),
    (10, "5–10 s"),
    (20, "10–20 s"),
    (60, "20–60 s"),
    (None, "over 1 min"),
)


class CountsJson(TypedDict):
    """Calls that began in each hour or day, oldest first; `at` are seconds since 1970."""

    step: str
    at: list[int]
    inbound: list[int]
    outbound: list[int]
    failed: list[int]


class BucketsJson(TypedDict):
    labels: list[str]
    calls: list[int]


class TalkJson(TypedDict):
    """The time of all measured calls together, as shares."""

    calls: int
    theirs: float
    ours: float
    overlap: float
    silence: float


class FailureJson(TypedDict):
    code: int | None
    subcode: int | None
    text: str
    calls: int


class ReportJson(TypedDict):
    since: str
    until: str
    calls: int
    connected: int
    failed: int
    median_duration_s: float | None
    total_duration_s: float
    median_latency_s: float | None
    median_dead_air_s: float | None
    counts: CountsJson
    durations: BucketsJson
    dead_air: BucketsJson
    talk: TalkJson
    failures: list[FailureJson]


@dataclass(frozen=True, slots=True)
class _Told:
    """One ended, connected call, as far as a report looks at it."""

    duration_s: float
    theirs_s: float | None
    ours_s: float
    silence_s: float
    overlap_s: float
    dead_air_s: float | None
    latency_s: float | None


def report(calls: QuerySet[Call], since: datetime, until: datetime) -> ReportJson:
    """The report of calls that began from `since` up to `until`; `calls` are those its reader sees and asked for."""
    within = calls.filter(created_at__gte=since, created_at__lt=until).order_by()
    failed = Q(state=Call.State.FAILED)
    sums = within.aggregate(
        calls=Count("pk"),
        connected=Count("pk", filter=Q(connected_at__isnull=False)),
        failed=Count("pk", filter=failed),
    )
    told = list(_told(within))
    durations = [each.duration_s for each in told]
    dead_air = [each.dead_air_s for each in told if each.dead_air_s is not None]
    latencies = [each.latency_s for each in told if each.latency_s is not None]
    return {
        "since": since.isoformat(),
        "until": until.isoformat(),
        **sums,  # type: ignore[typeddict-item]
        "median_duration_s": round(median(durations), 1) if durations else None,
        "total_duration_s": round(sum(durations), 1),
        "median_latency_s": round(median(latencies), 2) if latencies else None,
        "median_dead_air_s": round(median(dead_air), 1) if dead_air else None,
        "counts": _counts(within, since, until),
        "durations": _buckets(durations, DURATIONS),
        "dead_air": _buckets(dead_air, DEAD_AIR),
        "talk": _talk(told),
        "failures": _failures(within.filter(failed)),
    }


def _told(calls: QuerySet[Call]) -> Iterable[_Told]:
    over = calls.filter(connected_at__isnull=False, ended_at__isnull=False).order_by("-created_at")
    names = ("their_talk_s", "our_talk_s", "silence_s", "overlap_s", "longest_silence_s", "response_latency_s")
    columns = ("connected_at", "ended_at", *(f"measures__{name}" for name in names))
    for connected_at, ended_at, *rest in over.values_list(*columns)[:MOST_CALLS]:
        theirs, ours, silence, overlap, dead_air, latency = rest
        duration_s = max(0.0, (ended_at - connected_at).total_seconds())
        yield _Told(duration_s, theirs, ours or 0.0, silence or 0.0, overlap or 0.0, dead_air, latency)


def _counts(calls: QuerySet[Call], since: datetime, until: datetime) -> CountsJson:
    hourly = until - since <= HOURLY_UP_TO
    trunc = TruncHour("created_at") if hourly else TruncDay("created_at")
    grouped = calls.annotate(at=trunc).values_list("at", "direction", "state").annotate(calls=Count("pk"))
    found: dict[datetime, Counter[str]] = defaultdict(Counter)
    for at, direction, state, count in grouped:
        name = "failed" if state == Call.State.FAILED else direction
        found[at][name] += count
    steps = _steps(since, min(until, timezone.now()), hourly=hourly)
    return {
        "step": "hour" if hourly else "day",
        "at": [int(step.timestamp()) for step in steps],
        "inbound": [found[step]["inbound"] for step in steps],
        "outbound": [found[step]["outbound"] for step in steps],
        "failed": [found[step]["failed"] for step in steps],
    }


def _steps(since: datetime, until: datetime, *, hourly: bool) -> list[datetime]:
    here = timezone.get_current_timezone()
    step = since.astimezone(here).replace(minute=0, second=0, microsecond=0)
    step = step if hourly else step.replace(hour=0)
    steps = []
    while step < until:
        steps.append(step)
        step += timedelta(hours=1) if hourly else timedelta(days=1)
    return steps


def _buckets(values: Sequence[float], edges: Sequence[tuple[int | None, str]]) -> BucketsJson:
    counts = [0] * len(edges)
    for value in values:
        counts[next(at for at, (edge, _) in enumerate(edges) if edge is None or value < edge)] += 1
    return {"labels": [label for _, label in edges], "calls": counts}


def _talk(told: Sequence[_Told]) -> TalkJson:
    measured = [each for each in told if each.theirs_s is not None]
    theirs, ours = sum(each.theirs_s or 0.0 for each in measured), sum(each.ours_s for each in measured)
    overlap, silence = sum(each.overlap_s for each in measured), sum(each.silence_s for each in measured)
    total = theirs + ours + silence or 1.0
    return {
        "calls": len(measured),
        "theirs": round(theirs / total, 4),
        "ours": round(ours / total, 4),
        "overlap": round(overlap / total, 4),
        "silence": round(silence / total, 4),
    }


def _failures(failed: QuerySet[Call]) -> list[FailureJson]:
    grouped = failed.values_list("end_code", "end_subcode", "end_text").annotate(calls=Count("pk"))
    return [
        {"code": code, "subcode": subcode, "text": text, "calls": count}
        for code, subcode, text, count in grouped.order_by("-calls", "end_code", "end_subcode")[:MOST_FAILURES]
    ]


def report_rows(calls: QuerySet[Call], since: datetime, until: datetime) -> Iterable[list[Any]]:
    """One line a call for a spreadsheet, with a line of names first; numbers and names of people are left out."""
    names = ("their_talk_s", "our_talk_s", "silence_s", "overlap_s", "longest_silence_s")
    more = ("their_interruptions", "our_interruptions", "response_latency_s", "words_per_minute")
    yield [
        *("call", "began_at", "direction", "policy", "state", "end_code", "end_subcode", "duration_s"),
        *names,
        *more,
    ]
    within = calls.filter(created_at__gte=since, created_at__lt=until).order_by("created_at", "pk")
    for call in within.select_related("measures").iterator(chunk_size=500):
        measures = getattr(call, "measures", None)
        duration_s = call.duration_s
        yield [
            str(call.pk),
            call.created_at.isoformat(timespec="seconds"),
            call.direction,
            call.policy_name,
            call.state,
            call.end_code,
            call.end_subcode,
            None if duration_s is None else round(duration_s, 1),
            *(getattr(measures, name, None) for name in (*names, *more)),
        ]
