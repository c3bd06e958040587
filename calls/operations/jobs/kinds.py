"""Every kind of job. Each may be carried out twice and comes to the same end; what it returns is shown to people."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.files.storage import default_storage
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from calls.models import CallEvent, Clip, Injection, Job, UsedMediaToken
from calls.services import audit

# Azure repeats an event for 24 h at most; twice that, and its id may be forgotten.
EVENT_IDS_KEPT: Final = timedelta(hours=48)
# A file whose row is not written yet is no orphan.
UPLOAD_LIFE: Final = timedelta(days=1)
JOBS_KEPT: Final = timedelta(days=7)
FAILED_JOBS_KEPT: Final = timedelta(days=30)
SOUND_FOLDERS: Final = ("clips", "injections")


class JobFault(Exception):  # noqa: N818 (said of the portal's state, not of the program)
    """The job did its work and found something wrong; the message is what a person reads."""


@dataclass(frozen=True, slots=True)
class JobKind:
    """`work` takes the job's args and returns a sentence; `lease` is how long it may take before it counts as lost.
    After `tries` it has failed for good; between two of them it rests for `longest_pause` at most."""

    title: str
    work: Callable[..., str]
    every: timedelta | None = None
    lease: timedelta = timedelta(minutes=15)
    tries: int = 5
    longest_pause: timedelta = timedelta(hours=1)


def forget_tokens() -> str:
    gone, _ = UsedMediaToken.objects.filter(expires_at__lt=timezone.now()).delete()
    return f"{gone} forgotten"


def forget_sessions() -> str:
    gone, _ = Session.objects.filter(expire_date__lt=timezone.now()).delete()
    return f"{gone} forgotten"


def forget_events() -> str:
    """Events of Event Grid that belong to no call: kept only so that a repetition is known."""
    over = CallEvent.objects.filter(source=CallEvent.Source.EVENT_GRID, call=None, waiting=False)
    gone, _ = over.filter(received_at__lt=timezone.now() - EVENT_IDS_KEPT).delete()
    return f"{gone} forgotten"


def delete_old_sounds() -> str:
    """Sounds that were uploaded to be played once, and files that no row knows."""
    limit = timezone.now() - timedelta(days=settings.STREAM_SOUND_KEEP_DAYS)
    old = Injection.objects.filter(state__in=Injection.OVER, queued_at__lt=limit).exclude(file="")
    played = 0
    for injection in old.only("file").iterator():
        name = str(injection.file.name)
        injection.file.storage.delete(name)
        played += Injection.objects.filter(pk=injection.pk, file=name).update(file="")
    orphans = 0
    for name in _orphans():
        default_storage.delete(name)
        orphans += 1
    return f"{played} played and {orphans} orphaned files deleted"


def _orphans() -> Iterator[str]:
    known = {*Injection.objects.exclude(file="").values_list("file", flat=True), *_clip_files()}
    youngest = timezone.now() - UPLOAD_LIFE
    for folder in SOUND_FOLDERS:
        try:
            _, names = default_storage.listdir(folder)
        except FileNotFoundError:
            continue
        for name in (f"{folder}/{each}" for each in names):
            if name not in known and default_storage.get_modified_time(name) < youngest:
                yield name


def _clip_files() -> Iterator[str]:
    yield from Clip.objects.values_list("audio", flat=True)


def forget_jobs() -> str:
    """Jobs that are done, and what failed a month ago; the worker's own table with them."""
    now = timezone.now()
    done = Job.objects.filter(state=Job.State.DONE, finished_at__lt=now - JOBS_KEPT)
    failed = Job.objects.filter(state=Job.State.FAILED, finished_at__lt=now - FAILED_JOBS_KEPT)
    gone = done.delete()[0] + failed.delete()[0]
    # Named one by one: our column is a text and the worker's a UUID, which PostgreSQL does not compare.
    waiting = [UUID(each) for each in Job.objects.exclude(state__in=Job.OVER).values_list("task_id", flat=True) if each]
    DBTaskResult.objects.finished().filter(finished_at__lt=now - JOBS_KEPT).exclude(pk__in=waiting).delete()
    return f"{gone} forgotten"


def verify_audit() -> str:
    """Reads the audit's whole chain; fails with the first entries that do not fit."""
    broken = list(islice(audit.faults(), 3))
    if broken:
        raise JobFault(" ".join(each.sentence for each in broken))
    return "the chain is whole"


def register(name: str, kind: JobKind) -> None:
    """Adds a kind that another room knows how to do; at its import, wherever jobs are enqueued or carried out."""
    KINDS[name] = kind


KINDS: Final[dict[str, JobKind]] = {
    "forget_tokens": JobKind("Forget spent media tokens", forget_tokens, timedelta(hours=1)),
    "forget_events": JobKind("Forget Event Grid's old event ids", forget_events, timedelta(hours=1)),
    "forget_sessions": JobKind("Forget sessions that are over", forget_sessions, timedelta(days=1)),
    "delete_old_sounds": JobKind("Delete old sound files", delete_old_sounds, timedelta(days=1)),
    "verify_audit": JobKind("Verify the audit", verify_audit, timedelta(days=1), timedelta(hours=1)),
    "forget_jobs": JobKind("Forget old jobs", forget_jobs, timedelta(days=1)),
}
