"""How a job is carried out: at least once, tried again with growing pauses, given back when its worker dies.

django-tasks knows neither tries nor a worker that was killed, so each job has a row of its own (models.Job); the
worker's table only says when it is due. One writer: whoever moves a job on does so only from the state it has read.
"""

import logging
import random
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django_tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult
from structlog.contextvars import bound_contextvars

from calls.models import Job
from calls.operations.jobs.kinds import KINDS, JobKind

log = logging.getLogger(__name__)

# Of a job that another version of the portal knew.
NO_KIND: Final = JobKind("unknown here", str, lease=timedelta(minutes=1))
MOST_TRIES: Final = NO_KIND.tries
FIRST_PAUSE_S: Final = 30.0
PAUSE_GROWS: Final = 4.0
MOST_STEPS: Final = 12
JITTER: Final = 0.25
# A job that should have begun so long ago, and that the worker's table does not hold, was lost on its way there.
LOST: Final = timedelta(seconds=30)
LOST_WITH_WORKER: Final = "The worker was gone in the middle of the job."


def pause_s(tries: int, longest: timedelta = timedelta(hours=1)) -> float:
    """How long the next try waits: 30 s, 2 min, 8 min, 32 min, an hour, each give or take a quarter."""
    spread = 1 + random.uniform(-JITTER, JITTER)  # noqa: S311 (no secret: so that not all come back at once)
    return min(FIRST_PAUSE_S * PAUSE_GROWS ** min(tries - 1, MOST_STEPS), longest.total_seconds()) * spread


def kind_of(job: Job) -> JobKind:
    return KINDS.get(job.kind, NO_KIND)


def enqueue(kind: str, *, asked_by: str = "", period: str | None = None, **args: str | int) -> Job:
    """A job to be done as soon as a worker is free; `args` hold ids only."""
    with transaction.atomic():
        job = Job.objects.create(kind=kind, period=period, args=args, asked_by=asked_by)
        hand_to_worker(job)
    return job


def hand_to_worker(job: Job) -> None:
    """Puts the job into the worker's table, for its `due_at`. Inside a transaction."""
    result = perform.using(run_after=job.due_at).enqueue(str(job.pk))
    job.task_id = str(result.id)
    Job.objects.filter(pk=job.pk).update(task_id=job.task_id)


@task()
def perform(job_id: str) -> str:
    """Carries out one job. Told twice, it does it once; a failure is raised again for the worker's own table."""
    job = _claim(UUID(job_id))
    if job is None:
        return "not waiting"
    with bound_contextvars(job=job_id, job_kind=job.kind):
        try:
            said = KINDS[job.kind].work(**job.args)
        except Exception as error:
            log.exception("job %s failed (%s, try %d of %d)", job_id, job.kind, job.tries, kind_of(job).tries)
            _try_again(job, _last_line(error))
            raise
        _still_ours(job).update(
            state=Job.State.DONE, finished_at=timezone.now(), lease_until=None, result=said[:200], error=""
        )
        log.info("job %s is done (%s): %s", job_id, job.kind, said)
    return said


def _claim(job_id: UUID) -> Job | None:
    now = timezone.now()
    found = Job.objects.filter(pk=job_id).first()
    if found is None:
        return None
    lease = kind_of(found).lease
    claimed = Job.objects.filter(pk=job_id, state=Job.State.WAITING, due_at__lte=now + timedelta(seconds=1)).update(
        state=Job.State.RUNNING, started_at=now, finished_at=None, lease_until=now + lease, tries=F("tries") + 1
    )
    return Job.objects.get(pk=job_id) if claimed else None


def _still_ours(job: Job) -> "QuerySet[Job]":
    """The job's row, unless it was taken for lost meanwhile."""
    return Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, tries=job.tries)


def _last_line(error: Exception) -> str:
    """What a person reads of it: the error's last line, with its kind unless it is a sentence for people."""
    said = str(error).strip().splitlines()
    return (said[-1] if said else type(error).__name__)[:300]


def _try_again(job: Job, error: str) -> bool:
    """After a failure: the job waits for its next try, or has failed for good. False if it is no longer ours."""
    now = timezone.now()
    with transaction.atomic():
        if job.tries >= kind_of(job).tries:
            return bool(_still_ours(job).update(state=Job.State.FAILED, finished_at=now, lease_until=None, error=error))
        job.due_at = now + timedelta(seconds=pause_s(job.tries, kind_of(job).longest_pause))
        waits = {"state": Job.State.WAITING, "due_at": job.due_at, "lease_until": None, "error": error}
        if not _still_ours(job).update(**waits):
            return False
        hand_to_worker(job)
    return True


def look_after_jobs() -> None:
    """With the sweep: what recurs falls due, and what was lost is given to a worker again. In every process."""
    now = timezone.now()
    _schedule(now)
    _take_back(now)
    _hand_over_again(now)


def _schedule(now: datetime) -> None:
    """One row per kind and period, whoever is first. Nothing piles up while no worker is there."""
    for name, kind in KINDS.items():
        if kind.every is None:
            continue
        period = str(int(now.timestamp() // kind.every.total_seconds()))
        if _scheduled.get(name) == period:
            continue
        known = Job.objects.filter(kind=name)
        if not known.filter(period=period).exists() and not known.filter(state=Job.State.WAITING).exists():
            with transaction.atomic():
                job, created = Job.objects.get_or_create(kind=name, period=period)
                if created:
                    hand_to_worker(job)
        _scheduled[name] = period


_scheduled: Final[dict[str, str]] = {}


def _take_back(now: datetime) -> None:
    """A worker that was killed leaves its job running for ever."""
    for job in Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now):
        if _try_again(job, LOST_WITH_WORKER):
            log.warning("job %s was lost with its worker (%s, try %d)", job.pk, job.kind, job.tries)


def _hand_over_again(now: datetime) -> None:
    """A job whose row in the worker's table is gone, or was taken by a worker that died before it began.

    Two queries however many wait: while no worker is there, every recorded call leaves a job.
    """
    late = list(Job.objects.filter(state=Job.State.WAITING, due_at__lt=now - LOST))
    if not late:
        return
    # Compared here: our column is a text and the worker's a UUID.
    held = {
        str(each) for each in DBTaskResult.objects.filter(status=TaskResultStatus.READY).values_list("pk", flat=True)
    }
    for job in late:
        if job.task_id in held:
            continue
        with transaction.atomic():
            if Job.objects.filter(pk=job.pk, state=Job.State.WAITING, task_id=job.task_id).update(due_at=now):
                job.due_at = now
                hand_to_worker(job)
