"""What the operations pages show: processes, queues, jobs. Nothing of any call."""

from datetime import datetime
from typing import Any, TypedDict

from django.db.models import Case, Count, Value, When
from django.utils import timezone

from calls.models import Call, Job, Process
from calls.operations.jobs import KINDS
from calls.operations.jobs.runner import MOST_TRIES
from calls.operations.queues import all_queues

DONE_SHOWN = 50
SHOWN = 200


class ProcessRow(TypedDict):
    name: str
    kind: str
    host: str
    pid: int
    started_at: str
    seen_ago_s: int
    draining: bool
    facts: dict[str, Any]


class QueueRow(TypedDict):
    """`waiting` is the longest of any process, `dropped` all of them together since they started."""

    name: str
    bound: int
    waiting: int
    dropped: int
    when_full: str


class JobRow(TypedDict):
    id: str
    kind: str
    title: str
    state: str
    tries: int
    most_tries: int
    asked_by: str
    due_at: str
    started_at: str | None
    finished_at: str | None
    said: str
    may_run: bool


def processes() -> list[ProcessRow]:
    now = timezone.now()
    return [
        {
            "name": each.name,
            "kind": each.get_kind_display(),
            "host": each.host,
            "pid": each.pid,
            "started_at": each.started_at.isoformat(),
            "seen_ago_s": max(0, round((now - each.seen_at).total_seconds())),
            "draining": each.draining,
            "facts": each.facts,
        }
        for each in Process.objects.all()
    ]


def queues(rows: list[ProcessRow]) -> list[QueueRow]:
    """Each queue that a process of `rows` speaks of."""
    words = {each.name: each.when_full for each in all_queues()}
    found: dict[str, QueueRow] = {}
    for row in rows:
        for name, (waiting, bound, dropped) in row["facts"].get("queues", {}).items():
            queue = found.setdefault(
                name,
                {"name": name, "bound": bound, "waiting": 0, "dropped": 0, "when_full": words.get(name, "")},
            )
            queue["waiting"] = max(queue["waiting"], waiting)
            queue["dropped"] += dropped
    return list(found.values())


def live_calls() -> int:
    return Call.objects.live().count()


def job_counts() -> dict[str, int]:
    """Jobs by state; every state is there."""
    counted = dict(Job.objects.order_by().values_list("state").annotate(Count("pk")))
    return {state: counted.get(state, 0) for state in Job.State.values}


def job_rows() -> list[JobRow]:
    """What failed first, then what runs or waits, then the last that are done."""
    order = Case(*(When(state=state, then=Value(at)) for at, state in enumerate(("failed", "running", "waiting"))))
    open_jobs = Job.objects.exclude(state=Job.State.DONE).annotate(order=order).order_by("order", "due_at", "pk")
    done = Job.objects.filter(state=Job.State.DONE).order_by("-finished_at", "pk")
    return [job_row(each) for each in (*open_jobs[:SHOWN], *done[:DONE_SHOWN])]


def job_row(job: Job) -> JobRow:
    kind = KINDS.get(job.kind)
    return {
        "id": str(job.pk),
        "kind": job.kind,
        "title": kind.title if kind else job.kind,
        "state": job.state,
        "tries": job.tries,
        "most_tries": MOST_TRIES,
        "asked_by": job.asked_by,
        "due_at": job.due_at.isoformat(),
        "started_at": _text(job.started_at),
        "finished_at": _text(job.finished_at),
        "said": job.error or job.result,
        "may_run": job.state != Job.State.RUNNING,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
